//! Settings of a runtime: how many workers, where they run, and the limits that hold for every
//! connection whatever its protocol.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use waterwheel_reactor::Helpers;
use waterwheel_reactor::disk::DiskConfig;

use crate::{AddressCap, Network, Watchdog};

/// Settings of a [`Runtime`](crate::Runtime). The defaults keep a server alive without tuning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How many workers; `None` takes `std::thread::available_parallelism`, which knows affinity
    /// masks and cgroup quotas.
    pub workers: Option<NonZeroUsize>,
    /// Where the workers run.
    pub pinning: Pinning,
    /// Whether connections whose next request is expensive and has not begun may go to another
    /// worker. Without it each stays with the worker that accepted it.
    pub hand_over: bool,
    /// Each worker's ring.
    pub ring: waterwheel_ring::Config,
    /// Limits of a worker.
    pub worker: WorkerConfig,
    /// Remove the path of a Unix socket before listening there when it is a socket at which nobody
    /// listens any more. Off: a path that exists is an error.
    pub unlink_stale: bool,
    /// How each worker reads and writes files.
    pub disk: DiskConfig,
    /// Threads, for all workers together, that run what is given to
    /// [`offload`](crate::task::offload). None is started before it is needed.
    pub offload_threads_max: usize,
    /// How much of it may wait for these threads.
    pub offload_queue_max: usize,
    /// What the kernel may buffer for one accepted TCP connection, in bytes and in each direction;
    /// `None` leaves it to the kernel, which goes by the connection's speed.
    pub socket_buffer_len: Option<usize>,
    /// A Unix socket at which a new process of this server asks for the listeners of the one that
    /// serves. When one serves there already, its listeners are taken over, and it drains as soon
    /// as all workers here accept. Off unless set.
    pub restart_socket: Option<PathBuf>,
    /// See [`unshare_fds`](Self::unshare_fds).
    pub(crate) is_unsharing_fds: bool,
}

impl Config {
    /// Gives each worker a table of open files of its own (`unshare`(2)). The limit of open files
    /// then holds for each worker instead of for all together, and the kernel has no counter to
    /// share when a worker looks a descriptor up. Linux only.
    ///
    /// What the process has open when [`run`](crate::Runtime::run) is called, all workers have too,
    /// under the same number; closing it on one thread closes it there alone. What is opened later
    /// is known to the worker that opened it, and to the threads that it starts: each worker has
    /// [`offload`](crate::task::offload) threads of its own, as many as
    /// [`offload_threads_max`](Self::offload_threads_max). Connections are never handed over,
    /// whatever [`hand_over`](Self::hand_over) says.
    ///
    /// # Safety
    /// No descriptor that is opened after `run` was called may be used by a thread of another
    /// table. There its number is nothing, or something else: a write can reach another client's
    /// connection. A log that is reopened on SIGHUP, a file in a `static` that the first request
    /// opens, and a pool of connections that several workers share break this. Values per core,
    /// futures, [`fs`](crate::fs), [`net`](crate::net) and `offload` do not.
    #[expect(unsafe_code, reason = "asks for a promise about the whole program")]
    pub unsafe fn unshare_fds(&mut self) {
        self.is_unsharing_fds = true;
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: None,
            pinning: Pinning::Auto,
            hand_over: true,
            ring: waterwheel_ring::Config::default(),
            worker: WorkerConfig::default(),
            unlink_stale: false,
            disk: DiskConfig::default(),
            offload_threads_max: Helpers::OFFLOAD_THREADS_MAX,
            offload_queue_max: Helpers::OFFLOAD_QUEUE_MAX,
            socket_buffer_len: None,
            restart_socket: None,
            is_unsharing_fds: false,
        }
    }
}

