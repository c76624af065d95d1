//! The received and not yet consumed bytes of one connection: in the ring, or parked outside it.
//!
//! Bytes arrive in a run of the ring. When their connection falls idle in the middle of a request
//! they are moved to the heap once, so that an idle connection owns zero segments, and later bytes
//! join them there. They come back to the ring once, when the request is complete. However a peer
//! slices its bytes, each is moved a bounded number of times.

use crate::error::Full;
use crate::lease::Lease;
use crate::ring::Ring;

/// Received bytes, oldest first.
#[derive(Debug, Default)]
pub struct Inbound {
    place: Place,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Nowhere,
    Ring(Lease),
    /// Outside the ring; the first `start` bytes were consumed.
    Parked {
        bytes: Vec<u8>,
        start: usize,
    },
}

impl Inbound {
    /// Bytes that a fresh read leaves free in front of what it receives, so that a reply made of
    /// the received bytes finds room for its head there. Enough for a status line and some ten
    /// fields.
    pub const HEADROOM: usize = 256;

    /// The bytes, wherever they are.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.place {
            Place::Nowhere => &[],
            Place::Ring(lease) => lease.payload(),
            Place::Parked { bytes, start } => &bytes[*start..],
        }
    }

    /// The bytes, for a decoder that works in place.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.place {
            Place::Nowhere => &mut [],
            Place::Ring(lease) => lease.payload_mut(),
            Place::Parked { bytes, start } => &mut bytes[*start..],
        }
    }

    /// How many bytes there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// True when nothing waits.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the first `count` bytes. With the last one gone the run stays, empty, until
    /// [`recycle`](Self::recycle), the next read or the drop.
    ///
    /// # Panics
    /// When there are fewer than `count` bytes.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        match &mut self.place {
            Place::Nowhere => assert_eq!(count, 0, "nothing was received"),
            Place::Ring(lease) => lease.advance(count),
            Place::Parked { bytes, start } => {
                assert!(count <= bytes.len() - *start, "so many bytes were received");
                *start += count;
            }
        }
    }

    /// Makes the run that is left when every byte is consumed ready for another connection's read:
    /// it is wiped, and released if it is shorter than `len_min`. Nothing happens while there are
    /// bytes.
    // Always: it follows every request.
    #[inline(always)]
    pub fn recycle(&mut self, len_min: usize) {
        match &mut self.place {
            Place::Ring(lease) if !lease.is_empty() => {}
            Place::Ring(lease) if lease.capacity() >= len_min => {
                lease.recycle(headroom_of(lease));
            }
            Place::Parked { bytes, start } if *start < bytes.len() => {}
            _ => self.place = Place::Nowhere,
        }
    }

    /// Whether there are neither bytes nor a run for them.
    #[must_use]
    #[inline]
    pub fn is_nowhere(&self) -> bool {
        matches!(self.place, Place::Nowhere)
    }

    /// Bytes that are kept outside the ring.
    #[must_use]
    #[inline]
    pub fn parked_len(&self) -> usize {
        match &self.place {
            Place::Parked { bytes, .. } => bytes.capacity(),
            _ => 0,
        }
    }

    /// Takes all bytes out as a lease, with at least `room` bytes from the first of them to the end
    /// of the run. Parked bytes and runs that cannot grow are copied once, which the ring counts.
    ///
    /// # Errors
    /// [`Full`] when the ring has no such run now; the bytes stay here.
    pub fn claim(&mut self, ring: &Ring, room: usize) -> Result<Lease, Full> {
        self.make_room(ring, room)?;
        match std::mem::take(&mut self.place) {
            Place::Nowhere => ring.reserve_bytes(room),
            Place::Ring(lease) => Ok(lease),
            Place::Parked { bytes, start } => {
                let unparked = unpark(ring, &bytes[start..], room);
                if unparked.is_err() {
                    self.place = Place::Parked { bytes, start };
                }
                unparked
            }
        }
    }

    /// Takes the first `len` bytes out as a lease; later ones stay here. Of parked bytes only the
    /// first `wanted_len` return to the ring: neither what stays nor what is not wanted needs room
    /// there.
    ///
    /// # Errors
    /// [`Full`] when the ring has no run for parked bytes now; all bytes stay here.
    ///
    /// # Panics
    /// When there are fewer than `len` bytes, or `wanted_len` is more than `len`.
    pub fn claim_front(
        &mut self,
        ring: &Ring,
        len: usize,
        wanted_len: usize,
    ) -> Result<Lease, Full> {
        assert!(wanted_len <= len && len <= self.len(), "so many bytes were received");
        match std::mem::take(&mut self.place) {
            Place::Nowhere => ring.reserve(1),
            Place::Ring(mut lease) => {
                if len < lease.len() {
                    self.place = Place::Ring(lease.split_off(len));
                }
                Ok(lease)
            }
            Place::Parked { bytes, start } => {
                let unparked = unpark(ring, &bytes[start..start + wanted_len], wanted_len);
                let start = if unparked.is_ok() { start + len } else { start };
                if start < bytes.len() {
                    self.place = Place::Parked { bytes, start };
                }
                unparked
            }
        }
    }

    /// Segments held in the ring.
    #[must_use]
    #[inline]
    pub fn segment_count(&self) -> usize {
        match &self.place {
            Place::Ring(lease) => lease.segment_count(),
            Place::Nowhere | Place::Parked { .. } => 0,
        }
    }

    /// Moves the bytes to the heap, so that no segment is held, and returns how many were moved.
    pub fn park(&mut self) -> usize {
        let Place::Ring(lease) = &self.place else { return 0 };
        let bytes = lease.payload().to_vec();
        let moved_len = bytes.len();
        if moved_len > 0 {
            lease.core.counters.copied(moved_len);
        }
        self.place = match moved_len {
            0 => Place::Nowhere,
            _ => Place::Parked { bytes, start: 0 },
        };
        moved_len
    }

    /// The bytes outside the ring, for another thread to go on with; see `From`.
    #[must_use]
    pub fn into_parked(mut self) -> Vec<u8> {
        self.park();
        match self.place {
            Place::Parked { mut bytes, start } => {
                bytes.drain(..start);
                bytes
            }
            Place::Nowhere | Place::Ring(_) => Vec::new(),
        }
    }

    /// Gives segments behind the bytes back, while the rest of the request is awaited.
    #[inline]
    pub fn trim(&mut self) {
        if let Place::Ring(lease) = &mut self.place {
            lease.trim();
        }
    }

    /// Lets `recv` write behind the bytes. `room` is how far the run should reach from the first
    /// byte on; with nothing here a fresh run of `fresh_len` bytes is tried first and a single
    /// segment after that. Returns what `recv` returned and how many bytes it was offered.
    ///
    /// # Errors
    /// [`Full`] when the ring has no room for even that; `recv` was not called then.
    // Inlined: its three-fold result would go through memory for every read.
    #[inline(always)]
    pub fn receive<E>(
        &mut self,
        ring: &Ring,
        room: usize,
        fresh_len: usize,
        recv: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(Result<usize, E>, usize), Full> {
        match &mut self.place {
            Place::Nowhere => {
                let len = fresh_len.max(Self::HEADROOM + room);
                let mut lease = ring.reserve_bytes(len).or_else(|_| ring.reserve_bytes(room))?;
                if lease.capacity() >= len {
                    lease.set_headroom(headroom_of(&lease));
                }
                self.place = Place::Ring(lease);
            }
            Place::Ring(lease) => {
                if lease.headroom() > Self::HEADROOM && lease.is_empty() {
                    lease.recycle(headroom_of(lease));
                }
                let room = room.max(lease.len() + 1);
                self.make_room(ring, room)?;
            }
            Place::Parked { .. } => {}
        }
        match &mut self.place {
            Place::Nowhere => unreachable!("a run was reserved above"),
            Place::Ring(lease) => {
                let offered = lease.tailroom();
                Ok((lease.append_with(recv), offered))
            }
            Place::Parked { bytes, .. } => {
                let kept = bytes.len();
                bytes.resize(kept + PARKED_READ_LEN, 0);
                let received = recv(&mut bytes[kept..]);
                bytes.truncate(kept + received.as_ref().copied().unwrap_or(0));
                Ok((received, PARKED_READ_LEN))
            }
        }
    }

    /// Makes a run reach `room` bytes from its first payload byte: in place when its neighbours are
    /// free, else by one move.
    #[inline]
    fn make_room(&mut self, ring: &Ring, room: usize) -> Result<(), Full> {
        match &self.place {
            Place::Ring(lease) if lease.len() + lease.tailroom() < room => self.extend(ring, room),
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn extend(&mut self, ring: &Ring, room: usize) -> Result<(), Full> {
        let Place::Ring(lease) = &mut self.place else { return Ok(()) };
        let reach = lease.len() + lease.tailroom();
        let missing = (room - reach).div_ceil(ring.segment_len());
        if lease.extend(missing).is_ok() {
            return Ok(());
        }
        let target = ring.reserve_bytes(room)?;
        lease.relocate(target).expect("the new run is longer than the payload");
        Ok(())
    }
}

impl From<Lease> for Inbound {
    /// The payload of the lease as received bytes: what a decoder leaves to the next reader.
    #[inline]
    fn from(lease: Lease) -> Self {
        Self { place: Place::Ring(lease) }
    }
}

impl From<Vec<u8>> for Inbound {
    /// Parked bytes, as from [`into_parked`](Inbound::into_parked).
    fn from(bytes: Vec<u8>) -> Self {
        let place =
            if bytes.is_empty() { Place::Nowhere } else { Place::Parked { bytes, start: 0 } };
        Self { place }
    }
}

/// What a run of this length leaves free in front: nothing where that would be much of it.
#[inline]
fn headroom_of(lease: &Lease) -> usize {
    if lease.capacity() >= 4 * Inbound::HEADROOM { Inbound::HEADROOM } else { 0 }
}

fn unpark(ring: &Ring, bytes: &[u8], room: usize) -> Result<Lease, Full> {
    let mut lease = ring.reserve_bytes(room.max(bytes.len()))?;
    lease.append(bytes).expect("the run was reserved for these bytes");
    ring.count_copy(bytes.len());
    Ok(lease)
}

/// How many bytes one read may add to parked ones: a slow peer sends few, and a fast one is not
/// parked.
const PARKED_READ_LEN: usize = 4096;
