//! The paths without parameters, found by their whole text.
//!
//! Its keys are our own routes, so nobody outside can choose them to collide; a lookup that finds
//! nothing costs one hash and, with half of the table empty, one or two glances.

/// An open-addressed table from paths to indices.
pub(super) struct Table {
    /// A power of two of them, at least half of them empty; empty altogether without routes.
    slots: Vec<Option<(Box<[u8]>, usize)>>,
    len: usize,
}

impl Table {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), len: 0 }
    }

    /// Adds a path that is not in the table.
    pub(super) fn insert(&mut self, path: &str, index: usize) {
        if (self.len + 1) * 2 > self.slots.len() {
            let capacity = (self.slots.len() * 2).max(CAPACITY_MIN);
            let old = std::mem::take(&mut self.slots);
            self.slots.resize_with(capacity, || None);
            for (path, index) in old.into_iter().flatten() {
                self.place(path, index);
            }
        }
        self.place(path.as_bytes().into(), index);
        self.len += 1;
    }

    fn place(&mut self, path: Box<[u8]>, index: usize) {
        let mask = self.slots.len() - 1;
        let mut at = hash(&path) & mask;
        while self.slots[at].is_some() {
            at = (at + 1) & mask;
        }
        self.slots[at] = Some((path, index));
    }

    /// The index registered for exactly this path.
    // Inlined into the one caller, which is inlined itself.
    #[inline(always)]
    pub(super) fn find(&self, path: &[u8]) -> Option<usize> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash(path) & mask;
        // Half of the slots are empty, so the walk ends; without any slot `get` ends it.
        while let Some((own, index)) = self.slots.get(at)?.as_ref() {
            if is_same(own, path) {
                return Some(*index);
            }
            at = (at + 1) & mask;
        }
        None
    }
}

/// Whether two paths are the same. Two words cover most of them, in fewer instructions than the
/// call of a comparison of any length.
#[inline]
fn is_same(own: &[u8], path: &[u8]) -> bool {
    match (own.first_chunk::<8>(), own.last_chunk::<8>()) {
        (first @ Some(_), last @ Some(_)) if own.len() <= 16 => {
            own.len() == path.len() && first == path.first_chunk() && last == path.last_chunk()
        }
        _ => own == path,
    }
}

/// Mixes the length and the first, middle and last bytes: enough to tell a server's routes apart.
#[inline]
fn hash(bytes: &[u8]) -> usize {
    let (first, last) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => hash_short(bytes),
    };
    let mut mixed = (first ^ last.rotate_left(23) ^ bytes.len() as u64).wrapping_mul(FACTOR);
    if bytes.len() > 16
        && let Some(middle) = bytes[bytes.len() / 2 - 4..].first_chunk::<8>()
    {
        mixed = (mixed ^ u64::from_le_bytes(*middle)).wrapping_mul(FACTOR);
    }
    (mixed >> 32) as usize
}

#[inline]
fn hash_short(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    (bytes.iter().fold(0, |word, &byte| (word << 8) | u64::from(byte)), 0)
}

const CAPACITY_MIN: usize = 8;
/// 2^64 divided by the golden ratio, as in Fibonacci hashing.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
