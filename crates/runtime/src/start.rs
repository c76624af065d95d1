//! How a worker's thread begins: on its core, with its files, its ring and its driver.

use std::sync::{Arc, mpsc};

use waterwheel_reactor::listen::Listener;
use waterwheel_reactor::{Driver, Helpers, MioDriver, Stream, WakePoll};
use waterwheel_ring::Ring;

use crate::config::Config;
use crate::control::Control;
use crate::error::RunError;
use crate::own_files::Listening;
use crate::placement::Placement;
use crate::{Handover, Protocol, Report, Worker};

/// What a worker's thread begins with.
pub(crate) struct Start {
    pub(crate) index: usize,
    core: Option<core_affinity::CoreId>,
    /// Where others wake it.
    poll: WakePoll,
    listeners: Listening,
    config: Arc<Config>,
    control: Arc<Control>,
    helpers: Helpers,
    /// Told once the worker accepts.
    started: mpsc::Sender<()>,
}

impl Start {
    /// For each worker, with the listeners that are its own; and who is told of each one that has
    /// started.
    pub(crate) fn all(
        listeners: Vec<Vec<(usize, Listener)>>,
        placement: &Placement,
        config: Config,
        control: &Arc<Control>,
    ) -> Result<(Vec<Self>, mpsc::Receiver<()>), RunError> {
        let config = Arc::new(config);
        let (started, starts) = mpsc::channel();
        // Made before any worker is pinned, so that helpers are not.
        let make = || Helpers::new(config.offload_threads_max, config.offload_queue_max);
        let helpers = make();
        let start = |(index, listeners)| {
            Ok(Self {
                index,
                core: placement.core(index),
                poll: WakePoll::new().map_err(RunError::Driver)?,
                listeners: Listening::new(listeners, config.is_unsharing_fds)
                    .map_err(RunError::OwnFiles)?,
                config: Arc::clone(&config),
                control: Arc::clone(control),
                // A thread has the files of the one that starts it.
                helpers: if config.is_unsharing_fds { make() } else { helpers.clone() },
                started: started.clone(),
            })
        };
        let all: Result<_, _> = listeners.into_iter().enumerate().map(start).collect();
        Ok((all?, starts))
    }

    pub(crate) fn run<P: Protocol>(
        self,
        protocol: impl FnOnce(usize) -> P,
        handover: Option<&Arc<Handover<Stream, P::Parcel>>>,
    ) -> Result<Report, RunError> {
        // Whatever ends this worker, the others must not go on as if nothing had happened.
        let _drain_others = DrainOnDrop(Arc::clone(&self.control));
        if let Some(core) = self.core
            && !core_affinity::set_for_current(core)
        {
            return Err(RunError::Core { core: core.id });
        }
        let listeners = self.listeners.arrive().map_err(RunError::OwnFiles)?;
        // The ring is made on its worker's core, so that its pages come from the nearest memory.
        let ring = Ring::new(&self.config.ring).map_err(RunError::Ring)?;
        let (endpoints, listeners): (_, Vec<_>) = listeners.into_iter().unzip();
        let driver = MioDriver::over(self.poll, listeners, self.helpers);
        let driver = driver.map_err(RunError::Driver)?.with_disk(self.config.disk);
        self.control.add_waker(driver.waker());
        let protocol = protocol(self.index);
        let config = &self.config.worker;
        let mut worker = Worker::new(self.index, driver, protocol, ring, config, self.control);
        if let Some(handover) = handover {
            worker.share(handover);
        }
        // Nobody listens any more only if the runtime has failed.
        let _ = self.started.send(());
        drop(self.started);
        worker.with_endpoints(endpoints).run().map_err(RunError::Driver)
    }
}

struct DrainOnDrop(Arc<Control>);

impl Drop for DrainOnDrop {
    fn drop(&mut self) {
        self.0.drain();
    }
}

/// Descriptors that each worker leaves in the tables of all: its poll, its waker, and where its
/// listeners come from.
pub(crate) const COPIED_FILES: usize = 3;
