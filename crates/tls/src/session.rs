//! One TLS connection: bytes in, plaintext out, and back.
//!
//! Does no I/O and reads no clock. What it queues must be sent in order.

use std::fmt;
use std::sync::Arc;

use waterwheel_ring::{Inbound, Ring, Runs};

use crate::acceptor::Template;
use crate::fault::Fault;
use crate::handshake::{Handshake, Step};
use crate::identity::Identity;
use crate::in_place::InPlace;
use crate::receive::open_all;
use crate::record::{Alert, RecordLayer};
use crate::send::seal_all;
use crate::stock::Stock;

/// One TLS connection of a server.
///
/// ```text
///  recv ─▶ sealed: Inbound ──receive──▶ plain: Inbound ─▶ protocol
///  send ◀─ sealed: Runs    ◀───send──── plain: Runs    ◀────┘
/// ```
///
/// It owns no bytes of either kind: an idle connection that was asked to [rest](Self::rest) is its
/// keys and nothing else.
pub struct Session {
    state: State,
}

enum State {
    /// Nothing was received yet.
    Fresh(Template),
    Handshake(Box<Handshake>),
    Open(Box<Open>),
    /// After a fault.
    Over,
}

struct Open {
    layer: Layer,
    identity: Option<Identity>,
    server_name: Option<Arc<str>>,
    protocol: Option<Arc<[u8]>>,
    is_resumed: bool,
    is_13: bool,
    /// The peer's close_notify has come, ours has gone.
    is_peer_closed: bool,
    is_closed: bool,
}

/// What a handshake leads to.
pub(crate) struct Opening {
    pub(crate) layer: Layer,
    pub(crate) identity: Option<Identity>,
    pub(crate) server_name: Option<Arc<str>>,
    pub(crate) protocol: Option<Arc<[u8]>>,
    pub(crate) is_resumed: bool,
    pub(crate) is_13: bool,
}

#[expect(clippy::large_enum_variant, reason = "lives in a box; the rare variant is the small one")]
pub(crate) enum Layer {
    InPlace(InPlace),
    Stock(Box<Stock>),
}

/// What a connection waits for after [`Session::receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// More bytes. The next record takes so many, counted from the first one that is left; 0 when
    /// none has begun. Until they are there it must be possible to receive them in one run.
    Await {
        /// That length.
        room: usize,
    },
    /// The ring has no run for what was received; nothing is lost, a later call goes on.
    Starved,
    /// Nothing: the peer has said that it sends no more.
    Closed,
}

impl Session {
    pub(crate) const fn new(template: Template) -> Self {
        Self { state: State::Fresh(template) }
    }

    /// Goes as far as the bytes in `sealed` reach: through the handshake, then record by record,
    /// and adds what they contain to `plain`, contiguously. `room` is how far the reader wants the
    /// plaintext to reach from its first byte on, 0 if it does not know. What the peer must see
    /// (handshake, KeyUpdate, alert) is queued in `out`, behind what is there.
    ///
    /// A record that comes alone into an empty `plain` is opened where it lies, and its run becomes
    /// that of `plain`; others are opened straight into the run of `plain`. Nothing is copied in
    /// either way, as long as that run is not [parked](Inbound::park) and can grow.
    ///
    /// # Errors
    /// A [`Fault`] when the connection is over; the alert that says so is queued. Plaintext of
    /// earlier records is in `plain`, and nothing of the record that failed.
    pub fn receive(
        &mut self,
        ring: &Ring,
        sealed: &mut Inbound,
        plain: &mut Inbound,
        room: usize,
        out: &mut Runs,
    ) -> Result<Received, Fault> {
        let received = match &mut self.state {
            State::Open(open) => open.receive(ring, sealed, plain, room, out),
            State::Over => Ok(Received::Closed),
            _ => self.shake_hands(ring, sealed, plain, room, out),
        };
        if received.is_err() {
            self.state = State::Over;
        }
        received
    }

    #[cold]
    fn shake_hands(
        &mut self,
        ring: &Ring,
        sealed: &mut Inbound,
        plain: &mut Inbound,
        room: usize,
        out: &mut Runs,
    ) -> Result<Received, Fault> {
        if let State::Fresh(template) = &self.state {
            let Some(first) = sealed.bytes().first() else {
                return Ok(Received::Await { room: 0 });
            };
            // A record starts with a byte from 20 to 23, a method with a letter.
            if first.is_ascii_uppercase() {
                return Err(Fault::PlainHttp);
            }
            self.state = State::Handshake(Box::new(Handshake::new(template)?));
        }
        let State::Handshake(handshake) = &mut self.state else { return Ok(Received::Closed) };
        if let Step::Bytes(missing) = handshake.advance(ring, sealed, out)? {
            let room = if sealed.is_empty() { 0 } else { missing };
            return Ok(Received::Await { room });
        }
        let State::Handshake(handshake) = std::mem::replace(&mut self.state, State::Over) else {
            return Ok(Received::Closed);
        };
        let Opening { layer, identity, server_name, protocol, is_resumed, is_13 } =
            handshake.finish()?;
        let (is_peer_closed, is_closed) = (false, false);
        let open = Open {
            layer,
            identity,
            server_name,
            protocol,
            is_resumed,
            is_13,
            is_peer_closed,
            is_closed,
        };
        self.state = State::Open(Box::new(open));
        self.receive(ring, sealed, plain, room, out)
    }

