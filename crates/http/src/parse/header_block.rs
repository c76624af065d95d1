//! The fields of a head: where they are kept, how they are looked up, and the one pass that finds
//! them and collects what framing and persistence depend on.

use std::fmt;

use super::charset;
use super::{Notes, Stop};

/// Room for the places of the fields of one head. It holds no bytes of a head, so one worker can
/// use the same slots for all of its heads and spare their initialisation.
#[derive(Clone)]
pub struct HeaderSlots {
    spans: [FieldSpan; FIELD_SLOT_COUNT],
}

impl HeaderSlots {
    /// Empty slots.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self { spans: [FieldSpan::EMPTY; FIELD_SLOT_COUNT] }
    }

    /// The first `count` slots, as the last head left them.
    pub(super) fn taken(&self, count: usize) -> &[FieldSpan] {
        &self.spans[..count.min(FIELD_SLOT_COUNT)]
    }

    /// The first `count` slots, or all of them.
    #[inline]
    pub(super) fn first(&mut self, count: usize) -> &mut [FieldSpan] {
        &mut self.spans[..count.min(FIELD_SLOT_COUNT)]
    }
}

impl Default for HeaderSlots {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HeaderSlots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderSlots").finish_non_exhaustive()
    }
}

/// Where one field lies in its head.
#[derive(Clone, Copy)]
pub(super) struct FieldSpan {
    name_start: u16,
    name_len: u16,
    value_start: u16,
    value_len: u16,
}

impl FieldSpan {
    const EMPTY: Self = Self { name_start: 0, name_len: 0, value_start: 0, value_len: 0 };

    /// For places inside a head that is no longer than [`HEAD_LEN_MAX`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the length of the head is checked")]
    fn new(name_start: usize, name_len: usize, value_start: usize, value_len: usize) -> Self {
        debug_assert!(name_start + name_len <= HEAD_LEN_MAX, "a name ends inside its head");
        debug_assert!(value_start + value_len <= HEAD_LEN_MAX, "a value ends inside its head");
        Self {
            name_start: name_start as u16,
            name_len: name_len as u16,
            value_start: value_start as u16,
            value_len: value_len as u16,
        }
    }

    #[inline]
    fn name<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        part(head, self.name_start, self.name_len)
    }

    #[inline]
    fn value<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        part(head, self.value_start, self.value_len)
    }
}

#[inline]
fn part(head: &[u8], start: u16, len: u16) -> &[u8] {
    let start = usize::from(start);
    head.get(start..start + usize::from(len)).unwrap_or_default()
}

/// The fields of a head in the order they came. Names are tokens; values are trimmed of white
/// space.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    head: &'a [u8],
    spans: &'a [FieldSpan],
}

impl<'a> Headers<'a> {
    #[inline]
    pub(super) fn new(head: &'a [u8], spans: &'a [FieldSpan]) -> Self {
        Self { head, spans }
    }

    /// No fields.
    #[must_use]
    pub const fn empty() -> Self {
        Self { head: &[], spans: &[] }
    }

    /// How many fields there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The value of the first field called `name`, in any case.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        let span = self.spans.iter().find(|span| self.is_called(span, name))?;
        Some(span.value(self.head))
    }

    /// The values of all fields called `name`, in any case, in order.
    #[inline]
    pub fn get_all<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let headers = *self;
        self.spans
            .iter()
            .filter(move |span| headers.is_called(span, name))
            .map(move |span| span.value(headers.head))
    }

    /// All fields in order.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> HeadersIter<'a> {
        HeadersIter { head: self.head, spans: self.spans.iter() }
    }

    #[inline]
    fn is_called(&self, span: &FieldSpan, name: &str) -> bool {
        span.name(self.head).eq_ignore_ascii_case(name.as_bytes())
    }
}

impl<'a> IntoIterator for Headers<'a> {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = HeadersIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Headers<'_> {
    /// Names only: values can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Iterates over names and values of [`Headers`].
#[derive(Clone)]
pub struct HeadersIter<'a> {
    head: &'a [u8],
    spans: std::slice::Iter<'a, FieldSpan>,
}

