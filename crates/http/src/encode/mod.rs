//! The wire form of replies: heads are sized and written by one routine, content is not moved.

pub(crate) mod chunk;
mod date;
mod head;
mod stamp;

pub use date::DateCache;
pub(crate) use head::{Persistence, ReplyHead, reason};
pub(crate) use stamp::Stamp;

/// Headroom that replies written into a run of their own leave for their head: a status line, the
/// server's own fields and a few more of usual length. A longer head goes into a run before it.
pub(crate) const REPLY_HEAD_ROOM: usize = waterwheel_ring::Inbound::HEADROOM;
