//! HTTP as a protocol of the runtime: the only file here that names it.

use std::net::SocketAddr;
use std::time::Duration;

use waterwheel_runtime::{Io, Next, Protocol};

use crate::connection::Connection;
use crate::core::Http;
use crate::exchange::{Exchange, Need};

impl Protocol for Http {
    type Connection = Connection;

    fn open(&mut self, peer: SocketAddr, now: Duration) -> Connection {
        Connection::new(peer, now, self.core.service().limits())
    }

    #[inline]
    fn advance(&mut self, connection: &mut Connection, io: &mut Io<'_>) -> Next {
        self.set_wall(io.wall);
        connection.advance(self, &mut exchange(io)).into()
    }

    fn timed_out(&mut self, connection: &mut Connection, io: &mut Io<'_>) -> Next {
        self.set_wall(io.wall);
        connection.timed_out(self, &mut exchange(io)).into()
    }
}

#[inline]
fn exchange<'a>(io: &'a mut Io<'_>) -> Exchange<'a> {
    Exchange {
        ring: io.ring,
        inbound: io.inbound,
        outbound: io.outbound,
        ended: io.ended,
        draining: io.draining,
        now: io.now,
        connections: io.metrics.open,
    }
}

impl From<Need> for Next {
    #[inline]
    fn from(need: Need) -> Self {
        match need {
            Need::Bytes { room, deadline } => Self::Read { room, deadline },
            Need::Turn => Self::Yield,
            Need::Room => Self::Starve,
            Need::Finish => Self::Finish,
            Need::Abort => Self::Abort,
        }
    }
}
