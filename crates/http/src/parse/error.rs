//! Why a head was refused.

use std::error::Error;
use std::fmt;

/// Why a head was refused. The connection never survives: what follows a head that we do not
/// understand cannot be told apart from a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadError {
    /// More than one empty line stands before the request line (RFC 9112 §2.2).
    EmptyLines,
    /// The method is empty or holds a byte outside a token.
    Method,
    /// The method is longer than any known one.
    MethodTooLong,
    /// The target is empty, holds a byte other than visible ASCII, or no version follows it.
    Target,
    /// The target is longer than the limit.
    TargetTooLong,
    /// The target has none of the four forms, or one that its method does not take (RFC 9112 §3.2).
    TargetForm,
    /// The target holds a fragment.
    TargetFragment,
    /// The version is malformed, or something follows it on its line.
    VersionMalformed,
    /// The version is one that we do not speak.
    VersionUnsupported,
    /// A CR stands without its LF.
    BareCr,
    /// An LF stands without its CR.
    BareLf,
    /// A line starts with white space: a folded field, or a field before the first one.
    LeadingWhitespace,
    /// A field has no name.
    FieldNameEmpty,
    /// White space stands between a field's name and its colon.
    SpaceBeforeColon,
    /// A field's name holds a byte outside a token, or a line has no colon.
    FieldName,
    /// A field's value holds a control byte.
    FieldValue,
    /// The head is longer than the limit.
    HeadTooLong,
    /// The head has more fields than the limit.
    TooManyFields,
    /// An HTTP/1.1 request has no `Host`.
    HostMissing,
    /// `Host` stands more than once.
    HostRepeated,
    /// `Host`, or the authority in the target, is no host with an optional port.
    HostInvalid,
    /// `Content-Length` stands more than once, even with the same value.
    ContentLengthRepeated,
    /// `Content-Length` is no number of 1 to 19 digits up to 2^63 - 1.
    ContentLengthInvalid,
    /// `Content-Length` and `Transfer-Encoding` stand together.
    LengthAndEncoding,
    /// `Transfer-Encoding` stands more than once.
    TransferEncodingRepeated,
    /// `Transfer-Encoding` is malformed, or does not end in one `chunked`.
    TransferEncodingInvalid,
    /// `Transfer-Encoding` names a coding that we do not know.
    TransferEncodingUnknown,
    /// `Transfer-Encoding` stands in an HTTP/1.0 request.
    TransferEncodingVersion,
    /// `Expect` asks for something other than `100-continue`.
    ExpectUnknown,
}

impl HeadError {
    /// The status code that tells the peer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::TargetTooLong => 414,
            Self::ExpectUnknown => 417,
            Self::HeadTooLong | Self::TooManyFields => 431,
            Self::MethodTooLong | Self::TransferEncodingUnknown => 501,
            Self::VersionUnsupported => 505,
            _ => 400,
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyLines => "more than one empty line before the request line",
            Self::Method => "method is not a token",
            Self::MethodTooLong => "method is longer than any known one",
            Self::Target => "request target is malformed or no version follows it",
            Self::TargetTooLong => "request target is longer than the limit",
            Self::TargetForm => "request target has no form that its method takes",
            Self::TargetFragment => "request target holds a fragment",
            Self::VersionMalformed => "version is malformed",
            Self::VersionUnsupported => "version is not supported",
            Self::BareCr => "carriage return without line feed",
            Self::BareLf => "line feed without carriage return",
            Self::LeadingWhitespace => "line starts with white space",
            Self::FieldNameEmpty => "field name is empty",
            Self::SpaceBeforeColon => "white space before the colon of a field",
            Self::FieldName => "field name is not a token",
            Self::FieldValue => "field value holds a control byte",
            Self::HeadTooLong => "head is longer than the limit",
            Self::TooManyFields => "head has more fields than the limit",
            Self::HostMissing => "host is missing",
            Self::HostRepeated => "host is given more than once",
            Self::HostInvalid => "host is malformed",
            Self::ContentLengthRepeated => "content length is given more than once",
            Self::ContentLengthInvalid => "content length is malformed",
            Self::LengthAndEncoding => "content length and transfer encoding are given together",
            Self::TransferEncodingRepeated => "transfer encoding is given more than once",
            Self::TransferEncodingInvalid => "transfer encoding is malformed",
            Self::TransferEncodingUnknown => "transfer encoding is not known",
            Self::TransferEncodingVersion => "transfer encoding in a request of version 1.0",
            Self::ExpectUnknown => "expectation is not known",
        })
    }
}

impl Error for HeadError {}
