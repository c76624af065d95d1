//! The dice of a world. Owns its generator and the count of what struck.

use std::time::Duration;

use super::{Fault, FaultCounts, Faults};

pub(super) struct Chance {
    pub(super) faults: Faults,
    pub(super) counts: FaultCounts,
    pub(super) active: bool,
    rng: fastrand::Rng,
}

impl Chance {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        Self { faults, counts: FaultCounts::default(), active: true, rng }
    }

    /// Rolls for `fault`, and counts it when it strikes. Draws nothing where it cannot.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let rate = self.faults.rate(fault);
        let struck = self.active && rate > 0.0 && self.rng.f64() < rate;
        if struck {
            self.counts.count(fault);
        }
        struck
    }

    /// A number in `1..limit`; `limit` is at least 2.
    pub(super) fn fewer_than(&mut self, limit: usize) -> usize {
        self.rng.usize(1..limit)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.rng.usize(..limit)
    }

    /// A number in `1..=max`; 1 when `max` is 0.
    pub(super) fn up_to(&mut self, max: u32) -> u32 {
        self.rng.u32(1..=max.max(1))
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(super) fn coin(&mut self) -> bool {
        self.rng.bool()
    }

    pub(super) fn duration_to(&mut self, max: Duration) -> Duration {
        let max = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.rng.u64(0..=max))
    }

    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        self.rng.shuffle(values);
    }

    /// A generator of its own for a worker, so that its draws do not move the faults.
    pub(super) fn fork(&mut self) -> fastrand::Rng {
        self.rng.fork()
    }
}