/// Where workers run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pinning {
    /// Worker `i` on the `i`-th core of the affinity mask, unless there are more workers than cores
    /// or a CPU quota allows less than the mask: then the scheduler decides.
    #[default]
    Auto,
    /// Worker `i` on core number `first + i`, which must be in the affinity mask.
    From(usize),
    /// The scheduler decides.
    Off,
}

/// Limits of one worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerConfig {
    /// Most connections taken from a listener in one turn. 8: accepting costs about 10 µs each,
    /// and live connections go first. Not zero.
    pub accepts_per_turn_max: usize,
    /// Most bytes read from one connection in one turn, so that a bulk sender does not hold up its
    /// neighbours; 64 KiB. Not zero.
    pub bytes_per_turn_max: usize,
    /// Length in bytes of the run into which a fresh read goes; 64 KiB. What the read did not need
    /// is given back.
    pub read_len: usize,
    /// Most open connections; `None` derives it from the process's limit of open files, less
    /// [`SPARE_FILES`] or half of them, and divided by the workers.
    pub connections_max: Option<usize>,
    /// Proxies in front that are believed about their clients. A connection from one of them must
    /// begin with a header of the PROXY protocol, version 1 or 2; from anybody else such a header
    /// is what the protocol makes of it. None unless set.
    pub proxies: Vec<Network>,
    /// How many connections one address may have, if there is a cap.
    pub address_cap: Option<AddressCap>,
    /// Most bytes of unfinished requests and unsent replies parked outside the ring, for all
    /// connections of the worker together; 256 MiB. A connection that wants more is closed.
    pub parked_len_max: usize,
    /// How long an unfinished request or an unsent reply may stay in the ring without progress
    /// before its bytes are parked outside it; 20 ms.
    pub hold: Duration,
    /// How long a peer may accept no byte of a reply before its connection is closed; 30 s.
    pub send_timeout: Duration,
    /// How long a peer may take bytes of a reply as slowly as it likes. 30 s: the kernel asks for
    /// more in lumps of a third of its buffer, so a shorter time would cut honest slow readers.
    pub send_grace: Duration,
    /// Bytes per second that a peer must take of a reply after that, on average since its socket
    /// was full for the first time; 240. What the kernel has taken for it counts.
    pub send_rate_min: u64,
    /// How long a finished connection waits for the peer's end after half-closing; 2 s (RFC 9112
    /// §9.6).
    pub linger_timeout: Duration,
    /// How many late bytes a finished connection reads and drops while it waits; 256 KiB. Further
    /// ones are left with the kernel, so that the peer cannot send on and looks at its reply.
    pub linger_len_max: usize,
    /// How long a drain goes on accepting while readiness is already false, so that balancers stop
    /// sending clients here before they are refused. None unless set.
    pub drain_grace: Duration,
    /// How long a drain may take, the grace included, before connections are cut; 25 s.
    pub drain_timeout: Duration,
    /// How long a request may wait for the worker before those that come are refused. 500 ms: more
    /// than any burst takes that a worker can come back from, and less than a person waits.
    pub lag_max: Duration,
    /// Who hears of handlers that keep a worker to themselves for long; standard error, from 100 ms
    /// on.
    pub watchdog: Watchdog,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            accepts_per_turn_max: 8,
            bytes_per_turn_max: 64 << 10,
            read_len: 64 << 10,
            connections_max: None,
            proxies: Vec::new(),
            address_cap: None,
            parked_len_max: 256 << 20,
            hold: Duration::from_millis(20),
            send_timeout: Duration::from_secs(30),
            send_grace: Duration::from_secs(30),
            send_rate_min: 240,
            linger_timeout: Duration::from_secs(2),
            linger_len_max: 256 << 10,
            drain_grace: Duration::ZERO,
            drain_timeout: Duration::from_secs(25),
            lag_max: Duration::from_millis(500),
            watchdog: Watchdog::default(),
        }
    }
}

/// Descriptors left to everything that is not a connection: listeners, the poll, logs, files.
pub const SPARE_FILES: usize = 64;
