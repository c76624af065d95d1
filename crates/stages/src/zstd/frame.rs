//! Frames and their blocks, looked at without decompressing them (RFC 8878 §3.1).

/// What the frames of a whole body say about their content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// The content is no longer than this: what the frames claim, and for those that claim nothing
    /// what their blocks can hold.
    pub(super) bound: u64,
    /// Whether every frame claims its length, so that `bound` is what the content is.
    pub(super) is_claimed: bool,
    /// Bytes that must lie between the end of the content and the end of the body, for it to be
    /// decompressed over itself.
    pub(super) margin: usize,
    /// Frames, those to be skipped included.
    pub(super) frames: usize,
}

/// What is wrong with a body, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) cause: &'static str,
}

/// A frame's header.
struct Header {
    len: usize,
    window_len: u64,
    content_len: Option<u64>,
    has_checksum: bool,
}

/// The front of a body not yet looked at.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Survey {
    /// Looks at all headers of a whole body.
    pub(super) fn new(body: &[u8]) -> Result<Self, Fault> {
        let mut rest = Rest { bytes: body, at: 0 };
        let mut survey = Self { is_claimed: true, ..Self::default() };
        let mut block_len_max = 0;
        loop {
            let start = rest.at;
            survey.frames += 1;
            if survey.frames > FRAMES_MAX {
                return Err(rest.fault("begins one frame too many"));
            }
            let magic = rest.number(4)?;
            if magic & SKIPPABLE_MASK == SKIPPABLE {
                let len = rest.number(4)?;
                rest.skip(len)?;
                survey.margin += rest.at - start;
            } else if magic == MAGIC {
                let longest = survey.frame(&mut rest)?;
                block_len_max = block_len_max.max(longest);
            } else {
                rest.at = start;
                return Err(rest.fault("begins no frame"));
            }
            if rest.bytes.is_empty() {
                break;
            }
        }
        survey.margin += block_len_max;
        Ok(survey)
    }

    /// Walks one frame behind its magic number and returns the length of its longest block.
    fn frame(&mut self, rest: &mut Rest<'_>) -> Result<usize, Fault> {
        let header = Header::read(rest)?;
        // The length of the largest block, at most 128 KiB.
        let block_len_max = header.window_len.min(BLOCK_LEN_MAX);
        let checksum_len = if header.has_checksum { 4 } else { 0 };
        self.margin += MAGIC_LEN + header.len + checksum_len;
        let mut bound = 0_u64;
        loop {
            let block = rest.number(3)?;
            let (is_last, kind, len) = (block & 1 == 1, block >> 1 & 3, block >> 3);
            if len > block_len_max {
                return Err(rest.fault("is in a block longer than its frame allows"));
            }
            self.margin += 3;
            match kind {
                RAW => rest.skip(len)?,
                RUN => rest.skip(1)?,
                COMPRESSED => rest.skip(len)?,
                _ => return Err(rest.fault("is in a block of no known kind")),
            }
            bound = bound.saturating_add(if kind == COMPRESSED { block_len_max } else { len });
            if is_last {
                break;
            }
        }
        rest.skip(checksum_len as u64)?;
        if header.content_len.is_some_and(|claim| claim > bound) {
            return Err(rest.fault("ends a frame that claims more than its blocks hold"));
        }
        self.is_claimed &= header.content_len.is_some();
        self.bound = self.bound.saturating_add(header.content_len.unwrap_or(bound));
        Ok(usize::try_from(block_len_max).unwrap_or(usize::MAX))
    }
}

/// The content length that the frame with this front claims: [`FRONT_LEN`] bytes, or all of it.
pub(super) fn claimed_len(front: &[u8]) -> Option<u64> {
    let mut rest = Rest { bytes: front, at: 0 };
    if rest.number(4) != Ok(MAGIC) {
        return None;
    }
    Header::read(&mut rest).ok()?.content_len
}

impl Header {
    fn read(rest: &mut Rest<'_>) -> Result<Self, Fault> {
        let start = rest.at;
        let descriptor = rest.number(1)?;
        if descriptor & RESERVED_BIT != 0 {
            return Err(rest.fault("follows a reserved bit"));
        }
        let is_single_segment = descriptor & SINGLE_SEGMENT_BIT != 0;
        let mut window_len = 0;
        if !is_single_segment {
            let window = rest.number(1)?;
            let base = 1_u64 << (WINDOW_LOG_MIN + (window >> 3));
            window_len = base + base / 8 * (window & 7);
        }
        let dictionary = rest.number([0, 1, 2, 4][(descriptor & 3) as usize])?;
        if dictionary != 0 {
            return Err(rest.fault("follows a demand for a dictionary"));
        }
        let content_len = match (descriptor >> 6, is_single_segment) {
            (0, false) => None,
            (0, true) => Some(rest.number(1)?),
            (1, _) => Some(rest.number(2)? + 256),
            (2, _) => Some(rest.number(4)?),
            _ => Some(rest.number(8)?),
        };
        if is_single_segment {
            window_len = content_len.unwrap_or(0);
        }
        if window_len > WINDOW_LEN_MAX {
            return Err(rest.fault("follows a demand for more than 8 MiB of window"));
        }
        let has_checksum = descriptor & CHECKSUM_BIT != 0;
        Ok(Self { len: rest.at - start, window_len, content_len, has_checksum })
    }
}

impl Rest<'_> {
    /// The next little-endian number of so many bytes.
    fn number(&mut self, len: usize) -> Result<u64, Fault> {
        let bytes = &self.bytes[..self.bytes.len().min(len)];
        let number = bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.skip(len as u64)?;
        Ok(number)
    }

    fn skip(&mut self, len: u64) -> Result<(), Fault> {
        match usize::try_from(len).ok().and_then(|len| self.bytes.split_at_checked(len)) {
            Some((skipped, rest)) => {
                self.bytes = rest;
                self.at += skipped.len();
                Ok(())
            }
            None => {
                self.at += self.bytes.len();
                Err(self.fault("is missing, the frame goes on"))
            }
        }
    }

    fn fault(&self, cause: &'static str) -> Fault {
        Fault { at: self.at, cause }
    }
}

/// RFC 8878 §3.1.1.
const MAGIC: u64 = 0xfd2f_b528;
const MAGIC_LEN: usize = 4;
/// RFC 8878 §3.1.2: sixteen magic numbers that differ in their lowest digit.
const SKIPPABLE: u64 = 0x184d_2a50;
const SKIPPABLE_MASK: u64 = !0xf;

/// The longest header of a frame, its magic number included.
pub(super) const FRONT_LEN: usize = 18;

/// RFC 8878 §3.1.1.1.1, the bits of the descriptor.
const SINGLE_SEGMENT_BIT: u64 = 1 << 5;
const RESERVED_BIT: u64 = 1 << 3;
const CHECKSUM_BIT: u64 = 1 << 2;
/// RFC 8878 §3.1.1.1.2.
const WINDOW_LOG_MIN: u64 = 10;

/// RFC 8878 §3.1.1.2.2, the kinds of blocks.
const RAW: u64 = 0;
const RUN: u64 = 1;
const COMPRESSED: u64 = 2;
/// RFC 8878 §3.1.1.2.4.
const BLOCK_LEN_MAX: u64 = 128 * 1024;

/// RFC 9659 §3: what a receiver must support, and no sender may exceed.
pub(super) const WINDOW_LOG_MAX: u32 = 23;
const WINDOW_LEN_MAX: u64 = 1 << WINDOW_LOG_MAX;

/// Frames in one body. Starting one costs the decoder far more than its few bytes cost the sender.
pub(super) const FRAMES_MAX: usize = 256;

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
