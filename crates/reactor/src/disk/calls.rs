//! The system calls on files: those that never wait, and those that may.

use std::ffi::CStr;
use std::io;
#[cfg(target_os = "linux")]
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::path::walk;
use super::{Access, File, Folder};

pub(super) fn open_folder(path: &Path) -> io::Result<Folder> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Folder(openat(CWD, path, flags, Mode::empty())?.into()))
}

#[cfg(target_os = "linux")]
pub(super) fn read_now(file: &File, at: u64, room: &mut [u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};
    check_position(at)?;
    let room = &mut [IoSliceMut::new(room)];
    preadv2(file, room, at, ReadWriteFlags::NOWAIT).map_err(not_now)
}

#[cfg(target_os = "linux")]
pub(super) fn write_now(file: &File, at: Option<u64>, bytes: &[u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, pwritev2};
    // Without an offset the file was opened to append, whatever offset is named.
    let (at, bytes) = (at.unwrap_or(0), &[IoSlice::new(bytes)]);
    check_position(at)?;
    pwritev2(file, bytes, at, ReadWriteFlags::NOWAIT).map_err(not_now)
}

#[cfg(target_os = "linux")]
pub(super) fn open_now(folder: &Folder, path: &CStr, access: Access) -> io::Result<File> {
    // Making a file waits for the disk; and `RESOLVE_CACHED` refuses it anyway.
    if !matches!(access, Access::Read | Access::Look) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    open_beneath(folder, path, access, rustix::fs::ResolveFlags::CACHED).map_err(
        |error| match error.kind() {
            io::ErrorKind::Interrupted => io::ErrorKind::WouldBlock.into(),
            _ => not_now(error),
        },
    )
}

/// Refuses what no file reaches. The largest number would mean the file's own position, to these
/// calls and to io_uring.
pub(super) fn check_position(at: u64) -> io::Result<()> {
    i64::try_from(at).map(drop).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// What a file system or a kernel that knows no such flag says, means the same as `EAGAIN`.
#[cfg(target_os = "linux")]
fn not_now(error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    match error.raw_os_error() {
        Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL | libc::EPERM) => {
            io::ErrorKind::WouldBlock.into()
        }
        _ => error,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn read_now(_: &File, _: u64, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn write_now(_: &File, _: Option<u64>, _: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::WouldBlock.into())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_now(_: &Folder, _: &CStr, _: Access) -> io::Result<File> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// Reads, waiting for the disk.
pub(crate) fn read(file: &File, at: u64, room: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::pread(file, room, at)?)
}

/// Writes, waiting for the disk.
pub(crate) fn write(file: &File, at: Option<u64>, bytes: &[u8]) -> io::Result<usize> {
    Ok(match at {
        Some(at) => rustix::io::pwrite(file, bytes, at)?,
        None => rustix::io::write(file, bytes)?,
    })
}

/// Opens, waiting for the disk.
pub(super) fn open(folder: &Folder, path: &CStr, access: Access) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    match open_beneath(folder, path, access, rustix::fs::ResolveFlags::empty()) {
        Err(error) if is_refused(&error) => {}
        opened => return opened,
    }
    walk(folder, path, open_flags(access))
}

#[cfg(target_os = "linux")]
fn open_beneath(
    folder: &Folder,
    path: &CStr,
    access: Access,
    further: rustix::fs::ResolveFlags,
) -> io::Result<File> {
    let resolve = resolve_flags() | further;
    let (flags, mode) = (open_flags(access), open_mode(access));
    Ok(File::from(rustix::fs::openat2(folder, path, flags, mode, resolve)?))
}

/// No link leads out, nor through a process's descriptors.
#[cfg(target_os = "linux")]
pub(super) const fn resolve_flags() -> rustix::fs::ResolveFlags {
    rustix::fs::ResolveFlags::BENEATH.union(rustix::fs::ResolveFlags::NO_MAGICLINKS)
}

/// `O_NONBLOCK` keeps a pipe or a device from waiting for its other end; on regular files it says
/// nothing.
pub(super) const fn open_flags(access: Access) -> OFlags {
    if matches!(access, Access::Look) {
        return OFlags::CLOEXEC.union(PATH_ONLY);
    }
    let common = OFlags::CLOEXEC.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
    let own = match access {
        Access::Read | Access::Look => OFlags::RDONLY,
        Access::Write => OFlags::WRONLY.union(OFlags::CREATE),
        Access::Replace => OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::TRUNC),
        Access::Append => OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::APPEND),
    };
    common.union(own)
}

#[cfg(target_os = "linux")]
const PATH_ONLY: OFlags = OFlags::PATH;
/// Elsewhere looking is reading.
#[cfg(not(target_os = "linux"))]
const PATH_ONLY: OFlags = OFlags::NONBLOCK;

/// openat2(2) refuses a mode where no file is made.
pub(super) const fn open_mode(access: Access) -> Mode {
    match access {
        Access::Read | Access::Look => Mode::empty(),
        _ => NEW_FILE,
    }
}

/// For a new file: all that the process's umask leaves of reading and writing.
pub(super) const NEW_FILE: Mode = Mode::from_raw_mode(0o666);

/// Whether the call itself is refused: an old kernel, or a container that filters it.
#[cfg(target_os = "linux")]
fn is_refused(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}

#[cfg(target_os = "linux")]
pub(super) fn probe_beneath() -> io::Result<()> {
    let folder = open_folder(Path::new("/"))?;
    open_beneath(&folder, c".", Access::Read, rustix::fs::ResolveFlags::empty()).map(drop)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn probe_beneath() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
pub(crate) fn send_file(
    socket: impl std::os::fd::AsFd,
    file: &File,
    at: u64,
    len: usize,
) -> io::Result<usize> {
    let mut at = at;
    Ok(rustix::fs::sendfile(socket, file, Some(&mut at), len)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn send_file(
    _: impl std::os::fd::AsFd,
    _: &File,
    _: u64,
    _: usize,
) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// One part of a path, by itself.
pub(super) fn open_part(folder: &OwnedFd, part: &CStr, flags: OFlags) -> io::Result<OwnedFd> {
    Ok(openat(folder, part, flags | OFlags::NOFOLLOW, NEW_FILE)?)
}
