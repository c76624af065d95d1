//! Why a route was refused at start-up.

use std::error::Error;
use std::fmt;

/// Why a route was refused at start-up. Nothing was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteError {
    /// The path does not start with `/`.
    PathStart {
        /// The path refused.
        path: String,
    },
    /// The path holds a `%`, `?`, `#` or control character; paths are written decoded.
    PathText {
        /// The path refused.
        path: String,
    },
    /// A parameter of the path is malformed, or the rest parameter is not at its end.
    Param {
        /// The path refused.
        path: String,
    },
    /// The path matches the same requests as one registered before under another spelling.
    Conflict {
        /// The path refused.
        path: String,
        /// The path it collides with.
        with: String,
    },
    /// The method has a value for this path already.
    Duplicate {
        /// The method given twice.
        method: String,
        /// The path refused.
        path: String,
    },
    /// The method is no token, or longer than any the parser takes.
    Method {
        /// The path refused.
        path: String,
    },
}

impl RouteError {
    pub(super) fn from_tree(path: &str, error: matchit::InsertError) -> Self {
        let path = path.to_owned();
        match error {
            matchit::InsertError::Conflict { with } => Self::Conflict { path, with },
            _ => Self::Param { path },
        }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PathStart { path } => write!(f, "path `{path}` does not start with `/`"),
            Self::PathText { path } => {
                write!(f, "path `{path}` holds `%`, `?`, `#` or a control character")
            }
            Self::Param { path } => write!(f, "path `{path}` has a malformed parameter"),
            Self::Conflict { path, with } => write!(f, "path `{path}` collides with `{with}`"),
            Self::Duplicate { method, path } => {
                write!(f, "method `{method}` of path `{path}` is registered already")
            }
            Self::Method { path } => write!(f, "a method of path `{path}` is not a short token"),
        }
    }
}

impl Error for RouteError {}
