//! The routes.

use waterwheel::http::StatusCode;
use waterwheel::net::Remote;
use waterwheel::ring::Ring;
use waterwheel::{App, InPlace, IntoReply, Local, Path, Rejection, Reply};

use crate::connection::{Redis, RedisError};
use crate::resp::Value;

/// Routes over the Redis at `remote`; each core has a connection of its own.
pub(crate) fn app(remote: Remote) -> App {
    App::new()
        .per_core(move |_| Redis::new(remote.clone()))
        .get("/visits", visits)
        .get("/value/{key}", value)
        .put("/value/{key}", set_value)
}

/// Two commands in one write, two replies in one read.
async fn visits(redis: Local<Redis>) -> Result<String, Failed> {
    let count = redis.command(&[b"INCR", b"visits"]);
    let expiry = redis.command(&[b"EXPIRE", b"visits", b"3600"]);
    let (count, _) = (count.await?, expiry.await?);
    match count {
        Value::Number(count) => Ok(format!("{count}\n")),
        other => Err(Failed(format!("{other:?}"))),
    }
}

async fn value(Path(key): Path<String>, redis: Local<Redis>) -> Result<Reply, Failed> {
    match redis.command(&[b"GET", key.as_bytes()]).await? {
        Value::Bytes(Some(bytes)) => Ok(Reply::bytes(bytes)),
        Value::Bytes(None) => Ok(Reply::new(StatusCode::NOT_FOUND)),
        other => Err(Failed(format!("{other:?}"))),
    }
}

/// The body stays in its segments until it is copied into the command.
async fn set_value(
    Path(key): Path<String>,
    redis: Local<Redis>,
    body: InPlace<[u8]>,
) -> Result<StatusCode, Failed> {
    match redis.command(&[b"SET", key.as_bytes(), &body]).await? {
        Value::Text(_) => Ok(StatusCode::NO_CONTENT),
        other => Err(Failed(format!("{other:?}"))),
    }
}

/// Redis did not do what was asked.
struct Failed(String);

impl From<RedisError> for Failed {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

impl IntoReply for Failed {
    fn into_reply(self, ring: &Ring) -> Reply {
        Rejection::new(StatusCode::BAD_GATEWAY, self.0).into_reply(ring)
    }
}
