//! A whole head, parsed and judged.

use super::fault::first_fault;
use super::request_line::{self, RequestLine};
use super::{
    HeadError, HeaderSlots, Headers, Method, Notes, Stop, Target, Version, authority, header_block,
};
use crate::body::Framing;
use crate::limits::Limits;

/// The head of a request. What it says about framing and persistence comes from its version and
/// fields alone, never from its method or from who will handle it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Head<'a> {
    /// What is asked for.
    pub method: Method<'a>,
    /// Of what it is asked.
    pub target: Target<'a>,
    /// The version the peer speaks.
    pub version: Version,
    /// All fields.
    pub headers: Headers<'a>,
    /// How the end of the body is found.
    pub framing: Framing,
    /// Whether the peer would send another request after this one (RFC 9112 §9.3).
    pub keep_alive: bool,
    /// Whether the peer may be waiting for `100 Continue` before it sends its body. False when no
    /// body follows, and in HTTP/1.0, where the expectation is ignored (RFC 9110 §10.1.1).
    pub expect_continue: bool,
    /// How many bytes the head took, with the empty line at its end and one at its start.
    pub head_len: usize,
}

impl<'a> Head<'a> {
    /// The authority that the request is for: the one in the target if it states one, else `Host`
    /// (RFC 9112 §3.2.2). `None`: an empty `Host`, or none in HTTP/1.0.
    #[inline]
    #[must_use]
    pub fn authority(&self) -> Option<&'a str> {
        if let Some(authority) = self.target.authority() {
            return Some(authority);
        }
        // Checked when the head was parsed: it stands once and is ASCII.
        let host = self.headers.get("host").filter(|host| !host.is_empty())?;
        std::str::from_utf8(host).ok()
    }
}

/// Parses the head at the start of `bytes`. `None`: the bytes are the start of a head; more are
/// needed.
///
/// This looks at all bytes of the head every time. A caller that gets a head in pieces asks
/// [`HeadScan`](super::HeadScan) instead.
///
/// # Errors
/// A [`HeadError`] when the bytes can never become a head within `limits`.
#[inline(never)]
pub fn parse_head<'a>(
    bytes: &'a [u8],
    slots: &'a mut HeaderSlots,
    limits: &Limits,
) -> Result<Option<Head<'a>>, HeadError> {
    parse_head_here(bytes, slots, limits)
}

/// [`parse_head`] where it is called: for the one place that every request passes.
#[inline(always)]
pub(super) fn parse_head_here<'a>(
    bytes: &'a [u8],
    slots: &'a mut HeaderSlots,
    limits: &Limits,
) -> Result<Option<Head<'a>>, HeadError> {
    let window = &bytes[..bytes.len().min(limits.head_len_max)];
    let skipped_len = match window.first() {
        Some(b'\r' | b'\n') => match skip_empty_line(window) {
            Ok(len) => len,
            Err(stop) => return refuse(stop, window, 0, limits).map(|()| None),
        },
        _ => 0,
    };
    match parse_window(window, skipped_len, slots, limits) {
        Ok(head) => Ok(Some(head)),
        Err(stop) => refuse(stop, window, skipped_len, limits).map(|()| None),
    }
}

/// RFC 9112 §2.2: one empty line before a request is skipped; old clients send it behind a body.
#[cold]
fn skip_empty_line(window: &[u8]) -> Result<usize, Stop> {
    match window {
        [b'\r'] | [b'\r', b'\n'] => Err(Stop::Partial),
        [b'\r', b'\n', b'\r' | b'\n', ..] => Err(Stop::Judged(HeadError::EmptyLines)),
        [b'\r', b'\n', ..] => Ok(2),
        _ => Err(Stop::Fault),
    }
}

/// Parses from the request line at `line_start` to the empty line.
#[inline(always)]
fn parse_window<'a>(
    window: &'a [u8],
    line_start: usize,
    slots: &'a mut HeaderSlots,
    limits: &Limits,
) -> Result<Head<'a>, Stop> {
    let (line, rest) = request_line::split(&window[line_start..], limits.target_len_max)?;
    let mut notes = Notes::default();
    let spans = slots.first(limits.field_count_max);
    let (count, head_len) = header_block::find_fields(window, rest, spans, &mut notes)?;
    let headers = Headers::new(window, &spans[..count]);
    judge(line, headers, &notes, head_len).map_err(Stop::Judged)
}

/// Decides what the parts mean together.
#[inline(always)]
fn judge<'a>(
    line: RequestLine<'a>,
    headers: Headers<'a>,
    notes: &Notes<'a>,
    head_len: usize,
) -> Result<Head<'a>, HeadError> {
    let version = line.version;
    let target = Target::parse(&line)?;
    judge_host(notes, version)?;
    let framing = Framing::decide(version, notes.transfer_encoding, notes.content_length)?;
    if notes.expect_unknown {
        return Err(HeadError::ExpectUnknown);
    }
    let current = version == Version::Http11;
    Ok(Head {
        method: line.method,
        target,
        version,
        headers,
        framing,
        keep_alive: !notes.close && (current || notes.keep_alive),
        expect_continue: notes.expect_continue && current && framing.has_body(),
        head_len,
    })
}

/// RFC 9112 §3.2: exactly one valid `Host` in HTTP/1.1, at most one before. An empty one is what a
/// client sends whose target has no authority.
#[inline(always)]
fn judge_host(notes: &Notes<'_>, version: Version) -> Result<(), HeadError> {
    if notes.host.repeated {
        return Err(HeadError::HostRepeated);
    }
    match notes.host.value {
        None if version == Version::Http11 => Err(HeadError::HostMissing),
        None | Some([]) => Ok(()),
        Some(host) if authority::is_valid(host) => Ok(()),
        Some(_) => Err(HeadError::HostInvalid),
    }
}

/// Answers for bytes that are not a whole head: names their first fault, or waits for the bytes
/// that will show it.
#[cold]
fn refuse(stop: Stop, window: &[u8], skipped_len: usize, limits: &Limits) -> Result<(), HeadError> {
    let is_full = window.len() == limits.head_len_max;
    match stop {
        Stop::Judged(error) => return Err(error),
        Stop::Partial if !is_full => return Ok(()),
        Stop::Partial | Stop::Fault => {}
    }
    match first_fault(&window[skipped_len..], limits) {
        Some(error) => Err(error),
        None if is_full => Err(HeadError::HeadTooLong),
        None => Ok(()),
    }
}
