//! Why a server did not start.

use std::error::Error;
use std::fmt;
use std::io;

use waterwheel_http::ServiceError;
use waterwheel_runtime::{BudgetError, RunError};

/// Why a server did not start, or did not end in good order.
///
/// `{:?}` is the same sentence as `{}`, for it is what a `main` that returns this error prints.
#[non_exhaustive]
pub enum StartError {
    /// An address to listen on cannot be understood or looked up.
    Address(io::Error),
    /// Everything that is wrong with the application, in one report.
    App(Vec<ServiceError>),
    /// A worker cannot work in the memory that it is to have.
    Budget(BudgetError),
    /// The runtime's reason.
    Run(RunError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(source) => write!(f, "bad address to listen on: {source}"),
            Self::App(faults) => {
                f.write_str("the application cannot be served")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
            Self::Budget(source) => source.fmt(f),
            Self::Run(source) => source.fmt(f),
        }
    }
}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(source) => Some(source),
            Self::App(faults) => faults.first().map(|fault| fault as &dyn Error),
            Self::Budget(source) => Some(source),
            Self::Run(source) => source.source(),
        }
    }
}
