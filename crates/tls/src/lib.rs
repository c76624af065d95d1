//! TLS for a server, with records opened and sealed where they lie.
//!
//! rustls does the handshake, over the bytes as they were received, and all of TLS 1.2. For TLS 1.3
//! it then hands over the keys, and the records are opened and sealed in the segments of the ring:
//! no copy and no allocation per record. All cryptography is that of `aws-lc-rs`. Nothing here does
//! I/O or reads a clock.
//!
//! ```text
//!        inbound                                outbound
//!  ┌──────────────────────┐               ┌──────────────────────┐
//!  │ 5 │ ciphertext │  17 │  received     │ headroom │ payload │ │  queued by the protocol
//!  └──────────────────────┘               └──────────────────────┘
//!        │ open                                  │ seal
//!  ┌──────────────────────┐               ┌──────────────────────┐
//!  │   │  payload   │     │  same bytes   │  │5│ ciphertext │17│ │  same bytes
//!  └──────────────────────┘               └──────────────────────┘
//! ```
//!
//! What the record layer guarantees:
//! - no byte of a record is shown before its tag was verified, and a record that fails is wiped;
//! - every fault ends the connection, with the alert that RFC 8446 §6 asks for;
//! - records without content, KeyUpdates and warnings are capped, and a key seals no more than
//!   2^24 records of AES-GCM before it is changed;
//! - a connection that ends without close_notify [is truncated](Session::is_truncated).
//!
//! # Features
//! - `self-signed` (default): certificates made on the spot, for a first try.
//! - `testing`: the record layer without a handshake, for fuzzing.
//!
//! # Example
//!
//! ```
//! use waterwheel_ring::{Config as RingConfig, Inbound, Ring, Runs};
//! use waterwheel_tls::{Acceptor, Config, Credentials, Received};
//!
//! let mut config = Config::default();
//! let (credentials, _pem) = Credentials::self_signed(&["localhost".into()])?;
//! config.credentials.push(credentials);
//! let acceptor = Acceptor::new(&config)?;
//! acceptor.set_wall(std::time::SystemTime::now());
//!
//! let ring = Ring::new(&RingConfig::default())?;
//! let (mut sealed, mut plain, mut out) = (Inbound::default(), Inbound::default(), Runs::new());
//! let mut session = acceptor.accept();
//! // `sealed` is filled by recv; what is in `out` is sent, and `plain` given to the protocol.
//! let received = session.receive(&ring, &mut sealed, &mut plain, 0, &mut out)?;
//! assert_eq!(received, Received::Await { room: 0 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod acceptor;
mod aside;
mod config;
mod fault;
mod handshake;
mod identity;
mod in_place;
mod receive;
mod record;
#[cfg(feature = "self-signed")]
mod self_signed;
mod send;
mod session;
mod stock;
#[cfg(feature = "testing")]
pub mod testing;
mod ticket;

pub use acceptor::Acceptor;
pub use config::{ClientAuth, ClientRoots, Config, ConfigError, Credentials, Layering, Version};
pub use fault::{Fault, HandshakeFault};
pub use identity::Identity;
pub use session::{Received, Session};

/// What a client is answered that speaks plain HTTP to a TLS port, see [`Fault::PlainHttp`]. The
/// connection is closed after it.
pub const PLAIN_HTTP_REPLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    content-type: text/plain\r\n\
    content-length: 48\r\n\
    connection: close\r\n\
    \r\n\
    This port speaks HTTPS; the request was in HTTP.";

/// Compiles and runs the example of the README.
#[cfg(all(doctest, feature = "self-signed"))]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;

#[cfg(test)]
mod tests {
    #[test]
    fn plain_http_reply_tells_its_length() {
        let text = std::str::from_utf8(super::PLAIN_HTTP_REPLY).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    }
}
