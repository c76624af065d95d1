//! Why a TLS connection ends before both sides have said so.

use std::error::Error;
use std::fmt;

/// Why a TLS connection is over. None of them leaves the connection usable; where the peer is told,
/// the alert is already queued when the fault is returned.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The first bytes are a request in plain HTTP. Nothing was consumed, and the peer understands
    /// no alert: [`PLAIN_HTTP_REPLY`](crate::PLAIN_HTTP_REPLY) tells it.
    PlainHttp,
    /// The handshake failed; the source says why.
    Handshake(HandshakeFault),
    /// The handshake took more bytes or more records than a handshake may.
    HandshakeTooLong,
    /// A record does not belong to this connection: its tag does not match.
    BadRecordMac,
    /// A record or its content is longer than RFC 8446 §5.1 and §5.2 allow.
    RecordOverflow,
    /// A record or message of a type that has no place here (RFC 8446 §5, §4.6).
    UnexpectedMessage,
    /// A message cannot be read.
    Decode,
    /// A field of a message has a value that it must not have.
    IllegalParameter,
    /// Too many records in a row that carry nothing.
    EmptyRecords,
    /// Too many KeyUpdates, or warnings, without application data between them.
    Flood,
    /// The peer sent this fatal alert (RFC 8446 §6.2).
    Alert(u8),
    /// The keys have sealed as many records as they may and the protocol has no way to change them.
    KeysSpent,
    /// The cryptographic library refused, which it has no reason to.
    Internal,
}

impl Fault {
    /// The code of the alert that tells the peer (RFC 8446 §6), if it is told.
    #[must_use]
    pub const fn alert(&self) -> Option<u8> {
        match self {
            Self::BadRecordMac => Some(20),
            Self::RecordOverflow => Some(22),
            Self::UnexpectedMessage | Self::EmptyRecords | Self::Flood => Some(10),
            Self::Decode => Some(50),
            Self::IllegalParameter => Some(47),
            Self::KeysSpent | Self::Internal => Some(80),
            Self::PlainHttp | Self::Handshake(_) | Self::HandshakeTooLong | Self::Alert(_) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PlainHttp => "plain HTTP on a TLS port",
            Self::Handshake(_) => "handshake failed",
            Self::HandshakeTooLong => "handshake too long",
            Self::BadRecordMac => "record with a wrong tag",
            Self::RecordOverflow => "record too long",
            Self::UnexpectedMessage => "message out of place",
            Self::Decode => "message malformed",
            Self::IllegalParameter => "message with an illegal value",
            Self::EmptyRecords => "too many empty records",
            Self::Flood => "too many messages without data",
            Self::Alert(code) => return write!(f, "peer sent alert {code}"),
            Self::KeysSpent => "keys used up",
            Self::Internal => "cryptographic library refused",
        })
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Handshake(cause) => Some(cause),
            _ => None,
        }
    }
}

/// What went wrong in a handshake, in the words of the TLS library.
#[derive(Clone, Debug, PartialEq)]
pub struct HandshakeFault(pub(crate) rustls::Error);

impl fmt::Display for HandshakeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for HandshakeFault {}

/// What rustls found in a record after the handshake, in our words. The alert it chose is queued by
/// itself.
impl From<rustls::Error> for Fault {
    fn from(error: rustls::Error) -> Self {
        use rustls::{Error as E, InvalidMessage, PeerMisbehaved as P};
        match error {
            E::DecryptError => Self::BadRecordMac,
            E::PeerSentOversizedRecord | E::InvalidMessage(InvalidMessage::MessageTooLarge) => {
                Self::RecordOverflow
            }
            E::AlertReceived(code) => Self::Alert(code.into()),
            E::PeerMisbehaved(P::TooManyEmptyFragments) => Self::EmptyRecords,
            E::PeerMisbehaved(P::TooManyKeyUpdateRequests | P::TooManyWarningAlertsReceived) => {
                Self::Flood
            }
            E::InvalidMessage(InvalidMessage::InvalidKeyUpdate) => Self::IllegalParameter,
            E::InvalidMessage(_) => Self::Decode,
            _ => Self::UnexpectedMessage,
        }
    }
}
