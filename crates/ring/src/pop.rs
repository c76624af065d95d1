//! Taking pieces out of a queue of runs: one lease, to go on working in its bytes, or all of them.

use crate::lease::Lease;
use crate::piece::Piece;
use crate::runs::Runs;

impl Runs {
    /// Takes the first piece out if it is a lease that `fits`. Room that was never filled does not
    /// count as a piece.
    #[inline]
    pub fn pop_lease_if(&mut self, fits: impl FnOnce(&Lease) -> bool) -> Option<Lease> {
        match self.pieces.front() {
            Some(Piece::Lease(lease)) if !lease.is_empty() && fits(lease) => {}
            _ => return None,
        }
        let Some(Piece::Lease(lease)) = self.pieces.pop_front() else { return None };
        self.len -= lease.len();
        Some(lease)
    }

    /// Queues all pieces of `source` behind the ones that are here, and leaves it empty. Nothing is
    /// copied.
    pub fn take_all(&mut self, source: &mut Self) {
        source.drop_room();
        if !source.is_empty() {
            self.drop_room();
            self.len += std::mem::take(&mut source.len);
            self.pieces.append(&mut source.pieces);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, Ring, Runs};

    #[test]
    fn only_a_first_piece_that_fits_is_taken_out() {
        let ring = Ring::new(&Config::default()).unwrap();
        let mut lease = ring.reserve(1).unwrap();
        lease.append(b"sealed").unwrap();
        let mut runs = Runs::new();
        runs.push(lease);
        runs.push_static(b" later");
        assert!(runs.pop_lease_if(|lease| lease.headroom() > 0).is_none());
        assert_eq!(runs.len(), 12);
        let taken = runs.pop_lease_if(|lease| lease.len() == 6).unwrap();
        assert_eq!((taken.payload(), runs.len()), (&b"sealed"[..], 6));
        assert!(runs.pop_lease_if(|_| true).is_none(), "what is left is no lease");
        assert_eq!(runs.front(), Some(&b" later"[..]));
    }

    #[test]
    fn all_pieces_move_behind_those_that_are_there() {
        let ring = Ring::new(&Config::default()).unwrap();
        let (mut first, mut second) = (Runs::new(), Runs::new());
        first.place(&ring, 3, |room| room.copy_from_slice(b"one"));
        second.push_static(b" two");
        second.place(&ring, 6, |room| room.copy_from_slice(b" three"));
        first.take_all(&mut second);
        assert_eq!((first.len(), second.len(), second.segment_count()), (13, 0, 0));
        first.consume(3);
        assert_eq!(first.front(), Some(&b" two"[..]));
        first.consume(4);
        assert_eq!(first.front(), Some(&b" three"[..]));
        first.consume(6);
        first.take_all(&mut second);
        assert!(first.is_empty());
    }
}
