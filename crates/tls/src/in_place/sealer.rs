//! A peer for the layer whose secrets everybody knows: what it seals, the layer can open.

use super::key::{Cipher, Direction, TAG_LEN};
use crate::aside::TrafficSecret;
use crate::fault::Fault;
use crate::record::{APPLICATION_DATA, HEADER_LEN};

/// Seals records of any type, content and padding.
pub(crate) struct Sealer {
    direction: Direction,
}

/// One direction of such a connection, by number.
pub(super) fn direction(number: u8) -> Result<Direction, Fault> {
    let secret = TrafficSecret::new(&[number; 32]).ok_or(Fault::Internal)?;
    Direction::new(Cipher::ChaCha20, 0, secret)
}

impl Sealer {
    pub(crate) fn new() -> Result<Self, Fault> {
        Ok(Self { direction: direction(1)? })
    }

    /// Goes on to the next keys.
    pub(crate) fn rekey(&mut self) {
        self.direction.update().expect("keys have a next one");
    }

    /// One record, its header included, with so many zeros behind the type.
    pub(crate) fn seal(&mut self, content_type: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let mut inner = content.to_vec();
        inner.push(content_type);
        inner.resize(inner.len() + padding, 0);
        let body_len = u16::try_from(inner.len() + TAG_LEN).expect("fuzzed records are short");
        let [high, low] = body_len.to_be_bytes();
        let header: [u8; HEADER_LEN] = [APPLICATION_DATA, 3, 3, high, low];
        let mut tag = [0; TAG_LEN];
        self.direction.seal(header, &mut inner, &mut tag).expect("sealing has no reason to fail");
        [&header[..], &inner, &tag].concat()
    }
}
