//! More room behind a payload whose length was not known beforehand.

use waterwheel_ring::{Full, Lease, Ring};

/// Adds at least `more` bytes of tailroom: behind the run, or else by a move into a longer one.
pub(crate) fn lengthen(ring: &Ring, lease: &mut Lease, more: usize) -> Result<(), Full> {
    let segments = more.div_ceil(ring.segment_len()).max(1);
    if lease.extend(segments).is_ok() {
        return Ok(());
    }
    let mut longer = ring.reserve_bytes(lease.capacity() + more)?;
    longer.set_headroom(lease.headroom());
    lease.relocate(longer).expect("the new run is as long as the old one, and longer");
    Ok(())
}
