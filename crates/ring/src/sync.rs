//! The only place that names cells, reference counts and atomics, so that loom can take their
//! place.
//!
//! Cells and `Rc` stay those of the standard library: they never leave the owner's thread.

pub(crate) use std::cell::{Cell, RefCell};
pub(crate) use std::rc::Rc;

#[cfg(not(waterwheel_loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

#[cfg(waterwheel_heap_segments)]
pub(crate) use std::sync::{Mutex, PoisonError};

#[cfg(waterwheel_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The ordering of the access that `docs/ring-protocol.md` lists as number `_access`.
#[cfg(not(waterwheel_loom))]
#[inline(always)]
pub(crate) const fn strength(_access: u8, ordering: Ordering) -> Ordering {
    ordering
}

/// The ordering of the access that `docs/ring-protocol.md` lists as number `access`, or none when
/// `WATERWHEEL_WEAKEN` names it: the models must fail then.
#[cfg(waterwheel_loom)]
pub(crate) fn strength(access: u8, ordering: Ordering) -> Ordering {
    static WEAKENED: std::sync::OnceLock<Option<u8>> = std::sync::OnceLock::new();
    let weakened = WEAKENED.get_or_init(|| {
        let number = std::env::var("WATERWHEEL_WEAKEN").ok()?;
        Some(number.parse().expect("WATERWHEEL_WEAKEN is the number of an access"))
    });
    // ORDERING: this is the weakening itself.
    if *weakened == Some(access) { Ordering::Relaxed } else { ordering }
}
