//! The limits that keep a worker alive when its peers are slow, greedy or hostile.
//!
//! This file owns the numbers and their validation. It refuses to know who enforces them: the
//! parser takes the ones about the head, the body decoders those about the body, the connection the
//! rest.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::parse::FIELD_SLOT_COUNT;

/// What one connection may ask of us. The defaults are safe on the open internet.
///
/// Lengths are bytes on the wire, counts are items; a limit is the largest value still accepted.
///
/// ```
/// use std::time::Duration;
/// use waterwheel_http::Limits;
///
/// let mut limits = Limits::default();
/// limits.body_len_max = 8 << 20;
/// limits.keep_alive_timeout = Duration::from_secs(20);
/// assert!(limits.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Longest head in bytes, from the first byte of the request line to the empty line; 16 KiB, as
    /// much as HAProxy and Node take. More is answered 431.
    pub head_len_max: usize,
    /// Most field lines in a head; 100, as in hyper and HAProxy. More is answered 431. At most
    /// [`FIELD_SLOT_COUNT`].
    pub field_count_max: usize,
    /// Longest request target in bytes; 8 KiB, the usual ceiling of servers and above the 8,000
    /// bytes that RFC 9110 §4.1 asks for. More is answered 414.
    pub target_len_max: usize,
    /// Longest body in bytes after chunked decoding; 1 MiB, as in nginx. More is answered 413.
    pub body_len_max: u64,
    /// Time from accept, or from the first byte of a later request, to a whole head; 10 s, as
    /// HAProxy suggests for `timeout http-request`. Then 408.
    pub head_timeout: Duration,
    /// Time before [`body_rate_min`](Self::body_rate_min) applies; 5 s, as in Kestrel.
    pub body_grace: Duration,
    /// Slowest body on average, in bytes per second; 240, as in Kestrel.
    pub body_rate_min: u64,
    /// Longest silence inside a body; 30 s, half of nginx' `client_body_timeout`.
    pub body_stall_timeout: Duration,
    /// Longest time without a byte taken by a peer we owe bytes; 30 s, half of nginx'
    /// `send_timeout`.
    pub send_timeout: Duration,
    /// Time before [`send_rate_min`](Self::send_rate_min) applies to a peer that we owe bytes; 30
    /// s, because the kernel asks for more in lumps of a third of its buffer.
    pub send_grace: Duration,
    /// Slowest reader on average, in bytes per second that the kernel takes for it; 240, as for
    /// bodies.
    pub send_rate_min: u64,
    /// Longest idle time between two requests; 75 s, as in nginx: above the 60 s of the usual load
    /// balancer, so that it closes first.
    pub keep_alive_timeout: Duration,
    /// Most bytes of replies queued on one connection; 256 KiB. Then its requests wait.
    pub queued_output_max: usize,
    /// Longest time we go on reading after our last reply, so that the peer can read it; 2 s
    /// (RFC 9112 §9.6).
    pub linger_timeout: Duration,
    /// Most bytes read and thrown away in that time, or to skip an unread body; 256 KiB. Then the
    /// peer cannot send on.
    pub linger_len_max: usize,
    /// Age at which a connection is closed after its current reply; 1 h, as in nginx and Envoy.
    pub connection_age_max: Duration,
    /// Mean time of a route's calls from which its requests stand back behind cheaper ones; 100 µs,
    /// as long as the slice after which [`breathe`](waterwheel_runtime::breathe) takes a breath.
    pub expensive_after: Duration,
    /// How long a request may wait for its worker. While others wait longer, those that come are
    /// refused by 503, but for vital routes; only expensive ones where only these wait. 500 ms: no
    /// burst that a server can come back from takes longer. [`Duration::MAX`] refuses nobody.
    pub lag_max: Duration,
}

