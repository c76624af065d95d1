//! Files without waiting: what is in memory is had at once, the rest comes as an event.
//!
//! ```text
//!   read_now ── bytes are in memory ──▶ done, no switch of threads
//!      │ WouldBlock
//!   start ──▶ io_uring, or one helper thread where that is refused ──▶ Event::Wake ──▶ turn
//! ```
//!
//! A [`Disk`] belongs to one worker, as its driver does, from whom it comes. Work that waits owns
//! its [`Buffer`], so that whoever asked may go away meanwhile. Files are read, never mapped: a
//! file that shrinks under a mapping would kill the process.

mod buffer;
mod calls;
mod config;
mod file;
mod helper;
mod kernel;
mod listing;
mod path;
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "lends owned buffers to the kernel; see docs/decisions/0022-disk-by-memory-io-uring-or-a-helper.md"
)]
mod uring;
mod work;

use std::ffi::CStr;
use std::fmt;
use std::io;

pub use buffer::{Buffer, HeapBuffer};
pub use config::{Backend, DiskConfig, Support};
pub use file::{Access, File, Folder, Identity, Kind, Metadata};
pub use listing::Entry;
pub use work::{Done, Finished, Work};

pub(crate) use calls::{read as read_from, send_file, write as write_to};
pub(crate) use kernel::KernelDisk;
pub(crate) use work::perform;

use crate::Token;

/// What a worker asks of its files. Every call returns without waiting for a disk.
pub trait Disk: fmt::Debug {
    /// Reads from byte `at` on what is in memory already. `Ok(0)` is the end of the file, unless
    /// `room` is empty; fewer bytes than fit mean nothing.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the disk must be asked: [`start`](Self::start) then.
    fn read_now(&self, file: &File, at: u64, room: &mut [u8]) -> io::Result<usize>;

    /// Writes at byte `at`, or behind the end when there is none, what can be taken without
    /// waiting. The count may be short.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when it cannot: [`start`](Self::start) then.
    fn write_now(&self, file: &File, at: Option<u64>, bytes: &[u8]) -> io::Result<usize>;

    /// Opens `path` beneath `folder` when all that it takes is in memory. A path, or a link on its
    /// way, that leads out of the folder is refused; see [`Folder`].
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the disk must be asked: [`start`](Self::start) then.
    /// Otherwise those of openat2(2).
    fn open_now(&self, folder: &Folder, path: &CStr, access: Access) -> io::Result<File>;

    /// Begins work that may take its time, by the next [`turn`](Self::turn). It comes back from a
    /// later one, under `token`, whether it succeeded or not, once.
    fn start(&self, token: Token, work: Work);

    /// Drops work that was started and has not begun, and returns whether it did. What has begun
    /// comes back nevertheless.
    fn forget(&self, token: Token) -> bool;

    /// Hands on what was started and appends what is finished. Called once per turn of the worker
    /// while any work is open; a finished one ends the driver's poll with
    /// [`Event::Wake`](crate::Event::Wake). Returns whether it wants to be called again at once.
    fn turn(&self, finished: &mut Vec<Finished>) -> bool;

    /// Whether [`Driver::send_file`](crate::Driver::send_file) works here.
    fn sends_files(&self) -> bool;
}

/// What the kernel offers here, asked afresh: for start-up, and for people to read.
#[must_use]
pub fn probe() -> Support {
    // On a thread of its own: the end of a ring interrupts calls of the thread that made it, with
    // `EINTR`, some time later.
    let uring = std::thread::spawn(kernel::probe_uring).join();
    let uring = uring.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    Support { uring, beneath: calls::probe_beneath() }
}
