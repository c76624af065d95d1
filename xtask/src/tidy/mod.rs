//! `tidy`: the project's own rules, those that neither rustfmt nor clippy knows. One rule per file;
//! `command` collects the sources, asks every rule and prints what they found.

mod atomics_import;
mod banned_names;
mod columns;
mod command;
mod doc_index;
mod finding;
mod layering;
mod length;
mod module_docs;
mod orderings;
mod safety;
mod source;
mod todo;
mod unsafe_list;

pub(crate) use command::run;
