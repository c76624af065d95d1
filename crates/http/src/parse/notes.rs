//! What the fields of a head say about framing, persistence and authority, before it is judged.

/// A field that may stand once.
#[derive(Clone, Copy, Default)]
pub(crate) struct Single<'a> {
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) repeated: bool,
}

impl<'a> Single<'a> {
    #[inline]
    fn note(&mut self, value: &'a [u8]) {
        self.repeated |= self.value.is_some();
        self.value = Some(value);
    }
}

/// What the fields say that framing, persistence and authority depend on. Judging it after all
/// fields are known makes the verdict independent of their order.
#[derive(Clone, Copy, Default)]
pub(super) struct Notes<'a> {
    pub(super) host: Single<'a>,
    pub(super) content_length: Single<'a>,
    pub(super) transfer_encoding: Single<'a>,
    /// `Connection` lists `close`.
    pub(super) close: bool,
    /// `Connection` lists `keep-alive`.
    pub(super) keep_alive: bool,
    /// `Expect: 100-continue`
    pub(super) expect_continue: bool,
    /// Any other `Expect`.
    pub(super) expect_unknown: bool,
}

impl<'a> Notes<'a> {
    /// Takes note of one field. The length of its name already rules out most.
    #[inline]
    pub(super) fn note(&mut self, name: &[u8], value: &'a [u8]) {
        match name.len() {
            4 if is_host(name) => self.host.note(value),
            6 | 10 | 14 | 17 => self.note_by_name(name, value),
            _ => {}
        }
    }

    #[inline(never)]
    fn note_by_name(&mut self, name: &[u8], value: &'a [u8]) {
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"expect") => self.note_expect(value),
            10 if name.eq_ignore_ascii_case(b"connection") => self.note_connection(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length.note(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.transfer_encoding.note(value);
            }
            _ => {}
        }
    }

    fn note_expect(&mut self, value: &[u8]) {
        if value.eq_ignore_ascii_case(b"100-continue") {
            self.expect_continue = true;
        } else {
            self.expect_unknown = true;
        }
    }

    /// RFC 9110 §7.6.1: a list of tokens; those that we do not know mean nothing to us.
    fn note_connection(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
}

/// Whether a token of four bytes is `host` in any case. For letters, the bit is the case; no other
/// byte of a token becomes one of these letters by it.
#[inline]
fn is_host(name: &[u8]) -> bool {
    name.first_chunk::<4>()
        .is_some_and(|name| u32::from_le_bytes(*name) | 0x2020_2020 == u32::from_le_bytes(*b"host"))
}
