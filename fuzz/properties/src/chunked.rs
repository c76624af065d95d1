//! A chunked body has one content however it is cut, whether it is kept or skipped, and it is the
//! one that a plain decoder over a `Vec` finds.
//!
//! First byte: bit 0 asks for a tight limit, the others for the length of the pieces.

use waterwheel_http::body::{ChunkError, Chunked, ChunkedProgress, DiscardProgress};

use crate::{piece_ends, split_choice};

/// Content and raw length of a body that has ended.
type Body = Option<(Vec<u8>, usize)>;

/// See the module.
pub fn chunked(data: &[u8]) {
    let (choice, bytes) = split_choice(data);
    let content_len_max = if choice & 1 == 1 { 8 } else { 1 << 20 };
    let piece_len = 1 + usize::from(choice >> 1) % 24;

    let whole = decode(bytes, bytes.len().max(1), content_len_max);
    let pieces = decode(bytes, piece_len, content_len_max);
    assert_eq!(pieces, whole, "pieces of {piece_len}");
    let skipped = discard(bytes, piece_len, content_len_max);
    let raw_len = whole.as_ref().map(|body| body.as_ref().map(|(_, raw_len)| *raw_len));
    assert_eq!(skipped.as_ref(), raw_len.as_ref().map_err(|error| *error), "skipped");

    match whole {
        Ok(body) => assert_eq!(body, plain(bytes), "a plain decoder"),
        Err(error) => assert!(matches!(error.status(), 400 | 413)),
    }
}

fn decode(bytes: &[u8], piece_len: usize, content_len_max: u64) -> Result<Body, ChunkError> {
    let mut chunked = Chunked::new(content_len_max);
    let mut room = bytes.to_vec();
    for end in piece_ends(bytes.len(), piece_len) {
        let progress = chunked.decode(&mut room, end)?;
        assert_eq!(room[end..], bytes[end..], "bytes not yet received changed");
        let (start, len) = (chunked.content_start(), chunked.content_len());
        assert!(len as u64 <= content_len_max && start + len <= end);
        if let ChunkedProgress::Done { content_start, content_len, raw_len, moved } = progress {
            assert_eq!((content_start, content_len), (start, len));
            assert!(moved <= content_len);
            assert_eq!(room[raw_len..], bytes[raw_len..], "bytes behind the body changed");
            return Ok(Some((room[start..start + len].to_vec(), raw_len)));
        }
    }
    Ok(None)
}

/// The raw length of a body that has ended.
fn discard(
    bytes: &[u8],
    piece_len: usize,
    content_len_max: u64,
) -> Result<Option<usize>, ChunkError> {
    let mut chunked = Chunked::new(content_len_max);
    let mut start = 0;
    for end in piece_ends(bytes.len(), piece_len) {
        if let DiscardProgress::Done { window_len } = chunked.discard(&bytes[start..end])? {
            return Ok(Some(start + window_len));
        }
        start = end;
    }
    Ok(None)
}

/// Lenient about everything but where things end: of what ours accepts, it must find the same.
fn plain(bytes: &[u8]) -> Body {
    let mut content = Vec::new();
    let mut rest = bytes;
    loop {
        let line = take_line(&mut rest)?;
        let digit_count = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = std::str::from_utf8(&line[..digit_count]).ok()?;
        let size = usize::from_str_radix(digits, 16).ok()?;
        if size == 0 {
            while !take_line(&mut rest)?.is_empty() {}
            return Some((content, bytes.len() - rest.len()));
        }
        let (data, behind) = rest.split_at_checked(size)?;
        content.extend_from_slice(data);
        rest = behind.strip_prefix(b"\r\n")?;
    }
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let line = &rest[..len];
    *rest = &rest[len + 2..];
    Some(line)
}
