//! A file as it is served: its versions by coding, what is said of each, and where its bytes are.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use waterwheel_http::representation::{EntityTag, Validators, media_type};
use waterwheel_http::{HeaderName, HeaderValue, header};
use waterwheel_reactor::Instant;

use crate::fs::{File, Identity, Metadata};

/// A file and the precompressed ones beside it.
#[derive(Debug)]
pub(super) struct Found {
    /// As it is, and then by the order of [`CODINGS`].
    pub(super) variants: [Option<Variant>; 1 + CODINGS.len()],
    /// When its state on the disk was looked at last.
    pub(super) checked: Cell<Instant>,
    /// When it was last asked for.
    pub(super) used: Cell<Instant>,
    /// The path that was opened: that of the index where a folder was asked for.
    pub(super) path: String,
    /// It was not changed a moment ago, so that a change would show.
    pub(super) is_settled: bool,
}

/// One version of a file.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) identity: Identity,
    pub(super) len: u64,
    pub(super) validators: Validators,
    pub(super) content_type: HeaderValue,
    /// What every reply says of it.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) content: RefCell<Content>,
}

/// Where the bytes of a version are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Kept(Rc<[u8]>),
    File(File),
}

/// Codings by which files lie beside others: the name, and the ending of the file.
pub(super) const CODINGS: [(&str, &str); 3] = [("zstd", "zst"), ("br", "br"), ("gzip", "gz")];

impl Variant {
    /// What is known of an open file called `name`; `coding` is an index into [`CODINGS`].
    pub(super) fn new(
        file: File,
        metadata: &Metadata,
        name: &str,
        coding: Option<usize>,
        is_settled: bool,
    ) -> Self {
        let tag = entity_tag(metadata, coding);
        let tag = if is_settled { tag } else { tag.into_weak() };
        let validators = Validators::new(tag, Some(metadata.modified));
        let content_type = media_type(name);
        let mut fields = vec![
            (header::CONTENT_TYPE, content_type.clone()),
            (header::ETAG, validators.tag().to_value()),
            (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        ];
        if let Some(date) = date(metadata.modified) {
            fields.push((header::LAST_MODIFIED, date));
        }
        if let Some(coding) = coding {
            fields.push((header::CONTENT_ENCODING, HeaderValue::from_static(CODINGS[coding].0)));
        }
        let content = RefCell::new(Content::File(file));
        let (identity, len) = (metadata.identity, metadata.len);
        Self { identity, len, validators, content_type, fields, content }
    }

    /// Bytes kept in memory, and files kept open.
    pub(super) fn weight(&self) -> (usize, usize) {
        match &*self.content.borrow() {
            Content::Kept(bytes) => (bytes.len(), 0),
            Content::File(_) => (0, 1),
        }
    }
}

impl Found {
    /// Each version with its coding, as an index into [`CODINGS`].
    pub(super) fn versions(&self) -> impl Iterator<Item = &Variant> {
        self.variants.iter().flatten()
    }
}

/// A name for one version: its time to the nanosecond and its length, the same on every machine
/// that has the file with its times.
fn entity_tag(metadata: &Metadata, coding: Option<usize>) -> EntityTag {
    let since = metadata.modified.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or(Duration::ZERO).as_nanos();
    let ending = coding.map_or("", |coding| CODINGS[coding].1);
    EntityTag::strong(format!("{since:x}-{:x}{ending}", metadata.len))
}

/// The value of a date field, for times that it can show.
fn date(time: SystemTime) -> Option<HeaderValue> {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    if seconds > LAST_SECOND {
        return None;
    }
    let text = waterwheel_http::DateCache::new(time);
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

/// 9999-12-31T23:59:59Z, the last that an HTTP date can show.
const LAST_SECOND: u64 = 253_402_300_799;
