//! `hostile`: what a server is worth to its good clients while others mean it ill, ours beside
//! rivals in the same run.
//!
//! ```text
//! command ─ siege         thousands of attackers beside good clients
//!         ├ overload      twice as many requests as the server can answer
//!         └ file_limit    more clients than the server may open files
//! ```

mod command;
mod file_limit;
mod overload;
mod siege;

pub(crate) use command::{Options, run};
