//! What a running server tells the world around it: the process before it, the one after it, and
//! the service manager.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use waterwheel_reactor::Wake;

use crate::control::{Control, Pulse};
use crate::error::RunError;
use crate::listeners::{BoundPath, Named};
use crate::notify::Manager;
use crate::restart::{Door, Stop, Takeover};

/// What lasts for as long as the server runs.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    door: Option<BoundPath>,
    /// Dropped in the end, which ends the thread that gives signs of life.
    _alive: Option<mpsc::Sender<()>>,
}

/// By what the world around is told. Opened before any worker runs: workers use it as well when
/// they drain the others, and may have files of their own by then.
#[derive(Debug)]
pub(crate) struct Voice {
    manager: Arc<Manager>,
    /// Where there is to be a door for successors.
    stop: Option<(PathBuf, Stop)>,
}

impl Voice {
    pub(crate) fn open(restart_socket: Option<&Path>) -> Result<Self, RunError> {
        let stop = restart_socket.map(|path| match Stop::new() {
            Ok(stop) => Ok((path.to_owned(), stop)),
            Err(source) => Err(RunError::Restart { path: path.to_owned(), source }),
        });
        Ok(Self { manager: Arc::new(Manager::from_env()), stop: stop.transpose()? })
    }
}

impl Lifecycle {
    /// Tells everybody that the workers accept.
    pub(crate) fn begin(
        control: &Arc<Control>,
        voice: Voice,
        takeover: Option<Takeover>,
        spares: Vec<Named>,
    ) -> Result<Self, RunError> {
        let Voice { manager, stop } = voice;
        let took_over = takeover.is_some();
        let door = match stop {
            Some((path, stop)) => Some(
                open_door(&path, control, stop, takeover, spares)
                    .map_err(|source| RunError::Restart { path, source })?,
            ),
            None => None,
        };
        match took_over {
            // The manager follows the process that it is told of.
            true => manager.tell(&format!("MAINPID={}\nREADY=1", std::process::id())),
            false => manager.tell("READY=1"),
        }
        control
            .add_waker(Leaving { manager: Arc::clone(&manager), control: Arc::downgrade(control) });
        let alive = manager.watchdog.map(|interval| watch(interval, control, manager));
        Ok(Self { door, _alive: alive.transpose().map_err(RunError::Driver)? })
    }

    /// Cleans up behind a server that has ended.
    pub(crate) fn end(mut self, control: &Control) {
        if let Some(door) = &mut self.door {
            door.is_own = !control.is_handed_over();
        }
    }
}

/// Takes the predecessor's place at its door, or opens one.
fn open_door(
    path: &Path,
    control: &Arc<Control>,
    stop: Stop,
    takeover: Option<Takeover>,
    spares: Vec<Named>,
) -> std::io::Result<BoundPath> {
    let door = match takeover {
        Some(takeover) => takeover.succeed(spares)?,
        None => Door::open(path, spares)?,
    };
    let bound = BoundPath::of(path, true)?;
    door.serve(control, stop)?;
    Ok(bound)
}

/// Tells the manager of the drain. A server that was handed over does not: its successor speaks for
/// the service now.
#[derive(Clone, Debug)]
struct Leaving {
    manager: Arc<Manager>,
    /// The control keeps this waker, so it must not be kept by it.
    control: std::sync::Weak<Control>,
}

impl Wake for Leaving {
    fn wake(&self) {
        if self.control.upgrade().is_some_and(|control| !control.is_handed_over()) {
            self.manager.tell("STOPPING=1");
        }
    }
}

/// Gives a sign of life twice per interval, while every worker comes on with its work.
fn watch(
    interval: Duration,
    control: &Arc<Control>,
    manager: Arc<Manager>,
) -> std::io::Result<mpsc::Sender<()>> {
    let control = Arc::clone(control);
    let (alive, ended) = mpsc::channel();
    let watch = move || {
        let mut last = Vec::new();
        while ended.recv_timeout(interval / 2) == Err(RecvTimeoutError::Timeout) {
            let now: Vec<_> = control.pulses().iter().map(|pulse| Pulse::work(pulse)).collect();
            if !is_any_stuck(&last, &now) {
                manager.tell("WATCHDOG=1");
            }
            last = now;
        }
    };
    thread::Builder::new().name("watchdog".to_owned()).spawn(watch)?;
    Ok(alive)
}

/// Whether a worker is still in the turn in which it was at the last look.
fn is_any_stuck(last: &[Option<u64>], now: &[Option<u64>]) -> bool {
    last.iter().zip(now).any(|(last, now)| last.is_some() && last == now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_in_the_same_turn_as_before_is_stuck() {
        let pulse = Pulse::default();
        assert_eq!(pulse.work(), None, "it has not begun");
        pulse.beat();
        let first = pulse.work();
        assert!(is_any_stuck(&[None, first], &[None, pulse.work()]));
        pulse.beat();
        assert!(!is_any_stuck(&[first], &[pulse.work()]), "it is parked");
        pulse.beat();
        assert!(!is_any_stuck(&[first], &[pulse.work()]), "it is in another turn");
        assert!(!is_any_stuck(&[], &[first]), "it was not looked at before");
    }
}
