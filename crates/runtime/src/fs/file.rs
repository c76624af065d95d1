//! An open file, and what futures do with it.

use std::ffi::CString;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use waterwheel_reactor::disk::{
    self, Access, Buffer, Done, Entry, Folder, HeapBuffer, Metadata, Work,
};
use waterwheel_ring::Lease;

use super::Bytes;
use super::buffer::RunBuffer;
use super::operation::Operation;
use crate::task::Local;

/// An open file. Clones share it.
#[derive(Clone)]
pub struct File(pub(super) disk::File);

/// Opens `path` beneath `folder`; no path and no link leads out of it: see [`Folder`].
///
/// # Errors
/// Those of openat2(2): `EXDEV` for a way out, [`ErrorKind::InvalidInput`] for a NUL in the path.
pub async fn open(folder: &Folder, path: impl Into<Vec<u8>>, access: Access) -> io::Result<File> {
    let path = CString::new(path).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    let local = Local::current();
    local.budget_left().await;
    local.budget().charge(0);
    match local.files().disk().open_now(folder, &path, access) {
        Err(error) if is_not_now(&error) => {}
        opened => return opened.map(File),
    }
    let work = Work::Open { folder: folder.clone(), path, access };
    match Operation::new(&local, work).await? {
        Done::Opened(file) => Ok(File(file)),
        _ => Err(mixed_up()),
    }
}

impl File {
    /// What it is now. Never waits.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// Whether the bytes from `at` on can be had without waiting, as far as their ends tell.
    #[must_use]
    pub fn is_in_memory(&self, at: u64, len: u64) -> bool {
        let local = Local::current();
        let is_there = |at| {
            let read = local.files().disk().read_now(&self.0, at, &mut [0]);
            read.is_ok()
        };
        is_there(at) && (len <= PAGE_LEN || is_there(at + len - 1))
    }

