//! A connection between two requests, as it goes from one worker to another.

use std::mem;

use crate::connection::{Connection, Phase};
use crate::exchange::{Instant, PeerAddress};
use crate::parse::HeadScan;
use crate::receiving::BodyPhase;

/// What a [`Connection`] comes to while its next request has not begun. Unlike one whose handler
/// waits it can be sent to another thread. What was received goes along by itself.
#[derive(Debug)]
pub struct Parcel {
    peer: PeerAddress,
    expires: Instant,
    since: Instant,
    served: bool,
    /// The request has a body, and that is complete.
    body: Option<BodyPhase>,
}

impl Connection {
    /// Takes out what another worker needs to go on, unless a request has begun here.
    pub fn pack(&mut self) -> Option<Parcel> {
        let body = match mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle | Phase::Head => None,
            Phase::Body(body) => Some(body),
            begun => {
                self.phase = begun;
                return None;
            }
        };
        let Self { peer, expires, since, served, .. } = *self;
        Some(Parcel { peer, expires, since, served, body })
    }
}

impl From<Parcel> for Connection {
    fn from(parcel: Parcel) -> Self {
        let Parcel { peer, expires, since, served, body } = parcel;
        let phase = body.map_or(Phase::Idle, Phase::Body);
        Self { phase, peer, scan: HeadScan::new(), expires, since, served }
    }
}
