//! Comparing what came with what was due: the whole reply, or a visible beginning of it.

use super::model::{Content, Expected, Persistence};
use super::replies::Head;

/// What may explain a reply other than the one due.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances {
    /// The server has been asked to drain.
    pub(crate) is_draining: bool,
    /// A deadline may have passed: the client is slow, or the world is.
    pub(crate) may_time_out: bool,
    /// The ring has been full at some time.
    pub(crate) was_full: bool,
    /// The disk has failed at some time.
    pub(crate) disk_failed: bool,
    /// For longer than any deadline nothing went wrong, and nobody had to wait to be accepted.
    pub(crate) is_orderly: bool,
    /// The connection may have come to its greatest age.
    pub(crate) may_be_old: bool,
}

/// What a complete reply turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The one due.
    Due,
    /// The one due, and the connection ends with it although that was not due.
    DueAndEarlyEnd,
    /// A deadline has passed: 408, and the end.
    TooLate,
    /// The ring had no room or the disk failed: 503, or what the disk's error means.
    Unable,
}

impl Kind {
    /// Whether nothing may follow.
    pub(crate) fn is_last(self, expected: &Expected) -> bool {
        match self {
            Self::Due | Self::Unable => expected.is_last(),
            Self::DueAndEarlyEnd | Self::TooLate => true,
        }
    }
}

/// Judges a reply, or the beginning of one: then `content` is a part and `is_whole` false.
pub(crate) fn judge(
    head: &Head,
    content: &[u8],
    is_whole: bool,
    expected: &Expected,
    facts: Circumstances,
) -> Result<Kind, String> {
    if head.field("server") != Some("waterwheel") {
        return Err("a reply without its server field".to_owned());
    }
    if head.field("date").is_none_or(|date| date.len() != "Sun, 06 Nov 1994 08:49:37 GMT".len()) {
        return Err("a reply without its date".to_owned());
    }
    let is_close = head.field("connection") == Some("close");
    if head.status == 408 && expected.status != 408 {
        told(head, content, is_whole, false)?;
        return match is_close && facts.may_time_out {
            true => Ok(Kind::TooLate),
            false => Err(format!("408 though no deadline can have passed, close: {is_close}")),
        };
    }
    let lacks_room = head.status == 503 && expected.may_lack_room && facts.was_full;
    let lacks_file = expected.may_lack_file && facts.disk_failed;
    let is_unable = lacks_room || (lacks_file && [403, 500, 503].contains(&head.status));
    if head.status != expected.status && !is_unable {
        return Err(format!("status {} instead of {}", head.status, expected.status));
    }
    match &expected.content {
        Content::Exact(bytes) if !is_unable => exact(head, content, is_whole, bytes, expected)?,
        _ => told(head, content, is_whole, expected.is_head)?,
    }
    if !is_unable && head.field("allow") != expected.allow {
        return Err(format!("allow {:?} instead of {:?}", head.field("allow"), expected.allow));
    }
    let said = match expected.persistence {
        Persistence::Implied => None,
        Persistence::KeepAlive => Some("keep-alive"),
        Persistence::Close => Some("close"),
    };
    if head.field("connection") == said {
        return Ok(if is_unable { Kind::Unable } else { Kind::Due });
    }
    if is_close && (facts.is_draining || facts.may_be_old) {
        return Ok(Kind::DueAndEarlyEnd);
    }
    Err(format!("connection {:?} instead of {said:?}", head.field("connection")))
}

fn exact(
    head: &Head,
    content: &[u8],
    is_whole: bool,
    bytes: &[u8],
    expected: &Expected,
) -> Result<(), String> {
    if head.field("content-type") != Some(expected.content_type) {
        return Err(format!("content-type {:?}", head.field("content-type")));
    }
    if head.is_chunked() != expected.is_chunked {
        return Err("the framing is not the one due".to_owned());
    }
    if !expected.is_chunked && head.content_len(false)? != bytes.len() {
        return Err(format!("{} bytes instead of {}", head.content_len(false)?, bytes.len()));
    }
    let sent = if expected.is_head { &[] } else { bytes };
    if is_whole && content != sent || !sent.starts_with(content) {
        let at = content.iter().zip(sent).position(|(one, other)| one != other);
        return Err(format!("content differs from what is due at byte {at:?}"));
    }
    Ok(())
}

fn told(head: &Head, content: &[u8], is_whole: bool, is_head: bool) -> Result<(), String> {
    if head.field("content-type") != Some("text/plain; charset=utf-8") {
        return Err(format!("content-type {:?}", head.field("content-type")));
    }
    let begin = format!("{} ", head.status);
    let begins = match is_whole {
        _ if is_head => content.is_empty(),
        true => content.starts_with(begin.as_bytes()) && content.ends_with(b"\n"),
        false => {
            let len = content.len().min(begin.len());
            content[..len] == begin.as_bytes()[..len]
        }
    };
    match begins {
        true => Ok(()),
        false => Err(format!("a cause that reads {:?}", String::from_utf8_lossy(content))),
    }
}
