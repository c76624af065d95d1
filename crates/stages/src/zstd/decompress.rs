//! Decompression: whole bodies in one call, others step by step, in contexts of the worker.

use std::cell::RefCell;
use std::fmt;

use zstd_safe::zstd_sys::ZSTD_ErrorCode;
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, is_error_kind};

use crate::zstd::{
    frame::{FRAMES_MAX, FRONT_LEN, Survey, WINDOW_LOG_MAX, claimed_len},
    overlap::Overlapping,
    stage::{NAME, too_long},
};
use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

/// Starts a body whose content has at most `limit` bytes.
pub(super) fn flow(limit: usize) -> Result<Flow, StageError> {
    let lent = CONTEXTS.with(|contexts| contexts.lend(Decompress::new));
    let mut context = lent.ok_or(StageError::Busy { stage: NAME })?;
    context.limit = limit;
    context.content_len = 0;
    context.frame = Frame::default();
    context.frames = 0;
    context.place = Place::Start;
    Ok(Flow::new(context))
}

/// Decompresses the last `source_len` bytes of the window to its start.
pub(super) fn overlapping(
    window: &mut [u8],
    source_len: usize,
    len_max: usize,
    limit: usize,
) -> Result<usize, StageError> {
    let busy = StageError::Busy { stage: NAME };
    OVERLAPPING.with_borrow_mut(|context| {
        if context.is_none() {
            *context = Overlapping::new();
        }
        let context = context.as_mut().ok_or(busy)?;
        let outcome = context.decompress(window, source_len, len_max);
        outcome.map_err(|code| failed(code, len_max, limit))
    })
}

struct Decompress {
    context: DCtx<'static>,
    limit: usize,
    /// Bytes of content written so far.
    content_len: usize,
    /// Frames begun so far.
    frames: usize,
    frame: Frame,
    place: Place,
}

/// The frame at hand. Piece by piece, the library lets a frame end with an empty block wherever it
/// claimed to end; in one call it does not.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Its first bytes, which hold its claim.
    front: [u8; FRONT_LEN],
    front_len: usize,
    /// Bytes of content written so far.
    content_len: u64,
}

/// Where in a body its flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first byte.
    Start,
    /// Behind a frame, where another may begin.
    Between,
    /// In a frame.
    Inside,
}

impl Decompress {
    fn new() -> Self {
        let mut context = DCtx::create();
        let limited = context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX));
        debug_assert!(limited.is_ok(), "8 MiB is a window the library knows");
        let (frame, place) = (Frame::default(), Place::Start);
        Self { context, limit: 0, content_len: 0, frames: 0, frame, place }
    }

    /// Decompresses a whole body in one call when its result surely finds room; `None` when it may
    /// not. The call needs no window in the context and is the faster one.
    fn at_once(
        &mut self,
        source: &[u8],
        target: &mut [u8],
    ) -> Result<Option<Progress>, StageError> {
        // One call knows no largest window and no largest number of frames: both are checked here.
        let survey = Survey::new(source).map_err(|fault| StageError::Malformed {
            stage: NAME,
            at: Some(fault.at),
            cause: fault.cause,
        })?;
        let len_max = survey.bound.min(self.limit as u64);
        if len_max > target.len() as u64 {
            return Ok(None);
        }
        let len_max = usize::try_from(len_max).unwrap_or(target.len());
        match self.context.decompress(&mut target[..len_max], source) {
            Ok(written) => Ok(Some(Progress { read: source.len(), written, next: Next::Done })),
            Err(code) => Err(failed(code, len_max, self.limit)),
        }
    }

    /// Hands the library what there is of both sides, once.
    fn advance(&mut self, source: &[u8], target: &mut [u8]) -> Result<(usize, usize), StageError> {
        if self.place != Place::Inside {
            self.frames += 1;
            if self.frames > FRAMES_MAX {
                return Err(malformed("has too many frames"));
            }
            self.frame = Frame::default();
            self.place = Place::Inside;
        }
        let left = self.limit - self.content_len;
        // At the limit the library may still have to read the end of the frame. A single byte of
        // room tells whether there is more content than that.
        let mut probe = [0];
        let room = if left == 0 { &mut probe[..] } else { target };
        let room_len = room.len().min(left.max(1));
        let mut input = InBuffer::around(source);
        let mut output = OutBuffer::around(&mut room[..room_len]);
        let outcome = self.context.decompress_stream(&mut output, &mut input);
        let (read, written) = (input.pos(), output.pos());
        match outcome {
            Ok(_) if written > left => return Err(too_long(self.limit)),
            Ok(hint) => {
                self.frame.pass(&source[..read], written);
                self.content_len += written;
                if hint == 0 {
                    self.frame.end()?;
                    self.place = Place::Between;
                }
            }
            Err(code) => return Err(failed(code, 0, self.limit)),
        }
        Ok((read, written))
    }
}

