//! Owns what every entry does alike before it serves: the command line, the place on the machine,
//! the socket, the TLS configuration and the allocator. Knows no framework.

mod arguments;
mod signal;
mod socket;
mod tls;

pub use arguments::Arguments;
pub use signal::exit_on_signal;

/// The allocator that the entries of these communities bring to their benchmarks.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
