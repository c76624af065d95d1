//! A folder of files as part of an application.
//!
//! ```text
//!  GET /a.css ─▶ path ─▶ cache ── fresh ──▶ answer: conditions, ranges, coding ─▶ reply
//!                          └── stale ──▶ lookup: open, stat, siblings, read ──▶ cache ─▶ answer
//! ```
//!
//! What a client may ask of a version is judged in [`waterwheel_http::representation`]; how files
//! are opened and read without waiting is [`fs`](crate::fs)'s business.

mod answer;
mod cache;
mod content;
mod handler;
mod listing;
mod lookup;
mod path;
mod settings;

pub use settings::Files;

pub(crate) use cache::Caches;
pub(crate) use handler::Serving;
