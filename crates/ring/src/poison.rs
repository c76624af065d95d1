//! The pattern that free bytes carry in builds with `cfg(waterwheel_poison)`.
//!
//! A write to bytes that nobody holds breaks the pattern, and the next reservation of them panics.
//! A read of bytes that were never written finds the pattern instead of zeros that look innocent.

/// Marks bytes as free.
pub(crate) fn lay(bytes: &mut [u8]) {
    bytes.fill(POISON);
}

/// Expects bytes to be as [`lay`] left them.
pub(crate) fn check(bytes: &[u8]) {
    let changed = bytes.iter().position(|&byte| byte != POISON);
    assert_eq!(changed, None, "R4: nobody writes free bytes");
}

/// Unlikely in text, in lengths and in the patterns of the tests.
const POISON: u8 = 0xDB;
