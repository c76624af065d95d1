//! Why a server did not start.

use std::error::Error;
use std::fmt;
use std::{io, iter};

use waterwheel_http::ServiceError;
use waterwheel_runtime::{BudgetError, RunError};

/// Why a server did not start, or did not end in good order.
///
/// `{}` leaves out what `source` tells. `{:?}` has all of it in one sentence, for that is what a
/// `main` that returns this error prints.
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
            Self::Address(_) => f.write_str("bad address to listen on"),
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
        fmt::Display::fmt(self, f)?;
        iter::successors(self.source(), |&error| error.source())
            .try_for_each(|source| write!(f, ": {source}"))
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(source) => Some(source),
            // Their texts are in the text of this one.
            Self::App(_) => None,
            Self::Budget(source) => source.source(),
            Self::Run(source) => source.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_told_once() {
        let error = StartError::Address(io::Error::other("no such host"));
        assert_eq!(error.to_string(), "bad address to listen on");
        assert_eq!(format!("{error:?}"), "bad address to listen on: no such host");
        let source = io::Error::other("in use");
        let error = StartError::Run(RunError::Listen { endpoint: "port 1".into(), source });
        assert_eq!(format!("{error:?}"), "cannot listen on port 1: in use");
    }
}
