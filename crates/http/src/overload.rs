//! What a connection does when its worker runs short of memory or time, or drains: the ladder from
//! shorter idle times to refusals. How short it is comes from outside.

use std::time::Duration;

use crate::connection::{Connection, Phase, Step};
use crate::core::{Core, Terms};
use crate::encode::Persistence;
use crate::exchange::{Exchange, Instant, Lag, Need, Pressure};
use crate::limits::Limits;
use crate::parse::Head;
use crate::receiving::skipped_len;
use crate::router::Found;

/// From here on, 85 %, connections end with their current reply.
pub(crate) const CLOSE_AT: u8 = 2;
/// From here on, 95 %, requests are refused.
const SHED_AT: u8 = 3;

/// Until when a connection may be idle that has been so since `since`.
pub(crate) fn idle_deadline(
    since: Instant,
    served: bool,
    limits: &Limits,
    exchange: &Exchange<'_>,
) -> Instant {
    let deadline = since
        + match (served, exchange.pressure.memory()) {
            (false, _) => limits.head_timeout,
            (true, 0) => limits.keep_alive_timeout,
            (true, _) => limits.keep_alive_timeout.min(IDLE_UNDER_PRESSURE),
        };
    if exchange.draining { deadline.min(exchange.now + DRAIN_IDLE) } else { deadline }
}

/// A request that is refused.
pub(crate) struct Refusal {
    /// Bytes of head and body, if the connection goes on behind them.
    passed_over: Option<usize>,
}

/// Whether a request must be refused. One to a vital route never is. Asked under pressure only.
#[cold]
pub(crate) fn refusal(
    pressure: Pressure,
    head: &Head<'_>,
    found: &Found<'_, usize>,
    terms: Terms,
    http: &Core,
) -> Option<Refusal> {
    let route = match found {
        Found::Route { value, .. } => Some(**value),
        _ => None,
    };
    if route.is_some_and(|route| http.service().routes[route].is_vital) {
        return None;
    }
    let is_late = match pressure.lag() {
        Lag::None => false,
        Lag::Expensive => route.is_some_and(|route| http.is_expensive(route)),
        _ => true,
    };
    if pressure.memory() >= SHED_AT {
        return Some(Refusal { passed_over: None });
    }
    // Who is refused for want of time may ask again, and a new connection would cost more of it.
    let goes_on = terms.persistence == Persistence::Implied;
    let passed_over = || skipped_len(head, &http.service().limits).filter(|_| goes_on);
    is_late.then(|| Refusal { passed_over: passed_over() })
}

impl Connection {
    /// Refuses a request without taking any memory.
    #[cold]
    pub(crate) fn shed(
        &mut self,
        refusal: &Refusal,
        http: &Core,
        exchange: &mut Exchange<'_>,
    ) -> Step {
        http.tally().note_shed();
        let Some(left) = refusal.passed_over else {
            exchange.outbound.push_static(OVERLOADED);
            return Err(Need::Finish);
        };
        exchange.outbound.push_static(LATE);
        self.since = exchange.now;
        self.phase = Phase::Skip(left);
        Ok(())
    }
}

/// How long a drain waits for one more request on a connection that is idle, to answer it and say
/// that it was the last: who closes at once cuts the request that is on its way. Long enough for a
/// client that works, short for whoever waits for the end.
const DRAIN_IDLE: Duration = Duration::from_secs(1);

/// From 70 % on.
const IDLE_UNDER_PRESSURE: Duration = Duration::from_secs(2);

/// RFC 9110 §6.6.1 asks for no date in a 503.
const OVERLOADED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";
const LATE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\n\
    content-length: 0\r\n\r\n";
