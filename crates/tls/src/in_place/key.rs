//! One direction's keys: the secret, the key, its expanded form while it is in use, the sequence
//! number.

use std::fmt;

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use rustls::ConnectionTrafficSecrets;
use zeroize::Zeroize;

use super::derive::{expand_label, next};
use crate::aside::TrafficSecret;
use crate::fault::Fault;
use crate::record::HEADER_LEN;

/// Keys and sequence number of one direction.
///
/// The key stays beside its expanded form, so that an idle connection can drop the latter, which is
/// ten times as large, and make it again in about 170 ns. The secret is what the keys after a
/// KeyUpdate come from.
pub(super) struct Direction {
    secret: TrafficSecret,
    key: [u8; KEY_LEN_MAX],
    iv: [u8; IV_LEN],
    cipher: Cipher,
    /// Records opened or sealed so far with this key.
    sequence: u64,
    expanded: Option<LessSafeKey>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes256,
    ChaCha20,
}

impl Cipher {
    /// The cipher that these keys are for.
    pub(super) fn of(keys: &ConnectionTrafficSecrets) -> Result<Self, Fault> {
        match keys {
            ConnectionTrafficSecrets::Aes128Gcm { .. } => Ok(Self::Aes128),
            ConnectionTrafficSecrets::Aes256Gcm { .. } => Ok(Self::Aes256),
            ConnectionTrafficSecrets::Chacha20Poly1305 { .. } => Ok(Self::ChaCha20),
            _ => Err(Fault::Internal),
        }
    }

    const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Aes128 => &AES_128_GCM,
            Self::Aes256 => &AES_256_GCM,
            Self::ChaCha20 => &CHACHA20_POLY1305,
        }
    }
}

impl Direction {
    /// Makes the keys of a secret, with which so many records were opened or sealed already.
    pub(super) fn new(cipher: Cipher, sequence: u64, secret: TrafficSecret) -> Result<Self, Fault> {
        let (mut key, mut iv) = ([0; KEY_LEN_MAX], [0; IV_LEN]);
        let key_len = cipher.algorithm().key_len();
        // RFC 8446 §7.3
        expand_label(&secret, "key", key.get_mut(..key_len).ok_or(Fault::Internal)?)?;
        expand_label(&secret, "iv", &mut iv)?;
        Ok(Self { secret, key, iv, cipher, sequence, expanded: None })
    }

    /// Goes on to the keys after a KeyUpdate (RFC 8446 §7.2).
    #[cold]
    pub(super) fn update(&mut self) -> Result<(), Fault> {
        *self = Self::new(self.cipher, 0, next(&self.secret)?)?;
        Ok(())
    }

    /// Whether the next record must be a KeyUpdate: this key has nothing left but a reserve.
    pub(super) fn is_spent(&self) -> bool {
        self.cipher != Cipher::ChaCha20 && self.sequence >= RECORDS_PER_KEY_MAX - RESERVE
    }

    pub(super) fn rest(&mut self) {
        self.expanded = None;
    }

    /// The key, and the nonce of the next record (RFC 8446 §5.3). The sequence number goes on, so
    /// that no nonce is used twice whatever happens next.
    #[inline]
    fn step(&mut self) -> Result<(&LessSafeKey, Nonce), Fault> {
        let mut nonce = self.iv;
        for (byte, count) in nonce[IV_LEN - 8..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        self.sequence = self.sequence.checked_add(1).ok_or(Fault::KeysSpent)?;
        if self.expanded.is_none() {
            self.expand()?;
        }
        let key = self.expanded.as_ref().ok_or(Fault::Internal)?;
        Ok((key, Nonce::assume_unique_for_key(nonce)))
    }

    #[cold]
    fn expand(&mut self) -> Result<(), Fault> {
        let algorithm = self.cipher.algorithm();
        let unbound = UnboundKey::new(algorithm, &self.key[..algorithm.key_len()])
            .map_err(|_| Fault::Internal)?;
        self.expanded = Some(LessSafeKey::new(unbound));
        Ok(())
    }

    /// Opens `body`, ciphertext and tag, in place; the content is all but the tag.
    #[inline]
    pub(super) fn open(&mut self, header: [u8; HEADER_LEN], body: &mut [u8]) -> Result<(), Fault> {
        let Some(len) = body.len().checked_sub(TAG_LEN) else { return Err(Fault::BadRecordMac) };
        let (content, tag) = body.split_at_mut(len);
        let (key, nonce) = self.step()?;
        match key.open_in_place_separate_tag(nonce, Aad::from(header), tag, content) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::BadRecordMac),
        }
    }

    /// Opens `body` into `target`, of the length of the content.
    #[inline]
    pub(super) fn open_into(
        &mut self,
        header: [u8; HEADER_LEN],
        body: &[u8],
        target: &mut [u8],
    ) -> Result<(), Fault> {
        let Some((content, tag)) = body.split_last_chunk::<TAG_LEN>() else {
            return Err(Fault::BadRecordMac);
        };
        let (key, nonce) = self.step()?;
        key.open_separate_gather(nonce, Aad::from(header), content, tag, target)
            .map_err(|_| Fault::BadRecordMac)
    }

    /// Seals `inner`, content and type, in place, and writes the tag.
    #[inline]
    pub(super) fn seal(
        &mut self,
        header: [u8; HEADER_LEN],
        inner: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), Fault> {
        let (key, nonce) = self.step()?;
        key.seal_in_place_scatter(nonce, Aad::from(header), inner, &[], tag)
            .map_err(|_| Fault::Internal)
    }

    /// Whether a byte apart costs the cipher more than copying the content to it.
    #[inline]
    pub(super) fn seals_in_one_piece(&self) -> bool {
        self.cipher == Cipher::ChaCha20
    }

    /// Seals `content` into `target`, of the same length, and `tail`.
    #[inline]
    pub(super) fn seal_into(
        &mut self,
        header: [u8; HEADER_LEN],
        content: &[u8],
        target: &mut [u8],
        content_type: u8,
        tail: &mut [u8; TAIL_LEN],
    ) -> Result<(), Fault> {
        let (key, nonce) = self.step()?;
        let aad = Aad::from(header);
        key.seal_out_of_place_scatter(nonce, aad, content, target, &[content_type], tail)
            .map_err(|_| Fault::Internal)
    }

    /// Pretends that so many records were sealed, for tests of the limit.
    #[cfg(feature = "testing")]
    pub(super) fn skip_to(&mut self, sequence: u64) {
        self.sequence = sequence;
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        // The secret does it itself, and the expanded key is cleansed by the library.
        self.key.zeroize();
        self.iv.zeroize();
    }
}

impl fmt::Debug for Direction {
    /// Shows how far it is, never a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direction").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

const KEY_LEN_MAX: usize = 32;
const IV_LEN: usize = 12;

/// Every AEAD of TLS 1.3 that we offer has tags of this length.
pub(super) const TAG_LEN: usize = 16;

/// What follows the content in a record: its type and the tag.
pub(super) const TAIL_LEN: usize = 1 + TAG_LEN;

/// Records that one AES-GCM key may seal. RFC 8446 §5.5 allows 2^24.5 full records; rustls stops
/// at the same power of two. ChaCha20-Poly1305 has no such limit.
pub(super) const RECORDS_PER_KEY_MAX: u64 = 1 << 24;

/// Records that may be sealed before anybody looks at the limit again: those of one run, alerts,
/// and the KeyUpdate itself.
const RESERVE: u64 = 16;
