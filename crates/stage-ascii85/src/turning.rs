//! A body on its way through the code, group by group, however its pieces are cut.

use waterwheel_stages::{Contexts, Flow, Next, Progress, StageError, Transform};

use crate::group::{self, BYTES, DIGITS, Fault, Group};

/// One direction of the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    /// The most bytes that a group takes.
    read_max: usize,
    /// Turns the group at the start of a text. `None`: more is needed, or with `true`, which says
    /// that the body ends with this text, nothing is left.
    turn: fn(&[u8], bool) -> Result<Option<Group>, Fault>,
}

pub(crate) const DECODE: Code = Code { read_max: DIGITS, turn: group::decode };
pub(crate) const ENCODE: Code = Code {
    read_max: BYTES,
    turn: |raw, last| {
        let is_group = raw.len() >= BYTES || (last && !raw.is_empty());
        Ok(is_group.then(|| group::encode(raw)))
    },
};

/// The working state of one body. A worker keeps those that have passed for the next ones.
#[derive(Debug)]
pub(crate) struct Turning {
    code: Code,
    /// The start of a group whose end is in the next piece.
    held: [u8; DIGITS],
    held_len: usize,
    /// Where in the body the next group starts.
    at: usize,
    written_len: usize,
    limit: usize,
}

thread_local! {
    static TURNINGS: Contexts<Turning> = const { Contexts::new() };
}

impl Turning {
    /// Lends a state to one body whose result has at most `limit` bytes.
    pub(crate) fn flow(code: Code, limit: usize) -> Result<Flow, StageError> {
        let fresh = || Self { code, held: [0; DIGITS], held_len: 0, at: 0, written_len: 0, limit };
        let lent = TURNINGS.with(|contexts| contexts.lend(fresh));
        let mut turning = lent.ok_or(StageError::Busy { stage: crate::NAME })?;
        *turning = fresh();
        Ok(Flow::new(turning))
    }

    fn hold(&mut self, more: &[u8]) {
        self.held[self.held_len..][..more.len()].copy_from_slice(more);
        self.held_len += more.len();
    }

    /// Puts a group behind what was written; `false` when it does not fit into the target.
    fn write(&mut self, group: &Group, target: &mut [u8]) -> Result<bool, StageError> {
        let bytes = group.bytes();
        let Some(place) = target.get_mut(..bytes.len()) else { return Ok(false) };
        if bytes.len() > self.limit - self.written_len {
            return Err(StageError::TooLong { stage: crate::NAME, limit: self.limit });
        }
        place.copy_from_slice(bytes);
        self.written_len += bytes.len();
        self.at += group.read;
        Ok(true)
    }
}

impl Transform for Turning {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let (mut read, mut written) = (0, 0);
        loop {
            let was_held = self.held_len > 0;
            let text = if was_held {
                let missing = self.code.read_max - self.held_len;
                let more = &source[read..source.len().min(read + missing)];
                self.hold(more);
                read += more.len();
                &self.held[..self.held_len]
            } else {
                &source[read..]
            };
            let ends = last && (!was_held || read == source.len());
            let group =
                (self.code.turn)(text, ends).map_err(|fault| crate::malformed(self.at, fault))?;
            let Some(group) = group else {
                if last {
                    return Ok(Progress { read, written, next: Next::Done });
                }
                if !was_held {
                    self.hold(&source[read..]);
                }
                return Ok(Progress { read: source.len(), written, next: Next::Input });
            };
            if !self.write(&group, &mut target[written..])? {
                return Ok(Progress { read, written, next: Next::Room });
            }
            written += group.bytes().len();
            if was_held {
                self.held_len = 0;
            } else {
                read += group.read;
            }
        }
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = TURNINGS.try_with(|contexts| contexts.park(self));
    }
}
