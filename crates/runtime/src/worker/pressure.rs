//! How short a worker is of memory, in the ring and outside it, and what is parked there.

use std::time::Duration;

use waterwheel_reactor::{Driver, Instant};

use super::engine::{Engine, Outcome, Served};
use crate::{Lag, Pressure, Protocol};

/// How short of memory a worker is, and of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strain {
    /// Read once at the start of each turn; see [`crate::Io::pressure`].
    pub(super) pressure: Pressure,
    /// See [`EventLoop::set_lag`](super::turn::EventLoop::set_lag).
    lag: Lag,
    /// Since when it is so short that somebody may be refused; never, unless it is.
    since: Instant,
    /// Bytes of all connections that are parked outside the ring.
    parked_len: usize,
}

impl Default for Strain {
    fn default() -> Self {
        let (pressure, lag) = (Pressure::NONE, Lag::None);
        Self { pressure, lag, since: Instant::MAX, parked_len: 0 }
    }
}

impl Strain {
    /// Notes how far the loop is behind, for the rest of this turn and those that follow.
    pub(super) fn set_lag(&mut self, lag: Lag) {
        self.lag = lag;
        self.pressure = Pressure::new(self.pressure.memory(), lag);
    }
}

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// How many watermarks the worker's memory has reached: of the ring, or of what is parked.
    /// Asked once a turn.
    #[inline]
    pub(super) fn measure_pressure(&mut self) {
        if self.ring.level() == 0 && self.strain.parked_len <= self.config.parked_len_max / 2 {
            self.strain.since = Instant::MAX;
            self.strain.pressure = Pressure::new(0, self.strain.lag);
        } else {
            self.measure_strain();
        }
    }

    #[cold]
    fn measure_strain(&mut self) {
        let mut level = self.ring.level();
        let max = self.config.parked_len_max.max(1);
        if self.strain.parked_len > max / 2 {
            let percent = self.strain.parked_len.saturating_mul(100) / max;
            level = level.max(WATERMARKS.iter().filter(|&&mark| percent >= mark).count());
        }
        // There are four watermarks.
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        if level < REFUSING {
            self.strain.since = Instant::MAX;
            self.strain.pressure = Pressure::new(level, self.strain.lag);
            return;
        }
        // A burst fills the ring for a moment, and all of it can be served.
        self.strain.since = self.strain.since.min(self.now);
        let has_lasted = self.now.saturating_since(self.strain.since) >= BURST;
        let level = if has_lasted { level } else { REFUSING - 1 };
        self.strain.pressure = Pressure::new(level, self.strain.lag);
    }

    /// Notes how much a connection keeps outside the ring after it was worked on. One that wants
    /// more than there is for all is closed: it is slow, or its peer is, and whoever is fast keeps
    /// nothing there.
    #[cold]
    pub(super) fn note_parked(&mut self, before: usize, after: usize, outcome: Outcome) -> Outcome {
        self.strain.parked_len = self.strain.parked_len.saturating_sub(before) + after;
        if after > before && self.strain.parked_len > self.config.parked_len_max {
            self.meter.parked_full.add(1);
            return Outcome::Close;
        }
        outcome
    }

    /// Forgets what a connection kept outside the ring: it is gone.
    pub(super) fn forget_parked(&mut self, connection: &Served<D, P>) {
        self.strain.parked_len = self.strain.parked_len.saturating_sub(connection.parked_len());
    }
}

/// From this level on somebody is refused.
const REFUSING: u8 = 3;
/// How long the memory must be that short before: several times what it takes to park those who are
/// slow.
const BURST: Duration = Duration::from_millis(100);
/// In percent, as those of the ring.
const WATERMARKS: [usize; 4] = [70, 85, 95, 98];
