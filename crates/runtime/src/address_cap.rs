//! How many connections one address may have open, over all workers.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use waterwheel_reactor::PeerAddress;

use crate::Network;

/// A cap on the connections of one address: an IPv4 address, or the 64 bits of an IPv6 address that
/// are given out as one. Clones share their counts, so that the cap holds over all workers.
///
/// There is none unless it is set: a balancer in front, or a network behind one address, has many
/// clients. Name such networks as exempt, or let a balancer introduce its clients by the PROXY
/// protocol: they are counted then, and it is not.
///
/// ```
/// use std::num::NonZeroU32;
/// use waterwheel_runtime::{AddressCap, Config};
///
/// let office = "192.0.2.0/24".parse()?;
/// let max = NonZeroU32::new(100).expect("a number that is not zero");
/// let mut config = Config::default();
/// config.worker.address_cap = Some(AddressCap::new(max, &[office]));
/// # Ok::<(), waterwheel_runtime::NetworkError>(())
/// ```
#[derive(Clone)]
pub struct AddressCap {
    max: u32,
    exempt: Arc<[Network]>,
    counts: Arc<Counts>,
}

/// Open connections by block of addresses; those without are not in it. Each part is locked for a
/// look-up at an accept and at a close.
struct Counts {
    parts: [Mutex<HashMap<u64, u32>>; PARTS],
    /// Keyed by chance, so that nobody chooses addresses that meet in one part.
    keys: RandomState,
}

impl AddressCap {
    /// At most `max` connections for one address, except for peers in `exempt`.
    #[must_use]
    pub fn new(max: NonZeroU32, exempt: &[Network]) -> Self {
        let parts = std::array::from_fn(|_| Mutex::default());
        let counts = Arc::new(Counts { parts, keys: RandomState::new() });
        Self { max: max.get(), exempt: exempt.into(), counts }
    }

    /// Counts a connection. `None` when its address has too many, otherwise whether it was counted
    /// and so must [`leave`](Self::leave) in the end.
    pub(crate) fn enter(&self, peer: PeerAddress) -> Option<bool> {
        let Some(block) = block_of(peer) else { return Some(false) };
        if self.exempt.iter().any(|network| network.contains(peer)) {
            return Some(false);
        }
        let mut part = self.part(block);
        let count = part.entry(block).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(true)
    }

    /// Forgets a connection that was counted.
    pub(crate) fn leave(&self, peer: PeerAddress) {
        let Some(block) = block_of(peer) else { return };
        let mut part = self.part(block);
        if let Some(count) = part.get_mut(&block) {
            *count -= 1;
            if *count == 0 {
                part.remove(&block);
            }
        }
    }

    fn part(&self, block: u64) -> std::sync::MutexGuard<'_, HashMap<u64, u32>> {
        let hash = self.counts.keys.hash_one(block);
        // The remainder is below the number of parts.
        let index = usize::try_from(hash % PARTS as u64).unwrap_or(0);
        self.counts.parts[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AddressCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressCap").field("max", &self.max).finish_non_exhaustive()
    }
}

/// The addresses that count as one. An IPv4 address takes the first half of its mapped form, which
/// no IPv6 host has: `::ffff:0:0` is out of reach for them (RFC 4291 §2.5.5.2).
fn block_of(peer: PeerAddress) -> Option<u64> {
    match peer.ip()?.to_canonical() {
        IpAddr::V4(ip) => Some(u64::from(ip.to_bits())),
        // Never below 2³²: that is `::/32` seen as a prefix, of which `::1` alone is in use.
        IpAddr::V6(ip) => Some(u64::try_from(ip.to_bits() >> 64).unwrap_or(u64::MAX) | V6),
    }
}

/// Tells an IPv6 prefix from an IPv4 address. Its bit is set in no other way: prefixes that are
/// given out begin with 001, `fe80` or `fc`.
const V6: u64 = 1 << 32;

/// Enough that workers rarely meet.
const PARTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(ip: &str) -> PeerAddress {
        let ip: IpAddr = ip.parse().unwrap();
        std::net::SocketAddr::from((ip, 1)).into()
    }

    fn cap(max: u32, exempt: &[&str]) -> AddressCap {
        let exempt: Vec<Network> = exempt.iter().map(|text| text.parse().unwrap()).collect();
        AddressCap::new(NonZeroU32::new(max).unwrap(), &exempt)
    }

    #[test]
    fn address_is_capped_and_others_are_not() {
        let cap = cap(2, &[]);
        assert_eq!(cap.enter(peer("192.0.2.7")), Some(true));
        assert_eq!(cap.enter(peer("::ffff:192.0.2.7")), Some(true), "the same one");
        assert_eq!(cap.enter(peer("192.0.2.7")), None);
        assert_eq!(cap.enter(peer("192.0.2.8")), Some(true));
        cap.leave(peer("192.0.2.7"));
        assert_eq!(cap.enter(peer("192.0.2.7")), Some(true));
    }

    #[test]
    fn ipv6_addresses_with_the_same_64_bits_are_one() {
        let cap = cap(1, &[]);
        assert_eq!(cap.enter(peer("2001:db8:0:1::1")), Some(true));
        assert_eq!(cap.enter(peer("2001:db8:0:1:ffff::2")), None);
        assert_eq!(cap.enter(peer("2001:db8:0:2::1")), Some(true));
    }

    #[test]
    fn exempt_and_local_peers_are_not_counted() {
        let cap = cap(1, &["10.0.0.0/8"]);
        for _ in 0..3 {
            assert_eq!(cap.enter(peer("10.1.2.3")), Some(false));
            assert_eq!(cap.enter(PeerAddress::LOCAL), Some(false));
        }
    }

    #[test]
    fn addresses_without_connections_take_no_memory() {
        let cap = cap(5, &[]);
        for last in 0..=255 {
            let peer = peer(&format!("192.0.2.{last}"));
            assert_eq!(cap.enter(peer), Some(true));
            cap.leave(peer);
        }
        let left: usize = cap.counts.parts.iter().map(|part| part.lock().unwrap().len()).sum();
        assert_eq!(left, 0);
    }
}
