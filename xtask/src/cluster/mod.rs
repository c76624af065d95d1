//! `cluster`: three servers behind HAProxy, ended and started again while clients ask; or one
//! server behind nothing, restarted by a successor that takes its listeners over. A client must not
//! notice, however a server ends.

mod alone;
mod balancer;
mod command;

pub(crate) use command::{Options, run};
