//! The value of the `Date` field, rendered once a second instead of once a reply.
//!
//! The caller brings the wall clock; this file only turns seconds into an IMF-fixdate
//! (RFC 9110 §5.6.7).

use std::fmt;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Length of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`.
const DATE_LEN: usize = 29;

/// An IMF-fixdate that follows the clock it is shown. One per worker.
#[derive(Clone)]
pub struct DateCache {
    /// Second since the epoch that `text` shows.
    second: u64,
    text: [u8; DATE_LEN],
}

impl DateCache {
    /// A cache that shows `wall`.
    #[must_use]
    pub fn new(wall: SystemTime) -> Self {
        let second = second_of(wall);
        Self { second, text: render(second) }
    }

    /// Follows the clock to `wall`; renders only when the second has changed, in either direction.
    #[inline]
    pub fn refresh(&mut self, wall: SystemTime) {
        let second = second_of(wall);
        if second != self.second {
            *self = Self { second, text: render(second) };
        }
    }

    /// The date as it goes on the wire.
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; DATE_LEN] {
        &self.text
    }
}

impl fmt::Debug for DateCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DateCache").field(&String::from_utf8_lossy(&self.text)).finish()
    }
}

/// Seconds since the epoch; a clock before it or past the year 9999, which an IMF-fixdate cannot
/// show, is held at the nearest second that it can.
#[inline]
fn second_of(wall: SystemTime) -> u64 {
    wall.duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs()).min(SECOND_MAX)
}

#[cold]
fn render(second: u64) -> [u8; DATE_LEN] {
    let date = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(second));
    let mut text = [b' '; DATE_LEN];
    write!(text.as_mut_slice(), "{date}").expect("an IMF-fixdate has 29 bytes");
    text
}

/// 9999-12-31T23:59:59Z.
const SECOND_MAX: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn rfc_example_is_rendered() {
        let cache = DateCache::new(at(784_111_777));
        assert_eq!(cache.as_bytes(), b"Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn refresh_follows_the_clock_both_ways() {
        let mut cache = DateCache::new(at(784_111_777));
        cache.refresh(at(784_111_778));
        assert_eq!(cache.as_bytes(), b"Sun, 06 Nov 1994 08:49:38 GMT");
        cache.refresh(at(784_111_776) + Duration::from_millis(999));
        assert_eq!(cache.as_bytes(), b"Sun, 06 Nov 1994 08:49:36 GMT");
    }

    #[test]
    fn clock_outside_the_format_is_held() {
        let before = DateCache::new(UNIX_EPOCH - Duration::from_secs(5));
        assert_eq!(before.as_bytes(), b"Thu, 01 Jan 1970 00:00:00 GMT");
        let after = DateCache::new(at(SECOND_MAX + 7));
        assert_eq!(after.as_bytes(), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
