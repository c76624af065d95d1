//! Asks the processor to fetch bytes before they are needed.
//!
//! The one place with instructions of a processor. A hint: nothing is read, nothing can fault, and
//! on other processors nothing happens.

/// Fetches the first [`PREFETCH_LEN`] of `bytes` into the first cache.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    for line in bytes[..bytes.len().min(PREFETCH_LEN)].chunks(LINE_LEN) {
        fetch(line.as_ptr());
    }
}

/// Asks the processor to fetch all of `value` into the first cache, for a value that is used soon
/// and may have left the caches. Reads nothing. On processors other than x86-64 and aarch64 nothing
/// happens.
///
/// ```
/// let table = vec![[0_u64; 25]; 20_000];
/// for row in &table[..16] {
///     waterwheel_ring::prefetch_value(row);
/// }
/// let sum: u64 = table[..16].iter().flatten().sum();
/// # assert_eq!(sum, 0);
/// ```
#[inline]
pub fn prefetch_value<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    for offset in (0..size_of::<T>()).step_by(LINE_LEN) {
        fetch(start.wrapping_add(offset));
    }
    let Some(last) = size_of::<T>().checked_sub(1) else { return };
    // What starts within a line may end in one more.
    if last % LINE_LEN >= align_of::<T>() {
        fetch(start.wrapping_add(last));
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
fn fetch(line: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    // SAFETY: a prefetch is a hint that is ignored where it cannot be followed; any address will
    // do.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) };
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
#[inline]
fn fetch(line: *const u8) {
    // SAFETY: as on x86-64; the instruction changes neither memory, stack nor flags.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{line}]",
            line = in(reg) line,
            options(readonly, nostack, preserves_flags)
        );
    }
}

#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[inline]
fn fetch(_line: *const u8) {}

/// A request's head; whoever reads on is followed by the processor's own prefetcher. Of a whole
/// segment the hints cost more than they gain.
const PREFETCH_LEN: usize = 512;

/// Of a cache line on the machines we know. Where lines are longer, a hint says what another said.
const LINE_LEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_can_be_prefetched() {
        for len in [0, 1, 64, 511, 512, 5000] {
            prefetch(&vec![7; len]);
        }
    }

    #[test]
    fn any_value_can_be_prefetched() {
        prefetch_value(&());
        prefetch_value(&7_u8);
        prefetch_value(&[7_u64; 25]);
        prefetch_value(&[7_u8; 200]);
    }
}
