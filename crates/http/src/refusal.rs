//! Refusals on their way out: short texts, written where they are sent from.

use waterwheel_ring::{Ring, Runs};

use crate::core::{Core, Terms};
use crate::encode::ReplyHead;
use crate::exchange::Exchange;
use crate::rejection::Rejection;
use crate::reply::TEXT;

impl Core {
    /// Queues a refusal.
    pub(crate) fn refuse(&self, rejection: &Rejection, terms: Terms, exchange: &mut Exchange<'_>) {
        self.send_refusal(rejection, terms, exchange.ring, exchange.outbound);
    }

    /// Queues a refusal, apart from the way of usual replies. Nothing is allocated for it, so that
    /// who asks for what is not there costs no more than others.
    #[cold]
    pub(crate) fn send_refusal(
        &self,
        rejection: &Rejection,
        terms: Terms,
        ring: &Ring,
        outbound: &mut Runs,
    ) {
        let status = rejection.status();
        if !status.is_client_error() && !status.is_server_error() {
            // Some of the others have no content.
            return self.write(&mut rejection.clone().into(), None, terms, ring, outbound);
        }
        self.tally().note_reply(status);
        let text = rejection.text();
        let content_len: usize = text.iter().map(|part| part.len()).sum();
        let mut digits = itoa::Buffer::new();
        let head = ReplyHead {
            stamp: self.stamp(),
            status,
            content_type: Some(TEXT),
            fields: rejection.fields(),
            content_len: Some(digits.format(content_len)),
            persistence: terms.persistence,
        };
        let head_len = head.len();
        let sent_len = if terms.head_only { 0 } else { content_len };
        outbound.place(ring, head_len + sent_len, |room| {
            let (head_room, mut room) = room.split_at_mut(head_len);
            head.write(head_room);
            for part in text.iter().filter(|_| !terms.head_only) {
                let (place, rest) = room.split_at_mut(part.len());
                place.copy_from_slice(part.as_bytes());
                room = rest;
            }
        });
    }
}
