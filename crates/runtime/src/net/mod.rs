//! Connections that handlers make: to a database, a cache, another server. They live on the worker
//! of the future that made them, and its loop waits for them: no thread does.
//!
//! ```no_run
//! use waterwheel_runtime::net::TcpStream;
//!
//! async fn ping() -> std::io::Result<Vec<u8>> {
//!     let redis = TcpStream::connect(([127, 0, 0, 1], 6379)).await?;
//!     redis.write_all(b"PING\r\n").await?;
//!     let mut room = [0; 64];
//!     let len = redis.read(&mut room).await?;
//!     Ok(room[..len].to_vec())
//! }
//! ```
//!
//! Names are looked up by the system's resolver, which blocks: up to four helper threads wait for
//! it, started when a name is asked for first and never without one. See [`lookup`].
//!
//! Reading and writing take `&self`, so one future can do both at once (`join`), and
//! [`Stream::into_split`] gives each half to its own owner.

mod halves;
mod lookup;
mod stream;
mod tcp;
mod unix;

pub use halves::{ReadHalf, WriteHalf};
pub(crate) use lookup::Names;
pub use lookup::lookup;
pub use stream::Stream;
pub use tcp::TcpStream;
pub use unix::UnixStream;
pub use waterwheel_reactor::Remote;
