//! A request as a test writes it.

use waterwheel_reactor::sim::Client;
use zerocopy::{Immutable, IntoBytes};

use super::{CountingAllocator, Lab, LabReply};

/// A request to be filled in and sent on the lab's kept-alive connection.
#[derive(Debug)]
pub struct LabRequest<'lab> {
    lab: &'lab mut Lab,
    is_head: bool,
    head: Vec<u8>,
    body: Option<Vec<u8>>,
}

impl<'lab> LabRequest<'lab> {
    pub(super) fn new(lab: &'lab mut Lab, method: &str, target: &str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: lab\r\n").into_bytes();
        Self { lab, is_head: method == "HEAD", head, body: None }
    }

    /// With a further field, as it is: a test may want it malformed.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        self
    }

    /// With this body and its length.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// With the bytes of a value as its body.
    #[must_use]
    pub fn typed<T: IntoBytes + Immutable + ?Sized>(self, value: &T) -> Self {
        let bytes = value.as_bytes().to_vec();
        self.body(bytes)
    }

    /// The request's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if let Some(body) = &self.body {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends the request and turns the server until the reply is complete.
    ///
    /// # Panics
    /// When no complete reply comes: the message shows what came instead.
    pub fn send(self) -> LabReply {
        let bytes = self.to_bytes();
        let lab = self.lab;
        let client = match lab.client.take() {
            Some(client) if client.end().is_none() => client,
            _ => lab.world.connect(),
        };
        let stats = lab.ring_stats();
        let mut received = Vec::with_capacity(RECEIVED_CAPACITY);
        let mut allocations = 0;
        if lab.delivery == super::Delivery::Whole {
            client.send(&bytes);
        } else {
            lab.transmit(&client, &bytes);
        }
        for _ in 0..super::SETTLE_TURNS_MAX {
            let before = CountingAllocator::count();
            let turn = lab.turn();
            allocations += CountingAllocator::count() - before;
            client.receive_into(&mut received);
            if let Some(mut reply) = LabReply::parse(&received, self.is_head, is_over(&client)) {
                let now = lab.ring_stats();
                reply.copies = now.copies - stats.copies;
                reply.copied_len = now.copied_bytes - stats.copied_bytes;
                reply.allocations = CountingAllocator::is_installed().then_some(allocations);
                lab.client = Some(client);
                return reply;
            }
            if is_over(&client) || (turn == super::Turn::default() && lab.world.idle()) {
                break;
            }
        }
        panic!("no complete reply; received {:?}", String::from_utf8_lossy(&received));
    }
}

fn is_over(client: &Client) -> bool {
    client.end().is_some()
}

/// Room for the reply without growing, so that the test's own allocations stay out of the way.
const RECEIVED_CAPACITY: usize = 4096;
