//! Workers on threads: bound to their listeners, pinned to their cores, drained together.

use std::fmt;
use std::mem::take;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle as SignalsHandle, Signals};
use waterwheel_reactor::Stream;

use crate::config::{Config, SPARE_FILES};
use crate::control::Control;
use crate::endpoint::Endpoint;
use crate::error::RunError;
use crate::lifecycle::{Lifecycle, Voice};
use crate::listeners::{Listeners, Opening};
use crate::own_files::widen;
use crate::placement::{Placement, place};
use crate::restart::{Stowed, Takeover};
use crate::start::{COPIED_FILES, Start};
use crate::{Handover, Protocol, Report};

/// Bound listeners and settled places, ready to run.
///
/// Every worker has a listener of its own on every address (`SO_REUSEPORT`): the kernel spreads new
/// connections over them. At a Unix socket, and at a socket from systemd, all workers accept from
/// the one there is. Between two requests a connection may go to another worker, unless
/// [`Config::hand_over`] is off.
#[derive(Debug)]
pub struct Runtime {
    config: Config,
    control: Arc<Control>,
    placement: Placement,
    listeners: Listeners,
    endpoints: Vec<Endpoint>,
    takeover: Option<Takeover>,
    connections_max: usize,
    signals: bool,
    hangup: Option<Hangup>,
}

/// Called on the thread that waits for signals.
struct Hangup(Box<dyn FnMut() + Send>);

impl fmt::Debug for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hangup")
    }
}

impl Runtime {
    /// Opens every endpoint for every worker. With port 0 the kernel chooses one port, which all
    /// workers then share.
    ///
    /// # Errors
    /// [`RunError`] for the first setting that cannot be had. Nothing was started then.
    pub fn bind(config: Config, endpoints: &[Endpoint]) -> Result<Self, RunError> {
        if endpoints.is_empty() {
            return Err(RunError::NoListener);
        }
        let (grace, timeout) = (config.worker.drain_grace, config.worker.drain_timeout);
        if !grace.is_zero() && grace >= timeout {
            return Err(RunError::DrainGrace { grace, timeout });
        }
        for (limit, value) in [
            ("accepts_per_turn_max", config.worker.accepts_per_turn_max),
            ("bytes_per_turn_max", config.worker.bytes_per_turn_max),
        ] {
            if value == 0 {
                return Err(RunError::Zero { limit });
            }
        }
        let placement = place(config.workers, config.pinning)?;
        let worker_count = placement.worker_count();
        let connections_max = connections_max(&config, worker_count)?;
        let takeover = config.restart_socket.as_deref().map(take_over).transpose()?.flatten();
        let (handed, takeover) = takeover.map(Takeover::split).unzip();
        let opening = Opening {
            worker_count,
            unlink_stale: config.unlink_stale,
            socket_buffer_len: config.socket_buffer_len,
            keep_spares: config.restart_socket.is_some(),
        };
        let listeners = Listeners::open(endpoints, opening, handed.unwrap_or_default())?;
        Ok(Self {
            config,
            control: Arc::default(),
            placement,
            listeners,
            endpoints: endpoints.to_vec(),
            takeover,
            connections_max,
            signals: false,
            hangup: None,
        })
    }

    /// Follows `control`, which others may hold already, instead of one of its own.
    #[must_use]
    pub fn with_control(mut self, control: Arc<Control>) -> Self {
        self.control = control;
        self
    }

    /// The process whose listeners were taken over, if one served.
    pub fn predecessor(&self) -> Option<u32> {
        self.takeover.as_ref().map(|takeover| takeover.process)
    }

