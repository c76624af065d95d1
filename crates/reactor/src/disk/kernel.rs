//! The disk of production: memory first, then io_uring or the helper.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::CStr;
use std::io;

use mio::Registry;

use super::helper::Helper;
#[cfg(target_os = "linux")]
use super::uring::Uring;
use super::{Access, Backend, Disk, DiskConfig, File, Finished, Folder, Work, calls};
use crate::{Token, Waker};

/// The kernel's files. Ring and thread are made when they are first needed.
#[derive(Debug)]
pub(crate) struct KernelDisk {
    config: Cell<DiskConfig>,
    waker: Waker,
    registry: Registry,
    /// The token of the driver's that its events come under.
    event_token: mio::Token,
    sends_files: bool,
    /// Started, and not handed on.
    waiting: RefCell<VecDeque<(Token, Work)>>,
    /// Handed on, and not back.
    in_flight: Cell<usize>,
    hands: RefCell<Hands>,
}

/// Who does the work.
#[derive(Debug, Default)]
struct Hands {
    #[cfg(target_os = "linux")]
    uring: Option<Uring>,
    helper: Option<Helper>,
    /// Ring or thread was not to be had: not asked for again, unless nothing else is left.
    uring_refused: bool,
}

impl KernelDisk {
    pub(crate) fn new(waker: Waker, registry: Registry, event_token: mio::Token) -> Self {
        let (waiting, hands) = (RefCell::default(), RefCell::default());
        let (in_flight, sends_files) = (Cell::new(0), may_send_files());
        let config = Cell::new(DiskConfig::default());
        Self { config, waker, registry, event_token, sends_files, waiting, in_flight, hands }
    }

    /// Before any work was started.
    pub(crate) fn configure(&self, config: DiskConfig) {
        self.config.set(DiskConfig {
            in_flight_max: config.in_flight_max.clamp(1, IN_FLIGHT_LIMIT),
            starts_per_turn_max: config.starts_per_turn_max.max(1),
            ..config
        });
    }

    /// Hands `work` to the ring, or to the helper where there is none.
    fn begin(&self, hands: &mut Hands, token: Token, work: Work) -> Result<(), Finished> {
        let refused = |error| Finished { token, result: Err(error) };
        calls::check_position(work.position()).map_err(refused)?;
        #[cfg(target_os = "linux")]
        let DiskConfig { backend, in_flight_max, .. } = self.config.get();
        #[cfg(target_os = "linux")]
        if backend != Backend::Helper && !work.is_for_helper() {
            if hands.uring.is_none() && !hands.uring_refused {
                match Uring::new(in_flight_max, &self.registry, self.event_token) {
                    Ok(uring) => hands.uring = Some(uring),
                    Err(error) if backend == Backend::Uring => {
                        return Err(refused(error));
                    }
                    Err(_) => hands.uring_refused = true,
                }
            }
            if let Some(uring) = &mut hands.uring {
                uring.push(token, work);
                return Ok(());
            }
        }
        if hands.helper.is_none() {
            hands.helper = Some(Helper::start(self.waker.clone()).map_err(refused)?);
        }
        match &hands.helper {
            Some(helper) => helper.begin(token, work),
            None => Err(refused(io::ErrorKind::NotFound.into())),
        }
    }
}

impl Disk for KernelDisk {
    fn read_now(&self, file: &File, at: u64, room: &mut [u8]) -> io::Result<usize> {
        match self.config.get().inline {
            true => calls::read_now(file, at, room),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn write_now(&self, file: &File, at: Option<u64>, bytes: &[u8]) -> io::Result<usize> {
        match self.config.get().inline {
            true => calls::write_now(file, at, bytes),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn open_now(&self, folder: &Folder, path: &CStr, access: Access) -> io::Result<File> {
        match self.config.get().inline {
            true => calls::open_now(folder, path, access),
            false => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn start(&self, token: Token, work: Work) {
        self.waiting.borrow_mut().push_back((token, work));
    }

    fn forget(&self, token: Token) -> bool {
        // Dropped after the borrow: it may be the last to hold a file.
        let forgotten = {
            let mut waiting = self.waiting.borrow_mut();
            let place = waiting.iter().position(|(waiting, _)| *waiting == token);
            place.and_then(|place| waiting.remove(place))
        };
        forgotten.is_some()
    }

    fn turn(&self, finished: &mut Vec<Finished>) -> bool {
        let hands = &mut *self.hands.borrow_mut();
        let before = finished.len();
        let DiskConfig { in_flight_max, starts_per_turn_max, .. } = self.config.get();
        let room = in_flight_max.saturating_sub(self.in_flight.get());
        let starts = room.min(starts_per_turn_max);
        for _ in 0..starts {
            let Some((token, work)) = self.waiting.borrow_mut().pop_front() else { break };
            self.in_flight.set(self.in_flight.get() + 1);
            if let Err(failed) = self.begin(hands, token, work) {
                finished.push(failed);
            }
        }
        let mut is_backed_up = false;
        #[cfg(target_os = "linux")]
        if let Some(uring) = &mut hands.uring {
            uring.turn(finished);
            is_backed_up = uring.is_backed_up();
        }
        if let Some(helper) = &hands.helper {
            finished.extend(helper.finished());
        }
        let back = finished.len() - before;
        self.in_flight.set(self.in_flight.get() - back);
        let may_start = self.in_flight.get() < in_flight_max;
        is_backed_up || (may_start && !self.waiting.borrow().is_empty())
    }

    fn sends_files(&self) -> bool {
        self.sends_files
    }
}

#[cfg(target_os = "linux")]
pub(super) fn probe_uring() -> io::Result<()> {
    Uring::probe()
}

#[cfg(not(target_os = "linux"))]
pub(super) fn probe_uring() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// sendfile(2) knows no `MSG_NOSIGNAL`: it may be used where `SIGPIPE` is ignored, as Rust programs
/// do, and not in a host that wants the signal.
fn may_send_files() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (libc::SIGPIPE - 1) & 1 == 1)
}

/// Bounds the queues of the ring.
const IN_FLIGHT_LIMIT: usize = 4096;
