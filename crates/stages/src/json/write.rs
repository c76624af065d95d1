//! From a value to a payload.

use std::error::Error;
use std::{fmt, io};

use serde::Serialize;
use waterwheel_ring::{Full, Lease};

use crate::lengthen::lengthen;

/// Why a value was not written. What the lease has behind its old payload is then of no use.
#[non_exhaustive]
#[derive(Debug)]
pub enum WriteError {
    /// The ring has no room for it now: answer 503.
    Full(Full),
    /// The value has no JSON, for example a map whose keys are no strings: our own fault, answer
    /// 500.
    Value(serde_json::Error),
}

/// Writes a value behind the payload of the lease, without spaces. The lease grows as needed:
/// behind its run while its neighbours are free, else by a move into a longer one.
///
/// ```
/// use waterwheel_ring::{Config, Ring};
/// use waterwheel_stages::json;
///
/// let ring = Ring::new(&Config::default())?;
/// let mut lease = ring.reserve(1)?;
/// json::write(&[1, 2, 3], &mut lease)?;
/// assert_eq!(lease.payload(), b"[1,2,3]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`WriteError`].
pub fn write<T: Serialize + ?Sized>(value: &T, lease: &mut Lease) -> Result<(), WriteError> {
    let mut writer = Writer { lease, full: None };
    match serde_json::to_writer(&mut writer, value) {
        Ok(()) => Ok(()),
        Err(error) => Err(writer.full.map_or(WriteError::Value(error), WriteError::Full)),
    }
}

struct Writer<'a> {
    lease: &'a mut Lease,
    /// Why the last write failed.
    full: Option<Full>,
}

impl Writer<'_> {
    #[cold]
    fn grow(&mut self, len: usize) -> io::Result<()> {
        // As much again as there is, so that a long value moves a few times only.
        let more = len.max(self.lease.capacity());
        lengthen(&self.lease.ring(), self.lease, more).map_err(|full| {
            self.full = Some(full);
            io::ErrorKind::OutOfMemory.into()
        })
    }
}

impl io::Write for Writer<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.lease.append(bytes).is_err() {
            self.grow(bytes.len())?;
            self.lease.append(bytes).map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => formatter.write_str("the ring is full"),
            Self::Value(_) => formatter.write_str("the value cannot be written as json"),
        }
    }
}

impl Error for WriteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Full(full) => Some(full),
            Self::Value(error) => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use waterwheel_ring::{Config, Ring};

    use super::{WriteError, write};

    fn ring(segments: usize) -> Ring {
        let mut config = Config::default();
        config.segment_count = segments;
        Ring::new(&config).unwrap()
    }

    #[test]
    fn long_values_grow_the_lease_and_keep_what_was_before() {
        let ring = ring(64);
        for blocks_growth in [false, true] {
            let mut lease = ring.reserve(1).unwrap();
            let _neighbour = blocks_growth.then(|| ring.reserve(1).unwrap());
            lease.set_headroom(100);
            lease.append(b"x").unwrap();
            let value = vec![7_u8; 20_000];
            write(&value, &mut lease).unwrap();
            assert!(lease.payload()[1..] == *serde_json::to_vec(&value).unwrap());
            assert_eq!((lease.payload()[0], lease.headroom()), (b'x', 100));
        }
        assert_eq!(ring.leased(), 0);
    }

    #[test]
    fn want_of_room_and_values_without_json_are_told_apart() {
        let ring = ring(2);
        let mut lease = ring.reserve(1).unwrap();
        let refused = write(&vec![7_u8; 20_000], &mut lease);
        assert!(matches!(refused, Err(WriteError::Full(_))));
        drop(lease);
        let unnamed = HashMap::from([((1, 2), 3)]);
        let refused = write(&unnamed, &mut ring.reserve(1).unwrap());
        assert!(matches!(refused, Err(WriteError::Value(_))));
    }
}
