//! The three parts of a request line as types that cannot hold a refused one.

use std::fmt;

use super::charset::{self, TOKEN};
use super::{HeadError, Stop, authority};

/// The method of a request. Names are case-sensitive (RFC 9110 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method<'a> {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `PATCH`
    Patch,
    /// `OPTIONS`
    Options,
    /// `TRACE`
    Trace,
    /// `CONNECT`
    Connect,
    /// Any other token of at most [`METHOD_LEN_MAX`] bytes.
    Other(&'a str),
}

impl<'a> Method<'a> {
    /// The method called `name`; [`Method::Other`] when it is none of the nine.
    #[inline]
    #[must_use]
    pub fn from_name(name: &'a str) -> Self {
        Self::from_token(name.as_bytes())
    }

    /// As [`from_name`](Self::from_name), for bytes known to be a token.
    #[inline(never)]
    fn from_token(name: &'a [u8]) -> Self {
        match name {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            b"DELETE" => Self::Delete,
            b"PATCH" => Self::Patch,
            b"OPTIONS" => Self::Options,
            b"TRACE" => Self::Trace,
            b"CONNECT" => Self::Connect,
            _ => Self::Other(std::str::from_utf8(name).unwrap_or_default()),
        }
    }

    /// The same method, if it is one of the nine.
    pub(super) fn known(&self) -> Option<Method<'static>> {
        Some(match self {
            Self::Get => Method::Get,
            Self::Head => Method::Head,
            Self::Post => Method::Post,
            Self::Put => Method::Put,
            Self::Delete => Method::Delete,
            Self::Patch => Method::Patch,
            Self::Options => Method::Options,
            Self::Trace => Method::Trace,
            Self::Connect => Method::Connect,
            Self::Other(_) => return None,
        })
    }

    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        match *self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The version of a request; a peer with any other is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// The target of a request, in one of the four forms of RFC 9112 §3.2.
///
/// It holds visible ASCII only. Percent escapes are kept as they came; the router decodes them
/// once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    raw: &'a [u8],
    /// What follows is places in `raw`.
    authority: Place,
    path: Place,
    /// Empty when there is no query; a query starts behind a `?`, never at zero.
    query: Place,
}

/// Start and end, as small as they can be: a head is passed on by value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Place(u16, u16);

impl<'a> Target<'a> {
    /// Judges the form of the target of `line`.
    #[inline]
    pub(super) fn parse(line: &RequestLine<'a>) -> Result<Self, HeadError> {
        let raw = line.target;
        // A head is shorter than that.
        let Ok(len) = u16::try_from(raw.len()) else { return Err(HeadError::TargetTooLong) };
        let (path_end, query) = match line.question_at {
            None => (len, Place::default()),
            Some(at) => (at, Place(at + 1, len)),
        };
        if line.has_fragment {
            return Err(HeadError::TargetFragment);
        }
        let (authority, path_start) =
            if raw.first() == Some(&b'/') && line.method != Method::Connect {
                (Place::default(), 0)
            } else {
                judge_unusual(line.method, raw, path_end)?
            };
        Ok(Self { raw, authority, path: Place(path_start, path_end), query })
    }

    /// The same places in `raw`, which holds the same text.
    pub(super) fn over<'b>(&self, raw: &'b [u8]) -> Target<'b> {
        Target { raw, authority: self.authority, path: self.path, query: self.query }
    }

    #[inline]
    fn at(&self, place: Place) -> &'a [u8] {
        self.raw.get(place.0.into()..place.1.into()).unwrap_or_default()
    }

    /// The target as it came.
    #[inline]
    #[must_use]
    pub fn raw(&self) -> &'a str {
        ascii(self.raw)
    }

    /// The path with its escapes; it starts with `/`. `*` in asterisk-form, empty in
    /// authority-form.
    #[inline]
    #[must_use]
    pub fn path(&self) -> &'a str {
        ascii(self.path_bytes())
    }

    /// The bytes of [`path`](Self::path), at less cost: what the router wants.
    #[inline]
    #[must_use]
    pub fn path_bytes(&self) -> &'a [u8] {
        let path = self.at(self.path);
        // RFC 9110 §4.2.3: in absolute-form, an empty path means "/".
        if path.is_empty() && self.authority.0 != 0 { b"/" } else { path }
    }

    /// What follows the first `?`, with its escapes.
    #[inline]
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        (self.query.0 != 0).then(|| ascii(self.at(self.query)))
    }

    /// The authority stated in the target itself (absolute-form and authority-form).
    #[inline]
    #[must_use]
    pub fn authority(&self) -> Option<&'a str> {
        (self.authority.1 != 0).then(|| ascii(self.at(self.authority)))
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.raw()).finish()
    }
}

