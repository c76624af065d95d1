//! Compression, step by step, in contexts of the worker.

use std::thread::LocalKey;

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::gzip::decompress::{WINDOW_LOG, difference};
use crate::gzip::stage::Wrapper;
use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

/// Starts a body.
pub(super) fn flow(wrapper: Wrapper, level: u32) -> Result<Flow, StageError> {
    let lent = kept(wrapper).with(|contexts| contexts.lend(|| Deflating::new(wrapper, level)));
    let mut context = lent.ok_or(StageError::Busy { stage: wrapper.stage() })?;
    context.context.reset();
    if context.level != level {
        // Only data that is still to be written makes this fail, and there is none.
        let set = context.context.set_level(Compression::new(level));
        debug_assert!(set.is_ok(), "a level is set before the first byte");
        context.level = level;
    }
    Ok(Flow::new(context))
}

#[derive(Debug)]
struct Deflating {
    context: Compress,
    wrapper: Wrapper,
    level: u32,
    /// No body is half way through.
    is_between: bool,
}

impl Deflating {
    fn new(wrapper: Wrapper, level: u32) -> Self {
        let compression = Compression::new(level);
        let context = match wrapper {
            Wrapper::Gzip => Compress::new_gzip(compression, WINDOW_LOG),
            Wrapper::Zlib => Compress::new(compression, true),
        };
        Self { context, wrapper, level, is_between: true }
    }
}

impl Transform for Deflating {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        self.is_between = false;
        let flush = if last { FlushCompress::Finish } else { FlushCompress::None };
        let before = (self.context.total_in(), self.context.total_out());
        let status = self.context.compress(source, target, flush).map_err(|_| {
            // No input is wrong for a compressor, and the calls are in order.
            StageError::Stalled { stage: self.wrapper.stage() }
        })?;
        let read = difference(self.context.total_in(), before.0);
        let written = difference(self.context.total_out(), before.1);
        let next = match status {
            Status::StreamEnd => Next::Done,
            Status::Ok | Status::BufError if read == source.len() && !last => Next::Input,
            Status::Ok | Status::BufError => Next::Room,
        };
        self.is_between = next == Next::Done;
        Ok(Progress { read, written, next })
    }

    fn flush(&mut self, target: &mut [u8]) -> Result<Progress, StageError> {
        self.is_between = false;
        let before = self.context.total_out();
        self.context.compress(&[], target, FlushCompress::Sync).map_err(|_| {
            // No input is wrong for a compressor, and the calls are in order.
            StageError::Stalled { stage: self.wrapper.stage() }
        })?;
        let written = difference(self.context.total_out(), before);
        // The library tells that it is done by leaving room.
        let next = if written < target.len() { Next::Input } else { Next::Room };
        Ok(Progress { read: 0, written, next })
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more. In zlib-rs 0.6 a reset forgets to close the
        // block of a body that was given up, and the next body would be written into it.
        let _ = kept(self.wrapper).try_with(|contexts| match self.is_between {
            true => contexts.park(self),
            false => contexts.forget(),
        });
    }
}

/// This worker's contexts for a wrapper, which a context is bound to.
const fn kept(wrapper: Wrapper) -> &'static LocalKey<Contexts<Deflating>> {
    match wrapper {
        Wrapper::Gzip => &GZIP,
        Wrapper::Zlib => &ZLIB,
    }
}

thread_local! {
    static GZIP: Contexts<Deflating> = const { Contexts::new() };
    static ZLIB: Contexts<Deflating> = const { Contexts::new() };
}
