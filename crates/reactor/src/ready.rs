//! The wait for what is ready: by rustix where mio's poll is an epoll, by mio itself elsewhere.
//! Registrations are mio's everywhere; refuses to know what a token stands for.

use std::io;
use std::time::Duration;

use crate::driver::Readiness;

pub(crate) use imp::Ready;

/// One report: the word that was registered, and what it is ready for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) word: usize,
    pub(crate) readiness: Readiness,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::fmt;

    use mio::Poll;
    use rustix::buffer::spare_capacity;
    use rustix::event::Timespec;
    use rustix::event::epoll::{self, EventFlags};

    use super::{Duration, Readiness, Report, io};

    /// What the last wait brought.
    pub(crate) struct Ready(Vec<epoll::Event>);

    impl Ready {
        pub(crate) fn with_capacity(count: usize) -> Self {
            Self(Vec::with_capacity(count))
        }

        /// The C library's call, which mio makes, is a point of thread cancellation: that and mio's
        /// count of milliseconds take 65 instructions more, in every turn.
        #[inline(always)]
        pub(crate) fn wait(
            &mut self,
            poll: &mut Poll,
            timeout: Option<Duration>,
        ) -> io::Result<()> {
            self.0.clear();
            let timeout = timeout.map(|timeout| Timespec {
                tv_sec: timeout.as_secs().min(TIMEOUT_MAX_SECONDS).cast_signed(),
                tv_nsec: timeout.subsec_nanos().into(),
            });
            epoll::wait(poll.registry(), spare_capacity(&mut self.0), timeout.as_ref())?;
            Ok(())
        }

        #[inline(always)]
        pub(crate) fn reports(&self) -> impl Iterator<Item = Report> {
            self.0.iter().map(|event| {
                let (flags, data) = (event.flags, event.data);
                let readiness = Readiness {
                    readable: flags.intersects(READABLE),
                    // A socket closed for writing is reported as writable too: the write tells.
                    writable: flags.intersects(EventFlags::OUT.union(EventFlags::ERR)),
                    read_closed: flags.intersects(READ_CLOSED),
                };
                #[expect(clippy::cast_possible_truncation, reason = "lib.rs demands 64 bits")]
                let word = data.u64() as usize;
                Report { word, readiness }
            })
        }
    }

    impl fmt::Debug for Ready {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_list().entries(self.reports()).finish()
        }
    }

    const READ_CLOSED: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);
    /// The end and an error are read like bytes.
    const READABLE: EventFlags = EventFlags::IN.union(EventFlags::PRI).union(READ_CLOSED);
    /// A day. Kernels before 5.11 count milliseconds in 32 bits.
    const TIMEOUT_MAX_SECONDS: u64 = 86_400;
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use mio::{Events, Poll};

    use super::{Duration, Readiness, Report, io};

    /// What the last wait brought.
    #[derive(Debug)]
    pub(crate) struct Ready(Events);

    impl Ready {
        pub(crate) fn with_capacity(count: usize) -> Self {
            Self(Events::with_capacity(count))
        }

        pub(crate) fn wait(
            &mut self,
            poll: &mut Poll,
            timeout: Option<Duration>,
        ) -> io::Result<()> {
            poll.poll(&mut self.0, timeout)
        }

        pub(crate) fn reports(&self) -> impl Iterator<Item = Report> {
            self.0.iter().map(|event| {
                let error = event.is_error();
                let read_closed = event.is_read_closed() | error;
                let readiness = Readiness {
                    readable: event.is_readable() | read_closed,
                    // A socket closed for writing is reported as writable too: the write tells.
                    writable: event.is_writable() | error,
                    read_closed,
                };
                Report { word: event.token().0, readiness }
            })
        }
    }
}
