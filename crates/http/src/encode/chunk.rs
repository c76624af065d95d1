//! Chunks, in runs with room for their framing (RFC 9112 §7.1).

use waterwheel_ring::{Lease, Ring, Runs};

/// Room in front of a chunk's data: eight digits, for runs are shorter than 4 GiB, and the end of
/// the line.
pub(crate) const HEAD_ROOM: usize = 10;
/// Room behind it.
pub(crate) const END_LEN: usize = END.len();

/// Queues data that is not empty as a chunk: one of no bytes would be the last. What has no room
/// for its framing gets it from elsewhere.
pub(crate) fn queue(mut lease: Lease, ring: &Ring, queue: &mut Runs) {
    let (head, start) = head(lease.len());
    let head = &head[start..];
    if lease.prepend(head).is_err() {
        queue.place(ring, head.len(), |room| room.copy_from_slice(head));
    }
    let has_end = lease.append(END).is_ok();
    queue.push(lease);
    if !has_end {
        queue.place(ring, END.len(), |room| room.copy_from_slice(END));
    }
}

/// Queues the last chunk, which has no content, and no trailers.
pub(crate) fn queue_last(ring: &Ring, queue: &mut Runs) {
    queue.place(ring, LAST.len(), |room| room.copy_from_slice(LAST));
}

/// The line before a chunk's data, at the end of an array: from which index on.
fn head(len: usize) -> ([u8; HEAD_ROOM], usize) {
    let mut head = [0; HEAD_ROOM];
    let mut start = HEAD_ROOM - END.len();
    head[start..].copy_from_slice(END);
    let mut rest = len;
    while start > 0 {
        start -= 1;
        head[start] = b"0123456789abcdef"[rest % 16];
        rest /= 16;
        if rest == 0 {
            break;
        }
    }
    debug_assert_eq!(rest, 0, "a run is shorter than 4 GiB");
    (head, start)
}

const END: &[u8] = b"\r\n";
const LAST: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_is_the_length_in_hexadecimal() {
        for len in [1, 9, 10, 15, 16, 255, 256, 65_535, 65_536, 0xffff_ffff] {
            let (head, start) = head(len);
            assert_eq!(&head[start..], format!("{len:x}\r\n").as_bytes());
        }
    }
}
