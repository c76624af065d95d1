//! A parsed head without its bytes, for when those move.

use super::{Head, HeaderSlots, Headers};

/// What a [`Head`] says by places in its bytes. It goes with the slots that the head was parsed
/// into, until they take another.
pub(crate) struct Outline {
    /// The head, of no bytes.
    head: Head<'static>,
    target_start: usize,
    target_len: usize,
    field_count: usize,
}

impl Outline {
    /// Of a head that starts at the first of `bytes`. `None` for a method without a variant of its
    /// own: such a head is parsed again.
    pub(crate) fn of(head: &Head<'_>, bytes: &[u8]) -> Option<Self> {
        let method = head.method.known()?;
        // RFC 9112 §2.2: one empty line may stand in front.
        let line_start = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        let target_start = line_start + method.as_str().len() + " ".len();
        Some(Self {
            target_start,
            target_len: head.target.raw().len(),
            field_count: head.headers.len(),
            head: Head {
                method,
                target: head.target.over(&[]),
                headers: Headers::empty(),
                version: head.version,
                framing: head.framing,
                keep_alive: head.keep_alive,
                expect_continue: head.expect_continue,
                head_len: head.head_len,
            },
        })
    }

    /// The head once more, over the place that its bytes are at now.
    pub(crate) fn over<'a>(&self, bytes: &'a [u8], slots: &'a HeaderSlots) -> Head<'a> {
        let target = bytes.get(self.target_start..self.target_start + self.target_len);
        Head {
            target: self.head.target.over(target.unwrap_or_default()),
            headers: Headers::new(bytes, slots.taken(self.field_count)),
            ..self.head
        }
    }
}
