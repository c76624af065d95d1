//! `tls-peers`: the TLS clients that people use, and hostile ones, against the arena over TLS.

mod command;
mod curl;
mod openssl;
mod relay;
mod scripts;
mod verdicts;

pub(crate) use command::run;
