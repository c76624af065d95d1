//! What a client did and got, for whoever looks into a failure.

use std::fmt;

use super::script::Script;
use super::visitor::Visitor;

impl fmt::Display for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Script { exchanges, replies_due, reading, is_late, moves, ends, .. } = &self.script;
        writeln!(
            f,
            "connected {:?}, end {:?} at {:?}, left {}, {} of {replies_due} replies, sent {}, {reading:?}, \
             late {is_late}, move {} of {}: {:?}",
            self.connected_at,
            self.end,
            self.ended_at,
            self.has_left,
            self.replies,
            self.sent_len,
            self.next_move,
            moves.len(),
            moves.get(self.next_move),
        )?;
        for (exchange, end) in exchanges.iter().zip(ends) {
            let line = exchange.head.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line: String = String::from_utf8_lossy(line).chars().take(60).collect();
            let (body_len, expected) = (exchange.body.len(), &exchange.expected);
            let (status, persistence) = (expected.status, expected.persistence);
            writeln!(f, "    {line:?} +{body_len}, ends at {end}: {status} {persistence:?}")?;
        }
        if let Some(line) = &self.line {
            writeln!(f, "    {line:?}")?;
        }
        let (head, tail) = self.received.tail().unwrap_or_default();
        write!(f, "    {head:?} {:?}", String::from_utf8_lossy(&tail[..tail.len().min(200)]))
    }
}
