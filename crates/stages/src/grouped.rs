//! The flow of codes in which every few bytes become a few others: it holds back what a border
//! between two pieces cuts off.

use std::fmt::Debug;

use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

/// A code over groups of bytes.
pub(crate) trait Code: Debug {
    /// The stage's name.
    fn stage(&self) -> &'static str;

    /// Bytes of a whole group before and after: at most [`PER_MAX`] and [`Flow::ROOM_MIN`].
    fn group(&self) -> (usize, usize);

    /// Turns whole groups, or with `last` what is left at the end of a body, into the front of
    /// `target`, which is long enough, and returns how many bytes that are. `offset` is where in
    /// the body the piece starts.
    fn code(
        &self,
        piece: &[u8],
        target: &mut [u8],
        offset: usize,
        last: bool,
    ) -> Result<usize, StageError>;
}

/// One body on its way through a code.
#[derive(Debug)]
pub(crate) struct Grouped {
    code: &'static dyn Code,
    held: [u8; PER_MAX],
    held_len: usize,
    /// Bytes of the body that have been turned.
    offset: usize,
    done: bool,
}

impl Grouped {
    pub(crate) fn flow(code: &'static dyn Code) -> Result<Flow, StageError> {
        let lent = GROUPED.with(|contexts| contexts.lend(|| Self::new(code)));
        let mut context = lent.ok_or(StageError::Busy { stage: code.stage() })?;
        *context = Self::new(code);
        Ok(Flow::new(context))
    }

    fn new(code: &'static dyn Code) -> Self {
        Self { code, held: [0; PER_MAX], held_len: 0, offset: 0, done: false }
    }

    /// Turns the group that was held back.
    fn turn_held(&mut self, target: &mut [u8], last: bool) -> Result<usize, StageError> {
        let held = &self.held[..self.held_len];
        let written = self.code.code(held, target, self.offset, last)?;
        self.offset += self.held_len;
        self.held_len = 0;
        Ok(written)
    }

    fn hold(&mut self, piece: &[u8]) {
        self.held[self.held_len..][..piece.len()].copy_from_slice(piece);
        self.held_len += piece.len();
    }
}

impl Transform for Grouped {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let (per, becomes) = self.code.group();
        let (mut read, mut written) = (0, 0);
        let stop = |read, written, next| Ok(Progress { read, written, next });
        if self.held_len > 0 {
            read = source.len().min(per - self.held_len);
            self.hold(&source[..read]);
            if read < source.len() {
                if target.len() < becomes {
                    return stop(read, 0, Next::Room);
                }
                written = self.turn_held(target, false)?;
            }
        }
        // The last group of a body may follow other rules, so the last one at hand always waits
        // until it is known whether more follows.
        let whole_len = (source.len() - read).saturating_sub(1) / per * per;
        let piece_len = whole_len.min((target.len() - written) / becomes * per);
        let piece = &source[read..read + piece_len];
        if !piece.is_empty() {
            written += self.code.code(piece, &mut target[written..], self.offset, false)?;
            self.offset += piece_len;
            read += piece_len;
        }
        if piece_len < whole_len {
            return stop(read, written, Next::Room);
        }
        self.hold(&source[read..]);
        read = source.len();
        if !last {
            return stop(read, written, Next::Input);
        }
        if target.len() - written < becomes {
            return stop(read, written, Next::Room);
        }
        if !self.done {
            written += self.turn_held(&mut target[written..], true)?;
            self.done = true;
        }
        stop(read, written, Next::Done)
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = GROUPED.try_with(|contexts| contexts.park(self));
    }
}

thread_local! {
    static GROUPED: Contexts<Grouped> = const { Contexts::new() };
}

/// Bytes of the longest group.
pub(crate) const PER_MAX: usize = 4;
