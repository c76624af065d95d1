//! The contract of a stage. Knows no codec, no connection and no HTTP.

use std::fmt::Debug;

use crate::{Flow, Growth, Measure, StageError, Window};

/// Which way the bytes flow.
#[expect(clippy::exhaustive_enums, reason = "there are two ways through a server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the network to the handler.
    Inbound,
    /// From the handler to the network.
    Outbound,
}

/// Where the result of a stage goes.
#[expect(clippy::exhaustive_enums, reason = "a result is where its payload was, or elsewhere")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// Into the window in which the payload lies.
    Window,
    /// Into another run, which the chain reserves: the payload is needed until the result is
    /// complete, as in compression.
    Run,
}

/// A transform of a payload, and the transform that undoes it.
///
/// A stage has two forms. In a **window** it changes a whole payload where it lies:
/// [`inbound`](Self::inbound) and [`outbound`](Self::outbound). As a **flow** it turns one run into
/// another, at once or piece by piece: [`flow`](Self::flow). Per direction it has the form that its
/// [`placement`](Self::placement) names; one that also has the other may offer it, so that its
/// bodies can be streamed, or so that a body that [`measure`](Self::measure) finds suitable can be
/// changed in its window.
///
/// One value serves a route on every worker at once, so a stage keeps no state between calls. A
/// codec that needs working memory keeps it per worker, as [`Contexts`](crate::Contexts) in a
/// `thread_local!`: a worker is a thread and a body never leaves it.
///
/// # Rules
///
/// - The result is never longer than [`growth`](Self::growth) declared, and while the stage works
///   the payload is never longer than the longer one of what came in and that bound.
/// - Growth by a ratio goes to the back. What a stage cuts off in front while inbound, it puts back
///   in front while outbound.
/// - The result depends on the payload alone, never on what the rooms around it contained, and both
///   forms give the same.
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

    /// Where the result goes in this direction. Constant for the life of the stage. By default the
    /// window.
    fn placement(&self, direction: Direction) -> Placement {
        let _ = direction;
        Placement::Window
    }

    /// Looks at a whole payload and tells how long its result will be. Asked only where the
    /// placement is [`Placement::Run`]; by default it knows no more than the growth does.
    ///
    /// # Errors
    /// [`StageError::Malformed`] and [`StageError::TooLong`], when that is already plain.
    fn measure(&self, direction: Direction, payload: &[u8]) -> Result<Measure, StageError> {
        let len_max = self.growth(direction).bound(payload.len());
        Ok(Measure { expected_len: len_max, len_max, window_len: None })
    }

    /// Turns what came from the network into what the handler reads, in the window.
    ///
    /// # Errors
    /// [`StageError::Malformed`] and [`StageError::TooLong`] are the peer's fault,
    /// [`StageError::NoRoom`] is the plan's. After any of them the payload is of no use.
    /// [`StageError::Unsupported`] by default.
    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let _ = window;
        Err(StageError::Unsupported { stage: self.name() })
    }

    /// Turns what the handler wrote into what goes to the network, in the window.
    ///
    /// # Errors
    /// As for [`inbound`](Self::inbound); the fault is then the handler's instead of the peer's.
    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let _ = window;
        Err(StageError::Unsupported { stage: self.name() })
    }

    /// Starts a flow for one body.
    ///
    /// # Errors
    /// [`StageError::Busy`] when the worker has no context left to lend.
    /// [`StageError::Unsupported`] by default: bodies of this stage cannot be streamed.
    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        let _ = direction;
        Err(StageError::Unsupported { stage: self.name() })
    }
}
