//! The contract of a stage. Knows no codec, no connection and no HTTP.

use std::fmt::Debug;

use crate::{Growth, StageError, Window};

/// Which way the bytes flow.
#[expect(clippy::exhaustive_enums, reason = "there are two ways through a server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the network to the handler.
    Inbound,
    /// From the handler to the network.
    Outbound,
}

/// A transform of a payload, in place, and the transform that undoes it.
///
/// One value serves a route on every worker at once, so a stage keeps no state between calls. A
/// codec that needs working memory keeps it per worker, in a `thread_local!`: a worker is a thread
/// and a call never leaves it.
///
/// # Rules
///
/// - The result is never longer than [`growth`](Self::growth) declared, and while the stage works
///   the payload is never longer than the longer one of what came in and that bound.
/// - Growth by a ratio goes to the back. What a stage cuts off in front while inbound, it puts back
///   in front while outbound.
/// - The result depends on the payload alone, never on what the rooms around it contained.
/// - Hostile bytes give an error, never a panic, and the time spent on them is linear.
/// - After an error the payload may be half changed; bytes outside the window are untouched.
///
/// The conformance kit (feature `testing`) checks all but the time.
pub trait Stage: Debug + Send + Sync + 'static {
    /// The name in plans, errors and logs: lower-case, one word.
    fn name(&self) -> &'static str;

    /// How long the payload can become in this direction. Constant for the life of the stage: the
    /// plan asks once, at start-up.
    fn growth(&self, direction: Direction) -> Growth;

    /// Turns what came from the network into what the handler reads.
    ///
    /// # Errors
    /// [`StageError::Malformed`] and [`StageError::TooLong`] are the peer's fault,
    /// [`StageError::NoRoom`] is the plan's. After any of them the payload is of no use.
    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError>;

    /// Turns what the handler wrote into what goes to the network.
    ///
    /// # Errors
    /// As for [`inbound`](Self::inbound); the fault is then the handler's instead of the peer's.
    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError>;
}
