//! Percent-encoding piece by piece, for bodies that are streamed.

use crate::percent::code::{ESCAPE_LEN, encoded, escaped, malformed};
use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

pub(super) fn decode() -> Result<Flow, StageError> {
    let lent = DECODERS.with(|contexts| contexts.lend(Decode::default));
    let mut context = lent.ok_or(StageError::Busy { stage: "percent" })?;
    *context = Decode::default();
    Ok(Flow::new(context))
}

pub(super) fn encode() -> Flow {
    // Without a state there is nothing to keep: the box has no bytes.
    Flow::new(Box::new(Encode))
}

/// Holds back an escape that the border between two pieces cuts off.
#[derive(Debug, Default)]
struct Decode {
    held: [u8; ESCAPE_LEN],
    held_len: usize,
    /// Bytes of the body before what is held.
    offset: usize,
}

#[derive(Debug)]
struct Encode;

impl Transform for Decode {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let (mut read, mut written) = (0, 0);
        for &byte in source {
            if written == target.len() {
                return Ok(Progress { read, written, next: Next::Room });
            }
            read += 1;
            if self.held_len == 0 && byte != b'%' {
                target[written] = byte;
                written += 1;
                self.offset += 1;
                continue;
            }
            self.held[self.held_len] = byte;
            self.held_len += 1;
            if self.held_len == ESCAPE_LEN {
                target[written] = escaped(&self.held).ok_or(malformed(Some(self.offset)))?;
                written += 1;
                self.offset += ESCAPE_LEN;
                self.held_len = 0;
            }
        }
        match (last, self.held_len) {
            (false, _) => Ok(Progress { read, written, next: Next::Input }),
            (true, 0) => Ok(Progress { read, written, next: Next::Done }),
            (true, _) => Err(malformed(Some(self.offset))),
        }
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = DECODERS.try_with(|contexts| contexts.park(self));
    }
}

impl Transform for Encode {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let mut written = 0;
        for (read, byte) in source.iter().enumerate() {
            let (escape, len) = encoded(*byte);
            let Some(room) = target.get_mut(written..written + len) else {
                return Ok(Progress { read, written, next: Next::Room });
            };
            room.copy_from_slice(&escape[..len]);
            written += len;
        }
        let next = if last { Next::Done } else { Next::Input };
        Ok(Progress { read: source.len(), written, next })
    }
}

thread_local! {
    static DECODERS: Contexts<Decode> = const { Contexts::new() };
}
