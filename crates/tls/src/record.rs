//! The contract of a record layer, and what a record looks like from outside (RFC 8446 §5).
//!
//! Knows neither keys nor the ring's queues: a layer gets slices.

use waterwheel_ring::{Ring, Runs};

use crate::fault::Fault;

/// Opens and seals the records of one connection after its handshake.
///
/// A layer that has returned a [`Fault`] other than from [`alert`](Self::alert) is asked for an
/// alert at most, never for data.
pub(crate) trait RecordLayer {
    /// Room that a payload needs around it to become a record where it lies.
    fn room(&self) -> Room;

    /// Most bytes of one record, its header included.
    fn record_len_max(&self) -> usize;

    /// Opens a whole record in place. On a fault its bytes are wiped, so that nothing of it can be
    /// seen that was not authenticated.
    fn open(&mut self, record: &mut [u8]) -> Result<Opened, Fault>;

    /// The same, with the content written to the start of `target`, which must be as long as the
    /// record without its header. What is behind the content is zeroed.
    fn open_into(&mut self, record: &mut [u8], target: &mut [u8]) -> Result<Opened, Fault>;

    /// Makes the payload in the middle of `window`, with exactly [`room`](Self::room) around it,
    /// one record that starts where the window starts. Returns its length.
    fn seal(&mut self, window: &mut [u8]) -> Result<usize, Fault>;

    /// Bytes of the record that [`seal_into`](Self::seal_into) will make next of this payload.
    fn sealed_len(&mut self, payload: &[u8]) -> Result<usize, Fault>;

    /// Writes one record with this payload to the start of `target`, which is longer by at least
    /// [`room`](Self::room), or just long enough. Returns its length.
    fn seal_into(&mut self, payload: &[u8], target: &mut [u8]) -> Result<usize, Fault>;

    /// Queues the records that the protocol itself owes the peer: answers to KeyUpdates, and new
    /// keys before the old ones are used up. Called before data is sealed.
    fn flush(&mut self, ring: &Ring, out: &mut Runs) -> Result<(), Fault>;

    /// Queues an alert, the last record of this side.
    fn alert(&mut self, ring: &Ring, out: &mut Runs, alert: Alert) -> Result<(), Fault>;

    /// Drops what can be made again from the rest: nothing is expected for a while.
    fn rest(&mut self);
}

/// Bytes around a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) head: usize,
    pub(crate) tail: usize,
}

impl Room {
    pub(crate) const fn sum(self) -> usize {
        self.head + self.tail
    }
}

/// What a record was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// Application data of this length, this far behind the start of the record or target.
    Data { start: usize, len: usize },
    /// Something between the layers. Nothing for the reader.
    Control,
    /// The peer's close_notify: it will send no more.
    Closed,
}

/// The alerts that a layer is asked to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alert {
    CloseNotify,
    Fatal(u8),
}

/// What is known of the first record of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// It is whole and this long.
    Whole(usize),
    /// It is not whole; it needs so many bytes, as far as is known.
    Partial(usize),
    /// It is longer than a record may be.
    TooLong,
    /// This is no header of a record.
    Malformed,
}

/// Reads the header of the first record. `len_max` bounds the whole record.
#[inline]
pub(crate) fn front(bytes: &[u8], len_max: usize) -> Front {
    let &[content, major, _, high, low, ..] = bytes else {
        return Front::Partial(HEADER_LEN);
    };
    let is_known = matches!(content, CHANGE_CIPHER_SPEC..=APPLICATION_DATA);
    if !is_known || major != 3 {
        return Front::Malformed;
    }
    let len = HEADER_LEN + usize::from(u16::from_be_bytes([high, low]));
    match len {
        _ if len > len_max => Front::TooLong,
        _ if len > bytes.len() => Front::Partial(len),
        _ => Front::Whole(len),
    }
}

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// Content type, version and length.
pub(crate) const HEADER_LEN: usize = 5;

/// Most bytes of content in a record (RFC 8446 §5.1).
pub(crate) const CONTENT_LEN_MAX: usize = 1 << 14;

/// Longest record of TLS 1.3, its header included (RFC 8446 §5.2).
pub(crate) const RECORD_LEN_MAX: usize = HEADER_LEN + CONTENT_LEN_MAX + 256;

/// Longest record of TLS 1.2, its header included (RFC 5246 §6.2.3), and of a handshake, in which
/// the version is not known yet. The last byte is rustls' own bound.
pub(crate) const RECORD_LEN_MAX_12: usize = HEADER_LEN + CONTENT_LEN_MAX + 2047;

/// Records in a row that may carry nothing; what rustls allows.
pub(crate) const EMPTY_RECORDS_MAX: u8 = 32;

/// KeyUpdates that may come without application data between them; what rustls and BoringSSL allow.
pub(crate) const KEY_UPDATES_MAX: u8 = 32;

/// Warnings that a connection may receive; what rustls and BoringSSL allow.
pub(crate) const WARNINGS_MAX: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_tells_whole_partial_and_broken_records_apart() {
        assert_eq!(front(&[], 64), Front::Partial(5));
        assert_eq!(front(&[23, 3, 3, 0], 64), Front::Partial(5));
        assert_eq!(front(&[23, 3, 3, 0, 2, 7], 64), Front::Partial(7));
        assert_eq!(front(&[23, 3, 3, 0, 2, 7, 7, 9], 64), Front::Whole(7));
        assert_eq!(front(&[23, 3, 3, 0, 60], 64), Front::TooLong);
        assert_eq!(front(&[24, 3, 3, 0, 1, 0], 64), Front::Malformed);
        assert_eq!(front(b"GET / HTTP/1.1", 64), Front::Malformed);
        assert_eq!(front(&[23, 4, 3, 0, 1, 0], 64), Front::Malformed);
    }
}
