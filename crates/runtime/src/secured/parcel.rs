//! A connection over TLS on its way to another worker.

use std::fmt;
use std::mem;

use waterwheel_reactor::Instant;
use waterwheel_tls::Session;

use super::channel::{Channel, SecuredConnection};

/// What a [`SecuredConnection`] comes to between two requests; `C` is what the protocol within
/// makes of its part.
#[derive(Debug)]
pub struct SecuredParcel<C> {
    pub(super) within: C,
    pub(super) channel: Option<PackedChannel>,
}

/// An open session, and the plaintext that was not consumed.
pub(super) struct PackedChannel {
    session: Session,
    plain: Vec<u8>,
    room: usize,
    record_room: usize,
    deadline: Instant,
}

impl Channel {
    /// Whether the session is open, and nothing is on its way through it but received bytes.
    pub(super) fn is_movable(&self) -> bool {
        self.unsealed.is_none() && !self.is_finishing && !self.session.is_handshaking()
    }

    pub(super) fn pack(mut self) -> PackedChannel {
        let plain = mem::take(&mut self.plain).into_parked();
        let Self { session, room, record_room, deadline, .. } = self;
        PackedChannel { session, plain, room, record_room, deadline }
    }
}

impl PackedChannel {
    fn unpack(self) -> Channel {
        let Self { session, plain, room, record_room, deadline } = self;
        let fresh = Channel::new(session);
        Channel { plain: plain.into(), room, record_room, deadline, is_greeted: true, ..fresh }
    }
}

impl<C> SecuredParcel<C> {
    /// The connection again; `unpack` is the protocol's within.
    pub(super) fn unpack<S>(self, unpack: impl FnOnce(C) -> S) -> SecuredConnection<S> {
        let channel = self.channel.map(|packed| Box::new(packed.unpack()));
        SecuredConnection { state: unpack(self.within), channel }
    }
}

impl fmt::Debug for PackedChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedChannel").field("session", &self.session).finish_non_exhaustive()
    }
}
