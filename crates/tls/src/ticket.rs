//! Session tickets: the keys that seal them, changed as time goes on, and the time.
//!
//! The server keeps nothing for a client that may return: its session is in the ticket that the
//! client holds (RFC 8446 §4.6.1, RFC 5077).

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use rustls::crypto::GetRandomFailed;
use rustls::pki_types::UnixTime;
use rustls::server::ProducesTickets;
use rustls::time_provider::TimeProvider;
use zeroize::Zeroizing;

use crate::acceptor::lock;
use crate::config::provider;
use crate::fault::HandshakeFault;

/// Civil time as it was last told, in seconds since 1970. Written by workers.
#[derive(Debug, Default)]
pub(crate) struct Wall {
    seconds: Mutex<u64>,
}

impl Wall {
    pub(crate) fn set(&self, wall: SystemTime) {
        let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        *lock(&self.seconds) = since.as_secs();
    }

    fn seconds(&self) -> u64 {
        *lock(&self.seconds)
    }
}

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.seconds())))
    }
}

/// Seals and opens tickets. A key issues for [`KEY_LIFE`] and opens for as long again.
pub(crate) struct Tickets {
    wall: Arc<Wall>,
    keys: Mutex<Keys>,
}

struct Keys {
    current: RandomizedNonceKey,
    previous: Option<RandomizedNonceKey>,
    /// Since when the current key issues; nothing is known before the time was first told.
    since: u64,
}

impl Tickets {
    pub(crate) fn new(wall: Arc<Wall>) -> Result<Self, HandshakeFault> {
        let since = wall.seconds();
        let current = new_key().map_err(|error| HandshakeFault(error.into()))?;
        Ok(Self { wall, keys: Mutex::new(Keys { current, previous: None, since }) })
    }

    /// Runs `f` with the keys as they must be now.
    fn with_keys<T>(&self, f: impl FnOnce(&Keys) -> Option<T>) -> Option<T> {
        let now = self.wall.seconds();
        let mut keys = lock(&self.keys);
        let age = now.saturating_sub(keys.since);
        if age >= KEY_LIFE {
            let fresh = new_key().ok()?;
            let issued_last = std::mem::replace(&mut keys.current, fresh);
            keys.previous = (age < 2 * KEY_LIFE).then_some(issued_last);
            keys.since = now;
        }
        f(&keys)
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(2 * KEY_LIFE).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = plain.to_vec();
        let nonce = self.with_keys(|keys| {
            keys.current.seal_in_place_append_tag(Aad::empty(), &mut sealed).ok()
        })?;
        let mut ticket = nonce.as_ref().to_vec();
        ticket.append(&mut sealed);
        Some(ticket)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = ticket.split_first_chunk::<NONCE_LEN>()?;
        self.with_keys(|keys| {
            [Some(&keys.current), keys.previous.as_ref()].into_iter().flatten().find_map(|key| {
                let mut plain = sealed.to_vec();
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let len = key.open_in_place(nonce, Aad::empty(), &mut plain).ok()?.len();
                plain.truncate(len);
                Some(plain)
            })
        })
    }
}

impl fmt::Debug for Tickets {
    /// Never shows a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

fn new_key() -> Result<RandomizedNonceKey, GetRandomFailed> {
    let mut secret = Zeroizing::new([0; 32]);
    provider().secure_random.fill(secret.as_mut())?;
    RandomizedNonceKey::new(&AES_256_GCM, secret.as_ref()).map_err(|_| GetRandomFailed)
}

/// Seconds for which a key issues tickets; what rustls and nginx's documentation advise.
const KEY_LIFE: u64 = 6 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: &Wall, seconds: u64) {
        wall.set(UNIX_EPOCH + Duration::from_secs(seconds));
    }

    #[test]
    fn ticket_opens_until_its_key_has_gone() {
        let wall = Arc::new(Wall::default());
        at(&wall, 1_000_000);
        let tickets = Tickets::new(Arc::clone(&wall)).unwrap();
        let ticket = tickets.encrypt(b"session").unwrap();
        assert!(!ticket.windows(7).any(|window| window == b"session"));
        at(&wall, 1_000_000 + KEY_LIFE);
        assert_eq!(tickets.decrypt(&ticket).unwrap(), b"session");
        let later = tickets.encrypt(b"later").unwrap();
        at(&wall, 1_000_000 + 2 * KEY_LIFE);
        assert_eq!(tickets.decrypt(&ticket), None);
        assert_eq!(tickets.decrypt(&later).unwrap(), b"later");
    }

    #[test]
    fn keys_of_an_idle_server_do_not_outlive_their_time() {
        let wall = Arc::new(Wall::default());
        at(&wall, 1_000_000);
        let tickets = Tickets::new(Arc::clone(&wall)).unwrap();
        let ticket = tickets.encrypt(b"session").unwrap();
        at(&wall, 1_000_000 + 2 * KEY_LIFE);
        assert_eq!(tickets.decrypt(&ticket), None);
    }

    #[test]
    fn changed_ticket_does_not_open() {
        let wall = Arc::new(Wall::default());
        let tickets = Tickets::new(wall).unwrap();
        let ticket = tickets.encrypt(b"session").unwrap();
        for index in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[index] ^= 1;
            assert_eq!(tickets.decrypt(&changed), None, "byte {index}");
            assert_eq!(tickets.decrypt(&ticket[..index]), None, "cut at {index}");
        }
    }
}
