//! `new-stage`: makes a crate with a stage that builds, serves and passes the conformance kit at
//! once, for its author to change.

mod command;
mod name;

pub(crate) use command::run;
