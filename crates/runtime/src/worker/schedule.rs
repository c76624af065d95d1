//! The worker: turns its event loop, and between two turns runs one expensive request beside it.
//!
//! An expensive request runs with its connection lent, the event loop on [`Standby`], and a second
//! protocol instance: so a handler that breathes lets the event loop turn for all other
//! connections, though it is itself in the middle of a call.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use waterwheel_reactor::Driver;
use waterwheel_ring::Ring;

use super::breathe::Standby;
use super::drain::Report;
use super::handover::Sharing;
use super::turn::{EventLoop, Turn};
use crate::config::WorkerConfig;
use crate::control::Control;
use crate::{Handover, Metrics, Protocol};

/// One core's share of a server: a driver, a ring, a protocol and the connections between them.
///
/// Everything in it belongs to the thread that made it; other threads reach it only through the
/// control and the driver's waker.
pub struct Worker<D: Driver, P: Protocol> {
    /// On standby while an expensive request runs, and here at any other time.
    event_loop: Option<Box<EventLoop<D, P>>>,
    standby: Rc<Standby<D, P>>,
    /// Runs the expensive requests.
    twin: Option<P>,
}

impl<D: Driver, P: Protocol> Worker<D, P> {
    /// A worker over `driver`. `index` names it in metrics; `control` is shared by all workers.
    pub fn new(
        index: usize,
        driver: D,
        protocol: P,
        ring: Ring,
        config: &WorkerConfig,
        control: Arc<Control>,
    ) -> Self {
        let twin = protocol.twin();
        let event_loop = EventLoop::new(index, driver, protocol, ring, config, control);
        let standby = Rc::new(Standby::new(event_loop.engine.local.clock()));
        Self { event_loop: Some(Box::new(event_loop)), standby, twin }
    }

    /// Shares with the other workers of `handover`. Where several expensive requests wait that have
    /// not begun, or another is under way, their connections go to whichever worker is free first;
    /// and what this worker accepts goes to another while it is open on few connections and the
    /// other on fewer.
    pub fn share(&mut self, handover: &Arc<Handover<D::Socket, P::Parcel>>) {
        let event_loop = self.event_loop_mut();
        let seat = handover.join(event_loop.engine.driver.waker(), Arc::clone(&event_loop.pulse));
        event_loop.sharing = Some(Sharing::new(Arc::clone(handover), seat));
    }

    /// Tells the worker which endpoint each of its listeners belongs to, in their order. Without
    /// this each is one of its own.
    ///
    /// # Panics
    /// When there are not as many as the driver has listeners.
    #[must_use]
    pub fn with_endpoints(mut self, endpoints: Vec<usize>) -> Self {
        self.event_loop_mut().accept.assign(endpoints);
        self
    }

    /// Turns until the worker has drained.
    ///
    /// # Errors
    /// The driver's, when it can no longer poll. Connections are closed then.
    pub fn run(&mut self) -> io::Result<Report> {
        while !self.is_finished() {
            self.turn()?;
        }
        Ok(self.report())
    }

    /// One pass over everything that is due, and behind it one expensive request, or as many as
    /// take no longer than the pass. Parks in the driver when nothing is.
    ///
    /// # Errors
    /// The driver's, when it can no longer poll.
    pub fn turn(&mut self) -> io::Result<Turn> {
        let event_loop = self.event_loop_mut();
        let turn = event_loop.turn()?;
        if !event_loop.expensive.is_empty() || event_loop.is_called {
            self.run_expensive();
        }
        Ok(turn)
    }

    /// Takes what other workers have for this one, and runs the expensive request that has waited
    /// longest; more of them as long as they have not taken as much time as the turn before them.
    #[cold]
    fn run_expensive(&mut self) {
        if self.event_loop_mut().is_called {
            self.event_loop_mut().take_dealt();
        }
        let Some(twin) = &mut self.twin else {
            // A protocol without a twin has nothing expensive: what called was something else.
            self.event_loop_mut().is_called = false;
            return;
        };
        let Some(mut event_loop) = self.event_loop.take() else { return };
        // It works, though its turn is over.
        event_loop.pulse.beat();
        let polled = event_loop.engine.now;
        let mut until = None;
        while let Some(mut job) = event_loop.next_job() {
            // Cheap requests, or refusals, that never end take half of the time and no more.
            let until = *until.get_or_insert(job.started + job.started.saturating_since(polled));
            twin.set_wall(event_loop.wall);
            let (next, lent) = self.standby.lend(event_loop, || job.advance(twin));
            event_loop = lent;
            let time =
                event_loop.time_since(job.started).saturating_sub(self.standby.nested_time());
            let what = twin.took(time, event_loop.watchdog.is_slow(time));
            event_loop.watch(what, time);
            event_loop.note_job_time(time);
            event_loop.end_job(job, next);
            if event_loop.engine.now >= until {
                break;
            }
        }
        event_loop.end_jobs();
        event_loop.pulse.beat();
        self.event_loop = Some(event_loop);
    }

    /// True when the worker has nothing left to do and never will.
    pub fn is_finished(&self) -> bool {
        self.event_loop().is_finished()
    }

    /// How the drain went so far.
    pub fn report(&self) -> Report {
        self.event_loop().report
    }

    /// What the worker has counted.
    pub fn metrics(&self) -> Metrics {
        self.event_loop().engine.meter.read()
    }

    /// The worker's ring.
    pub fn ring(&self) -> &Ring {
        &self.event_loop().engine.ring
    }

    /// Segments that the worker itself keeps ready for the next read and the next reply. All others
    /// that are leased belong to connections and handlers.
    pub fn spare_segments(&self) -> usize {
        let twins = self.twin.as_ref().map_or(0, Protocol::spare_segments);
        self.event_loop().engine.spare_segments() + twins
    }

    /// The worker's protocol.
    pub fn protocol(&self) -> &P {
        &self.event_loop().engine.protocol
    }

    /// Timers that are armed now. At most one per connection.
    pub fn timer_count(&self) -> usize {
        self.event_loop().wheel.len()
    }

    /// Timers of futures that are set now.
    pub fn sleep_count(&self) -> usize {
        self.event_loop().engine.local.timer_count()
    }

    /// Tasks of [`spawn_local`](crate::task::spawn_local) that have not ended.
    pub fn task_count(&self) -> usize {
        self.event_loop().engine.local.task_count()
    }

    /// Connections that futures have made or are making, and descriptors that they watch.
    pub fn source_count(&self) -> usize {
        self.event_loop().engine.local.source_count()
    }

    /// Works on files that the disk has not given back, those that nobody waits for any more
    /// included, or whose results were not taken.
    pub fn file_work_count(&self) -> usize {
        self.event_loop().engine.local.files().count()
    }

    fn event_loop_mut(&mut self) -> &mut EventLoop<D, P> {
        self.event_loop.as_mut().expect(IS_HERE)
    }

    fn event_loop(&self) -> &EventLoop<D, P> {
        self.event_loop.as_ref().expect(IS_HERE)
    }
}

impl<D: Driver, P: Protocol> fmt::Debug for Worker<D, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("metrics", &self.metrics()).finish_non_exhaustive()
    }
}

const IS_HERE: &str = "the event loop is away only while a turn is under way";
