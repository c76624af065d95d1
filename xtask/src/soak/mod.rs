//! `soak`: mixed load for as long as wanted, and then silence. Memory must not creep while it
//! lasts, and every counter must be back where it was before it began.

mod command;
mod readings;

pub(crate) use command::{Options, run};
