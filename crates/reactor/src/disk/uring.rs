//! io_uring: work handed to the kernel, whose results are events.
//!
//! The kernel reads and writes buffers that this file owns meanwhile. Work leaves [`Uring::flying`]
//! only when its completion was seen; what is left when the ring goes away is leaked.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use io_uring::types::{Fd, OpenHow, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, opcode, squeue};
use mio::unix::SourceFd;
use mio::{Interest, Registry};
use rustix::event::{EventfdFlags, eventfd};

use super::calls::{open_flags, open_mode, resolve_flags};
use super::work::read_done;
use super::{Access, Done, File, Finished, Work};
use crate::{Slab, Token};

/// One worker's ring, and all work that it has.
pub(super) struct Uring {
    ring: IoUring,
    /// Written by the kernel at each completion, registered with the driver's poll.
    eventfd: OwnedFd,
    registry: Registry,
    flying: Slab<Flight>,
    /// Entries in the submission queue that the kernel has not taken.
    unsubmitted: usize,
}

/// Work in the kernel's hands. Moving it moves none of the bytes that the kernel knows.
#[derive(Debug)]
struct Flight {
    token: Token,
    work: Work,
    /// Of an open, at an address of its own.
    how: Option<Box<OpenHow>>,
}

impl Uring {
    /// Whether a ring with all that we need can be made.
    pub(super) fn probe() -> io::Result<()> {
        let ring = IoUring::new(2)?;
        check(&ring)
    }

    /// For at most `in_flight_max` works at a time; completions are reported under `event_token`.
    pub(super) fn new(
        in_flight_max: usize,
        registry: &Registry,
        event_token: mio::Token,
    ) -> io::Result<Self> {
        let entries = u32::try_from(in_flight_max.next_power_of_two()).unwrap_or(u32::MAX);
        let ring = IoUring::new(entries)?;
        check(&ring)?;
        let registry = registry.try_clone()?;
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Not the asynchronous kind, which keeps silent about reads that end by task work.
        ring.submitter().register_eventfd(eventfd.as_raw_fd())?;
        let mut source = SourceFd(&eventfd.as_raw_fd());
        registry.register(&mut source, event_token, Interest::READABLE)?;
        Ok(Self { ring, eventfd, registry, flying: Slab::new(in_flight_max), unsubmitted: 0 })
    }

    /// Queues work for the next [`turn`](Self::turn). There is room: the caller counts.
    pub(super) fn push(&mut self, token: Token, work: Work) {
        let how = match &work {
            Work::Open { access, .. } => Some(Box::new(open_how(*access))),
            _ => None,
        };
        let key = self.flying.insert(Flight { token, work, how });
        let flight = self.flying.get_mut(key).expect("inserted above");
        let entry = flight.entry().user_data(key.to_usize() as u64);
        // SAFETY: all addresses in the entry are of bytes that the flight owns, which stay in place
        // while it is moved (the promise of `Buffer`; a `CString` and a box are on the heap), are
        // touched by nobody, and live until its completion was seen or for ever: `flying` gives
        // flights up in `collect`, and leaks them in `drop`. So do the descriptors.
        let pushed = unsafe { self.ring.submission().push(&entry) };
        pushed.expect("the queue has as many entries as there are works at a time");
        self.unsubmitted += 1;
    }

    /// Submits what is queued and appends what is done.
    pub(super) fn turn(&mut self, finished: &mut Vec<Finished>) {
        if self.unsubmitted > 0 {
            // `EINTR`, `EAGAIN` and `EBUSY` leave the rest in the queue, for the next turn; others
            // there are none with a queue of ours.
            if let Ok(taken) = self.ring.submit() {
                self.unsubmitted = self.unsubmitted.saturating_sub(taken);
            }
        }
        self.collect(finished);
    }

    /// Whether the kernel has not taken all that was queued.
    pub(super) fn is_backed_up(&self) -> bool {
        self.unsubmitted > 0
    }

    fn collect(&mut self, finished: &mut Vec<Finished>) {
        for completion in self.ring.completion() {
            let key = usize::try_from(completion.user_data()).unwrap_or(usize::MAX);
            let Some(flight) = self.flying.remove(Token::from_usize(key)) else { continue };
            let count = usize::try_from(completion.result())
                .map_err(|_| io::Error::from_raw_os_error(-completion.result()));
            finished.push(flight.finish(count));
        }
    }

