//! Compression: whole bodies in one call, others step by step, in contexts of the worker.

use std::fmt;

use zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective, compress_bound};

use crate::zstd::stage::NAME;
use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

/// Starts a body.
pub(super) fn flow(level: i32) -> Result<Flow, StageError> {
    let lent = CONTEXTS.with(|contexts| contexts.lend(Compress::new));
    let mut context = lent.ok_or(StageError::Busy { stage: NAME })?;
    context.begin(level);
    Ok(Flow::new(context))
}

struct Compress {
    context: CCtx<'static>,
    level: i32,
    begun: bool,
}

impl Compress {
    fn new() -> Self {
        Self { context: CCtx::create(), level: LEVEL_DEFAULT, begun: false }
    }

    fn begin(&mut self, level: i32) {
        if self.begun {
            let reset = self.context.reset(ResetDirective::SessionOnly);
            debug_assert!(reset.is_ok(), "a session can always be ended");
            self.begun = false;
        }
        if self.level != level {
            let set = self.context.set_parameter(CParameter::CompressionLevel(level));
            debug_assert!(set.is_ok(), "levels are cut to those the library has");
            self.level = level;
        }
    }
}

impl Transform for Compress {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let is_first = !self.begun;
        self.begun = true;
        if last && is_first && target.len() >= compress_bound(source.len()) {
            let written = self.context.compress2(target, source).map_err(failed)?;
            self.begun = false;
            return Ok(Progress { read: source.len(), written, next: Next::Done });
        }
        let end = match last {
            true => ZSTD_EndDirective::ZSTD_e_end,
            false => ZSTD_EndDirective::ZSTD_e_continue,
        };
        let mut input = InBuffer::around(source);
        let mut output = OutBuffer::around(target);
        loop {
            let before = (input.pos(), output.pos());
            let left = self.context.compress_stream2(&mut output, &mut input, end);
            let left = left.map_err(failed)?;
            let (read, written) = (input.pos(), output.pos());
            let next = match () {
                () if last && left == 0 => Next::Done,
                () if written == output.capacity() => Next::Room,
                () if !last && read == source.len() => Next::Input,
                // The library goes on as long as there is something on both sides.
                () if (read, written) == before => Next::Room,
                () => continue,
            };
            return Ok(Progress { read, written, next });
        }
    }

    fn flush(&mut self, target: &mut [u8]) -> Result<Progress, StageError> {
        self.begun = true;
        let mut output = OutBuffer::around(target);
        let end = ZSTD_EndDirective::ZSTD_e_flush;
        let mut input = InBuffer::around(&[]);
        let left = self.context.compress_stream2(&mut output, &mut input, end).map_err(failed)?;
        let next = if left == 0 { Next::Input } else { Next::Room };
        Ok(Progress { read: 0, written: output.pos(), next })
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = CONTEXTS.try_with(|contexts| contexts.park(self));
    }
}

impl fmt::Debug for Compress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compress").field("level", &self.level).finish_non_exhaustive()
    }
}

/// No input is wrong for a compressor, so what is left is want of memory.
#[cold]
fn failed(_: usize) -> StageError {
    StageError::Busy { stage: NAME }
}

thread_local! {
    static CONTEXTS: Contexts<Compress> = const { Contexts::new() };
}

/// What the library compresses with when nothing was said.
const LEVEL_DEFAULT: i32 = 3;
