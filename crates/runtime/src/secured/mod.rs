//! Any protocol over TLS, as a protocol itself.
//!
//! ```text
//!  worker ── sealed bytes ──▶ Session ── plaintext ──▶ the protocol within
//!         ◀── records ──────         ◀── replies ─────
//! ```
//!
//! The worker sees one more [`Protocol`](crate::Protocol) and knows nothing of TLS, and neither
//! does the protocol within. A runtime without a TLS listener does not use this at all.

mod channel;
mod gate;
mod parcel;
mod protocol;

pub use channel::SecuredConnection;
pub use parcel::SecuredParcel;
pub use protocol::{Secured, SecuredConfig};
