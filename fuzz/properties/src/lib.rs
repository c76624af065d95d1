//! What must hold for every input, as one function per fuzz target.
//!
//! Each function takes any bytes and panics when a property is broken. The fuzz targets call them
//! with what libFuzzer invents; the tests of this package call them with the corpus that fuzzing
//! left behind, on the stable compiler.

#![forbid(unsafe_code)]
#![expect(clippy::missing_panics_doc, reason = "to panic is how a property says that it is broken")]

mod base64_text;
mod chain;
mod chunked;
mod codec;
mod head;
mod json;
mod plain;
mod router;
mod site;
mod tls_records;
mod typed_view;

pub use crate::{
    base64_text::base64_text,
    chain::chain,
    chunked::chunked,
    codec::{ascii85, gzip, hex, percent, utf8, zstd},
    head::head,
    json::json,
    router::router,
    tls_records::tls_records,
    typed_view::typed_view,
};

/// A property: takes any bytes, panics when it does not hold for them.
pub type Property = fn(&[u8]);

/// Every property under the name of its fuzz target and of its folder in `fuzz/corpus`.
pub const PROPERTIES: &[(&str, Property)] = &[
    ("ascii85", ascii85),
    ("base64_text", base64_text),
    ("chain", chain),
    ("chunked", chunked),
    ("gzip", gzip),
    ("head", head),
    ("hex", hex),
    ("json", json),
    ("percent", percent),
    ("router", router),
    ("tls_records", tls_records),
    ("typed_view", typed_view),
    ("utf8", utf8),
    ("zstd", zstd),
];

/// Takes the first byte, which chooses among variants, off the rest.
fn split_choice(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(choice, rest)| (*choice, rest))
}

/// The ends of pieces of `piece_len` bytes, the last one included.
fn piece_ends(len: usize, piece_len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(piece_len).skip(1).chain([len])
}
