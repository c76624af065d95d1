//! One core's client.

use std::rc::Rc;

use http::Method;

use crate::exchange::{Failed, exchange};
use crate::pool::Pool;
use crate::{ClientError, Config, Request, Response};

/// Sends requests over connections of its own, which it keeps for the next ones.
///
/// One per core, made by `App::per_core(|_| Client::default())` and taken by handlers as
/// `Local<Client>`.
#[derive(Debug)]
pub struct Client {
    config: Rc<Config>,
    pool: Rc<Pool>,
}

impl Client {
    /// A client without connections.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let config = Rc::new(config);
        Self { pool: Pool::new(Rc::clone(&config)), config }
    }

    /// Sends `request` and waits for the head of the reply. The content is received afterwards,
    /// while the rest of a long request may still be on its way.
    ///
    /// A connection that was kept may have been closed by the backend just now. When it ends before
    /// a byte of the reply has come, the request is sent once more over a new one, if its method is
    /// idempotent (RFC 9110 §9.2.2) and its content is not a stream. Nothing else is ever repeated.
    ///
    /// # Errors
    /// A [`ClientError`].
    ///
    /// # Panics
    /// On a thread that runs no worker.
    pub async fn send(&self, request: Request) -> Result<Response, ClientError> {
        let is_for_head = request.method == Method::HEAD;
        let is_idempotent = request.is_idempotent();
        let head = request.head();
        let (origin, content) = (Rc::new(request.origin), request.content);
        let again = content.again().filter(|_| is_idempotent);
        let checkout = self.pool.take(&origin, false).await?;
        let Some(again) = again.filter(|_| checkout.is_reused) else {
            let reply = exchange(checkout, head, content, is_for_head, &self.config).await;
            return reply.map_err(|failed| failed.error);
        };
        match exchange(checkout, head.clone(), content, is_for_head, &self.config).await {
            Err(Failed { is_stale: true, .. }) => {}
            reply => return reply.map_err(|failed| failed.error),
        }
        let checkout = self.pool.take(&origin, true).await?;
        let reply = exchange(checkout, head, again, is_for_head, &self.config).await;
        reply.map_err(|failed| failed.error)
    }

    /// Connections that are kept for the next request.
    #[must_use]
    pub fn idle_connections(&self) -> usize {
        self.pool.idle_count()
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Config::default())
    }
}
