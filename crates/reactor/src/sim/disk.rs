//! The machine's files as a world shows them: now or later, whole or in part, or not at all.

use std::cell::RefCell;
use std::ffi::CStr;
use std::fmt;
use std::io::{self, IoSlice};
use std::rc::Rc;

use super::Fault;
use super::schedule::Action;
use super::state::{State, worker_id};
use super::trace::Step;
use crate::Token;
use crate::disk::{
    Access, Disk, Done, File, Finished, Folder, HeapBuffer, Work, perform, read_from, write_to,
};

/// One worker's disk.
pub(super) struct SimDisk {
    state: Rc<RefCell<State>>,
    worker: usize,
}

impl SimDisk {
    pub(super) const fn new(state: Rc<RefCell<State>>, worker: usize) -> Self {
        Self { state, worker }
    }
}

impl Disk for SimDisk {
    fn read_now(&self, file: &File, at: u64, room: &mut [u8]) -> io::Result<usize> {
        let len = self.state.borrow_mut().length_now(room.len())?;
        read_from(file, at, &mut room[..len])
    }

    fn write_now(&self, file: &File, at: Option<u64>, bytes: &[u8]) -> io::Result<usize> {
        let len = self.state.borrow_mut().length_now(bytes.len())?;
        write_to(file, at, &bytes[..len])
    }

    fn open_now(&self, folder: &Folder, path: &CStr, access: Access) -> io::Result<File> {
        self.state.borrow_mut().length_now(0)?;
        let (folder, path) = (folder.clone(), path.to_owned());
        match perform(Work::Open { folder, path, access }, usize::MAX)? {
            Done::Opened(file) => Ok(file),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn start(&self, token: Token, work: Work) {
        self.state.borrow_mut().start_work(self.worker, token, work);
    }

    /// What was started has begun.
    fn forget(&self, _: Token) -> bool {
        false
    }

    fn turn(&self, finished: &mut Vec<Finished>) -> bool {
        finished.append(&mut self.state.borrow_mut().ports[self.worker].files_done);
        false
    }

    fn sends_files(&self) -> bool {
        true
    }
}

impl State {
    /// How many of `len` bytes are moved at once, if any are.
    fn length_now(&mut self, len: usize) -> io::Result<usize> {
        if self.chance.strikes(Fault::ColdFile) {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        }
        Ok(self.shorten(len))
    }

    fn shorten(&mut self, len: usize) -> usize {
        let is_short = len > 1 && self.chance.strikes(Fault::ShortFile);
        if is_short { self.chance.fewer_than(len) } else { len }
    }

    fn start_work(&mut self, worker: usize, token: Token, work: Work) {
        let (len, errors) = match &work {
            Work::Read { buffer: _, .. } => (READ_LEN, READ_ERRORS),
            Work::Write { buffer, from, .. } => (buffer.payload().len() - from, WRITE_ERRORS),
            _ => (0, OPEN_ERRORS),
        };
        let result = if self.chance.strikes(Fault::FileError) {
            Err(io::Error::from_raw_os_error(self.chance.pick(errors)))
        } else {
            let len_max = match self.shorten(len) {
                whole if whole == len => usize::MAX,
                part => part,
            };
            perform(work, len_max)
        };
        self.trace.step(Step::FileWork, worker_id(worker), u64::from(result.is_ok()));
        let delay = self.chance.duration_to(self.chance.faults.delay_max);
        let finished = Finished { token, result };
        self.schedule.plan(self.now.saturating_add(delay), Action::FileWork(worker, finished));
    }

    /// Sends from a file as the kernel would: no more at a time than a pipe holds.
    pub(super) fn send_file(
        &mut self,
        id: Token,
        file: &File,
        at: u64,
        len: usize,
    ) -> io::Result<usize> {
        let buffer = Box::new(HeapBuffer::with_room(len.min(READ_LEN)));
        let work = Work::Read { file: file.clone(), at, buffer };
        let Done::Read(read, buffer) = perform(work, usize::MAX)? else { return Ok(0) };
        if read == 0 {
            return Ok(0);
        }
        self.send(id, &[IoSlice::new(buffer.payload())])
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// Short reads are shorter than this.
const READ_LEN: usize = 64 << 10;

const READ_ERRORS: &[i32] = &[libc::EIO];
const WRITE_ERRORS: &[i32] = &[libc::EIO, libc::ENOSPC, libc::EDQUOT];
const OPEN_ERRORS: &[i32] = &[libc::EIO, libc::EMFILE, libc::ENFILE, libc::EACCES];