    /// Waits a little for what is under way, so that its buffers can be freed.
    fn land(&mut self) {
        let patience = Timespec::from(PATIENCE);
        let arguments = SubmitArgs::new().timespec(&patience);
        let mut finished = Vec::new();
        while !self.flying.is_empty() {
            let waited = self.ring.submitter().submit_with_args(1, &arguments);
            self.collect(&mut finished);
            match waited {
                Err(error) if error.raw_os_error() != Some(libc::EINTR) => return,
                _ => {}
            }
        }
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        // A descriptor that is open is registered; closing it is all that is left to do.
        drop(self.registry.deregister(&mut SourceFd(&self.eventfd.as_raw_fd())));
        self.land();
        // The kernel may still write to what is left, and nobody would see it end.
        mem::forget(mem::replace(&mut self.flying, Slab::new(0)));
    }
}

impl std::fmt::Debug for Uring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uring").field("flying", &self.flying.len()).finish_non_exhaustive()
    }
}

impl Flight {
    /// Describes the work to the kernel.
    fn entry(&mut self) -> squeue::Entry {
        match &mut self.work {
            Work::Read { file, at, buffer } => {
                let room = buffer.room();
                opcode::Read::new(descriptor(file), room.as_mut_ptr(), length(room.len()))
                    .offset(*at)
                    .build()
            }
            Work::Write { file, at, buffer, from } => {
                let bytes = &buffer.payload()[*from..];
                // To a file that is open to append, the offset says nothing.
                opcode::Write::new(descriptor(file), bytes.as_ptr(), length(bytes.len()))
                    .offset(at.unwrap_or(0))
                    .build()
            }
            Work::Open { folder, path, .. } => {
                let how = &raw const **self.how.as_ref().expect("an open says how");
                opcode::OpenAt2::new(descriptor(folder), path.as_ptr(), how).build()
            }
            // Never sent here; a no-op ends as an error below.
            Work::List { .. } => opcode::Nop::new().build(),
        }
    }

    /// Takes the buffer back from the kernel.
    fn finish(self, count: io::Result<usize>) -> Finished {
        let result = match self.work {
            Work::Read { buffer, .. } => read_done(count, buffer),
            Work::Write { buffer, .. } => count.map(|count| Done::Written(count, buffer)),
            Work::Open { .. } => count.and_then(opened),
            Work::List { .. } => Err(io::ErrorKind::Unsupported.into()),
        };
        Finished { token: self.token, result }
    }
}

/// The descriptor that an open has come to.
fn opened(number: usize) -> io::Result<Done> {
    use std::os::fd::FromRawFd;
    let number = i32::try_from(number).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the kernel has just opened it for this completion, and tells nobody else.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    Ok(Done::Opened(File::from(descriptor)))
}

/// Valid while the flight that holds the file lives.
fn descriptor(file: &impl AsFd) -> Fd {
    Fd(file.as_fd().as_raw_fd())
}

/// More than 2 GiB at a time no kernel takes; what is left is asked for next.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(i32::MAX.unsigned_abs())
}

fn open_how(access: Access) -> OpenHow {
    let mode = u64::from(open_mode(access).as_raw_mode());
    OpenHow::new()
        .flags(u64::from(open_flags(access).bits()))
        .mode(mode)
        .resolve(resolve_flags().bits())
}

/// An old kernel has rings that cannot do what we need; then the helper serves.
fn check(ring: &IoUring) -> io::Result<()> {
    let mut probe = Probe::new();
    ring.submitter().register_probe(&mut probe)?;
    let needed = [opcode::Read::CODE, opcode::Write::CODE, opcode::OpenAt2::CODE];
    let is_able = needed.into_iter().all(|code| probe.is_supported(code));
    let parameters = ring.params();
    if is_able && parameters.is_feature_nodrop() && parameters.is_feature_ext_arg() {
        return Ok(());
    }
    Err(io::ErrorKind::Unsupported.into())
}

/// Reads and writes of files end by themselves within milliseconds; a disk that hangs does not.
const PATIENCE: Duration = Duration::from_secs(1);
