//! A transform on its way through a body: from one run into another, piece by piece.

use std::fmt;

use crate::{Next, Progress, StageError};

/// The working state of a stage while one body passes through it. A stage implements this for the
/// context that it keeps per worker, and lends it out as a [`Flow`].
///
/// # Rules
///
/// - A step reads from the start of the source and writes to the start of the target. It ends when
///   all of the source is read, when the target is full, or when the result is complete.
/// - With at least [`Flow::ROOM_MIN`] bytes of target, a step makes progress, or the source is
///   empty and not the last piece. Where the borders of the pieces lie never changes the result;
///   outbound, where a format has several texts for one content, it may choose among them.
/// - What the target held before is unspecified and has no meaning; bytes behind those that were
///   written may have been changed.
/// - The limit of the stage is kept: the step that would pass it fails.
/// - Hostile bytes give an error, never a panic, and the time spent on them is linear.
pub trait Transform: fmt::Debug {
    /// Turns the front of `source` into the front of `target`. With `last` set, nothing follows
    /// this source, and it stays set in further steps.
    ///
    /// # Errors
    /// As [`Stage::inbound`](crate::Stage::inbound). After an error the flow is of no use.
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError>;

    /// Writes to `target` what was read and is held back, as far as the format allows in the middle
    /// of a body. `Next::Input` says that nothing more comes without new input, `Next::Room` that
    /// the target was too short. The default writes nothing, which is right for a transform that
    /// holds back only what it cannot write yet.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn flush(&mut self, target: &mut [u8]) -> Result<Progress, StageError> {
        let _ = target;
        Ok(Progress { read: 0, written: 0, next: Next::Input })
    }

    /// Takes the state back when its body has passed or was given up, so that the next body finds
    /// it: see [`Contexts`](crate::Contexts). By default it is dropped.
    fn park(self: Box<Self>) {}
}

/// A transform lent to one body. Dropping it gives the state back to its worker.
pub struct Flow {
    // `None` only while it is dropped.
    transform: Option<Box<dyn Transform>>,
}

impl Flow {
    /// The room in the target with which every step makes progress, in bytes.
    pub const ROOM_MIN: usize = 16;

    /// Lends a transform out.
    #[must_use]
    pub fn new(transform: Box<dyn Transform>) -> Self {
        Self { transform: Some(transform) }
    }

    /// Turns the front of `source` into the front of `target`; `last` says that nothing follows.
    ///
    /// # Errors
    /// As [`Transform::step`].
    #[expect(clippy::missing_panics_doc, reason = "the transform leaves when the flow is dropped")]
    #[inline]
    pub fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let transform = self.transform.as_mut().expect("a flow has its transform until it drops");
        let progress = transform.step(source, target, last)?;
        debug_assert!(progress.read <= source.len() && progress.written <= target.len());
        Ok(progress)
    }

    /// Writes to `target` what was read and is held back, as far as the format allows: see
    /// [`Transform::flush`].
    ///
    /// # Errors
    /// As [`Transform::flush`].
    #[expect(clippy::missing_panics_doc, reason = "the transform leaves when the flow is dropped")]
    pub fn flush(&mut self, target: &mut [u8]) -> Result<Progress, StageError> {
        let transform = self.transform.as_mut().expect("a flow has its transform until it drops");
        let progress = transform.flush(target)?;
        debug_assert!(progress.read == 0 && progress.written <= target.len());
        Ok(progress)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if let Some(transform) = self.transform.take() {
            transform.park();
        }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Flow").field(&self.transform).finish()
    }
}
