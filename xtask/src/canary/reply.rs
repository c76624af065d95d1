//! A reply as it comes in, held against the one that is due.

use std::fmt;
use std::io::Read;

use anyhow::{Context, Result};
use ruzstd::decoding::StreamingDecoder;

use super::request::{Due, Kind, Packed, owner};

/// The first difference between a reply and the one that was due.
#[derive(Debug)]
pub(super) struct Difference {
    what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Difference {}

/// What the head of a reply frames.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) head_len: usize,
    pub(super) body_len: usize,
}

/// Reads a head and holds its fields against what is due; `None` until it is complete.
///
/// # Errors
/// [`Difference`] for a status, type or field that the reply cannot have.
pub(super) fn head(bytes: &[u8], due: &Due) -> Result<Option<Framed>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_COUNT_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(bytes).context("the answer is no HTTP")?;
    let httparse::Status::Complete(head_len) = parsed else { return Ok(None) };
    if response.code != Some(200) {
        let status = response.code.unwrap_or_default();
        let text = bytes[head_len..].escape_ascii();
        return differs(format!("status {status}, `{text}`, for {due:?}"));
    }
    let mut body_len = None;
    for field in response.headers.iter() {
        let value = field.value;
        let is_right = match field.name.to_ascii_lowercase().as_str() {
            "content-length" => {
                body_len = std::str::from_utf8(value)?.parse().ok();
                body_len.is_some()
            }
            "content-type" if due.kind == Kind::Echo => value == due.content_type().as_bytes(),
            "content-type" => value == b"text/plain",
            "content-encoding" => due.kind == Kind::Zstd && value == b"zstd",
            "date" => value.len() == DATE_LEN && value.ends_with(b" GMT"),
            "server" => value == b"waterwheel",
            _ => false,
        };
        if !is_right {
            let (name, value) = (field.name, value.escape_ascii());
            return differs(format!("field `{name}: {value}` for {due:?}"));
        }
    }
    let body_len = body_len.context("the reply has no Content-Length")?;
    Ok(Some(Framed { head_len, body_len }))
}

/// Holds a body against what is due. `expected` is room to write that into.
///
/// # Errors
/// [`Difference`] with the first byte that is another.
pub(super) fn body(
    found: &[u8],
    due: &Due,
    packed: &mut [Packed],
    expected: &mut Vec<u8>,
) -> Result<()> {
    if due.kind == Kind::Zstd {
        let packed = &mut packed[due.packed_index];
        // The server packs the same bytes the same way, and unpacking is slow.
        if found == packed.known {
            return Ok(());
        }
        let mut unpacked = Vec::new();
        StreamingDecoder::new(found)?.read_to_end(&mut unpacked)?;
        compare(&unpacked, due, expected)?;
        packed.known = found.to_vec();
        return Ok(());
    }
    compare(found, due, expected)
}

fn compare(found: &[u8], due: &Due, expected: &mut Vec<u8>) -> Result<()> {
    due.reply(expected);
    if found == expected {
        return Ok(());
    }
    let common = found.iter().zip(&*expected).take_while(|(found, due)| found == due).count();
    let around = |bytes: &[u8]| {
        let end = bytes.len().min(common + SHOWN_LEN);
        bytes[common.min(end)..end].escape_ascii().to_string()
    };
    let whose = owner(&found[common.min(found.len())..]);
    let whose = whose.map_or("nobody known".to_owned(), |stamp| format!("request {stamp:#x}"));
    differs(format!(
        "{} bytes instead of {}, from byte {common} on `{}` instead of `{}`, bytes of {whose}, \
         for {due:?}",
        found.len(),
        expected.len(),
        around(found),
        around(expected),
    ))
}

fn differs<T>(what: String) -> Result<T> {
    Err(Difference { what }.into())
}

/// Ours sends six.
const FIELD_COUNT_MAX: usize = 16;
/// RFC 9110 §5.6.7: the form has one length.
const DATE_LEN: usize = 29;
/// Enough to recognise bytes by.
const SHOWN_LEN: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: Due = Due { kind: Kind::Echo, stamp: 9, raw_len: 40, packed_index: 0 };

    fn difference(found: &[u8]) -> String {
        body(found, &DUE, &mut [], &mut Vec::new()).unwrap_err().to_string()
    }

    #[test]
    fn one_wrong_byte_is_found() {
        let mut bytes = Vec::new();
        DUE.reply(&mut bytes);
        assert!(body(&bytes, &DUE, &mut [], &mut Vec::new()).is_ok());
        bytes[33] ^= 1;
        assert!(difference(&bytes).contains("from byte 33 on"));
        assert!(difference(&[]).contains("0 bytes instead of 40"));
    }

    #[test]
    fn bytes_of_another_request_are_told_by_their_stamp() {
        let mut bytes = Vec::new();
        Due { stamp: 0x123, ..DUE }.reply(&mut bytes);
        assert!(difference(&bytes).contains("bytes of request 0x123"));
    }

    #[test]
    fn field_of_another_request_is_found() {
        let reply = |stamp| {
            let due = Due { stamp, ..DUE };
            let kind = due.content_type();
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 40\r\n\r\n")
        };
        assert_eq!(head(reply(9).as_bytes(), &DUE).unwrap().unwrap().body_len, 40);
        assert!(head(reply(10).as_bytes(), &DUE).is_err());
        assert!(head(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", &DUE).is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\nset-cookie: a\r\n", &DUE).unwrap().is_none());
    }
}
