//! How long work inside of a stage lets others pass: by a function that whoever runs the chain
//! lends to it. What that does is none of the stages' business.

use std::cell::Cell;

/// Runs `call`, in which stages that work from run to run call `breathe` after each piece of 32
/// KiB, about 100 µs of compression. Calls may nest: the innermost function counts. `breathe` may
/// run other chains meanwhile; no stage of this crate is in the middle of anything that they share.
///
/// ```
/// use std::cell::Cell;
/// use waterwheel_ring::{Config, Ring};
/// use waterwheel_stages::{Chain, breathing_by, zstd::Zstd};
///
/// thread_local!(static BREATHS: Cell<u32> = const { Cell::new(0) });
///
/// let ring = Ring::new(&Config::default())?;
/// let mut lease = ring.reserve_bytes(100_000)?;
/// lease.append(&[b'w'; 100_000])?;
/// let chain = Chain::new().then(Zstd::new(1 << 20));
/// breathing_by(|| BREATHS.set(BREATHS.get() + 1), || chain.outbound(&mut lease))?;
/// assert_eq!(BREATHS.get(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn breathing_by<R>(breathe: fn(), call: impl FnOnce() -> R) -> R {
    let _restored = Restored(BREATHE.replace(Some(breathe)));
    call()
}

/// What to call between two pieces, if anything.
pub(crate) fn breathes() -> Option<fn()> {
    BREATHE.get()
}

/// Also where the call panics: the worker goes on.
struct Restored(Option<fn()>);

impl Drop for Restored {
    fn drop(&mut self) {
        BREATHE.set(self.0);
    }
}

thread_local!(static BREATHE: Cell<Option<fn()>> = const { Cell::new(None) });

/// About a slice of the worker's. 960 KB of Base64 through zstd, decompressed and compressed, took
/// 8 to 15 % more CPU in such pieces than in one call; shorter ones would cost more.
pub(crate) const PIECE_LEN: usize = 32 << 10;
