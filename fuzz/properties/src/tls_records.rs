//! The record layer in place, against a peer that seals and breaks what the input says.

/// Whatever records of whatever types, contents, changes and borders come: only what the peer has
/// sealed is shown, in order, nothing after a fault, and no segment is kept. The property is that
/// of [`waterwheel_tls::testing::fuzz_records`], which has the keys.
pub fn tls_records(data: &[u8]) {
    waterwheel_tls::testing::fuzz_records(data);
}
