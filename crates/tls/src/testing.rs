//! The record layer without a handshake: for fuzzing, and for tests of what takes 2^24 records.

use waterwheel_ring::{Config, Inbound, Ring, Runs};

use crate::fault::Fault;
use crate::in_place::{InPlace, Sealer, records_per_key_max};
use crate::receive::open_all;
use crate::record::{ALERT, APPLICATION_DATA, HANDSHAKE, RecordLayer};
use crate::session::{Received, Session};

/// Makes an in-place session believe that its key has sealed all but `left` of the records it may.
///
/// # Panics
/// When records are not sealed in place.
pub fn spend_key(session: &mut Session, left: u64) {
    let layer = session.in_place_mut().expect("the session seals in place");
    layer.skip_to(records_per_key_max() - left);
}

/// Drives the layer in place with a script: records that a peer with the right keys would send, of
/// any type and content, changed ones, and raw bytes, cut into reads anywhere. Returns how many
/// bytes of plaintext were shown.
///
/// # Panics
/// When something is shown that the peer has not sealed, when data is shown after a fault, or when
/// the bytes of a refused record stay.
pub fn fuzz_records(script: &[u8]) -> usize {
    let mut config = Config::default();
    config.segment_count = 64;
    let ring = Ring::new(&config).expect("64 segments can be mapped");
    let mut layer = InPlace::open_to_all().expect("secrets of the right length");
    let mut pace = script.iter().copied().cycle();
    let mut pace = || pace.next().unwrap_or(u8::MAX);
    let (wire, expected) = Script { rest: script }.play();
    let (mut sealed, mut plain, mut out) = (Inbound::default(), Inbound::default(), Runs::new());
    let mut shown = Vec::new();
    let mut fault = None;
    let mut wire = &wire[..];
    while !wire.is_empty() && fault.is_none() {
        let piece_len = (1 + 37 * usize::from(pace())).min(wire.len());
        let (piece, later) = wire.split_at(piece_len);
        wire = later;
        fault = read(&mut layer, &ring, piece, &mut sealed, &mut plain, &mut out);
        assert!(fault.is_none() || sealed.is_empty(), "a refused record is forgotten");
        shown.extend_from_slice(plain.bytes());
        assert!(expected.starts_with(&shown), "only what the peer has sealed is shown");
        if pace() & 1 == 0 {
            plain.consume(plain.len());
        } else {
            shown.truncate(shown.len() - plain.len());
        }
        if pace() & 7 == 0 {
            layer.rest();
            sealed.park();
            plain.park();
        }
    }
    drop((sealed, plain, out));
    assert_eq!(ring.leased(), 0, "every segment came back");
    shown.len()
}

/// One read of a connection. Returns the fault that ended it, if one did.
fn read(
    layer: &mut InPlace,
    ring: &Ring,
    piece: &[u8],
    sealed: &mut Inbound,
    plain: &mut Inbound,
    out: &mut Runs,
) -> Option<Fault> {
    let mut piece = piece;
    while !piece.is_empty() {
        let received = sealed.receive(ring, 0, 4096, |room| {
            let len = room.len().min(piece.len());
            room[..len].copy_from_slice(&piece[..len]);
            Ok::<usize, Fault>(len)
        });
        let Ok((Ok(len), _)) = received else { return Some(Fault::Internal) };
        piece = &piece[len..];
    }
    match open_all(layer, ring, sealed, plain, 0) {
        Ok(Received::Closed | Received::Starved) => Some(Fault::Internal),
        Ok(_) => layer.flush(ring, out).err(),
        Err(fault) => Some(fault),
    }
}

/// A fuzz input, read from its front.
struct Script<'a> {
    rest: &'a [u8],
}

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let (front, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        front.to_vec()
    }

    /// What the peer sends, and which data of it may be shown at most.
    fn play(&mut self) -> (Vec<u8>, Vec<u8>) {
        let mut sealer = Sealer::new().expect("a secret of the right length");
        let (mut wire, mut expected, mut is_intact) = (Vec::new(), Vec::new(), true);
        for _ in 0..RECORDS_MAX {
            let (what, len) = (self.byte(), usize::from(self.byte()));
            let padding = usize::from(what >> 4) * 3;
            let content = match what & 7 {
                0..=3 => self.bytes(len),
                4 => vec![24, 0, 0, 1, what >> 7],
                5 => self.bytes(len & 7),
                6 => vec![1, self.byte()],
                _ => Vec::new(),
            };
            let content_type = match what & 7 {
                0..=3 => APPLICATION_DATA,
                4 | 5 => HANDSHAKE,
                6 => ALERT,
                _ => self.byte(),
            };
            if what & 15 == 15 {
                let raw = self.bytes(len);
                is_intact &= raw.is_empty();
                wire.extend(raw);
                continue;
            }
            let mut record = sealer.seal(content_type, &content, padding);
            if what & 15 == 11 {
                is_intact = false;
                let at = usize::from(self.byte()) % record.len();
                record[at] ^= 1 << (what >> 5);
            } else if is_intact && content_type == APPLICATION_DATA {
                expected.extend_from_slice(&content);
            }
            if what & 7 == 4 {
                sealer.rekey();
            }
            wire.extend(record);
            if self.rest.is_empty() {
                break;
            }
        }
        (wire, expected)
    }
}

const RECORDS_MAX: usize = 64;
