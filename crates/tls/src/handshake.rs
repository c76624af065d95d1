//! The handshake: rustls fed record by record from where the bytes were received.
//!
//! Record by record, because rustls gives the connection up only when it holds nothing undelivered:
//! what comes after the client's last handshake record is left to the record layer.

use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::ConnectionState;
use rustls::{HandshakeKind, ProtocolVersion};
use waterwheel_ring::{Inbound, Ring, Runs};

use crate::acceptor::Template;
use crate::aside::Aside;
use crate::config::Layering;
use crate::fault::{Fault, HandshakeFault};
use crate::identity::Identity;
use crate::in_place::InPlace;
use crate::record::{Front, HEADER_LEN, RECORD_LEN_MAX_12, front};
use crate::session::{Layer, Opening};
use crate::stock::{Stock, encoded_len};

/// A connection whose handshake is not done.
pub(crate) struct Handshake {
    connection: UnbufferedServerConnection,
    layering: Layering,
    /// What rustls told beside the way.
    aside: Aside,
    /// Bytes at the front of what was received that rustls has seen and not given up.
    fed: usize,
    /// Bytes and records that the handshake has taken so far.
    taken_len: usize,
    record_count: usize,
    /// A header that is none was shown to rustls.
    is_broken: bool,
}

/// What the handshake waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// So many bytes from the first one that is there.
    Bytes(usize),
    /// Nothing more: it is done.
    Done,
}

impl Handshake {
    pub(crate) fn new(template: &Template) -> Result<Self, Fault> {
        // What another handshake left unheard, if that can be, is not for this one.
        drop(Aside::take());
        let connection = UnbufferedServerConnection::new(template.rustls.clone())
            .map_err(|error| Fault::Handshake(HandshakeFault(error)))?;
        let layering = template.layering;
        Ok(Self {
            connection,
            layering,
            aside: Aside::default(),
            fed: 0,
            taken_len: 0,
            record_count: 0,
            is_broken: false,
        })
    }

    /// Goes as far as the received bytes reach. What the client must see is queued in `out`, on a
    /// fault too.
    pub(crate) fn advance(
        &mut self,
        ring: &Ring,
        sealed: &mut Inbound,
        out: &mut Runs,
    ) -> Result<Step, Fault> {
        loop {
            let bytes = &mut sealed.bytes_mut()[..self.fed];
            let status = self.connection.process_tls_records(bytes);
            let discard = status.discard;
            if let Some(aside) = Aside::take() {
                self.aside.merge(*aside);
            }
            let state = match status.state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    queue(&mut data, ring, out)?;
                    Wants::Call
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    Wants::Call
                }
                // The server may write before the client's last message has come. It does not.
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => {
                    Wants::Record
                }
                Ok(_) => return Err(Fault::UnexpectedMessage),
                Err(error) => Wants::End(error),
            };
            sealed.consume(discard);
            self.fed -= discard;
            match state {
                Wants::Call => {}
                Wants::Record if !self.connection.is_handshaking() => return Ok(Step::Done),
                Wants::Record => {
                    if let Some(missing) = self.feed(sealed.bytes())? {
                        return Ok(Step::Bytes(missing));
                    }
                }
                Wants::End(error) => {
                    self.queue_alert(ring, sealed, out);
                    return Err(Fault::Handshake(HandshakeFault(error)));
                }
            }
        }
    }

    /// Shows rustls one more record. Returns how many bytes there must be, when it is not whole.
    fn feed(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        let unseen = &bytes[self.fed..];
        let len = match front(unseen, RECORD_LEN_MAX_12) {
            Front::Whole(len) => len,
            Front::Partial(len) => return Ok(Some(self.fed + len)),
            // rustls finds the same in the header and has the right alert for it.
            Front::TooLong | Front::Malformed if !self.is_broken => {
                self.is_broken = true;
                HEADER_LEN
            }
            Front::TooLong | Front::Malformed => return Err(Fault::Decode),
        };
        self.fed += len;
        self.taken_len += len;
        self.record_count += 1;
        if self.taken_len > HANDSHAKE_LEN_MAX || self.record_count > HANDSHAKE_RECORDS_MAX {
            return Err(Fault::HandshakeTooLong);
        }
        Ok(None)
    }

    /// After a fault rustls still has its alert to hand out. Asked for more than it has, it would
    /// read the faulty record again.
    fn queue_alert(&mut self, ring: &Ring, sealed: &mut Inbound, out: &mut Runs) {
        while self.connection.wants_write() {
            let bytes = &mut sealed.bytes_mut()[..self.fed];
            let state = self.connection.process_tls_records(bytes).state;
            let Ok(ConnectionState::EncodeTlsData(mut data)) = state else { return };
            if queue(&mut data, ring, out).is_err() {
                return;
            }
        }
    }

    /// Hands the connection to its record layer.
    pub(crate) fn finish(self) -> Result<Opening, Fault> {
        let identity = self.connection.peer_certificates().map(Identity::new);
        let server_name = self.aside.server_name.clone();
        let protocol = self.connection.alpn_protocol().map(Arc::from);
        let is_resumed = self.connection.handshake_kind() == Some(HandshakeKind::Resumed);
        let is_13 = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let layer = if is_13 && self.layering == Layering::InPlace {
            let (keys, _) = self
                .connection
                .dangerous_into_kernel_connection()
                .map_err(|error| Fault::Handshake(HandshakeFault(error)))?;
            let Aside { inbound: Some(inbound), outbound: Some(outbound), .. } = self.aside else {
                return Err(Fault::Internal);
            };
            Layer::InPlace(InPlace::new(&keys, inbound, outbound)?)
        } else {
            Layer::Stock(Box::new(Stock::new(self.connection)))
        };
        Ok(Opening { layer, identity, server_name, protocol, is_resumed, is_13 })
    }
}

enum Wants {
    /// Another call with the same bytes.
    Call,
    Record,
    End(rustls::Error),
}

fn queue(
    data: &mut rustls::unbuffered::EncodeTlsData<'_, rustls::server::ServerConnectionData>,
    ring: &Ring,
    out: &mut Runs,
) -> Result<(), Fault> {
    let mut encoded = Ok(0);
    out.place(ring, encoded_len(data)?, |target| encoded = data.encode(target));
    encoded.map(|_| ()).map_err(|_| Fault::Internal)
}

/// Bytes of a whole handshake from the client: a ClientHello with post-quantum keys has some 2 KiB,
/// a certificate chain of its own may have 10 KiB, and it may send the ClientHello twice.
const HANDSHAKE_LEN_MAX: usize = 32 * 1024;

/// Records of a whole handshake from the client. Clients send under ten; one that cuts a
/// ClientHello into records of a byte each is legal too.
const HANDSHAKE_RECORDS_MAX: usize = 4096;
