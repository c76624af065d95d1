//! Which load tool drives the closed loop, and what every one of them reports.

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::origin::Origin;
use super::rows::Closed;
use super::{h2load, own_load, wrk};

/// A load tool by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToolName {
    Wrk,
    H2load,
    /// `xtask load`.
    Own,
}

/// A load tool.
#[derive(Debug)]
pub(crate) enum Tool {
    Wrk {
        version: String,
    },
    H2load {
        version: String,
    },
    /// `xtask load`.
    Own,
}

/// What a load tool did, from its first to its last request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) errors: u64,
}

impl Tool {
    /// The one that is asked for, or the first that is installed.
    ///
    /// # Errors
    /// When the one that is asked for is missing.
    pub(crate) fn choose(wanted: Option<ToolName>) -> Result<Self> {
        let wrk = || wrk::version().map(|version| Self::Wrk { version });
        let h2load = || h2load::version().map(|version| Self::H2load { version });
        match wanted {
            Some(ToolName::Wrk) => wrk().context("wrk is missing; --install installs it"),
            Some(ToolName::H2load) => h2load().context("h2load is missing; --install installs it"),
            Some(ToolName::Own) => Ok(Self::Own),
            None => Ok(wrk().or_else(h2load).unwrap_or(Self::Own)),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Wrk { version } | Self::H2load { version } => version,
            Self::Own => "xtask load",
        }
    }

    /// Loads the server for so many seconds.
    pub(crate) fn load(&self, origin: Origin, asked: &Closed, seconds: u32) -> Result<Loaded> {
        match self {
            Self::Wrk { .. } => wrk::load(origin, asked, seconds),
            Self::H2load { .. } => h2load::load(origin, asked, seconds),
            Self::Own => own_load::closed(origin, asked, f64::from(seconds)),
        }
    }
}
