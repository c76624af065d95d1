//! The end of a connection in good order: half-close, then wait for the peer's own end.

use std::mem;

use waterwheel_reactor::{Driver, SendFault};

use super::engine::{Engine, Outcome, Served};
use super::send::after_fault;
use crate::Protocol;
use crate::connection::Phase;

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// Everything is sent: tells the peer so, and waits for its end unless that came already.
    #[cold]
    pub(super) fn half_close(&mut self, connection: &mut Served<D, P>) -> Result<(), Outcome> {
        drop(mem::take(&mut connection.inbound));
        if connection.flags.ended || self.driver.shutdown_write(&mut connection.socket).is_err() {
            return Err(Outcome::Close);
        }
        connection.deadline = self.now + self.config.linger_timeout;
        connection.phase = Phase::Lingering { dropped: 0 };
        Ok(())
    }

    /// Reads and drops what the peer still sends: closing over unread bytes would make the kernel
    /// reset the connection and take the last reply from the peer (RFC 9112 §9.6).
    #[cold]
    pub(super) fn linger(&mut self, connection: &mut Served<D, P>, mut budget: usize) -> Outcome {
        let Phase::Lingering { mut dropped } = connection.phase else {
            return Outcome::Close;
        };
        while connection.flags.readable {
            if dropped as usize > self.config.linger_len_max {
                return self.stop_reading(connection);
            }
            if budget == 0 {
                return Outcome::Requeue;
            }
            let Ok(mut run) = self.ring.reserve(1) else { return Outcome::Starved };
            let offered = run.tailroom();
            match run.append_with(|room| self.driver.recv(&mut connection.socket, room)) {
                Ok(0) => return Outcome::Close,
                Ok(count) => {
                    dropped = dropped.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
                    self.meter.received_len.add(count as u64);
                    budget = budget.saturating_sub(count);
                    connection.phase = Phase::Lingering { dropped };
                    connection.flags.readable = count == offered || connection.flags.read_closed;
                }
                Err(error) => {
                    connection.flags.readable = SendFault::of(&error) != SendFault::WouldBlock;
                    return after_fault(&error);
                }
            }
        }
        Outcome::Wait
    }

    /// Leaves what still comes with the kernel, up to the deadline. A peer that only writes until
    /// it cannot, as proxies do, then turns to the reply, which a reset would have overtaken.
    fn stop_reading(&self, connection: &mut Served<D, P>) -> Outcome {
        connection.flags.readable = false;
        if connection.flags.read_closed { Outcome::Close } else { Outcome::Wait }
    }
}
