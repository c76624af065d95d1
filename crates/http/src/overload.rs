//! What a connection does when its worker runs short of memory, or drains: the ladder from shorter
//! idle times to refusals. How short it is comes from outside, as the number of watermarks reached.

use std::time::Duration;

use waterwheel_ring::Runs;

use crate::core::Core;
use crate::exchange::{Exchange, Instant};
use crate::limits::Limits;
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
        + match (served, exchange.pressure) {
            (false, _) => limits.head_timeout,
            (true, 0) => limits.keep_alive_timeout,
            (true, _) => limits.keep_alive_timeout.min(IDLE_UNDER_PRESSURE),
        };
    if exchange.draining { deadline.min(exchange.now + DRAIN_IDLE) } else { deadline }
}

/// Whether a request must be refused. One to a vital route never is.
#[inline]
pub(crate) fn must_shed(pressure: u8, found: &Found<'_, usize>, http: &Core) -> bool {
    pressure >= SHED_AT && !is_vital(found, http)
}

#[cold]
fn is_vital(found: &Found<'_, usize>, http: &Core) -> bool {
    matches!(found, Found::Route { value, .. } if http.service().routes[**value].is_vital)
}

/// Refuses a request without taking any memory. Its connection must end.
#[cold]
pub(crate) fn shed(outbound: &mut Runs) {
    outbound.push_static(OVERLOADED);
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
