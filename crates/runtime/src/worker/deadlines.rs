//! Deadlines and holds: what happens to connections on which nothing happens.

use waterwheel_reactor::{Driver, Instant, Token};

use super::engine::Outcome;
use super::turn::EventLoop;
use crate::Protocol;
use crate::connection::Phase;

impl<D: Driver, P: Protocol> EventLoop<D, P> {
    /// Makes sure that the wheel looks at the connection no later than its deadline. An entry that
    /// is too early is left where it is and moved when it comes up: most requests then cost no
    /// timer work at all.
    #[inline]
    pub(super) fn arm(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let due = connection.due(&self.engine.config);
        if connection.armed <= due {
            return;
        }
        connection.armed = due;
        self.wheel.arm(token, due);
    }

    /// Looks at connections whose wheel entry is due, a few in a turn: to end one takes far longer
    /// than to answer a request, and thousands may come due at once. Returns at how many it looked.
    pub(super) fn expire(&mut self) -> usize {
        if self.expired.is_empty() {
            self.wheel.expire(self.engine.now, &mut self.expired);
        }
        let mut count = 0;
        while count < EXPIRED_PER_TURN_MAX
            && let Some(token) = self.expired.pop()
        {
            self.expire_one(token);
            count += 1;
        }
        count
    }

    fn expire_one(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        connection.armed = Instant::MAX;
        if connection.due(&self.engine.config) > self.engine.now {
            self.arm(token);
            return;
        }
        self.engine.meter.timed_out.add(1);
        let outcome = match connection.phase {
            Phase::Serving if connection.unsent.is_none() => {
                self.engine.time_out(token, connection)
            }
            _ => Outcome::Close,
        };
        self.settle(token, outcome);
    }

    /// Notes a connection that keeps segments while it waits, to look at it after the hold time.
    #[inline]
    pub(super) fn hold(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if !connection.flags.held && self.engine.segment_count(connection) > 0 {
            connection.flags.held = true;
            self.holders.push_back((token, self.engine.now + self.engine.config.hold));
        }
    }

    /// Parks the bytes of connections that held segments without progress for the hold time, a few
    /// in a turn. Returns how many connections were looked at.
    pub(super) fn park_holders(&mut self) -> usize {
        let mut looked = 0;
        while looked < EXPIRED_PER_TURN_MAX
            && let Some(&(token, due)) = self.holders.front()
            && due <= self.engine.now
        {
            self.holders.pop_front();
            looked += 1;
            let Some(connection) = self.connections.get_mut(token) else {
                if self.is_lent(token) {
                    self.holders.push_back((token, self.engine.now + self.engine.config.hold));
                }
                continue;
            };
            connection.flags.held = false;
            if connection.progressed + self.engine.config.hold > self.engine.now {
                self.hold(token);
            } else {
                let outcome = self.engine.park(connection);
                if outcome == Outcome::Close {
                    self.close(token);
                }
            }
        }
        looked
    }
}

/// To end a connection takes 10 to 20 µs on loopback: a request that comes meanwhile waits for a
/// tenth of a millisecond at most.
const EXPIRED_PER_TURN_MAX: usize = 8;
