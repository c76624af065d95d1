//! Decompression, step by step, in contexts of the worker.

use std::thread::LocalKey;

use flate2::{Decompress, FlushDecompress, Status};

use crate::gzip::member::Member;
use crate::gzip::stage::Wrapper;
use crate::{Contexts, Flow, Next, Progress, StageError, Transform};

/// Starts a body whose content has at most `limit` bytes.
pub(super) fn flow(wrapper: Wrapper, limit: usize) -> Result<Flow, StageError> {
    let lent = kept(wrapper).with(|contexts| contexts.lend(|| Inflate::new(wrapper)));
    let mut context = lent.ok_or(StageError::Busy { stage: wrapper.stage() })?;
    context.limit = limit;
    context.content_len = 0;
    context.members = 0;
    context.is_inside = false;
    Ok(Flow::new(context))
}

#[derive(Debug)]
struct Inflate {
    context: Decompress,
    wrapper: Wrapper,
    limit: usize,
    /// Bytes of content written so far.
    content_len: usize,
    /// Members begun so far.
    members: usize,
    is_inside: bool,
    /// What is around the data, where it is gzip's.
    member: Member,
}

impl Inflate {
    fn new(wrapper: Wrapper) -> Self {
        Self {
            context: Decompress::new(wrapper == Wrapper::Zlib),
            wrapper,
            limit: 0,
            content_len: 0,
            members: 0,
            is_inside: false,
            member: Member::new(),
        }
    }

    /// Goes on in the member at hand, or begins one. Tells what was read and written, and whether
    /// that, or a part that ended without either, led on.
    fn advance(
        &mut self,
        source: &[u8],
        target: &mut [u8],
    ) -> Result<(usize, usize, bool), StageError> {
        if !self.is_inside {
            self.members += 1;
            let most = if self.wrapper == Wrapper::Gzip { MEMBERS_MAX } else { 1 };
            if self.members > most {
                return Err(self.malformed("is followed by something else"));
            }
            self.context.reset(self.wrapper == Wrapper::Zlib);
            self.member = Member::new();
            self.is_inside = true;
        }
        if self.wrapper == Wrapper::Zlib {
            let (read, written, has_ended) = self.inflate(source, target)?;
            self.is_inside = !has_ended;
            return Ok((read, written, has_ended || read + written > 0));
        }
        if self.member.is_at_data() {
            let (read, written, has_ended) = self.inflate(source, target)?;
            self.member.content(&target[..written]);
            if has_ended {
                self.member.end_data();
            }
            return Ok((read, written, has_ended || read + written > 0));
        }
        let read = self.member.read(source).map_err(|cause| self.malformed(cause))?;
        self.is_inside = !self.member.is_at_end();
        Ok((read, 0, read > 0))
    }

    /// Hands the library what there is of both sides, once.
    fn inflate(
        &mut self,
        source: &[u8],
        target: &mut [u8],
    ) -> Result<(usize, usize, bool), StageError> {
        let left = self.limit - self.content_len;
        // At the limit there may still be the end to read. A single byte of room tells whether
        // there is more content than that.
        let mut probe = [0];
        let room = if left == 0 { &mut probe[..] } else { target };
        let room_len = room.len().min(left.max(1));
        let before = (self.context.total_in(), self.context.total_out());
        let status = self
            .context
            .decompress(source, &mut room[..room_len], FlushDecompress::None)
            .map_err(|_| self.malformed("is no valid data"))?;
        let read = difference(self.context.total_in(), before.0);
        let written = difference(self.context.total_out(), before.1);
        if written > left {
            let stage = self.wrapper.stage();
            return Err(StageError::TooLong { stage, limit: self.limit });
        }
        self.content_len += written;
        Ok((read, written, status == Status::StreamEnd))
    }

    const fn malformed(&self, cause: &'static str) -> StageError {
        StageError::Malformed { stage: self.wrapper.stage(), at: None, cause }
    }
}

impl Transform for Inflate {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let (mut read, mut written) = (0, 0);
        loop {
            if read == source.len() && !self.is_inside {
                return match last {
                    false => Ok(Progress { read, written, next: Next::Input }),
                    true if self.members == 0 => Err(self.malformed("is empty")),
                    true => Ok(Progress { read, written, next: Next::Done }),
                };
            }
            let (taken, given, advanced) = self.advance(&source[read..], &mut target[written..])?;
            read += taken;
            written += given;
            if !self.is_inside {
                continue;
            }
            if read == source.len() && written < target.len() {
                return match last {
                    false => Ok(Progress { read, written, next: Next::Input }),
                    true => Err(self.malformed("ends too early")),
                };
            }
            if !advanced {
                return Ok(Progress { read, written, next: Next::Room });
            }
        }
    }

    fn park(self: Box<Self>) {
        // A worker that ends has no contexts any more.
        let _ = kept(self.wrapper).try_with(|contexts| contexts.park(self));
    }
}

/// How far a total has come in one call; it cannot have come further than a slice is long.
pub(super) fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after - before).expect("no more than a slice holds")
}

/// This worker's contexts for a wrapper, which a context is bound to.
const fn kept(wrapper: Wrapper) -> &'static LocalKey<Contexts<Inflate>> {
    match wrapper {
        Wrapper::Gzip => &GZIP,
        Wrapper::Zlib => &ZLIB,
    }
}

thread_local! {
    static GZIP: Contexts<Inflate> = const { Contexts::new() };
    static ZLIB: Contexts<Inflate> = const { Contexts::new() };
}

/// 32 KiB, the only window of gzip (RFC 1952 §2.3.1) and the largest of zlib (RFC 1950 §2.2).
pub(super) const WINDOW_LOG: u8 = 15;

/// Members in one body. Starting one costs the decoder far more than its few bytes cost the sender.
const MEMBERS_MAX: usize = 256;
