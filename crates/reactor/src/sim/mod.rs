//! A world in memory for a worker to run in: virtual clock, clients, and faults from a seed.
//!
//! ```text
//!   harness ── Client::send ──▶ ┌─────────── World ───────────┐ ◀── Driver calls ── worker
//!           ◀─ Client::received │ connections  schedule clock │ ──── poll: edges ──▶
//!                               │ Faults + seed ─▶ what fails │
//!                               └─────────────────────────────┘
//! ```
//!
//! Everything runs on one thread, nothing waits, and the same seed gives the same history: compare
//! [`World::trace_hash`].
//!
//! # Edges
//!
//! An edge is reported when bytes, room or an end *arrive*, and at registration, and at no other
//! time: a worker that stops early and does not remember to come back stalls here as it would stall
//! in production. Even less is reported than epoll does, which tells of both directions when one
//! has news: only the direction with news is named, unless [`Fault::CoalescedEvent`] strikes. Room
//! is news only after a send came up short or was refused, and once a third of the buffer is free,
//! as in Linux.
//!
//! A fault that cuts a read or a write short, or refuses it although the socket was ready, is told
//! apart from the real thing by nobody: what it hid counts as not yet arrived, and arrives with a
//! new edge at a later poll. `EINTR`, `ENOBUFS`, `ENOMEM` and `EMFILE` hide nothing, so after them
//! no edge comes: whoever gets one must try again by itself.
//!
//! # Connections that the worker makes
//!
//! What a worker's futures connect to ([`Driver::sources`](crate::Driver::sources)) is a
//! [`Backend`]; the far end of each connection is a [`Client`] again, from [`Backend::accept`]. All
//! faults of reads, writes and events strike there too.
//!
//! # Ends
//!
//! A server that closes a socket with unread bytes resets the connection, and the worst that a
//! reset may do happens: what the client had not read by then is lost (RFC 9112 §9.6). A client
//! that reads by itself reads when the worker polls.
//!
//! # Files
//!
//! They are the machine's own: a harness makes those that it wants read. Only when an answer comes,
//! and whether, is the world's to decide.

mod backend;
mod chance;
mod client;
mod connection;
mod disk;
mod driver;
mod faults;
mod outgoing;
mod places;
mod port;
mod schedule;
mod state;
mod trace;
mod turn;
mod world;

pub use backend::Backend;
pub use client::Client;
pub use connection::End;
pub use driver::{SimDriver, SimSocket, SimWaker};
pub use faults::{Fault, FaultCounts, Faults};
pub use world::World;
