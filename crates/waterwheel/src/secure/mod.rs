//! TLS as applications see it: what a listener is given, and what handlers can ask for.

mod extract;
mod listener;

pub use extract::{ClientIdentity, TlsInfo};
pub use listener::Tls;