    /// The TCP addresses in use, ports resolved.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.listeners.addresses
    }

    /// The same, each with the index of the endpoint that it belongs to.
    pub fn bound(&self) -> impl Iterator<Item = (usize, SocketAddr)> {
        let Listeners { addresses, origins, .. } = &self.listeners;
        origins.iter().copied().zip(addresses.iter().copied())
    }

    /// What was asked to listen on.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// How many workers will run.
    pub fn worker_count(&self) -> usize {
        self.placement.worker_count()
    }

    /// The core of each worker, or `None` where the scheduler decides.
    pub fn cores(&self) -> impl Iterator<Item = Option<usize>> {
        self.placement.cores()
    }

    /// Most connections that each worker keeps open.
    pub fn connections_max(&self) -> usize {
        self.connections_max
    }

    /// A handle that drains or stops the runtime from any thread.
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Makes SIGINT and SIGTERM drain, and the second of them stop.
    #[must_use]
    pub fn stop_on_signals(mut self) -> Self {
        self.signals = true;
        self
    }

    /// Calls `call` for each SIGHUP, which would end the process otherwise. It runs on a thread of
    /// its own, where it may read files.
    #[must_use]
    pub fn on_hangup(mut self, call: impl FnMut() + Send + 'static) -> Self {
        self.hangup = Some(Hangup(Box::new(call)));
        self
    }

    /// Runs until drained. `protocol` is called once on each worker's own thread, with the worker's
    /// index. The calling thread only waits: for signals, if asked to, and for the workers.
    ///
    /// When every worker accepts, the process before this one is told, and a service manager that
    /// the environment names (`NOTIFY_SOCKET`, see `sd_notify`(3)). The manager learns of the drain
    /// too, and gets the signs of life that it wants (`WATCHDOG_USEC`) for as long as no worker is
    /// stuck in a turn.
    ///
    /// # Errors
    /// [`RunError`] when a worker could not start or failed. The others are drained first.
    pub fn run<P, F>(mut self, protocol: F) -> Result<Report, RunError>
    where
        P: Protocol,
        F: Fn(usize) -> P + Send + Sync + 'static,
    {
        self.config.worker.connections_max = Some(self.connections_max);
        let apart = self.config.is_unsharing_fds;
        if !apart {
            widen(self.connections_max.saturating_mul(self.placement.worker_count()));
        }
        let signals = match (self.signals, self.hangup.take()) {
            (false, None) => None,
            (stops, hangup) => Some(watch_signals(&self.control, stops, hangup)?),
        };
        let voice = Voice::open(self.config.restart_socket.as_deref())?;
        let stow = || Stowed::new(take(&mut self.listeners.spares), self.takeover.take());
        let stowed = apart.then(stow).transpose().map_err(RunError::OwnFiles)?;
        // A connection's descriptor means nothing to a worker with other files.
        let shares = self.config.hand_over && !apart && self.placement.worker_count() > 1;
        let handover = shares.then(|| Arc::new(Handover::new()));
        let per_worker = take(&mut self.listeners.per_worker);
        let (starts, started) =
            Start::all(per_worker, &self.placement, self.config, &self.control)?;
        let threads = spawn(starts, &self.control, handover.as_ref(), protocol)?;
        let mut lifecycle = Lifecycle::default();
        let mut paths = self.listeners.paths;
        // A worker that does not start drains the others, and its fault is what `join` returns.
        let mut fault = None;
        if started.iter().count() == threads.len() {
            let kept = match stowed.map(Stowed::unpack) {
                Some(kept) => kept.map_err(RunError::OwnFiles),
                None => Ok((self.listeners.spares, self.takeover)),
            };
            let begun = kept.and_then(|(spares, takeover)| {
                Lifecycle::begin(&self.control, voice, takeover, spares)
            });
            match begun {
                Ok(begun) => {
                    lifecycle = begun;
                    paths.iter_mut().for_each(|path| path.is_own = true);
                }
                Err(error) => {
                    self.control.stop();
                    fault = Some(error);
                }
            }
        }
        let report = join(threads);
        lifecycle.end(&self.control);
        if self.control.is_handed_over() {
            paths.iter_mut().for_each(|path| path.is_own = false);
        }
        drop(paths);
        if let Some(signals) = signals {
            signals.close();
        }
        fault.map_or(report, Err)
    }
}

