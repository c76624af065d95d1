//! What a disk is asked for, and what comes of it.

use std::ffi::CString;
use std::fmt;
use std::io;

use super::{Access, Buffer, Entry, File, Folder, calls, listing};
use crate::Token;

/// Something that may wait for the disk. It owns all that it needs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Work {
    /// Read from byte `at` on into the buffer's room. Once: the count may be short.
    Read {
        /// Open to read.
        file: File,
        /// The first byte.
        at: u64,
        /// Its room.
        buffer: Box<dyn Buffer>,
    },
    /// Write the buffer's payload from byte `from` on. Once: the count may be short.
    Write {
        /// Open to write.
        file: File,
        /// Where to, or behind the end of a file that is open to append.
        at: Option<u64>,
        /// Its payload.
        buffer: Box<dyn Buffer>,
        /// How much of the payload has been written before.
        from: usize,
    },
    /// Open a path beneath a folder.
    Open {
        /// The folder.
        folder: Folder,
        /// The path.
        path: CString,
        /// What for.
        access: Access,
    },
    /// List a folder. Always the helper's: io_uring has no such call.
    List {
        /// The folder, open to read.
        folder: File,
        /// Most entries.
        count_max: usize,
    },
}

/// What came of work that succeeded.
#[derive(Debug)]
#[non_exhaustive]
pub enum Done {
    /// So many bytes were read, and are in the payload; 0 is the end of the file.
    Read(usize, Box<dyn Buffer>),
    /// So many bytes were written.
    Written(usize, Box<dyn Buffer>),
    /// It is open.
    Opened(File),
    /// What is in the folder.
    Listed(Vec<Entry>),
}

/// Work that has come back.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is a token and a result")]
pub struct Finished {
    /// As given to [`Disk::start`](super::Disk::start).
    pub token: Token,
    /// What came of it. With an error its buffer is gone.
    pub result: io::Result<Done>,
}

/// Does the work on the spot, waiting for the disk. Moves at most `len_max` bytes.
pub(crate) fn perform(work: Work, len_max: usize) -> io::Result<Done> {
    match work {
        Work::Read { file, at, mut buffer } => {
            let read = retry(|| calls::read(&file, at, up_to(buffer.room(), len_max)));
            read_done(read, buffer)
        }
        Work::Write { file, at, buffer, from } => {
            let bytes = &buffer.payload()[from..];
            let bytes = &bytes[..bytes.len().min(len_max)];
            let written = retry(|| calls::write(&file, at, bytes))?;
            Ok(Done::Written(written, buffer))
        }
        Work::Open { folder, path, access } => {
            retry(|| calls::open(&folder, &path, access)).map(Done::Opened)
        }
        Work::List { folder, count_max } => listing::list(&folder, count_max).map(Done::Listed),
    }
}

/// What a read has come to. What a failed one may have left in the room is nobody's to see.
pub(super) fn read_done(read: io::Result<usize>, mut buffer: Box<dyn Buffer>) -> io::Result<Done> {
    match read {
        Ok(len) => {
            buffer.commit(len);
            Ok(Done::Read(len, buffer))
        }
        Err(error) => {
            buffer.room().fill(0);
            Err(error)
        }
    }
}

fn up_to(room: &mut [u8], len_max: usize) -> &mut [u8] {
    let len = room.len().min(len_max);
    &mut room[..len]
}

fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

impl Work {
    /// The first byte that is asked for.
    pub(super) fn position(&self) -> u64 {
        match self {
            Self::Read { at, .. } => *at,
            Self::Write { at, .. } => at.unwrap_or(0),
            Self::Open { .. } | Self::List { .. } => 0,
        }
    }

    /// Whether only the helper has a call for it.
    pub(super) fn is_for_helper(&self) -> bool {
        matches!(self, Self::List { .. })
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Open { .. } => "open",
            Self::List { .. } => "list",
        })
    }
}
