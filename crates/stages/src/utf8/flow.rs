//! UTF-8 piece by piece, for bodies that are streamed.

use std::str;

use crate::utf8::validate::malformed;
use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

pub(super) fn start() -> Result<Flow, StageError> {
    let lent = CONTEXTS.with(|contexts| contexts.lend(Validate::default));
    let mut context = lent.ok_or(StageError::Busy { stage: "utf8" })?;
    *context = Validate::default();
    Ok(Flow::new(context))
}

/// Holds back a character that the border between two pieces cuts off.
#[derive(Debug, Default)]
struct Validate {
    held: [u8; CHAR_LEN_MAX],
    held_len: usize,
    /// Bytes of the body before what is held.
    offset: usize,
}

impl Validate {
    /// Completes the held character from the source and returns how many bytes that took and how
    /// many are written; nothing is written while it is still cut off.
    fn complete(&mut self, source: &[u8], target: &mut [u8]) -> Result<(usize, usize), StageError> {
        for (index, byte) in source.iter().enumerate() {
            let len = self.held_len + 1;
            self.held[self.held_len] = *byte;
            match str::from_utf8(&self.held[..len]) {
                Ok(_) => {
                    target[..len].copy_from_slice(&self.held[..len]);
                    self.offset += len;
                    self.held_len = 0;
                    return Ok((index + 1, len));
                }
                Err(error) if error.error_len().is_some() => return Err(malformed(self.offset)),
                Err(_) => self.held_len = len,
            }
        }
        Ok((source.len(), 0))
    }
}

impl Transform for Validate {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let (mut read, mut written) = (0, 0);
        if self.held_len > 0 {
            if target.len() < CHAR_LEN_MAX {
                return Ok(Progress { read, written, next: Next::Room });
            }
            (read, written) = self.complete(source, target)?;
        }
        let rest = &source[read..];
        let piece = &rest[..rest.len().min(target.len() - written)];
        let valid = match simdutf8::compat::from_utf8(piece) {
            Ok(_) => piece,
            Err(error) if error.error_len().is_some() => {
                return Err(malformed(self.offset + error.valid_up_to()));
            }
            Err(error) => &piece[..error.valid_up_to()],
        };
        target[written..written + valid.len()].copy_from_slice(valid);
        read += valid.len();
        written += valid.len();
        self.offset += valid.len();
        if piece.len() < rest.len() {
            return Ok(Progress { read, written, next: Next::Room });
        }
        let cut_off = &source[read..];
        self.held[self.held_len..][..cut_off.len()].copy_from_slice(cut_off);
        self.held_len += cut_off.len();
        read = source.len();
        match (last, self.held_len) {
            (false, _) => Ok(Progress { read, written, next: Next::Input }),
            (true, 0) => Ok(Progress { read, written, next: Next::Done }),
            (true, _) => Err(malformed(self.offset)),
        }
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = CONTEXTS.try_with(|contexts| contexts.park(self));
    }
}

thread_local! {
    static CONTEXTS: Contexts<Validate> = const { Contexts::new() };
}

/// Bytes of the longest character (RFC 3629 §3).
const CHAR_LEN_MAX: usize = 4;
