//! Reading replies out of received bytes, as strictly as a client could.

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

    /// Whether the content comes in chunks.
    pub(crate) fn is_chunked(&self) -> bool {
        self.field("transfer-encoding") == Some("chunked")
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
    /// The next complete reply and its content. `is_head`: it answers a HEAD.
    pub(crate) fn next(&mut self, is_head: bool) -> Result<Option<(Head, Vec<u8>)>, String> {
        if !self.find_head()? {
            return Ok(None);
        }
        let Some((head, content_start)) = &self.head else { return Ok(None) };
        // A head that did not come in time is not known to be a HEAD.
        let is_head = is_head && head.status != 408;
        let body = &self.bytes[*content_start..];
        let (content, body_len) = if head.is_chunked() && !is_head {
            let (content, end) = unchunked(body)?;
            let Some(end) = end else { return Ok(None) };
            (content, end)
        } else {
            let len = head.content_len(is_head || head.is_chunked())?;
            let Some(content) = body.get(..len) else { return Ok(None) };
            (content.to_vec(), len)
        };
        let Some((head, content_start)) = self.head.take() else { return Ok(None) };
        self.start = content_start + body_len;
        self.searched = self.start;
        Ok(Some((head, content)))
    }

    /// What has come of a reply that is not complete: its head, if that is, and its content so far.
    pub(crate) fn tail(&self) -> Result<(Option<&Head>, Vec<u8>), String> {
        Ok(match &self.head {
            Some((head, content_start)) if head.is_chunked() => {
                (Some(head), unchunked(&self.bytes[*content_start..])?.0)
            }
            Some((head, content_start)) => (Some(head), self.bytes[*content_start..].to_vec()),
            None => (None, self.bytes[self.start..].to_vec()),
        })
    }

    /// Whether nothing has come of a further reply.
    pub(crate) fn is_between(&self) -> bool {
        self.head.is_none() && self.bytes.len() == self.start
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

/// The content of a chunked body as far as it has come, and where the body ends, if it has: in the
/// one form that the server uses, without extensions and trailers (RFC 9112 §7.1).
fn unchunked(body: &[u8]) -> Result<(Vec<u8>, Option<usize>), String> {
    let mut content = Vec::new();
    let mut at = 0;
    while let Some(len) = body[at..].windows(2).position(|two| two == b"\r\n") {
        let digits = std::str::from_utf8(&body[at..at + len]).unwrap_or("?");
        let size = usize::from_str_radix(digits, 16);
        let size = size.map_err(|_| format!("a chunk's size is {digits:?}"))?;
        let start = at + len + 2;
        let rest = &body[start..];
        content.extend_from_slice(&rest[..size.min(rest.len())]);
        let Some(end) = rest.get(size..size + 2) else { break };
        if end != b"\r\n" {
            return Err("a chunk is longer than its size".to_owned());
        }
        at = start + size + 2;
        if size == 0 {
            return Ok((content, Some(at)));
        }
    }
    Ok((content, None))
}
