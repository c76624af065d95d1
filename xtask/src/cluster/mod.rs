//! `cluster`: three servers behind HAProxy, ended and started again while clients ask. A client
//! must not notice, however a server ends.

mod balancer;
mod command;

pub(crate) use command::{Options, run};
