//! Taking a lease out of a queue of runs, to go on working in its bytes.

use crate::lease::Lease;
use crate::runs::{Piece, Runs};

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
}
