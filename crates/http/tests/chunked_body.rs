//! The chunked coding against a plain decoder: any content, any chunks, any reads.

use proptest::prelude::*;
use waterwheel_http::body::{ChunkError, Chunked, ChunkedProgress, DiscardProgress};

/// Content as chunks of the sizes given, with some extensions and trailers.
fn encode(content: &[u8], sizes: &[usize], adorned: bool) -> Vec<u8> {
    let mut body = Vec::new();
    let mut rest = content;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |&size| size.clamp(1, rest.len()));
        // Few enough to stay within the limit for the extensions of one body.
        let extension = if adorned && body.len() < 2000 { ";a=\"b;\"" } else { "" };
        body.extend_from_slice(format!("{size:x}{extension}\r\n").as_bytes());
        body.extend_from_slice(&rest[..size]);
        body.extend_from_slice(b"\r\n");
        rest = &rest[size..];
    }
    body.extend_from_slice(if adorned { b"000\r\nA: b\r\n\r\n" } else { b"0\r\n\r\n" });
    body
}

proptest! {
    #[test]
    fn content_comes_back_however_it_is_cut(
        content in proptest::collection::vec(any::<u8>(), 0..1500),
        sizes in proptest::collection::vec(prop_oneof![1..20usize, 1..900usize], 1..6),
        reads in proptest::collection::vec(1..500usize, 1..8),
        adorned in any::<bool>(),
    ) {
        let body = encode(&content, &sizes, adorned);
        let next = b"GET / HTTP/1.1\r\n";
        let mut bytes = [&body[..], next].concat();
        let mut chunked = Chunked::new(1500);
        let mut received = 0;
        let mut reads = reads.iter().cycle();
        let done = loop {
            received = (received + reads.next().unwrap()).min(bytes.len());
            let progress = chunked.decode(&mut bytes, received).unwrap();
            if progress != ChunkedProgress::NeedMore {
                break progress;
            }
        };
        let ChunkedProgress::Done { content_start, content_len, raw_len, moved } = done else {
            panic!("{done:?}");
        };
        prop_assert_eq!(&bytes[content_start..content_start + content_len], &content[..]);
        prop_assert_eq!(raw_len, body.len());
        prop_assert_eq!(&bytes[raw_len..], next);
        let first_len = sizes[0].min(content.len());
        prop_assert_eq!(moved, content.len() - first_len, "only later chunks move");
        prop_assert_eq!(chunked.decode(&mut bytes, received), Ok(done));
    }

    #[test]
    fn skipped_body_ends_where_the_decoded_one_does(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        sizes in proptest::collection::vec(1..100usize, 1..6),
        window_len in 1..50usize,
    ) {
        let body = encode(&content, &sizes, true);
        let bytes = [&body[..], b"next"].concat();
        let mut chunked = Chunked::new(300);
        let mut end = 0;
        for window in bytes.chunks(window_len) {
            match chunked.discard(window).unwrap() {
                DiscardProgress::Done { window_len } => {
                    end += window_len;
                    break;
                }
                _ => end += window.len(),
            }
        }
        prop_assert_eq!(end, body.len());
    }

    #[test]
    fn any_bytes_are_judged_alike_in_one_read_and_in_many(
        bytes in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b';'), Just(b'0'), Just(b'2'), any::<u8>()], 0..60,
        ),
    ) {
        let whole = Chunked::new(100).decode(&mut bytes.clone(), bytes.len());
        let mut chunked = Chunked::new(100);
        let mut own = bytes.clone();
        let mut stepwise = Ok(ChunkedProgress::NeedMore);
        for received in 0..=bytes.len() {
            stepwise = chunked.decode(&mut own, received);
            if stepwise != Ok(ChunkedProgress::NeedMore) {
                break;
            }
        }
        prop_assert_eq!(stepwise, whole);
    }
}

#[test]
fn single_chunk_does_not_move() {
    let mut bytes = *b"5\r\nhello\r\n0\r\n\r\n";
    let len = bytes.len();
    let done = Chunked::new(5).decode(&mut bytes, len);
    let expected =
        ChunkedProgress::Done { content_start: 3, content_len: 5, raw_len: len, moved: 0 };
    assert_eq!(done, Ok(expected));
}

#[test]
fn chunk_beyond_the_limit_is_refused_before_its_data() {
    let mut bytes = *b"5\r\nhello\r\n1\r\n";
    let len = bytes.len();
    let mut chunked = Chunked::new(5);
    assert_eq!(chunked.decode(&mut bytes, len - 1), Ok(ChunkedProgress::NeedMore));
    assert_eq!(chunked.decode(&mut bytes, len), Err(ChunkError::BodyTooLong));
    assert_eq!(chunked.decode(&mut bytes, len), Err(ChunkError::BodyTooLong));
    assert_eq!(ChunkError::BodyTooLong.status(), 413);
}

#[test]
fn endless_extension_is_refused_early() {
    let mut chunked = Chunked::new(1 << 20);
    let mut read_len = 0;
    let mut window: &[u8] = b"2;a";
    while chunked.discard(window).is_ok() {
        read_len += window.len();
        window = b"aaaaaaaa";
    }
    assert!(read_len <= 4096, "{read_len}");
}

#[test]
fn a7_framing_may_outweigh_content_only_for_so_long() {
    let mut chunked = Chunked::new(1 << 20);
    let mut read_len = 0;
    let error = loop {
        match chunked.discard(b"1\r\nx\r\n") {
            Ok(_) => read_len += 6,
            Err(error) => break error,
        }
    };
    assert_eq!(error, ChunkError::Overhead);
    assert!((64 * 1024..80 * 1024).contains(&read_len), "{read_len}");

    // Small chunks that hold more content than framing are nobody's attack.
    let mut chunked = Chunked::new(1 << 20);
    for _ in 0..20_000 {
        assert_eq!(chunked.discard(b"10\r\n0123456789abcdef\r\n"), Ok(DiscardProgress::NeedMore));
    }
}
