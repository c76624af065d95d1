//! Which load tool drives the closed loop, and what every one of them reports.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::origin::Origin;
use super::own_load;
use super::rows::Request;
use super::wrk;

/// A load tool.
#[derive(Debug)]
pub(crate) enum Tool {
    Wrk {
        version: String,
    },
    /// `xtask load`, built with optimisation.
    Own {
        program: PathBuf,
    },
}

/// What a load tool did, from its first to its last request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) errors: u64,
}

impl Tool {
    /// wrk where it is installed, unless our own is asked for.
    pub(crate) fn choose(own: bool, own_program: &std::path::Path) -> Self {
        match wrk::version() {
            Some(version) if !own => Self::Wrk { version },
            _ => Self::Own { program: own_program.to_owned() },
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Wrk { version } => version,
            Self::Own { .. } => "xtask load",
        }
    }

    /// Keeps `connections` × `depth` requests open for so many seconds.
    pub(crate) fn load(
        &self,
        origin: Origin,
        request: &Request,
        connections: u32,
        depth: u32,
        seconds: u32,
    ) -> Result<Loaded> {
        match self {
            Self::Wrk { .. } => wrk::load(origin, request, connections, depth, seconds),
            Self::Own { program } => {
                ensure!(!origin.is_tls, "only wrk loads over TLS");
                own_load::closed(program, origin.address, request, connections, depth, seconds)
            }
        }
    }
}
