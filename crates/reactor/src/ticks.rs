//! The processor's count of time, which takes one instruction to read.

/// The time-stamp counter: it grows at the processor's nominal rate, which is 1 GHz and more.
#[inline]
pub(crate) fn ticks() -> u64 {
    // SAFETY: the instruction reads a counter and touches no memory; every x86-64 processor has it.
    unsafe { std::arch::x86_64::_rdtsc() }
}
