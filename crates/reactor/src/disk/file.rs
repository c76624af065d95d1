//! Open files and folders, and what the kernel tells of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, Stat, fstat};

use super::calls;

/// An open file, or a folder opened as one. Clones share it; the last one closes it.
#[derive(Clone, Debug)]
pub struct File(pub(super) Arc<OwnedFd>);

/// A folder that paths are opened beneath.
///
/// No path leads out of it: not by `..`, not from `/`, not by a symbolic link however it is changed
/// meanwhile. The kernel sees to that while it walks (openat2(2), `RESOLVE_BENEATH`). Links that
/// stay inside are followed. Where the kernel lacks the call, each part of the path is opened by
/// itself and no link is followed.
#[derive(Clone, Debug)]
pub struct Folder(pub(super) Arc<OwnedFd>);

/// What a file is opened for. Only regular files and folders are worth opening: others open without
/// waiting, and [`Metadata::kind`] tells what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// To read a file, or to list a folder.
    Read,
    /// To ask what it is, and nothing else: that needs no right to read it.
    Look,
    /// To write somewhere in a file, which is made if there is none.
    Write,
    /// To write a file anew: what was in it is gone.
    Replace,
    /// To write behind the end of a file, which is made if there is none.
    Append,
}

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A device, a pipe, a socket, or a link that was not followed.
    Other,
}

/// What the kernel tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Bytes in it.
    pub len: u64,
    /// When its bytes were last changed. Before 1970 counts as 1970.
    pub modified: SystemTime,
    /// Tells it from every other file, and from itself before a change.
    pub identity: Identity,
}

/// Two equal identities are one file with the same bytes, unless it was changed twice within one
/// tick of the file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    /// Seconds and nanoseconds.
    modified: (i64, u64),
    changed: (i64, u64),
}

impl Folder {
    /// Opens it, waiting for the disk: for start-up.
    ///
    /// # Errors
    /// Those of open(2): [`io::ErrorKind::NotADirectory`] when it is something else.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        calls::open_folder(path.as_ref())
    }
}

impl File {
    /// Asks what it is now. Never waits: an open file's metadata are in memory.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::of(&fstat(&self.0)?))
    }
}

impl From<OwnedFd> for File {
    fn from(descriptor: OwnedFd) -> Self {
        Self(Arc::new(descriptor))
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Metadata {
    #[expect(
        clippy::unnecessary_cast,
        trivial_numeric_casts,
        reason = "the fields' types differ between systems"
    )]
    pub(super) fn of(stat: &Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode as _) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            _ => Kind::Other,
        };
        let len = u64::try_from(stat.st_size).unwrap_or(0);
        let modified = (stat.st_mtime as i64, stat.st_mtime_nsec as u64);
        let since_1970 = u64::try_from(modified.0).map_or(Duration::ZERO, |seconds| {
            Duration::from_secs(seconds) + Duration::from_nanos(modified.1)
        });
        let identity = Identity {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            len,
            modified,
            changed: (stat.st_ctime as i64, stat.st_ctime_nsec as u64),
        };
        let modified = SystemTime::UNIX_EPOCH.checked_add(since_1970);
        Self { kind, len, modified: modified.unwrap_or(SystemTime::UNIX_EPOCH), identity }
    }
}

impl Identity {
    /// A number for it, as good as unique among the versions of one file.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let words = [self.inode, self.len, self.modified.0.unsigned_abs(), self.modified.1];
        words.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, word| {
            (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
        })
    }
}