impl Frame {
    fn pass(&mut self, read: &[u8], written: usize) {
        let front = &read[..read.len().min(FRONT_LEN - self.front_len)];
        self.front[self.front_len..][..front.len()].copy_from_slice(front);
        self.front_len += front.len();
        self.content_len += written as u64;
    }

    fn end(&self) -> Result<(), StageError> {
        match claimed_len(&self.front[..self.front_len]) {
            Some(claim) if claim != self.content_len => {
                Err(malformed("is not as long as it claims"))
            }
            _ => Ok(()),
        }
    }
}

impl Transform for Decompress {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        if self.place == Place::Start {
            if last && let Some(progress) = self.at_once(source, target)? {
                return Ok(progress);
            }
            let reset = self.context.reset(ResetDirective::SessionOnly);
            debug_assert!(reset.is_ok(), "a session can always be ended");
        }
        let (mut read, mut written) = (0, 0);
        // The library takes calls without room for an attack, from the sixteenth in a row on.
        if target.is_empty() {
            return Ok(Progress { read, written, next: Next::Room });
        }
        loop {
            if read == source.len() && self.place != Place::Inside {
                return match (last, self.place) {
                    (false, _) => Ok(Progress { read, written, next: Next::Input }),
                    (true, Place::Start) => Err(malformed("holds no frame")),
                    (true, _) => Ok(Progress { read, written, next: Next::Done }),
                };
            }
            let (taken, given) = self.advance(&source[read..], &mut target[written..])?;
            read += taken;
            written += given;
            if self.place != Place::Inside {
                continue;
            }
            if read == source.len() && written < target.len() {
                return match last {
                    false => Ok(Progress { read, written, next: Next::Input }),
                    true => Err(malformed("ends inside a frame")),
                };
            }
            if taken == 0 && given == 0 {
                return Ok(Progress { read, written, next: Next::Room });
            }
        }
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more. The memory of a large window is not kept
        // for bodies that mostly need none.
        let _ = CONTEXTS.try_with(|contexts| match self.context.sizeof() > KEPT_LEN_MAX {
            true => contexts.forget(),
            false => contexts.park(self),
        });
    }
}

impl fmt::Debug for Decompress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decompress")
            .field("content_len", &self.content_len)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// What an error code of the library means when it had `len_max` bytes of room.
#[cold]
fn failed(code: usize, len_max: usize, limit: usize) -> StageError {
    if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_dstSize_tooSmall) && len_max == limit {
        return too_long(limit);
    }
    malformed(match () {
        () if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_checksum_wrong) => {
            "does not match its checksum"
        }
        () if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_frameParameter_windowTooLarge) => {
            "needs more than 8 MiB of window"
        }
        () if is_error_kind(code, ZSTD_ErrorCode::ZSTD_error_dictionary_wrong) => {
            "needs a dictionary"
        }
        () => "is no valid frame",
    })
}

const fn malformed(cause: &'static str) -> StageError {
    StageError::Malformed { stage: NAME, at: None, cause }
}

thread_local! {
    static CONTEXTS: Contexts<Decompress> = const { Contexts::new() };
    // Used for the length of one call only, so one is enough.
    static OVERLAPPING: RefCell<Option<Overlapping>> = const { RefCell::new(None) };
}

/// A context takes 96 KB without a window, and with one of 512 KiB, which streams without a content
/// size have at level 1, less than this.
const KEPT_LEN_MAX: usize = 1 << 20;
