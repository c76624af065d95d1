//! From a payload to a value.

use std::error::Error;
use std::fmt;

use serde::Deserialize;
use serde_json::error::Category;

/// Why a payload is not the value asked for. The peer's fault: answer 400; the connection survives.
/// The text tells what kind of fault it is and where; it shows nothing from the wire.
#[derive(Debug)]
pub struct ReadError {
    source: serde_json::Error,
}

/// Reads the one value that the payload is. Strings that need no unescaping, and `&[u8]` fields,
/// can borrow from it.
///
/// ```
/// use serde::Deserialize;
/// use waterwheel_stages::json;
///
/// #[derive(Deserialize)]
/// struct Order<'a> {
///     item: &'a str,
///     quantity: u32,
/// }
///
/// let order: Order<'_> = json::read(br#"{"item": "wheel", "quantity": 2}"#)?;
/// assert_eq!((order.item, order.quantity), ("wheel", 2));
/// # Ok::<(), json::ReadError>(())
/// ```
///
/// # Errors
/// [`ReadError`] when the payload is no JSON, nests deeper than 128 levels, or is another value.
pub fn read<'payload, T: Deserialize<'payload>>(payload: &'payload [u8]) -> Result<T, ReadError> {
    serde_json::from_slice(payload).map_err(|source| ReadError { source })
}

impl ReadError {
    /// The line of the fault, from 1 on.
    #[must_use]
    pub fn line(&self) -> usize {
        self.source.line()
    }

    /// The byte of the line at which the fault was noticed, from 1 on.
    #[must_use]
    pub fn column(&self) -> usize {
        self.source.column()
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.source.classify() {
            Category::Syntax => "is no json",
            Category::Eof => "ends too early",
            Category::Data | Category::Io => "is not the expected value",
        };
        write!(formatter, "the payload {kind}, line {} column {}", self.line(), self.column())
    }
}

impl Error for ReadError {
    /// The parser's own error, whose text may quote the payload.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn faults_are_told_by_kind_and_place() {
        let text = |payload: &[u8]| read::<[u8; 2]>(payload).unwrap_err().to_string();
        assert_eq!(text(b"[1,\n2"), "the payload ends too early, line 2 column 1");
        assert_eq!(text(b"[1,,"), "the payload is no json, line 1 column 4");
        assert_eq!(text(b"\"secret\""), "the payload is not the expected value, line 1 column 8");
        assert_eq!(text(b"[1,2] 3"), "the payload is no json, line 1 column 7");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let error = read::<serde_json::Value>(&[b'['; 100_000]).unwrap_err();
        assert!(error.to_string().starts_with("the payload is no json"), "{error}");
    }
}
