//! `bench`: the criterion benchmarks, then the arena: our server and its rivals under the same
//! load, one core each for server and load tool, entries in turn, medians with their spread.
//!
//! ```text
//! command ─ criterion                        what to run
//!    └ arena ─ entries, rows, contestant     who, under what, checked by check
//!        ├ closed ─ tool ─ wrk | h2load | own_load    server CPU per request
//!        ├ constant ─ own_load               the same at a constant rate
//!        └ memory ─ own_load                 memory per idle connection
//!    ├ crossing ─ beside ─ own_load          latency of light requests beside heavy ones
//!    ├ scaling ─ curves                      the same over connections, bodies, workers, load
//!    ├ disk                                  reads of files, warm and cold
//!    ├ parts ─ addresses                     instructions by part of our server
//!    ├ guard ─ guard_cases                   instructions beside the counts kept
//!    └ results ─ merge, store, compare, table
//!        └ page ─ sections, svg, plot, strip ─ scale
//! ```

mod addresses;
mod arena;
mod beside;
mod body_file;
mod check;
mod closed;
mod command;
mod compare;
mod constant;
mod content;
mod contestant;
mod criterion;
mod crossing;
mod curves;
mod disk;
pub(crate) mod entries;
mod file_server;
mod folder;
pub(crate) mod guard;
mod guard_cases;
mod h2load;
mod install;
mod machine;
mod memory;
mod merge;
mod origin;
mod own_load;
mod packaged;
mod page;
mod parts;
mod pinned;
mod plot;
pub(crate) mod proc;
mod results;
mod rows;
mod samples;
mod saturation;
mod scale;
mod scaling;
mod sections;
mod store;
mod strip;
mod svg;
mod table;
mod tool;
mod wrk;

pub(crate) use command::{Depth, Options, run};
pub(crate) use contestant::Contestant;
pub(crate) use memory::raise_file_limit;
pub(crate) use origin::Certificate;
pub(crate) use packaged::free_address;
pub(crate) use pinned::{Cores, on_core, pin};
pub(crate) use rows::Needs;
pub(crate) use samples::Samples;
pub(crate) use table::align;
pub(crate) use tool::ToolName;
