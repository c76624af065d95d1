//! The session under test, with the ring and the queues that a worker would give it.

use waterwheel_ring::{Config, Inbound, Ring, Runs};
use waterwheel_tls::{Fault, Received, Session};

pub(crate) struct Server {
    pub(crate) ring: Ring,
    pub(crate) session: Session,
    pub(crate) sealed: Inbound,
    pub(crate) plain: Inbound,
    pub(crate) replies: Runs,
    pub(crate) out: Runs,
    pub(crate) last: Result<Received, Fault>,
}

impl Server {
    pub(crate) fn new(session: Session) -> Self {
        let mut config = Config::default();
        config.segment_count = 1024;
        Self::over(session, Ring::new(&config).unwrap())
    }

    pub(crate) fn over(session: Session, ring: Ring) -> Self {
        Self {
            ring,
            session,
            sealed: Inbound::default(),
            plain: Inbound::default(),
            replies: Runs::new(),
            out: Runs::new(),
            last: Ok(Received::Await { room: 0 }),
        }
    }

    /// Receives bytes as a worker would, in as many reads as it takes, and opens what is there.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = match self.last {
                Ok(Received::Await { room }) => room,
                _ => 0,
            };
            let (read, _) = self
                .sealed
                .receive(&self.ring, room, 64 * 1024, |target| {
                    let len = bytes.len().min(target.len());
                    target[..len].copy_from_slice(&bytes[..len]);
                    Ok::<usize, Fault>(len)
                })
                .expect("the ring is large enough");
            bytes = &bytes[read.unwrap()..];
            if self.last.is_ok() {
                self.step();
            }
        }
    }

    pub(crate) fn step(&mut self) {
        self.last =
            self.session.receive(&self.ring, &mut self.sealed, &mut self.plain, 0, &mut self.out);
    }

    /// The plaintext that has come, read by the protocol.
    pub(crate) fn take_plain(&mut self) -> Vec<u8> {
        let bytes = self.plain.bytes().to_vec();
        self.plain.consume(bytes.len());
        self.plain.recycle(64 * 1024);
        bytes
    }

    /// Queues a reply as a worker would place it, and seals it.
    pub(crate) fn reply(&mut self, bytes: &[u8]) {
        self.replies.push_heap(bytes.to_vec());
        self.seal();
    }

    pub(crate) fn seal(&mut self) {
        let sent = self.session.send(&self.ring, &mut self.replies, &mut self.out);
        assert_eq!(sent, Ok(self.replies.is_empty()));
    }

    /// The bytes that the worker would send now, and those sealed once they are gone.
    pub(crate) fn take_sent(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        while let Some(front) = self.out.front() {
            let len = front.len();
            sent.extend_from_slice(front);
            self.out.consume(len);
            if self.out.is_empty() {
                self.seal();
            }
        }
        sent
    }
}
