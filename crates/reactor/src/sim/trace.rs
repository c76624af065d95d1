//! A hash over a world's history. Owns the mixing; stores no history.

use std::io;

use crate::Token;

/// What happened. The numbers are part of the hash only.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Connect = 1,
    Accept,
    Register,
    Recv,
    Send,
    ShutdownWrite,
    CloseSocket,
    CloseListener,
    Poll,
    Report,
    ClientSend,
    ClientShutdown,
    ClientClose,
    ClientReset,
    ClientRead,
    Clock,
    ConnectOut,
    FileWork,
    Deregister,
}

pub(super) struct Trace(u64);

impl Trace {
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) const fn hash(&self) -> u64 {
        self.0
    }

    pub(super) const fn step(&mut self, step: Step, id: Token, value: u64) {
        self.word((step as u64) << 32 | id.index as u64);
        self.word(value);
    }

    pub(super) fn result(&mut self, step: Step, id: Token, result: Result<u64, &io::Error>) {
        let value = match result {
            Ok(value) => value,
            Err(error) => u64::MAX - u64::from(error.raw_os_error().unwrap_or(0).unsigned_abs()),
        };
        self.step(step, id, value);
    }

    /// Mixes the bytes themselves in.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(size_of::<u64>());
        for chunk in &mut chunks {
            self.word(u64::from_le_bytes(chunk.try_into().expect("a chunk is 8 bytes")));
        }
        for byte in chunks.remainder() {
            self.word(u64::from(*byte));
        }
    }

    /// FNV-1a by words, rotated so that high bits come down again.
    const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }
}
