//! Where properties put their payloads: leases of one ring that is made once per thread.

use waterwheel_ring::{Config, Lease, Ring};

thread_local! {
    static RING: Ring = Ring::new(&Config::default()).expect("a ring of default size");
}

/// A lease of exactly `front` bytes of headroom, the payload, and `back` bytes of tailroom.
pub(crate) fn lease(payload: &[u8], front: usize, back: usize) -> Lease {
    let len = front + payload.len() + back;
    let mut lease = RING
        .with(|ring| ring.reserve_bytes(len.max(1)))
        .expect("nothing else is leased, and inputs are shorter than the ring");
    lease.set_headroom(front);
    lease.append(payload).expect("the lease was reserved for it");
    lease.grow_back(back).expect("the lease was reserved for it");
    // Cuts off what the last segment has beyond the room asked for.
    drop(lease.split_off(payload.len() + back));
    lease.truncate(payload.len());
    lease
}
