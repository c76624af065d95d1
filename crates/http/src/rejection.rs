//! A request refused by the framework or an extractor: a status and what was wrong.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::encode::reason;
use crate::parse::Head;
use crate::router::Found;

/// Why a request was refused. The peer is told in the reply's content.
///
/// As a handler's error it is the reply:
///
/// ```
/// use waterwheel_http::{Path, Rejection, StatusCode};
///
/// fn half(Path(number): Path<u64>) -> Result<String, Rejection> {
///     match number % 2 {
///         0 => Ok(format!("{}\n", number / 2)),
///         _ => Err(Rejection::new(StatusCode::BAD_REQUEST, "odd numbers have no half")),
///     }
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(half);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "nobody is told of a refusal unless it is returned"]
pub struct Rejection {
    status: StatusCode,
    cause: Cow<'static, str>,
    /// What the peer could ask for instead.
    field: Option<(HeaderName, HeaderValue)>,
}

impl Rejection {
    /// A refusal with `status`, for `cause`: one lower-case sentence without bytes from the wire.
    pub fn new(status: StatusCode, cause: impl Into<Cow<'static, str>>) -> Self {
        Self { status, cause: cause.into(), field: None }
    }

    /// A refusal for an error that knows its status as a number.
    pub(crate) fn of(status: u16, cause: String) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), cause)
    }

    /// The refusal of a request that the router has no handler for. One that asks the server
    /// itself for its options is not refused, and there is nothing to tell (RFC 9110 §9.3.7).
    #[cold]
    pub(crate) fn not_routed<T>(found: &Found<'_, T>, head: &Head<'_>) -> Self {
        match found {
            Found::MethodNotAllowed { allow } => {
                let cause = "the method is not allowed for this path";
                let rejection = Self::new(StatusCode::METHOD_NOT_ALLOWED, cause);
                // RFC 9110 §15.5.6: with the methods that the path does have.
                match HeaderValue::from_str(allow) {
                    Ok(allow) => rejection.with_field(header::ALLOW, allow),
                    Err(_) => rejection,
                }
            }
            Found::BadPath => {
                Self::new(StatusCode::BAD_REQUEST, "the path is not percent-encoded utf-8")
            }
            // No other target starts like this.
            _ if head.target.path() == "*" => Self::new(StatusCode::NO_CONTENT, ""),
            _ => Self::new(StatusCode::NOT_FOUND, "nothing is served at this path"),
        }
    }

    /// With a field that says what the peer could ask for instead.
    pub(crate) fn with_field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.field = Some((name, value));
        self
    }

    pub(crate) fn fields(&self) -> &[(HeaderName, HeaderValue)] {
        self.field.as_slice()
    }

    /// The line that the peer reads, in its parts.
    pub(crate) fn text(&self) -> [&str; 6] {
        [self.status.as_str(), " ", reason(self.status), ": ", &self.cause, "\n"]
    }

    /// The status of the reply.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What was wrong.
    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.cause)
    }
}

impl std::error::Error for Rejection {}
