//! The content of a reply while it comes, its framing taken off where it lies.

use waterwheel_http::body::{Chunked, Framing};
use waterwheel_ring::Lease;

use crate::ClientError;
use crate::exchange::Live;

/// The content of a [`Response`](crate::Response).
#[derive(Debug)]
pub struct Body {
    state: State,
    /// `None` once the content is complete, or has failed.
    live: Option<Live>,
    /// Received and not yet looked at.
    rest: Option<Lease>,
    keep_alive: bool,
    content_len: Option<u64>,
}

/// What is still to come.
#[derive(Debug)]
enum State {
    Length(u64),
    Chunked(Box<Chunked>),
    ToClose,
    Complete,
}

impl Body {
    /// `framing` as the head has it: `None` lasts to the end of the connection.
    pub(crate) fn new(framing: Option<Framing>, keep_alive: bool, live: Live, rest: Lease) -> Self {
        let (state, content_len) = match framing {
            Some(Framing::Chunked) => (State::Chunked(Box::new(Chunked::new(u64::MAX))), None),
            Some(Framing::ContentLength(len @ 1..)) => (State::Length(len), Some(len)),
            Some(_) => (State::Complete, Some(0)),
            None => (State::ToClose, None),
        };
        let mut body = Self { state, live: Some(live), rest: Some(rest), keep_alive, content_len };
        if matches!(body.state, State::Complete) {
            body.complete();
        }
        body
    }

    /// The length of all of the content in bytes, if the head states it.
    #[must_use]
    pub const fn content_len(&self) -> Option<u64> {
        self.content_len
    }

    /// All of the content, if it is here already: `Some(None)` when there is none.
    pub(crate) fn take_whole(&mut self) -> Option<Option<Lease>> {
        match (&self.state, &self.rest) {
            (State::Complete, _) => Some(None),
            (State::Length(len), Some(rest)) if rest.len() as u64 >= *len => {
                let rest = self.rest.take()?;
                self.take_off(rest).ok()
            }
            _ => None,
        }
    }

    /// The next piece, as long as it came, never empty; `None` at the end. Nothing is lost when the
    /// future is dropped.
    ///
    /// # Errors
    /// [`ClientError::Ended`] when the connection ends before the content does, and those of time,
    /// framing and the connection. Calling it again gives `None` then.
    pub async fn next(&mut self) -> Result<Option<Lease>, ClientError> {
        let next = self.next_or_fail().await;
        if next.is_err() {
            // The connection is of no use to anybody.
            self.state = State::Complete;
            self.live = None;
            self.rest = None;
        }
        next
    }

    async fn next_or_fail(&mut self) -> Result<Option<Lease>, ClientError> {
        loop {
            if let Some(piece) = self.rest.take().filter(|piece| !piece.is_empty())
                && let Some(content) = self.take_off(piece)?
            {
                return Ok(Some(content));
            }
            if matches!(self.state, State::Complete) {
                return Ok(None);
            }
            let Some(live) = &mut self.live else { return Ok(None) };
            let mut lease = live.reserve(READ_LEN).await?;
            lease.set_headroom(HEADROOM_LEN);
            let stall = live.config.stall_timeout;
            if live.fill(&mut lease, stall, &mut None).await? == 0 {
                match self.state {
                    State::ToClose => self.complete(),
                    _ => return Err(live.end()),
                }
            }
            lease.trim();
            self.rest = Some(lease);
        }
    }

    /// Takes the framing off `piece`. `None`: it held no content.
    fn take_off(&mut self, mut piece: Lease) -> Result<Option<Lease>, ClientError> {
        match &mut self.state {
            State::ToClose => {}
            State::Length(left) => {
                let received = piece.len() as u64;
                if received > *left {
                    // What follows answers nothing.
                    self.keep_alive = false;
                    piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                }
                *left = left.saturating_sub(received);
                if *left == 0 {
                    self.complete();
                }
            }
            State::Chunked(chunked) => {
                let end = unchunk(&mut piece, chunked)?;
                if let Some(excess) = end {
                    self.keep_alive &= excess == 0;
                    self.complete();
                }
            }
            State::Complete => return Ok(None),
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// The content is complete: the connection may serve another request.
    fn complete(&mut self) {
        self.state = State::Complete;
        let has_more = self.rest.take().is_some_and(|rest| !rest.is_empty());
        if let Some(live) = self.live.take()
            && self.keep_alive
            && !has_more
            && live.is_sent()
        {
            live.give_back();
        }
    }
}

/// Leaves the content of the chunks in `piece` and nothing else. At the end of the body, returns
/// how many bytes followed it.
fn unchunk(piece: &mut Lease, chunked: &mut Chunked) -> Result<Option<usize>, ClientError> {
    let (mut read, mut excess) = (0, None);
    let mut content = 0..0;
    loop {
        let window = chunked.window(&piece.payload()[read..]).map_err(ClientError::Chunks)?;
        let found = read + window.framing_len..read + window.framing_len + window.content_len;
        read = found.end;
        if window.is_last {
            excess = Some(piece.len() - read);
            break;
        }
        match (content.is_empty(), found.len()) {
            (_, 0) => break,
            (true, _) => content = found,
            (false, len) => {
                piece.copy_within(found, content.end);
                content.end += len;
            }
        }
    }
    piece.truncate(content.end);
    piece.advance(content.start);
    Ok(excess)
}

/// Bytes asked for in one read: eight pages of a run that is found easily, and given back as far as
/// the read did not need them.
const READ_LEN: usize = 32 << 10;
/// Room in front of a piece for the head of a chunk, should it go out in one.
const HEADROOM_LEN: usize = 16;
