//! The chunked coding, taken off where the bytes lie (RFC 9112 §7.1).
//!
//! Content moves down over the framing between chunks; the first chunk stays where it came, so a
//! body of one chunk is not copied at all. No byte is looked at twice, and none behind the body is
//! touched.

use super::ChunkError;
use super::chunk_line::ChunkLine;
use super::trailer::Trailer;

/// Decodes one chunked body, however its bytes are split.
///
/// Use either [`decode`](Self::decode), which makes the content one piece, or
/// [`window`](Self::window), which leaves it in the pieces that came, and
/// [`discard`](Self::discard), which skips it: the last two take bytes that no call has seen, the
/// first all from the start.
#[derive(Clone, Debug)]
pub struct Chunked {
    state: State,
    line: ChunkLine,
    trailer: Trailer,
    content_len_max: u64,
    /// Content of all chunks begun, to the end of their data.
    announced_len: u64,
    /// Bytes of framing so far.
    overhead_len: u64,
    /// Offset of the first byte not yet looked at. Only moved by `decode`.
    read: usize,
    /// Offset of the first byte of content. Only set by `decode`.
    content_start: usize,
    /// Offset behind the content decoded so far. Only moved by `decode`.
    content_end: usize,
    /// Bytes of content that had to move.
    moved_len: usize,
}

/// How far a chunked body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkedProgress {
    /// The body goes on behind the bytes received.
    NeedMore,
    /// The body has ended.
    Done {
        /// Where the content starts, from the start of the body.
        content_start: usize,
        /// How many bytes of content lie there in one piece.
        content_len: usize,
        /// How many bytes of the connection the body took: the next request starts there.
        raw_len: usize,
        /// How many bytes of content were copied to make it one piece.
        moved: usize,
    },
}

/// How far the skipping of a chunked body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscardProgress {
    /// All of the window belongs to the body, which goes on.
    NeedMore,
    /// The body has ended inside the window.
    Done {
        /// How many bytes of this window belong to the body.
        window_len: usize,
    },
}

/// What lies at the front of the bytes of a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkedWindow {
    /// So many bytes are framing.
    pub framing_len: usize,
    /// So many bytes behind them are content. Zero when none has come, or none will.
    pub content_len: usize,
    /// The body has ended behind the framing.
    pub is_last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Line,
    /// Inside data, with so many bytes left; never zero.
    Data(u64),
    DataReturn,
    DataFeed,
    Trailer,
    Done,
    Failed(ChunkError),
}

/// What [`Chunked::advance`] found.
enum Found {
    /// Content at `start..end` of the input.
    Content { start: usize, end: usize },
    /// The input is used up.
    End,
    /// The body ends before this offset.
    Done(usize),
}

impl Chunked {
    /// A decoder for a body of at most `content_len_max` bytes of content.
    #[must_use]
    pub const fn new(content_len_max: u64) -> Self {
        Self {
            state: State::Line,
            line: ChunkLine::new(),
            trailer: Trailer::new(),
            content_len_max,
            announced_len: 0,
            overhead_len: 0,
            read: 0,
            content_start: 0,
            content_end: 0,
            moved_len: 0,
        }
    }

    /// Decodes in place. `bytes` starts where the body starts, `received` says how many bytes of it
    /// have come from the connection; both may only grow between calls, and what the last call left
    /// in `bytes` must still be there.
    ///
    /// # Errors
    /// A [`ChunkError`], the same again on later calls. A chunk beyond the limit is refused by its
    /// size alone, before any byte of its data.
    pub fn decode(
        &mut self,
        bytes: &mut [u8],
        received: usize,
    ) -> Result<ChunkedProgress, ChunkError> {
        let received = received.min(bytes.len());
        if self.state == State::Done {
            return Ok(self.decoded());
        }
        loop {
            let from = self.read.min(received);
            match self.advance(&bytes[from..received])? {
                Found::Content { start, end } => self.keep(bytes, from + start, from + end),
                Found::End => {
                    self.read = received;
                    return Ok(ChunkedProgress::NeedMore);
                }
                Found::Done(len) => {
                    self.read = from + len;
                    return Ok(self.decoded());
                }
            }
        }
    }

    /// As [`new`](Self::new), and the trailer section is [kept](Self::trailers).
    #[must_use]
    pub(crate) fn with_trailers(mut self) -> Self {
        self.trailer = self.trailer.kept();
        self
    }

    /// The trailer section as it came, as far as it has come, if it is kept.
    pub(crate) fn trailers(&self) -> &[u8] {
        self.trailer.bytes()
    }

