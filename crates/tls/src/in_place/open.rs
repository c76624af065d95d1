//! Opening: from a received record to its content, in place or into another run.

use super::key::TAG_LEN;
use super::layer::InPlace;
use crate::fault::Fault;
use crate::record::{
    ALERT, APPLICATION_DATA, CONTENT_LEN_MAX, EMPTY_RECORDS_MAX, HANDSHAKE, HEADER_LEN, Opened,
};

impl InPlace {
    /// Opens a whole record where it lies. A record that fails is wiped.
    #[inline]
    pub(super) fn open_record(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        let opened = self.open_within(record);
        if opened.is_err() {
            record.fill(0);
        }
        opened
    }

    #[inline]
    fn open_within(&mut self, record: &mut [u8]) -> Result<Opened, Fault> {
        let (header, body) = split(record)?;
        self.inbound.open(header, body)?;
        let content = &body[..body.len() - TAG_LEN];
        let (content_type, len) = unpad(content)?;
        self.judge(content_type, &content[..len], HEADER_LEN)
    }

    /// Opens a whole record to the start of `target`. What is behind the content is zeroed, and
    /// all of it when the record fails or has no content for the reader.
    #[inline]
    pub(super) fn open_record_into(
        &mut self,
        record: &mut [u8],
        target: &mut [u8],
    ) -> Result<Opened, Fault> {
        let opened = self.open_towards(record, target);
        let shown = match opened {
            Ok(Opened::Data { len, .. }) => len,
            _ => 0,
        };
        let written = record.len().saturating_sub(HEADER_LEN).min(target.len());
        if shown < written {
            target[shown..written].fill(0);
        }
        if opened.is_err() {
            record.fill(0);
        }
        opened
    }

    #[inline]
    fn open_towards(&mut self, record: &mut [u8], target: &mut [u8]) -> Result<Opened, Fault> {
        let (header, body) = split(record)?;
        let len = body.len().checked_sub(TAG_LEN).ok_or(Fault::BadRecordMac)?;
        let target = target.get_mut(..len).ok_or(Fault::Internal)?;
        self.inbound.open_into(header, body, target)?;
        let (content_type, len) = unpad(target)?;
        self.judge(content_type, &target[..len], 0)
    }

    /// What an authentic content is, and whether it may come now.
    #[inline]
    fn judge(&mut self, content_type: u8, content: &[u8], start: usize) -> Result<Opened, Fault> {
        if content.is_empty() {
            return self.judge_empty(content_type);
        }
        self.empty_count = 0;
        match content_type {
            APPLICATION_DATA => {
                self.note_data()?;
                Ok(Opened::Data { start, len: content.len() })
            }
            HANDSHAKE => self.take_handshake(content),
            ALERT => self.take_alert(content),
            _ => Err(Fault::UnexpectedMessage),
        }
    }

    /// RFC 8446 §5.1: only application data may be empty, against traffic analysis.
    #[cold]
    fn judge_empty(&mut self, content_type: u8) -> Result<Opened, Fault> {
        self.refuse_within_message()?;
        if content_type != APPLICATION_DATA {
            return Err(Fault::UnexpectedMessage);
        }
        if self.empty_count == EMPTY_RECORDS_MAX {
            return Err(Fault::EmptyRecords);
        }
        self.empty_count += 1;
        Ok(Opened::Control)
    }
}

/// The header, which is what the tag covers beside the content, and the rest. Every record is
/// protected now, and protected records look like application data (RFC 8446 §5.2).
#[inline]
fn split(record: &mut [u8]) -> Result<([u8; HEADER_LEN], &mut [u8]), Fault> {
    let Some((header, body)) = record.split_first_chunk_mut::<HEADER_LEN>() else {
        return Err(Fault::Decode);
    };
    match header[0] {
        APPLICATION_DATA => Ok((*header, body)),
        _ => Err(Fault::UnexpectedMessage),
    }
}

/// The type, which is the last byte that is not zero, and the length of what is in front of it
/// (RFC 8446 §5.2, §5.4).
#[inline]
fn unpad(content: &[u8]) -> Result<(u8, usize), Fault> {
    if content.len() > CONTENT_LEN_MAX + 1 {
        return Err(Fault::RecordOverflow);
    }
    let len = match content {
        [.., last] if *last != 0 => content.len() - 1,
        _ => content.iter().rposition(|byte| *byte != 0).ok_or(Fault::UnexpectedMessage)?,
    };
    Ok((content[len], len))
}
