//! Reading replies out of received bytes, as strictly as a client could.

use std::ops::Range;

/// A reply's head as it was received.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Parses a head up to and with its empty line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "a head is not text")?;
        let text = text.strip_suffix("\r\n\r\n").ok_or("a head does not end")?;
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let rest = line.strip_prefix("HTTP/1.1 ").ok_or_else(|| format!("status line {line:?}"))?;
        let (status, reason) = rest.split_once(' ').ok_or("a status line has no reason")?;
        if status.len() != 3 || reason.is_empty() {
            return Err(format!("status line {line:?}"));
        }
        let status = status.parse().map_err(|_| format!("status line {line:?}"))?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or_else(|| format!("field {line:?}"))?;
            if fields.iter().any(|(known, _)| known == name) {
                return Err(format!("field {name} comes twice"));
            }
            fields.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { status, fields })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    pub(crate) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }

    /// How many bytes of content follow.
    pub(crate) fn content_len(&self, is_head: bool) -> Result<usize, String> {
        if is_head || self.is_interim() {
            return Ok(0);
        }
        let stated = self.field("content-length").ok_or("a reply states no length")?;
        stated.parse().map_err(|_| format!("content-length {stated:?}"))
    }
}

/// The bytes that one client has received, read reply by reply.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    /// Where the reply that is not complete yet begins.
    start: usize,
    /// Bytes already searched for the end of a head.
    searched: usize,
    /// The head at `start` and where its content begins, once it is complete.
    head: Option<(Head, usize)>,
}

impl Received {
    /// The next complete reply and where its content lies. `is_head`: it answers a HEAD.
    pub(crate) fn next(&mut self, is_head: bool) -> Result<Option<(Head, Range<usize>)>, String> {
        if !self.find_head()? {
            return Ok(None);
        }
        let Some((head, content_start)) = &self.head else { return Ok(None) };
        // A head that did not come in time is not known to be a HEAD.
        let is_head = is_head && head.status != 408;
        let end = content_start + head.content_len(is_head)?;
        if self.bytes.len() < end {
            return Ok(None);
        }
        let Some((head, content_start)) = self.head.take() else { return Ok(None) };
        self.start = end;
        self.searched = end;
        Ok(Some((head, content_start..end)))
    }

    /// What has come of a reply that is not complete: its head, if that is, and what follows.
    pub(crate) fn tail(&self) -> (Option<&Head>, &[u8]) {
        match &self.head {
            Some((head, content_start)) => (Some(head), &self.bytes[*content_start..]),
            None => (None, &self.bytes[self.start..]),
        }
    }

    fn find_head(&mut self) -> Result<bool, String> {
        if self.head.is_some() {
            return Ok(true);
        }
        let from = self.searched.saturating_sub(3).max(self.start);
        self.searched = self.bytes.len();
        let found = self.bytes[from..].windows(4).position(|four| four == b"\r\n\r\n");
        let Some(at) = found else { return Ok(false) };
        let end = from + at + 4;
        self.head = Some((Head::parse(&self.bytes[self.start..end])?, end));
        Ok(true)
    }
}
