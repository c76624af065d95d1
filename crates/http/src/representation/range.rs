//! Parts of content by their byte positions (RFC 9110 §14).

use std::ops::Range;

/// What of the content a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ranges {
    /// All of it: no part was asked for, or not in a way that we follow.
    Whole,
    /// These parts, none empty and none touching another; status 206.
    Parts(Vec<Range<u64>>),
    /// None of the parts is in the content; status 416.
    Unsatisfiable,
}

/// Most ranges that one request may ask for; with more it gets everything. Many small ones cost the
/// server far more than the client (RFC 9110 §17.15).
pub const RANGES_MAX: usize = 8;

/// Reads a `Range` field for content of `len` bytes. What is malformed, of another unit or too many
/// counts as not asked (§14.2).
pub(super) fn parse(field: &[u8], len: u64) -> Ranges {
    let Some((unit, set)) = split_once(field, b'=') else { return Ranges::Whole };
    if !unit.trim_ascii().eq_ignore_ascii_case(b"bytes") {
        return Ranges::Whole;
    }
    let mut parts = Vec::new();
    let mut count = 0;
    for spec in set.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        // A list may have empty elements (§5.6.1.2).
        if spec.is_empty() {
            continue;
        }
        count += 1;
        if count > RANGES_MAX {
            return Ranges::Whole;
        }
        match parse_spec(spec, len) {
            Some(part) if part.is_empty() => {}
            Some(part) => merge(&mut parts, part),
            None => return Ranges::Whole,
        }
    }
    match (count, parts.is_empty()) {
        (0, _) => Ranges::Whole,
        (_, true) => Ranges::Unsatisfiable,
        (_, false) => Ranges::Parts(parts),
    }
}

/// One range of a set; empty when it lies behind the end, `None` when it is malformed.
fn parse_spec(spec: &[u8], len: u64) -> Option<Range<u64>> {
    let (first, last) = split_once(spec, b'-')?;
    let (first, last) = (first.trim_ascii(), last.trim_ascii());
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(len - number(last)?.min(len)..len),
        (false, true) => Some(number(first)?.min(len)..len),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(len)..last.saturating_add(1).min(len))
        }
    }
}

/// Adds a part; what overlaps or touches becomes one, in the place of the first (§15.3.7.2).
fn merge(parts: &mut Vec<Range<u64>>, part: Range<u64>) {
    let mut part = part;
    let mut place = parts.len();
    while let Some(other) =
        parts.iter().position(|other| other.start <= part.end && part.start <= other.end)
    {
        let other_part = parts.remove(other);
        part = part.start.min(other_part.start)..part.end.max(other_part.end);
        place = place.min(other);
    }
    parts.insert(place.min(parts.len()), part);
}

/// A number of digits; one that is too large for us is larger than any content.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    Some(value.unwrap_or(u64::MAX))
}

fn split_once(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each part as its first byte and the one behind its last.
    fn parts(field: &str) -> Vec<(u64, u64)> {
        match parse(field.as_bytes(), 100) {
            Ranges::Parts(parts) => parts.iter().map(|part| (part.start, part.end)).collect(),
            other => panic!("{field}: {other:?}"),
        }
    }

    #[test]
    fn ranges_are_read_from_both_ends_and_cut_to_the_content() {
        assert_eq!(parts("bytes=0-0"), [(0, 1)]);
        assert_eq!(parts("Bytes = 10-19"), [(10, 20)]);
        assert_eq!(parts("bytes=90-"), [(90, 100)]);
        assert_eq!(parts("bytes=-7"), [(93, 100)]);
        assert_eq!(parts("bytes=-700"), [(0, 100)]);
        assert_eq!(parts("bytes=99-99999999999999999999999"), [(99, 100)]);
        assert_eq!(parts("bytes=1-2,,200-300 , 5-6,"), [(1, 3), (5, 7)]);
    }

    #[test]
    fn ranges_that_overlap_or_touch_are_one() {
        assert_eq!(parts("bytes=0-9,10-19"), [(0, 20)]);
        assert_eq!(parts("bytes=50-59,0-9,55-70"), [(50, 71), (0, 10)]);
        assert_eq!(parts("bytes=0-1,4-5,8-9,2-7"), [(0, 10)]);
        assert_eq!(parts("bytes=9-9,0-50,9-9"), [(0, 51)]);
        assert_eq!(parts("bytes=4-5,0-1"), [(4, 6), (0, 2)]);
    }

    #[test]
    fn what_is_not_understood_is_not_asked() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "bytes=1",
            "bytes=+1-2",
            "bytes=1-2-3",
            "lines=1-2",
            "bytes=0-1,x",
            "bytes=0x1-2",
            "bytes=,",
        ] {
            assert_eq!(parse(field.as_bytes(), 100), Ranges::Whole, "{field}");
        }
        let many = "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14";
        assert_eq!(parts(many).len(), RANGES_MAX);
        assert_eq!(parse(format!("{many},16-16").as_bytes(), 100), Ranges::Whole);
    }

    #[test]
    fn ranges_behind_the_end_are_told() {
        for field in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=500-600,700-"] {
            assert_eq!(parse(field.as_bytes(), 100), Ranges::Unsatisfiable, "{field}");
        }
        assert_eq!(parse(b"bytes=0-", 0), Ranges::Unsatisfiable);
        assert_eq!(parse(b"bytes=-5", 0), Ranges::Unsatisfiable);
    }

    #[test]
    fn any_ranges_cover_the_bytes_that_were_asked_for_once() {
        let mut state = 1u64;
        let mut draw = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % limit
        };
        for _ in 0..20_000 {
            let asked: Vec<(u64, u64)> = (0..=draw(8))
                .map(|_| (draw(110), draw(110)))
                .map(|(a, b)| (a.min(b), a.max(b)))
                .collect();
            let text: Vec<String> = asked.iter().map(|(a, b)| format!("{a}-{b}")).collect();
            let ranges = parse(format!("bytes={}", text.join(",")).as_bytes(), 100);
            let parts = match &ranges {
                Ranges::Parts(parts) => parts.as_slice(),
                _ => &[],
            };
            if asked.len() > RANGES_MAX {
                assert_eq!(ranges, Ranges::Whole);
                continue;
            }
            for byte in 0..100 {
                let is_asked = asked.iter().any(|(a, b)| (*a..=*b).contains(&byte));
                let count = parts.iter().filter(|part| part.contains(&byte)).count();
                assert_eq!(count, usize::from(is_asked), "{text:?} {parts:?} {byte}");
            }
        }
    }
}