impl Limits {
    /// Checks that the limits can be met together.
    ///
    /// # Errors
    /// One [`LimitsError`] per rule, the first that is broken.
    pub fn validate(&self) -> Result<(), LimitsError> {
        if self.head_len_max < HEAD_LEN_MIN || self.head_len_max > HEAD_LEN_CEILING {
            return Err(LimitsError::HeadLen);
        }
        if self.field_count_max == 0 || self.field_count_max > FIELD_SLOT_COUNT {
            return Err(LimitsError::FieldCount);
        }
        if self.target_len_max == 0 || self.target_len_max >= self.head_len_max {
            return Err(LimitsError::TargetLen);
        }
        if self.body_len_max > BODY_LEN_CEILING {
            return Err(LimitsError::BodyLen);
        }
        let timeouts = [
            self.head_timeout,
            self.body_stall_timeout,
            self.send_timeout,
            self.keep_alive_timeout,
            self.connection_age_max,
        ];
        if timeouts.iter().any(Duration::is_zero) {
            return Err(LimitsError::ZeroTimeout);
        }
        if self.queued_output_max == 0 {
            return Err(LimitsError::ZeroQueue);
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_len_max: 16 * 1024,
            field_count_max: 100,
            target_len_max: 8 * 1024,
            body_len_max: 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            body_grace: Duration::from_secs(5),
            body_rate_min: 240,
            body_stall_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(30),
            send_grace: Duration::from_secs(30),
            send_rate_min: 240,
            keep_alive_timeout: Duration::from_secs(75),
            queued_output_max: 256 * 1024,
            linger_timeout: Duration::from_secs(2),
            linger_len_max: 256 * 1024,
            connection_age_max: Duration::from_secs(60 * 60),
            expensive_after: Duration::from_micros(100),
            lag_max: Duration::from_millis(500),
        }
    }
}

/// Why a set of [`Limits`] was refused at start-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitsError {
    /// `head_len_max` is below 64 bytes or above 65,535.
    HeadLen,
    /// `field_count_max` is zero or above [`FIELD_SLOT_COUNT`].
    FieldCount,
    /// `target_len_max` is zero or does not leave room for the rest of the head.
    TargetLen,
    /// `body_len_max` is above 2^63 - 1, the largest length a request can state.
    BodyLen,
    /// A timeout is zero: no peer could ever meet it.
    ZeroTimeout,
    /// A queue holds nothing: no request could ever be answered.
    ZeroQueue,
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeadLen => "head length limit is outside 64 to 65535 bytes",
            Self::FieldCount => "field count limit is zero or above the number of field slots",
            Self::TargetLen => "target length limit is zero or not below the head length limit",
            Self::BodyLen => "body length limit is above 2^63 - 1",
            Self::ZeroTimeout => "a timeout is zero",
            Self::ZeroQueue => "a queue limit is zero",
        })
    }
}

impl Error for LimitsError {}

/// Below this not even a bare request line with its `Host` fits.
const HEAD_LEN_MIN: usize = 64;
/// The places of fields are kept in 16 bits each, so that the slots of a head stay small.
const HEAD_LEN_CEILING: usize = u16::MAX as usize;
/// The largest `Content-Length` the parser accepts (2^63 - 1).
const BODY_LEN_CEILING: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(Limits::default().validate(), Ok(()));
    }

    #[test]
    fn each_broken_rule_is_named() {
        let broken = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits.validate()
        };
        assert_eq!(broken(|l| l.head_len_max = 10), Err(LimitsError::HeadLen));
        assert_eq!(broken(|l| l.field_count_max = 0), Err(LimitsError::FieldCount));
        assert_eq!(broken(|l| l.field_count_max = 1 << 20), Err(LimitsError::FieldCount));
        assert_eq!(broken(|l| l.target_len_max = l.head_len_max), Err(LimitsError::TargetLen));
        assert_eq!(broken(|l| l.body_len_max = u64::MAX), Err(LimitsError::BodyLen));
        assert_eq!(broken(|l| l.send_timeout = Duration::ZERO), Err(LimitsError::ZeroTimeout));
        assert_eq!(broken(|l| l.queued_output_max = 0), Err(LimitsError::ZeroQueue));
    }
}
