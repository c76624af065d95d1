//! Replies: what a handler answers, and the types that turn into one.

mod body;
mod fields;
mod into_reply;
mod json;
mod reply_type;

pub(crate) use body::Body;
pub(crate) use fields::Fields;
pub use into_reply::IntoReply;
pub use json::Json;
pub use reply_type::Reply;
pub(crate) use reply_type::TEXT;