    /// Reads bytes from `at` on and adds them behind the payload of `lease`: `len` of them, or as
    /// many as its tailroom takes, or fewer when the file ends before.
    ///
    /// # Errors
    /// Those of pread(2). The lease is gone then.
    pub async fn read_at(&self, at: u64, len: usize, mut lease: Lease) -> io::Result<Lease> {
        let local = Local::current();
        let ring = lease.ring();
        let mut at = at;
        let mut left = len.min(lease.tailroom());
        while left > 0 {
            local.budget_left().await;
            let read_now = |room: &mut [u8]| {
                let room = &mut room[..left];
                local.files().disk().read_now(&self.0, at, room)
            };
            let count = match lease.append_with(read_now) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_not_now(&error) => {
                    let before = lease.len();
                    let work = self.read_later(at, left, lease)?;
                    lease = match Operation::new(&local, work).await {
                        Ok(Done::Read(_, buffer)) => {
                            match buffer.into_any().downcast::<RunBuffer>() {
                                Ok(run) => run.come_home(&ring),
                                Err(_) => return Err(mixed_up()),
                            }
                        }
                        Ok(_) => return Err(mixed_up()),
                        Err(error) => return Err(error),
                    };
                    lease.len() - before
                }
                count => {
                    let count = count?;
                    local.budget().charge(count);
                    count
                }
            };
            if count == 0 {
                break;
            }
            left -= count;
            at += count as u64;
        }
        Ok(lease)
    }

    fn read_later(&self, at: u64, len: usize, lease: Lease) -> io::Result<Work> {
        let lease = match lease.into_remote() {
            Ok(lease) => lease,
            // It shares a segment with another lease: only a run of its own can travel.
            Err(mut lease) => {
                let target = lease.ring().reserve_bytes(lease.len() + len);
                let target = target.map_err(|_| io::Error::from(ErrorKind::OutOfMemory))?;
                lease.relocate(target).map_err(|_| mixed_up())?;
                lease.into_remote().map_err(|_| mixed_up())?
            }
        };
        let buffer = Box::new(RunBuffer::new(lease, len));
        Ok(Work::Read { file: self.0.clone(), at, buffer })
    }

    /// Reads on into a buffer on the heap. False at the end of the file.
    pub(super) async fn read_more(&self, buffer: &mut HeapBuffer) -> io::Result<bool> {
        let local = Local::current();
        local.budget_left().await;
        let at = buffer.len() as u64;
        let read = local.files().disk().read_now(&self.0, at, buffer.room());
        match read {
            Err(error) if is_not_now(&error) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            count => {
                let count = count?;
                local.budget().charge(count);
                buffer.commit(count);
                return Ok(count > 0);
            }
        }
        let lent = Box::new(std::mem::take(buffer));
        let work = Work::Read { file: self.0.clone(), at, buffer: lent };
        match Operation::new(&local, work).await? {
            Done::Read(count, back) => {
                *buffer = *back.into_any().downcast().map_err(|_| mixed_up())?;
                Ok(count > 0)
            }
            _ => Err(mixed_up()),
        }
    }

    /// Writes all bytes at `at`. What lies there is overwritten, and the file grows as needed.
    ///
    /// Dropped meanwhile, some of them may have been written.
    ///
    /// # Errors
    /// Those of pwrite(2): `ENOSPC`, `EDQUOT`, `EIO` … Some bytes may have been written.
    pub fn write_at(
        &self,
        at: u64,
        bytes: impl Into<Bytes>,
    ) -> impl Future<Output = io::Result<()>> {
        self.clone().write(Some(at), bytes.into())
    }

    /// Writes all bytes behind the end of a file that was opened to [append](Access::Append). What
    /// others append meanwhile may come between only when the disk takes them in parts.
    ///
    /// # Errors
    /// As [`write_at`](Self::write_at).
    pub fn append(&self, bytes: impl Into<Bytes>) -> impl Future<Output = io::Result<()>> {
        self.clone().write(None, bytes.into())
    }

    async fn write(self, at: Option<u64>, bytes: Bytes) -> io::Result<()> {
        let local = Local::current();
        let len = bytes.as_slice().len();
        let mut from = 0;
        while from < len {
            local.budget_left().await;
            let rest = &bytes.as_slice()[from..];
            match local.files().disk().write_now(&self.0, at.map(|at| at + from as u64), rest) {
                Err(error) if is_not_now(&error) => {
                    return self.write_later(&local, at, from, len, bytes).await;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                count => {
                    let count = count?;
                    local.budget().charge(count);
                    from += count;
                }
            }
        }
        Ok(())
    }

    async fn write_later(
        &self,
        local: &Rc<Local>,
        at: Option<u64>,
        mut from: usize,
        len: usize,
        bytes: Bytes,
    ) -> io::Result<()> {
        let mut buffer = bytes.into_buffer();
        while from < len {
            let at = at.map(|at| at + from as u64);
            let work = Work::Write { file: self.0.clone(), at, buffer, from };
            match Operation::new(local, work).await? {
                Done::Written(0, _) => return Err(ErrorKind::WriteZero.into()),
                Done::Written(count, back) => {
                    from += count;
                    buffer = back;
                }
                _ => return Err(mixed_up()),
            }
        }
        Ok(())
    }

    /// Lists at most `count_max` things in a folder, in no order.
    ///
    /// # Errors
    /// Those of getdents(2): [`ErrorKind::NotADirectory`] for anything else.
    pub async fn list(&self, count_max: usize) -> io::Result<Vec<Entry>> {
        let local = Local::current();
        let work = Work::List { folder: self.0.clone(), count_max };
        match Operation::new(&local, work).await? {
            Done::Listed(entries) => Ok(entries),
            _ => Err(mixed_up()),
        }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("File").field(&self.0).finish()
    }
}

fn is_not_now(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

/// A disk that answers something else than it was asked: a fault of ours, told to one request.
#[cold]
fn mixed_up() -> io::Error {
    io::Error::other("the disk answered another question")
}

/// Bytes that are in memory together or not at all.
const PAGE_LEN: u64 = 4096;
