//! TLS 1.3 after the handshake, with records opened and sealed where they lie.
//!
//! Owns what RFC 8446 §4.6.3, §5 and §6 ask of a server once the handshake is done. All
//! cryptography is the library's. Knows nothing of sockets, queues of plaintext and HTTP.

mod derive;
mod key;
mod layer;
mod open;
mod seal;
#[cfg(feature = "testing")]
mod sealer;

pub(crate) use layer::InPlace;
#[cfg(feature = "testing")]
pub(crate) use layer::records_per_key_max;
#[cfg(feature = "testing")]
pub(crate) use sealer::Sealer;
