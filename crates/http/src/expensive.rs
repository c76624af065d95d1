//! Requests that may take long: those whose turn has come, and handlers that wait.

use crate::connection::{Connection, Phase, Step};
use crate::core::{Core, Http};
use crate::exchange::{Exchange, Need};
use crate::parse::{HeadScan, HeaderSlots, parse_head};
use crate::streaming::Rest;

impl Core {
    /// Whether a request for this route has to stand back until expensive ones have their turn.
    #[inline]
    pub(crate) fn is_expensive(&self, index: usize) -> bool {
        self.shared.costs.is_expensive(index)
    }
}

impl Connection {
    /// After [`Need::Defer`]: runs the request that waits, and no other.
    pub fn advance_expensive(&mut self, http: &mut Http, exchange: &mut Exchange<'_>) -> Need {
        let Http { core: http, slots } = http;
        let step = match self.phase {
            Phase::Idle | Phase::Head => self.head_claimed(http, slots, exchange),
            Phase::Body(_) => self.body(false, None, http, slots, exchange),
            Phase::Waiting(_) => self.wait(false, http, exchange),
            Phase::Skip(_) => Ok(()),
        };
        step.err().unwrap_or(Need::Turn)
    }

    /// Answers the request whose head is next, if it is all there and has no body. Not by
    /// [`head`](Self::head): that is compiled into the one place from which nearly all requests
    /// come.
    fn head_claimed(
        &mut self,
        http: &Core,
        slots: &mut HeaderSlots,
        exchange: &mut Exchange<'_>,
    ) -> Step {
        let limits = &http.service().limits;
        let head_len = match parse_head(exchange.inbound.bytes(), slots, limits) {
            Ok(Some(head)) if !head.framing.has_body() => head.head_len,
            _ => return Ok(()),
        };
        self.scan = HeadScan::new();
        self.answer_claimed(head_len, None, None, http, slots, exchange)
    }

    /// Lets the handler's future, or that of its reply, go on, unless that is expensive and may
    /// stand back.
    #[inline(never)]
    pub(crate) fn wait(
        &mut self,
        may_stand_back: bool,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Step {
        let Phase::Waiting(waiting) = &mut self.phase else { return Ok(()) };
        if may_stand_back && http.is_expensive(waiting.route) {
            return Err(Need::Defer);
        }
        match waiting.poll(http, exchange) {
            Ok((terms, rest)) => {
                self.next(terms, exchange.now)?;
                match rest {
                    Rest::Nothing => Ok(()),
                    Rest::Unknown => Err(Need::Finish),
                    Rest::Bytes(len) => {
                        self.phase = Phase::Skip(len);
                        Ok(())
                    }
                }
            }
            Err(need) => {
                if need == Need::Finish {
                    // Cut short. What its future held goes now, not when the peer has left.
                    self.phase = Phase::Idle;
                }
                Err(need)
            }
        }
    }
}
