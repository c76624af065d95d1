//! `load`: our own load tool. It counts what wrk counts in a closed loop, and what wrk cannot: the
//! latency at a constant rate from the moment when a request was due, and what held connections
//! cost; and it attacks. The flags and outcome are the same for each way to load, so that more ways
//! can be added: a connection is generic over its stream, and a way is a file that drives
//! connections.

mod attack;
mod cause;
mod child;
mod closed;
mod command;
mod connection;
mod crowd;
mod dial;
mod flags;
mod hold;
mod open;
mod outcome;
mod priority;
mod stream;
mod watch;

pub(crate) use attack::Fates;
pub(crate) use cause::Causes;
pub(crate) use child::{Child, To, sources};
pub(crate) use command::run;
pub(crate) use dial::Sources;
pub(crate) use flags::Flags;
pub(crate) use outcome::{Latency, Outcome};
pub(crate) use stream::{Stream, connect, start_session};
