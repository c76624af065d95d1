//! The contexts that a worker keeps for a stage: working memory, used by one body after another.

use std::cell::{Cell, RefCell};
use std::fmt;

/// Contexts of one worker for one stage, idle or lent.
///
/// A worker is a thread and a body never leaves it, so a stage keeps this in a `thread_local!`. A
/// context is made when none is idle and kept when it comes back, so a warm worker allocates
/// nothing. There are several because bodies that are streamed hold theirs for as long as they
/// take; no connection holds one between its bodies.
///
/// ```
/// use waterwheel_stages::Contexts;
///
/// thread_local! {
///     static TABLES: Contexts<[u8; 256]> = const { Contexts::new() };
/// }
/// let mut table = TABLES.with(|tables| tables.lend(|| [0; 256])).expect("none is lent");
/// table[0] = 1;
/// TABLES.with(|tables| tables.park(table));
/// ```
pub struct Contexts<T> {
    // Boxes, because a context moves into a flow and back and must not be copied on the way.
    idle: RefCell<Vec<Box<T>>>,
    lent: Cell<usize>,
}

impl<T> Contexts<T> {
    /// The most contexts that are lent at a time. A zstd context with the largest window is 9 MB.
    pub const LENT_MAX: usize = 16;

    /// No contexts yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { idle: RefCell::new(Vec::new()), lent: Cell::new(0) }
    }

    /// An idle context as it was parked, or a new one; `None` when [`LENT_MAX`](Self::LENT_MAX) are
    /// lent.
    pub fn lend(&self, make: impl FnOnce() -> T) -> Option<Box<T>> {
        if self.lent.get() == Self::LENT_MAX {
            return None;
        }
        let idle = self.idle.borrow_mut().pop();
        let context = idle.unwrap_or_else(|| Box::new(make()));
        self.lent.set(self.lent.get() + 1);
        Some(context)
    }

    /// Takes a lent context back.
    pub fn park(&self, context: Box<T>) {
        self.forget();
        self.idle.borrow_mut().push(context);
    }

    /// Counts a lent context as back that is not worth keeping; the caller drops it.
    pub fn forget(&self) {
        self.lent.set(self.lent.get().saturating_sub(1));
    }
}

impl<T> Default for Contexts<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Contexts<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Contexts")
            .field("idle", &self.idle.borrow().len())
            .field("lent", &self.lent.get())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Contexts;

    #[test]
    fn parked_context_is_lent_again() {
        let contexts = Contexts::new();
        let mut context = contexts.lend(|| 1).unwrap();
        *context = 2;
        contexts.park(context);
        assert_eq!(*contexts.lend(|| 3).unwrap(), 2);
    }

    #[test]
    fn no_more_than_the_limit_are_lent() {
        let contexts = Contexts::new();
        let lent: Vec<_> = (0..Contexts::<u8>::LENT_MAX)
            .map(|_| contexts.lend(|| 0).expect("below the limit"))
            .collect();
        assert!(contexts.lend(|| 0).is_none());
        lent.into_iter().for_each(|context| contexts.park(context));
        assert!(contexts.lend(|| 0).is_some());
    }
}
