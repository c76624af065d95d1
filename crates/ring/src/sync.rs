//! The only place that names cells, reference counts and atomics, so that loom can take their
//! place.
//!
//! Cells and `Rc` stay those of the standard library: they never leave the owner's thread.

pub(crate) use std::cell::Cell;
pub(crate) use std::rc::Rc;

#[cfg(not(waterwheel_loom))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

#[cfg(waterwheel_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
