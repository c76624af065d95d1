//! Conditional and partial requests, judged in the order of RFC 9110 §13.2.2.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::EntityTag;
use super::range::{self, Ranges};
use crate::parse::Method;
use crate::request::Request;

/// What is known of the version that would be sent.
#[derive(Clone, Debug)]
pub struct Validators {
    tag: EntityTag,
    /// In whole seconds, as it goes on the wire.
    modified: Option<SystemTime>,
}

/// What a request comes to before its content is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The content, or a part of it.
    Send,
    /// The client has it: 304.
    NotModified,
    /// It is not the version that the client has in mind: 412.
    PreconditionFailed,
}

/// The fields of a request that make it conditional or partial. A copy: they outlive the request's
/// head, which is gone when a handler that waits goes on.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// GET, to which alone ranges apply (§14.2).
    is_get: bool,
    /// GET or HEAD.
    is_read: bool,
    if_match: Option<Vec<u8>>,
    if_none_match: Option<Vec<u8>>,
    if_modified_since: Dated,
    if_unmodified_since: Dated,
    if_range: Option<Vec<u8>>,
    range: Option<Vec<u8>>,
}

/// A field with one date. Malformed ones, and those that come twice, are ignored (§13.1.3).
#[derive(Clone, Copy, Debug, Default)]
enum Dated {
    #[default]
    Absent,
    At(SystemTime),
    Malformed,
}

impl Validators {
    /// A version by its name and the time of its last change.
    #[must_use]
    pub fn new(tag: EntityTag, modified: Option<SystemTime>) -> Self {
        Self { tag, modified: modified.map(whole_seconds) }
    }

    /// The name.
    #[must_use]
    pub const fn tag(&self) -> &EntityTag {
        &self.tag
    }

    /// The time of the last change, in whole seconds.
    #[must_use]
    pub const fn modified(&self) -> Option<SystemTime> {
        self.modified
    }
}

impl Wishes {
    /// Those of a request.
    #[must_use]
    pub fn of(request: &Request<'_>) -> Self {
        let mut wishes = Self {
            is_get: request.method() == Method::Get,
            is_read: matches!(request.method(), Method::Get | Method::Head),
            ..Self::default()
        };
        for (name, value) in request.headers() {
            wishes.note(name, value);
        }
        wishes
    }

    /// Those of a GET with these fields.
    pub fn of_get<'a>(fields: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut wishes = Self { is_get: true, is_read: true, ..Self::default() };
        fields.into_iter().for_each(|(name, value)| wishes.note(name, value));
        wishes
    }

    fn note(&mut self, name: &str, value: &[u8]) {
        // Few fields begin with these letters: most are passed over by one comparison.
        match name.as_bytes().first() {
            Some(b'i' | b'I') => {}
            Some(b'r' | b'R') if name.eq_ignore_ascii_case("range") => {
                return add(&mut self.range, value);
            }
            _ => return,
        }
        if name.eq_ignore_ascii_case("if-match") {
            add(&mut self.if_match, value);
        } else if name.eq_ignore_ascii_case("if-none-match") {
            add(&mut self.if_none_match, value);
        } else if name.eq_ignore_ascii_case("if-range") {
            add(&mut self.if_range, value);
        } else if name.eq_ignore_ascii_case("if-modified-since") {
            self.if_modified_since.add(value);
        } else if name.eq_ignore_ascii_case("if-unmodified-since") {
            self.if_unmodified_since.add(value);
        }
    }

    /// Whether the request is neither conditional nor partial, as most are.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.if_match.is_none()
            && self.if_none_match.is_none()
            && self.range.is_none()
            && matches!(self.if_modified_since, Dated::Absent)
            && matches!(self.if_unmodified_since, Dated::Absent)
    }

    /// Evaluates the preconditions against a version that exists.
    #[must_use]
    pub fn judge(&self, validators: &Validators) -> Verdict {
        // Step 1, and step 2 when there is no If-Match.
        let is_expected = match (&self.if_match, self.if_unmodified_since) {
            (Some(list), _) => is_any(list) || validators.tag.is_in(list, true),
            (None, Dated::At(date)) => validators.modified.is_none_or(|modified| modified <= date),
            (None, _) => true,
        };
        if !is_expected {
            return Verdict::PreconditionFailed;
        }
        // Step 3, and step 4 when there is no If-None-Match.
        let is_new = match (&self.if_none_match, self.if_modified_since) {
            (Some(list), _) => !is_any(list) && !validators.tag.is_in(list, false),
            (None, Dated::At(date)) if self.is_read => {
                validators.modified.is_none_or(|modified| modified > date)
            }
            (None, _) => true,
        };
        match (is_new, self.is_read) {
            (true, _) => Verdict::Send,
            (false, true) => Verdict::NotModified,
            (false, false) => Verdict::PreconditionFailed,
        }
    }

    /// Which parts of `len` bytes are sent, after [`judge`](Self::judge) said
    /// [`Send`](Verdict::Send): step 5, `Range` and `If-Range`.
    #[must_use]
    pub fn ranges(&self, validators: &Validators, len: u64) -> Ranges {
        let Some(range) = &self.range else { return Ranges::Whole };
        if !self.is_get || !self.is_same_version(validators) {
            return Ranges::Whole;
        }
        range::parse(range, len)
    }

    /// Whether `If-Range` lets a range through: only a strong validator can tell that two parts
    /// belong together (§13.1.5).
    fn is_same_version(&self, validators: &Validators) -> bool {
        let Some(condition) = &self.if_range else { return true };
        if condition.contains(&b'"') {
            return validators.tag.is_in(condition, true);
        }
        // A date is as strong as the tag beside it: both come of the same time.
        let date = parse_date(condition);
        date.is_some() && date == validators.modified && !validators.tag.is_weak()
    }
}

impl Dated {
    fn add(&mut self, value: &[u8]) {
        *self = match (&self, parse_date(value)) {
            (Self::Absent, Some(date)) => Self::At(date),
            _ => Self::Malformed,
        };
    }
}

/// Several fields of one name are one list (§5.3).
fn add(field: &mut Option<Vec<u8>>, value: &[u8]) {
    match field {
        Some(list) => {
            list.extend_from_slice(b", ");
            list.extend_from_slice(value);
        }
        None => *field = Some(value.to_vec()),
    }
}

fn is_any(list: &[u8]) -> bool {
    list.trim_ascii() == b"*"
}

fn parse_date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?.trim_ascii()).ok()
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
#[path = "wishes_tests.rs"]
mod tests;
