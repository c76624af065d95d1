//! A peer for the layer with counted keys: what it seals, the layer can open.

use rustls::ConnectionTrafficSecrets;

use super::key::{Direction, TAIL_LEN};
use super::rekey::counted;
use crate::fault::Fault;
use crate::record::{APPLICATION_DATA, HEADER_LEN};

/// Seals records of any type, content and padding.
pub(crate) struct Sealer {
    direction: Direction,
    count: u8,
}

impl Sealer {
    pub(crate) fn counted() -> Result<Self, Fault> {
        let mut count = 0;
        let secrets: ConnectionTrafficSecrets = counted(&mut count);
        Ok(Self { direction: Direction::new(0, &secrets)?, count })
    }

    /// Goes on to the next keys.
    pub(crate) fn rekey(&mut self) {
        let secrets = counted(&mut self.count);
        self.direction = Direction::new(0, &secrets).expect("counted keys have the right lengths");
    }

    /// One record, its header included, with so many zeros behind the type.
    pub(crate) fn seal(&mut self, content_type: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let mut inner = content.to_vec();
        let last = match padding.checked_sub(1) {
            Some(zeros) => {
                inner.push(content_type);
                inner.resize(inner.len() + zeros, 0);
                0
            }
            None => content_type,
        };
        let body_len = u16::try_from(inner.len() + TAIL_LEN).expect("fuzzed records are short");
        let [high, low] = body_len.to_be_bytes();
        let header: [u8; HEADER_LEN] = [APPLICATION_DATA, 3, 3, high, low];
        let mut tail = [0; TAIL_LEN];
        self.direction
            .seal(header, &mut inner, last, &mut tail)
            .expect("sealing has no reason to fail");
        [&header[..], &inner, &tail].concat()
    }
}
