//! What a call of the protocol comes to: what it queued is sent, what it waits for is noted.

use waterwheel_reactor::{Driver, Instant};

use super::engine::{Engine, Outcome, Served};
use crate::connection::{Phase, Waiting};
use crate::{Next, Protocol};

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// Sends what the protocol queued, and notes what it waits for. `Ok` means that the connection
    /// can be worked on further in this turn.
    #[inline(always)]
    pub(super) fn conclude(
        &mut self,
        connection: &mut Served<D, P>,
        next: Next,
    ) -> Result<(), Outcome> {
        match next {
            Next::Read { room, deadline } | Next::ReadOrWake { room, deadline } => {
                if matches!(next, Next::ReadOrWake { .. }) {
                    connection.flags.waiting = Waiting::ForWakeOrBytes;
                }
                connection.room = u32::try_from(room).unwrap_or(u32::MAX);
                connection.deadline = deadline;
                if connection.flags.ended {
                    // Nothing can come any more, so there is nothing to wait for.
                    connection.phase = Phase::Finishing;
                } else if !connection.flags.readable && connection.inbound.is_nowhere() {
                    self.send_queued(connection)?;
                    return Err(Outcome::Wait);
                }
            }
            Next::Yield | Next::Starve => {
                connection.flags.again = true;
                // What was awaited has come; a read before the next call must not ask for its room.
                connection.room = 0;
                if next == Next::Yield {
                    // The next call is due at once, and says anew until when it waits.
                    connection.deadline = Instant::MAX;
                }
            }
            Next::Defer => {
                connection.flags.again = true;
                connection.room = 0;
                // Its bytes have come; how long it waits now is not the peer's doing.
                connection.deadline = Instant::MAX;
            }
            Next::Wake { deadline } => {
                connection.flags.waiting = Waiting::ForWake;
                connection.room = 0;
                connection.deadline = deadline;
            }
            Next::SendFile => return self.begin_file(connection),
            Next::Finish => {
                connection.phase = Phase::Finishing;
                // The half-close is next, and sets another. What has passed must not come up again
                // before its turn: that would close the connection at once.
                connection.deadline = Instant::MAX;
            }
            Next::Abort => {
                self.outbound.clear();
                return Err(Outcome::Close);
            }
        }
        self.send_queued(connection)?;
        match next {
            Next::Yield => Err(Outcome::Requeue),
            Next::Starve => Err(Outcome::Starved),
            Next::Defer => Err(Outcome::Defer),
            Next::Wake { .. } => Err(Outcome::Wait),
            _ => Ok(()),
        }
    }
}