    /// Finds the next piece of content. `bytes` holds only bytes that no call has seen: behind each
    /// call the framing and the content that it tells of are done with.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn window(&mut self, bytes: &[u8]) -> Result<ChunkedWindow, ChunkError> {
        if self.state == State::Done {
            return Ok(ChunkedWindow { framing_len: 0, content_len: 0, is_last: true });
        }
        let (framing_len, content_len, is_last) = match self.advance(bytes)? {
            Found::Content { start, end } => (start, end - start, false),
            Found::End => (bytes.len(), 0, false),
            Found::Done(len) => (len, 0, true),
        };
        Ok(ChunkedWindow { framing_len, content_len, is_last })
    }

    /// Skips content. `window` holds only bytes that no call has seen.
    ///
    /// # Errors
    /// As [`decode`](Self::decode). How many raw bytes may be skipped is up to the caller.
    pub fn discard(&mut self, window: &[u8]) -> Result<DiscardProgress, ChunkError> {
        if self.state == State::Done {
            return Ok(DiscardProgress::Done { window_len: 0 });
        }
        let mut from = 0;
        loop {
            match self.advance(&window[from..])? {
                Found::Content { end, .. } => from += end,
                Found::End => return Ok(DiscardProgress::NeedMore),
                Found::Done(len) => return Ok(DiscardProgress::Done { window_len: from + len }),
            }
        }
    }

    /// How many bytes of content [`decode`](Self::decode) has laid down so far. They start at
    /// [`content_start`](Self::content_start).
    #[must_use]
    pub fn content_len(&self) -> usize {
        self.content_end - self.content_start
    }

    /// Where the content starts, from the start of the body; zero until there is some.
    #[must_use]
    pub fn content_start(&self) -> usize {
        self.content_start
    }

    /// How many bytes of content were copied so far.
    #[must_use]
    pub fn moved_len(&self) -> usize {
        self.moved_len
    }

    fn decoded(&self) -> ChunkedProgress {
        ChunkedProgress::Done {
            content_start: self.content_start,
            content_len: self.content_len(),
            raw_len: self.read,
            moved: self.moved_len,
        }
    }

    /// Lays the content at `start..end` behind the content before it.
    fn keep(&mut self, bytes: &mut [u8], start: usize, end: usize) {
        if self.content_end == 0 {
            self.content_start = start;
            self.content_end = start;
        }
        if self.content_end != start {
            bytes.copy_within(start..end, self.content_end);
            self.moved_len += end - start;
        }
        self.content_end += end - start;
        self.read = end;
    }

    /// Reads framing up to the next content, the end of `input` or the end of the body.
    fn advance(&mut self, input: &[u8]) -> Result<Found, ChunkError> {
        let found = self.advance_or_fail(input);
        if let Err(error) = found {
            self.state = State::Failed(error);
        }
        found
    }

    fn advance_or_fail(&mut self, input: &[u8]) -> Result<Found, ChunkError> {
        let mut index = 0;
        while let Some(&byte) = input.get(index) {
            if let State::Data(left) = self.state {
                let len = usize::try_from(left).unwrap_or(usize::MAX).min(input.len() - index);
                let left = left - len as u64;
                self.state = if left == 0 { State::DataReturn } else { State::Data(left) };
                return Ok(Found::Content { start: index, end: index + len });
            }
            index += 1;
            self.overhead_len += 1;
            match self.state {
                State::Line => {
                    if let Some(size) = self.line.take(byte)? {
                        self.begin_chunk(size)?;
                    }
                }
                State::DataReturn if byte == b'\r' => self.state = State::DataFeed,
                State::DataFeed if byte == b'\n' => self.state = State::Line,
                State::DataReturn | State::DataFeed => return Err(ChunkError::DataEnd),
                State::Trailer if self.trailer.take(byte)? => {
                    self.state = State::Done;
                    return Ok(Found::Done(index));
                }
                State::Trailer | State::Data(_) => {}
                State::Failed(error) => return Err(error),
                State::Done => return Ok(Found::Done(index - 1)),
            }
        }
        match self.state {
            State::Failed(error) => Err(error),
            _ => Ok(Found::End),
        }
    }

    fn begin_chunk(&mut self, size: u64) -> Result<(), ChunkError> {
        let announced_len = self.announced_len.checked_add(size).ok_or(ChunkError::BodyTooLong)?;
        if announced_len > self.content_len_max {
            return Err(ChunkError::BodyTooLong);
        }
        // `announced_len` still counts only chunks whose data is here.
        if self.overhead_len > OVERHEAD_LEN_FREE && self.overhead_len > self.announced_len {
            return Err(ChunkError::Overhead);
        }
        self.announced_len = announced_len;
        self.state = if size == 0 { State::Trailer } else { State::Data(size) };
        Ok(())
    }
}

/// Framing that a body may hold whatever its content; beyond it, content must outweigh framing.
const OVERHEAD_LEN_FREE: u64 = 64 * 1024;