    /// Seals what is queued in `plain` into records behind what is queued in `sealed`. A lease with
    /// room around its payload is sealed where it lies; several short pieces leave as one record;
    /// everything else is sealed out of its place, in records of up to 16 KiB.
    ///
    /// Returns whether all of it is sealed. If not, the ring is full or 256 KiB are queued, and a
    /// later call goes on; or the handshake is not done, or [`close`](Self::close) was called.
    ///
    /// # Errors
    /// A [`Fault`] when the connection is over. What is queued must not be sent then.
    pub fn send(
        &mut self,
        ring: &Ring,
        plain: &mut Runs,
        sealed: &mut Runs,
    ) -> Result<bool, Fault> {
        let open = match &mut self.state {
            State::Open(open) if !open.is_closed => open,
            _ => return Ok(plain.is_empty()),
        };
        let sent = match &mut open.layer {
            Layer::InPlace(layer) => seal_all(layer, ring, plain, sealed),
            Layer::Stock(layer) => seal_all(layer.as_mut(), ring, plain, sealed),
        };
        if sent.is_err() {
            self.state = State::Over;
        }
        sent
    }

    /// Queues close_notify, once: nothing is sent after it (RFC 8446 §6.1). A connection whose
    /// handshake is not done has nothing to say.
    pub fn close(&mut self, ring: &Ring, out: &mut Runs) {
        if let State::Open(open) = &mut self.state
            && !std::mem::replace(&mut open.is_closed, true)
        {
            // What cannot be said any more is not said; the peer sees a truncation.
            let _ = open.layer_mut().alert(ring, out, Alert::CloseNotify);
        }
    }

    /// Drops what can be made again from the rest: no bytes are expected for a while. The first
    /// record after it costs about 170 ns more in each direction.
    pub fn rest(&mut self) {
        if let State::Open(open) = &mut self.state {
            open.layer_mut().rest();
        }
    }

    /// Whether bytes may be missing if the peer's end of the TCP stream has come: it has not said
    /// close_notify (RFC 8446 §6.1). A body that ends with the connection is incomplete then.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        !matches!(&self.state, State::Open(open) if open.is_peer_closed)
    }

    /// Whether the handshake is not done.
    #[must_use]
    pub const fn is_handshaking(&self) -> bool {
        matches!(self.state, State::Fresh(_) | State::Handshake(_))
    }

    /// The client's verified certificate chain, if it was asked for one and sent one.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.open()?.identity.as_ref()
    }

    /// The host that the client asked for (SNI, RFC 6066 §3), if it did.
    #[must_use]
    pub fn server_name(&self) -> Option<&Arc<str>> {
        self.open()?.server_name.as_ref()
    }

    /// The protocol that was agreed on (ALPN, RFC 7301), if the client offered any.
    #[must_use]
    pub fn protocol(&self) -> Option<&Arc<[u8]>> {
        self.open()?.protocol.as_ref()
    }

    /// Whether the client came with a ticket of an earlier connection.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.open().is_some_and(|open| open.is_resumed)
    }

    /// Whether the connection speaks TLS 1.3; known once the handshake is done.
    #[must_use]
    pub fn is_tls13(&self) -> bool {
        self.open().is_some_and(|open| open.is_13)
    }

    /// Whether records are opened and sealed in place.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.open().is_some_and(|open| matches!(open.layer, Layer::InPlace(_)))
    }

    fn open(&self) -> Option<&Open> {
        match &self.state {
            State::Open(open) => Some(open),
            _ => None,
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn in_place_mut(&mut self) -> Option<&mut InPlace> {
        match &mut self.state {
            State::Open(open) => match &mut open.layer {
                Layer::InPlace(layer) => Some(layer),
                Layer::Stock(_) => None,
            },
            _ => None,
        }
    }
}

impl Open {
    fn receive(
        &mut self,
        ring: &Ring,
        sealed: &mut Inbound,
        plain: &mut Inbound,
        room: usize,
        out: &mut Runs,
    ) -> Result<Received, Fault> {
        if self.is_peer_closed {
            // RFC 8446 §6.1: what comes after close_notify is ignored.
            sealed.consume(sealed.len());
            return Ok(Received::Closed);
        }
        let received = match &mut self.layer {
            Layer::InPlace(layer) => open_all(layer, ring, sealed, plain, room),
            Layer::Stock(layer) => open_all(layer.as_mut(), ring, sealed, plain, room),
        };
        match received {
            Ok(received) => {
                if !self.is_closed {
                    self.layer_mut().flush(ring, out)?;
                }
                self.is_peer_closed = received == Received::Closed;
                Ok(received)
            }
            Err(fault) => {
                if let Some(code) = fault.alert()
                    && !self.is_closed
                {
                    // Told as far as it can be: the connection ends anyway.
                    let _ = self.layer_mut().alert(ring, out, Alert::Fatal(code));
                }
                Err(fault)
            }
        }
    }

    fn layer_mut(&mut self) -> &mut dyn RecordLayer {
        match &mut self.layer {
            Layer::InPlace(layer) => layer,
            Layer::Stock(layer) => layer.as_mut(),
        }
    }
}

impl fmt::Debug for Session {
    /// Shows how far the connection is, never a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Fresh(_) => "Session(fresh)",
            State::Handshake(_) => "Session(handshake)",
            State::Open(_) => "Session(open)",
            State::Over => "Session(over)",
        })
    }
}

/// Each connection has one of these in its slab entry, or beside it; the rest is boxed.
const _: () = assert!(size_of::<Session>() <= 24);
