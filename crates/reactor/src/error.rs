//! What a failed accept or send means for the worker. Owns the sorting of error numbers; decides no
//! reaction.

use std::io;

/// Whom a failed [`accept`](crate::Driver::accept) concerns, after accept(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptFault {
    /// No connection waits: an edge will come.
    Nothing,
    /// A signal came between. Accept again; no edge will come for what waits.
    Interrupted,
    /// One connection died before it was accepted. Accept the next one; no edge will come for it.
    Connection,
    /// The process or the machine is out of descriptors or memory. Connections keep waiting and no
    /// edge will come: accept again by a timer, and not at once.
    Exhausted,
    /// The listener itself is wrong: our own fault.
    Listener,
}

impl AcceptFault {
    /// Sorts `error`. What accept(2) does not name counts as the fault of one connection.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Self::Exhausted,
            Some(libc::EBADF | libc::EINVAL | libc::ENOTSOCK | libc::EFAULT) => Self::Listener,
            _ => match error.kind() {
                io::ErrorKind::WouldBlock => Self::Nothing,
                io::ErrorKind::Interrupted => Self::Interrupted,
                _ => Self::Connection,
            },
        }
    }
}

/// What a failed [`recv`](crate::Driver::recv), [`send`](crate::Driver::send) or
/// [`register`](crate::Driver::register) means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendFault {
    /// The socket is full, or empty: an edge will come.
    WouldBlock,
    /// A signal came between. Call again; no edge will come.
    Interrupted,
    /// The machine is short of memory, the connection is well. Call again by a timer; no edge will
    /// come.
    Pressure,
    /// The connection is gone: close it.
    Connection,
}

impl SendFault {
    /// Sorts `error`.
    #[must_use]
    pub fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOBUFS | libc::ENOMEM) => Self::Pressure,
            _ => match error.kind() {
                io::ErrorKind::WouldBlock => Self::WouldBlock,
                io::ErrorKind::Interrupted => Self::Interrupted,
                _ => Self::Connection,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn accept_errors_are_sorted_after_their_page() {
        for (number, fault) in [
            (libc::EAGAIN, AcceptFault::Nothing),
            (libc::EINTR, AcceptFault::Interrupted),
            (libc::ECONNABORTED, AcceptFault::Connection),
            (libc::EPROTO, AcceptFault::Connection),
            (libc::EPERM, AcceptFault::Connection),
            (libc::ENETDOWN, AcceptFault::Connection),
            (libc::EMFILE, AcceptFault::Exhausted),
            (libc::ENFILE, AcceptFault::Exhausted),
            (libc::ENOBUFS, AcceptFault::Exhausted),
            (libc::ENOMEM, AcceptFault::Exhausted),
            (libc::EBADF, AcceptFault::Listener),
            (libc::ENOTSOCK, AcceptFault::Listener),
        ] {
            assert_eq!(AcceptFault::of(&raw(number)), fault, "{}", raw(number));
        }
    }

    #[test]
    fn memory_pressure_is_not_the_connections_fault() {
        assert_eq!(SendFault::of(&raw(libc::ENOBUFS)), SendFault::Pressure);
        assert_eq!(SendFault::of(&raw(libc::EPIPE)), SendFault::Connection);
        assert_eq!(SendFault::of(&io::ErrorKind::WouldBlock.into()), SendFault::WouldBlock);
        assert_eq!(SendFault::of(&io::ErrorKind::Interrupted.into()), SendFault::Interrupted);
    }
}
