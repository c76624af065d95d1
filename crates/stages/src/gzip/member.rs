//! What is around the data of a gzip member (RFC 1952 §2.3): its header and its trailer.
//!
//! The library could read both, but makes a new decoder for every body then.

use flate2::Crc;

/// The header or trailer of one member, on its way through.
#[derive(Debug)]
pub(super) struct Member {
    part: Part,
    /// The bytes of the part at hand, as far as they are needed, and how many of them are there.
    held: [u8; FIXED_LEN],
    held_len: usize,
    /// Bytes of the extra field that are still to come.
    extra_len: usize,
    flags: u8,
    header_sum: Crc,
    content_sum: Crc,
}

/// The parts in the order in which they come; `flags` tells which are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Fixed,
    ExtraLen,
    Extra,
    Name,
    Comment,
    HeaderSum,
    Data,
    Trailer,
    End,
}

impl Member {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Fixed,
            held: [0; FIXED_LEN],
            held_len: 0,
            extra_len: 0,
            flags: 0,
            header_sum: Crc::new(),
            content_sum: Crc::new(),
        }
    }

    /// Whether deflated data comes next.
    pub(super) fn is_at_data(&self) -> bool {
        self.part == Part::Data
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.part == Part::End
    }

    /// Notes content that the data gave.
    pub(super) fn content(&mut self, bytes: &[u8]) {
        self.content_sum.update(bytes);
    }

    /// Leaves the data, which have ended.
    pub(super) fn end_data(&mut self) {
        self.part = Part::Trailer;
    }

    /// Reads on in the header or trailer, to its end or that of the source, and returns how much
    /// that was.
    pub(super) fn read(&mut self, source: &[u8]) -> Result<usize, &'static str> {
        let mut read = 0;
        while read < source.len() && !matches!(self.part, Part::Data | Part::End) {
            let (len, is_whole) = self.take(&source[read..]);
            if !matches!(self.part, Part::HeaderSum | Part::Trailer) {
                self.header_sum.update(&source[read..read + len]);
            }
            read += len;
            if is_whole {
                self.part = self.check()?;
                self.held_len = 0;
            }
        }
        Ok(read)
    }

    /// Takes bytes of the part at hand; tells how many, and whether they were its last.
    fn take(&mut self, source: &[u8]) -> (usize, bool) {
        let whole_len = match self.part {
            Part::Name | Part::Comment => {
                return match source.iter().position(|byte| *byte == 0) {
                    Some(at) => (at + 1, true),
                    None => (source.len(), false),
                };
            }
            Part::Extra => {
                let len = source.len().min(self.extra_len);
                self.extra_len -= len;
                return (len, self.extra_len == 0);
            }
            Part::Fixed => FIXED_LEN,
            Part::Trailer => TRAILER_LEN,
            Part::ExtraLen | Part::HeaderSum => 2,
            Part::Data | Part::End => return (0, false),
        };
        let len = source.len().min(whole_len - self.held_len);
        self.held[self.held_len..][..len].copy_from_slice(&source[..len]);
        self.held_len += len;
        (len, self.held_len == whole_len)
    }

    /// Judges the part that is now whole and tells the one that follows.
    fn check(&mut self) -> Result<Part, &'static str> {
        match self.part {
            Part::Fixed => {
                let [first, second, method, flags, ..] = self.held;
                if [first, second] != MAGIC {
                    return Err("begins no member");
                }
                if method != DEFLATE {
                    return Err("is packed by an unknown method");
                }
                if flags & RESERVED != 0 {
                    return Err("has reserved flags");
                }
                self.flags = flags;
            }
            Part::ExtraLen => {
                self.extra_len = usize::from(u16::from_le_bytes([self.held[0], self.held[1]]));
                if self.extra_len > 0 {
                    return Ok(Part::Extra);
                }
            }
            Part::HeaderSum => {
                // The lower half of the sum (RFC 1952 §2.3.1).
                if self.header_sum.sum().to_le_bytes()[..2] != self.held[..2] {
                    return Err("does not match its header's checksum");
                }
            }
            Part::Trailer => return self.check_trailer(),
            Part::Extra | Part::Name | Part::Comment | Part::Data | Part::End => {}
        }
        Ok(self.following())
    }

    fn check_trailer(&self) -> Result<Part, &'static str> {
        let (sum, len) = self.held[..TRAILER_LEN].split_at(4);
        if self.content_sum.sum().to_le_bytes() != sum {
            return Err("does not match its checksum");
        }
        if self.content_sum.amount().to_le_bytes() != len {
            return Err("is not as long as it says");
        }
        Ok(Part::End)
    }

    /// The part of the header that comes after the one at hand.
    fn following(&self) -> Part {
        let optional = [
            (Part::ExtraLen, EXTRA),
            (Part::Name, NAME),
            (Part::Comment, COMMENT),
            (Part::HeaderSum, HEADER_SUM),
        ];
        let passed = match self.part {
            Part::Fixed => 0,
            Part::ExtraLen | Part::Extra => 1,
            Part::Name => 2,
            Part::Comment => 3,
            _ => optional.len(),
        };
        let next = optional[passed..].iter().find(|(_, flag)| self.flags & flag != 0);
        next.map_or(Part::Data, |(part, _)| *part)
    }
}

const FIXED_LEN: usize = 10;
const TRAILER_LEN: usize = 8;
const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;

/// The flags, RFC 1952 §2.3.1. The lowest, "text", is a hint only.
const HEADER_SUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;
