//! What handlers can ask of a connection over TLS.

use std::sync::Arc;

use waterwheel_http::{Call, Extract, Rejection, StatusCode};
use waterwheel_tls::{Identity, Session};

/// What client and server have agreed on. A request in the clear gets 403 instead.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The host that the client asked for (SNI), in lower case as far as the client sent it so.
    pub server_name: Option<Arc<str>>,
    /// The protocol agreed on by ALPN.
    pub protocol: Option<Arc<[u8]>>,
    /// TLS 1.3; else it is TLS 1.2.
    pub is_tls13: bool,
    /// The client came with a ticket of an earlier connection.
    pub is_resumed: bool,
    /// The client's verified certificates, if it was asked for them and sent them.
    pub identity: Option<Identity>,
}

impl Extract for TlsInfo {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let Some(session) = call.layer::<Session>() else {
            return Err(refused("this is served over TLS only"));
        };
        Ok(Self {
            server_name: session.server_name().cloned(),
            protocol: session.protocol().cloned(),
            is_tls13: session.is_tls13(),
            is_resumed: session.is_resumed(),
            identity: session.identity().cloned(),
        })
    }
}

/// The client's certificates, verified in the handshake against
/// [`ClientAuth`](waterwheel_tls::ClientAuth)'s roots. A request without gets 403 instead.
#[derive(Clone, Debug)]
pub struct ClientIdentity(pub Identity);

impl Extract for ClientIdentity {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let identity = call.layer::<Session>().and_then(Session::identity);
        let missing = || refused("a client certificate is required");
        identity.cloned().map(Self).ok_or_else(missing)
    }
}

#[cold]
fn refused(cause: &'static str) -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, cause)
}