fn take_over(path: &Path) -> Result<Option<Takeover>, RunError> {
    let fault = |source| RunError::Restart { path: path.to_owned(), source };
    Takeover::ask(path).map_err(fault)
}

/// A thread for each worker, or, where the system has too few, none.
fn spawn<P, F>(
    starts: Vec<Start>,
    control: &Control,
    handover: Option<&Arc<Handover<Stream, P::Parcel>>>,
    protocol: F,
) -> Result<Vec<JoinHandle<Result<Report, RunError>>>, RunError>
where
    P: Protocol,
    F: Fn(usize) -> P + Send + Sync + 'static,
{
    let protocol = Arc::new(protocol);
    let mut threads = Vec::with_capacity(starts.len());
    for start in starts {
        let (protocol, handover) = (Arc::clone(&protocol), handover.cloned());
        let spawned = thread::Builder::new()
            .name(format!("worker-{}", start.index))
            .spawn(move || start.run(|index| protocol(index), handover.as_ref()));
        match spawned {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                control.stop();
                let _ = join(threads);
                return Err(RunError::Driver(error));
            }
        }
    }
    Ok(threads)
}

fn join(threads: Vec<JoinHandle<Result<Report, RunError>>>) -> Result<Report, RunError> {
    let mut report = Report::default();
    let mut fault = None;
    for (worker, thread) in threads.into_iter().enumerate() {
        match thread.join().unwrap_or(Err(RunError::WorkerPanicked { worker })) {
            Ok(part) => report.add(part),
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    fault.map_or(Ok(report), Err)
}

/// Watches signals on a thread that sleeps in a read until one comes.
fn watch_signals(
    control: &Arc<Control>,
    stops: bool,
    mut hangup: Option<Hangup>,
) -> Result<SignalsHandle, RunError> {
    let stopping: &[_] = if stops { &[SIGINT, SIGTERM] } else { &[] };
    let watched = stopping.iter().copied().chain(hangup.is_some().then_some(SIGHUP));
    let mut signals = Signals::new(watched).map_err(RunError::Signals)?;
    let handle = signals.handle();
    let control = Arc::clone(control);
    let watch = move || {
        for signal in signals.forever() {
            match &mut hangup {
                Some(Hangup(call)) if signal == SIGHUP => call(),
                _ => control.drain_then_stop(),
            }
        }
    };
    let spawned = thread::Builder::new().name("signals".to_owned()).spawn(watch);
    spawned.map_err(RunError::Signals)?;
    Ok(handle)
}

/// Each worker's share of the process's open files, or of its own.
fn connections_max(config: &Config, worker_count: usize) -> Result<usize, RunError> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    // Where there are few, half must do for everything else.
    let left = limit.saturating_sub(SPARE_FILES.min(limit / 2));
    let share = match config.is_unsharing_fds {
        true => left.saturating_sub(COPIED_FILES * worker_count),
        false => left / worker_count,
    };
    match share {
        0 => Err(RunError::Files { limit }),
        max => Ok(config.worker.connections_max.map_or(max, |asked| asked.min(max))),
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    #[test]
    fn turns_without_room_are_refused() {
        let endpoint = Endpoint::Tcp("127.0.0.1:0".parse().unwrap());
        for name in ["accepts_per_turn_max", "bytes_per_turn_max"] {
            let mut config = Config::default();
            match name {
                "accepts_per_turn_max" => config.worker.accepts_per_turn_max = 0,
                _ => config.worker.bytes_per_turn_max = 0,
            }
            let refused = Runtime::bind(config, slice::from_ref(&endpoint)).unwrap_err();
            assert!(matches!(refused, RunError::Zero { limit } if limit == name), "{refused}");
        }
    }
}
