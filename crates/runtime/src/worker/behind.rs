//! Work on a connection whose earlier output its peer has not read yet.

use waterwheel_reactor::{Driver, Token};

use super::engine::{Engine, Outcome, Served};
use crate::Protocol;
use crate::connection::Unsent;

impl<D: Driver, P: Protocol> Engine<D, P> {
    /// What the protocol waited for has come while earlier replies are still on their way: its own
    /// joins their queue. Otherwise a client that does not read would keep the future, and the
    /// segments that it holds, for as long as the send timeout lets it.
    #[cold]
    pub(super) fn answer_behind(&mut self, token: Token, connection: &mut Served<D, P>) -> Outcome {
        if connection.unsent.as_ref().is_some_and(|unsent| unsent.part.is_some()) {
            // Behind a part of a file nothing joins the queue.
            return Outcome::Wait;
        }
        let Some(unsent) = connection.unsent.take() else { return Outcome::Requeue };
        let progressed = connection.progressed;
        let Unsent { runs, since, taken_len, parked_len, .. } = *unsent;
        self.outbound = runs;
        let advanced =
            self.advance(token, connection, |protocol, state, io| protocol.advance(state, io));
        if let Some(unsent) = &mut connection.unsent {
            // A longer queue is no progress of the peer's.
            connection.progressed = progressed;
            (unsent.since, unsent.parked_len) = (since, parked_len);
            unsent.taken_len += taken_len;
        }
        advanced.err().unwrap_or(Outcome::Requeue)
    }
}
