//! Which faults a world has, how often, and how strong. Owns the menu; rolls no dice while running.

use std::time::Duration;

/// One kind of fault. Its rate is per opportunity: per call, per event, per poll or per connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(usize)]
pub enum Fault {
    /// A read returns fewer bytes than wait and fit. The rest arrives later, with an edge.
    ShortRead,
    /// A write takes fewer bytes than there is room for. The room comes back later, with an edge.
    ShortWrite,
    /// A read says `WouldBlock` although bytes or the end wait. They arrive later, with an edge.
    RefusedRead,
    /// A write says `WouldBlock` although there is room. It comes back later, with an edge.
    RefusedWrite,
    /// `EINTR` from accept, recv or send. No edge follows.
    InterruptedCall,
    /// `EINTR` from poll.
    InterruptedPoll,
    /// A socket or a listener is reported for no reason.
    SpuriousEvent,
    /// An event comes twice, the second time now or later.
    DuplicateEvent,
    /// The events of a poll come in another order.
    ReorderedEvents,
    /// An event, or bytes held back by another fault, come later: up to [`Faults::delay_max`].
    DelayedEvent,
    /// An event tells of both directions as they are, and not only of the one with news.
    CoalescedEvent,
    /// A socket that was closed is reported under its old token.
    StaleEvent,
    /// The connection is reset: rolled at each recv and send, and once per poll for one of them
    /// all.
    PeerReset,
    /// Accept says `WouldBlock` although a connection waits. An edge follows later.
    RefusedAccept,
    /// Accept fails for one connection, which is lost: `ECONNABORTED`, `EPROTO`, `EPERM` …
    AcceptConnection,
    /// Accept fails with `EMFILE`, `ENFILE`, `ENOBUFS` or `ENOMEM`. No edge follows. With the first
    /// two, a waiting connection may be ended, as the production driver does.
    AcceptExhausted,
    /// `ENOBUFS` or `ENOMEM` from send. No edge follows.
    SendPressure,
    /// `ENOMEM` or `ENOSPC` from register.
    RegisterRefused,
    /// The clock jumps forward at a poll: up to [`Faults::clock_jump_max`].
    ClockJump,
    /// The clock stands still for up to [`Faults::freeze_polls_max`] polls that would have waited.
    ClockFreeze,
    /// Civil time jumps either way at a poll: up to [`Faults::wall_jump_max`] from the true one.
    WallClockJump,
    /// A connection gets buffers of at most [`Faults::small_buffer_max`] bytes.
    SmallBuffers,
    /// A connection that the worker makes fails: `ECONNREFUSED`, `EHOSTUNREACH`, `ETIMEDOUT` …
    ConnectRefused,
    /// Nobody answers to a connection that the worker makes, for ever.
    ConnectLost,
    /// What is asked of a file is not in memory: it comes later, up to [`Faults::delay_max`].
    ColdFile,
    /// A read or write of a file moves fewer bytes than it could.
    ShortFile,
    /// Work on a file fails: `EIO`, `ENOSPC`, `EMFILE` …
    FileError,
}

impl Fault {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 27] = [
        Self::ShortRead,
        Self::ShortWrite,
        Self::RefusedRead,
        Self::RefusedWrite,
        Self::InterruptedCall,
        Self::InterruptedPoll,
        Self::SpuriousEvent,
        Self::DuplicateEvent,
        Self::ReorderedEvents,
        Self::DelayedEvent,
        Self::CoalescedEvent,
        Self::StaleEvent,
        Self::PeerReset,
        Self::RefusedAccept,
        Self::AcceptConnection,
        Self::AcceptExhausted,
        Self::SendPressure,
        Self::RegisterRefused,
        Self::ClockJump,
        Self::ClockFreeze,
        Self::WallClockJump,
        Self::SmallBuffers,
        Self::ConnectRefused,
        Self::ConnectLost,
        Self::ColdFile,
        Self::ShortFile,
        Self::FileError,
    ];

    /// The rate above which nothing would be left to test: [`Faults::from_seed`] stays below.
    ///
    /// Faults that end a connection, and jumps of time that end all of them, must be rare enough
    /// for some to get through; faults that only delay may come every other time.
    const fn rate_max(self) -> f64 {
        match self {
            Self::PeerReset => 0.01,
            Self::ClockJump | Self::ClockFreeze | Self::WallClockJump => 0.02,
            Self::AcceptConnection
            | Self::RegisterRefused
            | Self::ConnectRefused
            | Self::ConnectLost
            | Self::FileError => 0.1,
            _ => 0.5,
        }
    }
}

/// What may go wrong in a [`World`](super::World).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Faults {
    rates: [f64; Fault::ALL.len()],
    /// Most time by which an event or a byte comes late.
    pub delay_max: Duration,
    /// Most time by which the clock jumps.
    pub clock_jump_max: Duration,
    /// Most polls in a row for which the clock stands still.
    pub freeze_polls_max: u32,
    /// Most time by which civil time is wrong, early or late.
    pub wall_jump_max: Duration,
    /// Most bytes in a small buffer.
    pub small_buffer_max: usize,
}

impl Faults {
    /// A world in which everything works.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            rates: [0.0; Fault::ALL.len()],
            delay_max: Duration::from_millis(50),
            // One hour: a suspended laptop, and more than any timeout of ours.
            clock_jump_max: Duration::from_secs(3600),
            freeze_polls_max: 20,
            // 49.8 days: just past where 32 bits of milliseconds wrap.
            wall_jump_max: Duration::from_secs(4_302_720),
            small_buffer_max: 16,
        }
    }

    /// The faults of one run in a swarm: each kind is on in about half of the seeds, and how often
    /// it strikes then is drawn too, mostly seldom.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed ^ SWARM);
        let mut faults = Self::none();
        for fault in Fault::ALL {
            if rng.bool() {
                let strength = rng.f64();
                faults.set(fault, strength * strength * fault.rate_max());
            }
        }
        faults.delay_max = Duration::from_micros(rng.u64(1..=200_000));
        faults.freeze_polls_max = rng.u32(1..=50);
        faults.small_buffer_max = rng.usize(1..=64);
        faults
    }

    /// How often `fault` strikes, between 0 and 1.
    #[must_use]
    pub const fn rate(&self, fault: Fault) -> f64 {
        self.rates[fault as usize]
    }

    /// Sets how often `fault` strikes. At a rate of 1 the calls concerned never succeed.
    ///
    /// # Panics
    /// When `rate` is not between 0 and 1.
    pub fn set(&mut self, fault: Fault, rate: f64) {
        assert!((0.0..=1.0).contains(&rate), "a rate lies between 0 and 1, this is {rate}");
        self.rates[fault as usize] = rate;
    }

    /// The same faults with another rate for `fault`.
    ///
    /// # Panics
    /// When `rate` is not between 0 and 1.
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: f64) -> Self {
        self.set(fault, rate);
        self
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

/// How often each fault has struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts([u64; Fault::ALL.len()]);

impl FaultCounts {
    /// How often `fault` has struck.
    #[must_use]
    pub const fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// How often any fault has struck.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) const fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }
}

/// Keeps the draw of the rates apart from the draws of the world with the same seed.
const SWARM: u64 = 0x7377_6172_6d00_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_place() {
        for (index, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, index);
        }
    }

    #[test]
    fn swarm_switches_every_kind_on_and_off() {
        for fault in Fault::ALL {
            let on = (0..200).filter(|seed| Faults::from_seed(*seed).rate(fault) > 0.0).count();
            assert!((50..150).contains(&on), "{fault:?} is on for {on} of 200 seeds");
        }
    }
}
