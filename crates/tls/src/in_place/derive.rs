//! Keys and later secrets from a traffic secret (RFC 8446 §7.1 to §7.3).

use aws_lc_rs::hkdf::{Algorithm, HKDF_SHA256, HKDF_SHA384, KeyType, Prk};

use crate::aside::TrafficSecret;
use crate::fault::Fault;

/// `application_traffic_secret_N+1` from its forerunner (RFC 8446 §7.2).
pub(super) fn next(secret: &TrafficSecret) -> Result<TrafficSecret, Fault> {
    let len = secret.as_slice().len();
    let mut next = zeroize::Zeroizing::new([0; HASH_LEN_MAX]);
    expand_label(secret, "traffic upd", next.get_mut(..len).ok_or(Fault::Internal)?)?;
    TrafficSecret::new(&next[..len]).ok_or(Fault::Internal)
}

/// Fills `out` by HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
pub(super) fn expand_label(
    secret: &TrafficSecret,
    label: &str,
    out: &mut [u8],
) -> Result<(), Fault> {
    let secret = secret.as_slice();
    let len = u16::try_from(out.len()).map_err(|_| Fault::Internal)?.to_be_bytes();
    let label_len = [u8::try_from(PREFIX.len() + label.len()).map_err(|_| Fault::Internal)?];
    let info = [&len[..], &label_len, PREFIX.as_bytes(), label.as_bytes(), &[0]];
    let prk = Prk::new_less_safe(hash_of(secret)?, secret);
    let expanded = prk.expand(&info, Length(out.len())).and_then(|okm| okm.fill(out));
    expanded.map_err(|_| Fault::Internal)
}

/// The suite's hash, which is as long as the secret.
fn hash_of(secret: &[u8]) -> Result<Algorithm, Fault> {
    match secret.len() {
        32 => Ok(HKDF_SHA256),
        HASH_LEN_MAX => Ok(HKDF_SHA384),
        _ => Err(Fault::Internal),
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

const PREFIX: &str = "tls13 ";
const HASH_LEN_MAX: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let text = std::str::from_utf8(&digits).unwrap();
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// The server's application traffic of RFC 8448 §3.
    #[test]
    fn key_and_nonce_are_those_of_the_example_trace() {
        let secret = bytes(
            "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f \
             cb 63 16 43",
        );
        let secret = TrafficSecret::new(&secret).unwrap();
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        expand_label(&secret, "key", &mut key).unwrap();
        expand_label(&secret, "iv", &mut iv).unwrap();
        assert_eq!(key.to_vec(), bytes("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56"));
        assert_eq!(iv.to_vec(), bytes("cf 78 2b 88 dd 83 54 9a ad f1 e9 84"));
    }
}
