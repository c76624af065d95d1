//! What one number of bytes per worker means for its ring, its connections and the kernel's
//! buffers.

use std::error::Error;
use std::fmt;

use waterwheel_ring::CAPACITY_MAX;

/// A worker's memory, divided up: from one number to every limit that holds memory.
///
/// ```
/// use waterwheel_runtime::Budget;
///
/// let budget = Budget::of(64 << 20)?;
/// assert_eq!(budget.ring_len, 16 << 20);
/// assert!(budget.connections_max > 7000);
/// # Ok::<(), waterwheel_runtime::BudgetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Bytes of the ring: the largest power of two that is no more than a quarter, nor than a ring
    /// can have.
    pub ring_len: usize,
    /// Most bytes parked outside the ring, an eighth.
    pub parked_len_max: usize,
    /// Most connections: what is left pays for each one's state and its socket in the kernel.
    pub connections_max: usize,
    /// What the kernel may buffer for one connection in each direction, so that an eighth is enough
    /// when one connection in 64 has both buffers full.
    pub socket_buffer_len: usize,
}

impl Budget {
    /// Divides `memory` bytes.
    ///
    /// # Errors
    /// [`BudgetError`] when it is too little for a worker.
    pub fn of(memory: usize) -> Result<Self, BudgetError> {
        Self::with_state(memory, STATE_LEN)
    }

    /// Divides `memory` bytes for connections over TLS, each of which keeps its keys: fewer fit.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn over_tls(memory: usize) -> Result<Self, BudgetError> {
        Self::with_state(memory, STATE_LEN + TLS_LEN)
    }

    fn with_state(memory: usize, state_len: usize) -> Result<Self, BudgetError> {
        if memory < MEMORY_MIN {
            return Err(BudgetError { memory });
        }
        let quarter = memory / 4;
        let ring_len = ((quarter + 1).next_power_of_two() / 2).min(CAPACITY_MAX);
        let (parked_len_max, buffers_len) = (memory / 8, memory / 8);
        let left = memory - ring_len - parked_len_max - buffers_len;
        let connections_max = left / (state_len + KERNEL_LEN);
        let busy = (connections_max / 64).max(1);
        let socket_buffer_len = (buffers_len / busy / 2).clamp(BUFFER_MIN, BUFFER_MAX);
        Ok(Self { ring_len, parked_len_max, connections_max, socket_buffer_len })
    }
}

/// A worker cannot work in so little memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetError {
    memory: usize,
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory } = self;
        write!(f, "{memory} bytes are too little for a worker; it needs {MEMORY_MIN} at least")
    }
}

impl Error for BudgetError {}

/// An idle connection's share of the tables, rounded up.
const STATE_LEN: usize = 256;
/// What TLS adds to it: 464 bytes by a counting allocator, about 1 KiB of resident memory measured
/// with 8,000 connections.
const TLS_LEN: usize = 1024;
/// A TCP socket's structures in the kernel, without buffers: about 3.8 KB measured on Linux 6.18.
const KERNEL_LEN: usize = 4096;
/// A ring of 256 KiB, and some hundred connections.
const MEMORY_MIN: usize = 1 << 20;
/// A head fits.
const BUFFER_MIN: usize = 16 << 10;
/// The most that Linux gives an unprivileged process (`net.core.rmem_max`) is below this.
const BUFFER_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_never_more_than_the_whole() {
        for memory in [MEMORY_MIN, 3 << 20, 64 << 20, (64 << 20) - 1, 1 << 30, 100 << 30] {
            let budget = Budget::of(memory).unwrap();
            let connections = budget.connections_max * (STATE_LEN + KERNEL_LEN);
            assert!(budget.ring_len + budget.parked_len_max + connections + memory / 8 <= memory);
            let least = (memory / 8).min(CAPACITY_MAX - 1);
            assert!(budget.ring_len.is_power_of_two() && budget.ring_len > least);
            assert!(budget.ring_len <= CAPACITY_MAX);
            assert!(budget.connections_max >= 100);
        }
    }

    #[test]
    fn connections_over_tls_are_fewer_and_everything_else_is_the_same() {
        let (plain, tls) = (Budget::of(64 << 20).unwrap(), Budget::over_tls(64 << 20).unwrap());
        let memory = |budget: &Budget, len: usize| budget.connections_max * (len + KERNEL_LEN);
        let difference = memory(&plain, STATE_LEN).abs_diff(memory(&tls, STATE_LEN + TLS_LEN));
        assert!(tls.connections_max < plain.connections_max && difference < 8192);
        assert_eq!((tls.ring_len, tls.parked_len_max), (plain.ring_len, plain.parked_len_max));
    }

    #[test]
    fn too_little_is_refused_with_the_least() {
        let error = Budget::of(MEMORY_MIN - 1).unwrap_err();
        assert!(error.to_string().contains("1048576 at least"));
    }
}
