//! What a flow did in one step, and what it needs next.

/// The outcome of one step of a [`Flow`](crate::Flow).
#[expect(clippy::exhaustive_structs, reason = "stages of other crates build it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the source that were read: they are not needed again.
    pub read: usize,
    /// Bytes at the start of the target that were written.
    pub written: usize,
    /// What the next step needs.
    pub next: Next,
}

/// What must happen before a flow can go on.
#[expect(clippy::exhaustive_enums, reason = "whoever drives a flow must handle each")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The whole source was read: bring more of it.
    Input,
    /// The target is full, or nearly: send or take what is in it, or give more room.
    Room,
    /// The result is complete.
    Done,
}
