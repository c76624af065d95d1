//! `canary`: a server over real sockets, and visitors who know every byte of every reply before it
//! comes. Each body is stamped with the request it belongs to, so bytes of another request, of
//! another connection or of the memory's earlier life are found, and found out whose they were.
//!
//! ```text
//! command ─ crew      a thread with its visitors and their poll
//!             └ visitor ─ request    what is sent, and what has to come back
//!                       └ reply      what came back, held against it
//! ```

mod command;
mod crew;
mod reply;
mod request;
mod visitor;

pub(crate) use command::{Options, run};
pub(crate) use crew::{Run, work};
pub(crate) use visitor::Tally;
