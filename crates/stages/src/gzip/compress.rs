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
}

impl Deflating {
    fn new(wrapper: Wrapper, level: u32) -> Self {
        let compression = Compression::new(level);
        let context = match wrapper {
            Wrapper::Gzip => Compress::new_gzip(compression, WINDOW_LOG),
            Wrapper::Zlib => Compress::new(compression, true),
        };
        Self { context, wrapper, level }
    }
}

impl Transform for Deflating {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
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
        Ok(Progress { read, written, next })
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = kept(self.wrapper).try_with(|contexts| contexts.park(self));
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
