//! Tests of the survey.

use zstd_safe::{CCtx, CParameter, compress_bound};

use super::{FRAMES_MAX, Fault, Survey, claimed_len};

fn frame(content: &[u8], parameters: &[CParameter]) -> Vec<u8> {
    let mut context = CCtx::create();
    for parameter in parameters {
        context.set_parameter(*parameter).unwrap();
    }
    let mut frame = vec![0; compress_bound(content.len())];
    let len = context.compress2(&mut frame[..], content).unwrap();
    frame.truncate(len);
    frame
}

fn fault(body: &[u8]) -> Fault {
    Survey::new(body).unwrap_err()
}

#[test]
fn claims_of_all_lengths_are_read() {
    for len in [0, 1, 255, 256, 257, 65_791, 65_792, 300_000] {
        let claiming = frame(&vec![7; len], &[]);
        let survey = Survey::new(&claiming).unwrap();
        assert_eq!((survey.bound, survey.is_claimed, survey.frames), (len as u64, true, 1));
        assert_eq!(claimed_len(&claiming[..claiming.len().min(18)]), Some(len as u64));

        let silent = frame(&vec![7; len], &[CParameter::ContentSizeFlag(false)]);
        let survey = Survey::new(&silent).unwrap();
        assert!(!survey.is_claimed && survey.bound >= len as u64, "{len}: {survey:?}");
        assert_eq!(claimed_len(&silent), None);
    }
}

#[test]
fn frames_add_up_and_skipped_ones_count_for_the_margin() {
    let one = frame(b"water", &[CParameter::ChecksumFlag(true)]);
    let mut body = one.clone();
    body.extend([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    body.extend(frame(b"wheel!", &[]));
    let survey = Survey::new(&body).unwrap();
    assert_eq!((survey.bound, survey.is_claimed, survey.frames), (11, true, 3));
    let alone = Survey::new(&one).unwrap();
    assert!(survey.margin > alone.margin + 11);
}

#[test]
fn bodies_that_break_off_are_refused_where_they_do() {
    let whole = frame(&[1; 1000], &[CParameter::ChecksumFlag(true)]);
    for len in 0..whole.len() {
        let Fault { at, cause } = fault(&whole[..len]);
        assert_eq!((at, cause), (len, "is missing, the frame goes on"));
    }
}

#[test]
fn foreign_bytes_are_refused() {
    let mut body = frame(b"water", &[]);
    let len = body.len();
    body.extend(b"more");
    assert_eq!(fault(&body), Fault { at: len, cause: "begins no frame" });
    assert_eq!(fault(b"\x1f\x8b\x08\x00").cause, "begins no frame");
}

#[test]
fn demands_on_memory_are_refused() {
    let header = |descriptor: u8, rest: &[u8]| {
        let mut body = vec![0x28, 0xb5, 0x2f, 0xfd, descriptor];
        body.extend(rest);
        body.extend([1, 0, 0]);
        body
    };
    // Windows of 8 MiB, and the next larger one.
    assert!(Survey::new(&header(0, &[13 << 3])).is_ok());
    assert_eq!(fault(&header(0, &[13 << 3 | 1])).cause, TOO_WIDE);
    // A single segment of 8 MiB and one byte is a window of that length too.
    assert_eq!(fault(&header(0xa0, &[1, 0, 0x80, 0])).cause, TOO_WIDE);
    assert_eq!(fault(&header(0xe0, &[0xff; 8])).cause, TOO_WIDE);
    assert_eq!(fault(&header(1, &[0, 9])).cause, "follows a demand for a dictionary");
    assert_eq!(fault(&header(8, &[0])).cause, "follows a reserved bit");
}

#[test]
fn blocks_are_held_against_their_frame() {
    // A window of 1 KiB, and a block of 1025 zeros, raw, run or of no kind.
    let body = |block: u32| {
        let mut body = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0];
        body.extend(&block.to_le_bytes()[..3]);
        body.push(0);
        body
    };
    assert_eq!(Survey::new(&body(1024 << 3 | 1 << 1 | 1)).unwrap().bound, 1024);
    assert_eq!(
        fault(&body(1025 << 3 | 1 << 1 | 1)).cause,
        "is in a block longer than its frame allows"
    );
    assert_eq!(fault(&body(3 << 1 | 1)).cause, "is in a block of no known kind");
    // It claims one byte and has none.
    let claim = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 1, 0, 0];
    assert_eq!(fault(&claim).cause, "ends a frame that claims more than its blocks hold");
}

#[test]
fn frames_are_counted() {
    let empty = frame(b"", &[]);
    assert!(Survey::new(&empty.repeat(FRAMES_MAX)).is_ok());
    let many = empty.repeat(FRAMES_MAX + 1);
    let expected = Fault { at: empty.len() * FRAMES_MAX, cause: "begins one frame too many" };
    assert_eq!(fault(&many), expected);
}

const TOO_WIDE: &str = "follows a demand for more than 8 MiB of window";