impl<'a> Iterator for HeadersIter<'a> {
    type Item = (&'a str, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        // A name is a token, and so ASCII.
        let name = std::str::from_utf8(span.name(self.head)).unwrap_or_default();
        Some((name, span.value(self.head)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for HeadersIter<'_> {}

impl fmt::Debug for HeadersIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadersIter").field("left", &self.spans.len()).finish()
    }
}

/// Finds the fields at the start of `rest`, the end of `head`, and the empty line behind them.
/// Returns their count and the length of the head.
#[inline(always)]
pub(super) fn find_fields<'a>(
    head: &'a [u8],
    mut rest: &'a [u8],
    spans: &mut [FieldSpan],
    notes: &mut Notes<'a>,
) -> Result<(usize, usize), Stop> {
    // No length may ever lose its upper bits (CVE-2021-40346): asked once, it holds for every span.
    if head.len() > HEAD_LEN_MAX {
        return Err(Stop::Fault);
    }
    let slot_count = spans.len();
    let mut spans = spans.iter_mut();
    loop {
        if rest.first() == Some(&b'\r') {
            let tail = skip_line_end(rest)?;
            return Ok((slot_count - spans.len(), head.len() - tail.len()));
        }
        let (name, tail) = rest.split_at(charset::name_run_len(rest));
        let value = match tail.split_first() {
            // RFC 9112 §5.1: no white space between name and colon, and a name is never empty.
            Some((b':', value)) if !name.is_empty() => value,
            Some(_) => return Err(Stop::Fault),
            None => return Err(Stop::Partial),
        };
        let value = trim_start(value);
        let value_start = head.len() - value.len();
        let (value, tail) = value.split_at(charset::value_run_len(value));
        let value = trim_end(value);
        let name_start = head.len() - rest.len();
        rest = skip_line_end(tail)?;
        let span = spans.next().ok_or(Stop::Fault)?;
        *span = FieldSpan::new(name_start, name.len(), value_start, value.len());
        notes.note(name, value);
    }
}

/// Without the white space at the start: one space, as nearly everybody sends it, or any other.
#[inline]
fn trim_start(value: &[u8]) -> &[u8] {
    match value {
        [b' ', tail @ ..] if !tail.first().copied().is_some_and(is_white_space) => tail,
        _ => trim_start_of_any(value),
    }
}

#[cold]
fn trim_start_of_any(value: &[u8]) -> &[u8] {
    let len = value.iter().take_while(|&&byte| is_white_space(byte)).count();
    &value[len..]
}

/// Without the white space at the end, which nobody needs to send.
#[inline]
fn trim_end(value: &[u8]) -> &[u8] {
    match value {
        [.., byte] if is_white_space(*byte) => trim_end_of_any(value),
        _ => value,
    }
}

#[cold]
fn trim_end_of_any(value: &[u8]) -> &[u8] {
    let len = value.iter().rev().take_while(|&&byte| is_white_space(byte)).count();
    &value[..value.len() - len]
}

/// RFC 9110 §5.6.3
#[inline]
fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What follows the CR and LF that `rest` must start with.
#[inline]
fn skip_line_end(rest: &[u8]) -> Result<&[u8], Stop> {
    match rest.split_first_chunk::<2>() {
        Some((end, tail)) if u16::from_le_bytes(*end) == LINE_END => Ok(tail),
        None if rest.is_empty() || rest == b"\r" => Err(Stop::Partial),
        _ => Err(Stop::Fault),
    }
}

/// The places of fields are kept in 16 bits each.
const HEAD_LEN_MAX: usize = u16::MAX as usize;

/// CR and LF as one word, to be compared in one instruction.
const LINE_END: u16 = u16::from_le_bytes(*b"\r\n");

/// Most fields that a head can hold, whatever its limits say: 128 slots take 1 KiB.
pub const FIELD_SLOT_COUNT: usize = 128;