/// Judges a target that is not in origin-form: where its authority lies, and where its path starts.
#[cold]
fn judge_unusual(method: Method<'_>, raw: &[u8], path_end: u16) -> Result<(Place, u16), HeadError> {
    if method == Method::Connect {
        let valid = authority::is_valid(raw) && authority::has_port(raw);
        let authority = Place(0, path_end);
        return if valid { Ok((authority, path_end)) } else { Err(HeadError::TargetForm) };
    }
    if raw == b"*" && method == Method::Options {
        return Ok((Place::default(), 0));
    }
    let before_query = &raw[..path_end.into()];
    let host_start = scheme_len(before_query).ok_or(HeadError::TargetForm)?;
    let rest = &before_query[host_start..];
    let host_len = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
    if !authority::is_valid(&rest[..host_len]) {
        return Err(HeadError::HostInvalid);
    }
    let place = |index| u16::try_from(index).map_err(|_| HeadError::TargetTooLong);
    let host_end = place(host_start + host_len)?;
    Ok((Place(place(host_start)?, host_end), host_end))
}

/// A request line cut into its parts.
pub(super) struct RequestLine<'a> {
    pub(super) method: Method<'a>,
    /// Visible ASCII, not empty.
    pub(super) target: &'a [u8],
    /// Offset of the first `?` in the target.
    pub(super) question_at: Option<u16>,
    /// Whether the target holds a `#`.
    pub(super) has_fragment: bool,
    pub(super) version: Version,
}

/// Cuts the request line at the start of `bytes` into its parts (RFC 9112 §3): one SP between them,
/// no more. Returns what follows the line, too.
#[inline(always)]
pub(super) fn split(bytes: &[u8], target_len_max: usize) -> Result<(RequestLine<'_>, &[u8]), Stop> {
    let (method, target_on) = match bytes.split_first_chunk::<4>() {
        // What most requests begin with.
        Some((name, tail)) if u32::from_le_bytes(*name) == GET => (Method::Get, tail),
        _ => {
            let (name, tail) = split_method(bytes)?;
            (Method::from_token(name), tail)
        }
    };
    let mut question_at = None;
    let mut has_fragment = false;
    let mut target_len = charset::path_run_len(target_on);
    while let Some(mark @ (b'?' | b'#')) = target_on.get(target_len) {
        if *mark == b'#' {
            has_fragment = true;
        } else if question_at.is_none() {
            question_at = u16::try_from(target_len).ok();
        }
        target_len += 1;
        target_len += charset::path_run_len(&target_on[target_len..]);
    }
    if target_len > target_len_max {
        return Err(Stop::Fault);
    }
    let (target, tail) = target_on.split_at(target_len);
    if target.is_empty() {
        return Err(if tail.is_empty() { Stop::Partial } else { Stop::Fault });
    }
    let (Some((name, _)), Some((end, tail))) =
        (tail.split_first_chunk::<8>(), tail.split_first_chunk::<11>())
    else {
        return Err(cut_version(tail));
    };
    if u64::from_le_bytes(*name) != HTTP_1 || !end.ends_with(b"\r\n") {
        return Err(Stop::Fault);
    }
    let version = match end[8] {
        b'1' => Version::Http11,
        b'0' => Version::Http10,
        _ => return Err(Stop::Fault),
    };
    Ok((RequestLine { method, target, question_at, has_fragment, version }, tail))
}

#[inline(never)]
fn split_method(bytes: &[u8]) -> Result<(&[u8], &[u8]), Stop> {
    let (name, tail) = bytes.split_at(charset::run_len(bytes, TOKEN));
    match tail.split_first() {
        _ if name.len() > METHOD_LEN_MAX => Err(Stop::Fault),
        None => Err(Stop::Partial),
        Some((b' ', tail)) if !name.is_empty() => Ok((name, tail)),
        Some(_) => Err(Stop::Fault),
    }
}

/// Whether the bytes of a version that is cut off can still become one that we speak.
#[cold]
fn cut_version(rest: &[u8]) -> Stop {
    if b" HTTP/1.1\r\n".starts_with(rest) || b" HTTP/1.0\r\n".starts_with(rest) {
        Stop::Partial
    } else {
        Stop::Fault
    }
}

/// Text of bytes already known to be visible ASCII.
#[inline]
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// Length of `http://` or `https://` at the start of `raw`; the scheme's case does not matter (RFC 3986
/// §3.1).
fn scheme_len(raw: &[u8]) -> Option<usize> {
    ["http://", "https://"].into_iter().map(str::as_bytes).find_map(|scheme| {
        let start = raw.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    })
}

// Words compare in one instruction where patterns of bytes take one for each.
const GET: u32 = u32::from_le_bytes(*b"GET ");
const HTTP_1: u64 = u64::from_le_bytes(*b" HTTP/1.");

/// Longest method taken; the longest registered one has 17 bytes (`UPDATEREDIRECTREF`).
pub const METHOD_LEN_MAX: usize = 32;
