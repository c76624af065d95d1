//! The flags of `load`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use super::attack::{Attack, Kind};
use super::closed::Window;
use super::command::{Beside, Options, Target, Way};
use super::crowd::Temper;
use super::dial::Sources;
use super::open::Open;

#[derive(Debug, Subcommand)]
pub(crate) enum Flags {
    /// Every connection always waits for a reply.
    Closed {
        #[command(flatten)]
        target: TargetFlags,
        /// Requests that a connection sends at a time.
        #[arg(long, default_value_t = 1)]
        depth: usize,
        /// How long the load counts.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// How long to load before anything counts.
        #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
        warm_up: f64,
        /// The server's process, to read its CPU while the load counts.
        #[arg(long, value_name = "PID")]
        watch: Option<u32>,
    },
    /// Requests are due at random moments (Poisson), each on any free connection; latency counts
    /// from there. Prints percentiles, the tool's own lateness and CPU. Asks for SCHED_FIFO.
    Open {
        #[command(flatten)]
        target: TargetFlags,
        /// Requests a second, on average.
        #[arg(long)]
        rate: f64,
        /// How long the load counts.
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Another path to ask for now and then, without a body.
        #[arg(long, value_name = "PATH", requires = "share")]
        beside: Option<String>,
        /// How many of the requests go to the other path, from 0 to 1.
        #[arg(long, requires = "beside")]
        share: Option<f64>,
        /// Count refusals and broken connections, and go on. A first line says when all connections
        /// are made.
        #[arg(long)]
        tolerant: bool,
        /// Ask for this path once on each connection before the load begins.
        #[arg(long, value_name = "PATH")]
        greet: Option<String>,
        /// Let each connection have its turn, instead of choosing one at random.
        #[arg(long)]
        in_turn: bool,
        /// Do not ask for real-time priority.
        #[arg(long)]
        usual_priority: bool,
        /// The server's process, to read its CPU while the load counts.
        #[arg(long, value_name = "PID")]
        watch: Option<u32>,
    },
    /// Asks once on each connection, then holds them until standard input ends.
    Hold {
        #[command(flatten)]
        target: TargetFlags,
        /// Wait for no reply: for requests that take long.
        #[arg(long)]
        unread: bool,
    },
    /// Hostile clients; the path is what they ask for where they ask.
    Attack {
        #[command(flatten)]
        target: TargetFlags,
        /// What they do; the connections are dealt out in turn.
        #[arg(long, value_enum, value_delimiter = ',', default_value = DEFAULT_KINDS)]
        kinds: Vec<Kind>,
        /// How long they stay.
        #[arg(long, default_value_t = 10.0)]
        seconds: f64,
        /// How long an attacker waits from one act to the next.
        #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
        pace: f64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TargetFlags {
    /// Where the server listens.
    #[arg(long)]
    address: SocketAddr,
    /// What is asked for.
    #[arg(long, default_value = "/plaintext")]
    path: String,
    /// Fields to send along, each as `name: value`.
    #[arg(long)]
    field: Vec<String>,
    /// Speak TLS 1.3, and trust any certificate.
    #[arg(long)]
    tls: bool,
    /// A file to POST; without it the request is a GET.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// How many connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Connect from this address of the loopback on.
    #[arg(long, value_name = "ADDRESS")]
    source: Option<Ipv4Addr>,
    /// Connect from so many addresses in turn.
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "source")]
    source_count: u32,
    /// The core to run on.
    #[arg(long, value_name = "CORE")]
    pin: Option<usize>,
}

impl TargetFlags {
    fn into_options(self, way: Way) -> Result<Options> {
        let body = self.body.map(std::fs::read).transpose().context("cannot read the body")?;
        let sources = self.source.map(|first| Sources { first, count: self.source_count });
        let Self { address, path, field: fields, tls: is_tls, connections, pin, .. } = self;
        let target = Target { address, sources, is_tls, path, fields, body };
        Ok(Options { target, connections, pin, way })
    }
}

impl Flags {
    pub(crate) fn into_options(self) -> Result<Options> {
        let time = |seconds| Duration::try_from_secs_f64(seconds).context("no such time");
        match self {
            Self::Closed { target, depth, seconds, warm_up, watch: watched } => {
                let window = Window { warm_up: time(warm_up)?, time: time(seconds)?, watched };
                target.into_options(Way::Closed { depth, window })
            }
            Self::Open {
                target,
                rate,
                seconds,
                beside,
                share,
                tolerant,
                greet: greeting,
                in_turn,
                usual_priority,
                watch: watched,
            } => {
                let beside = beside.zip(share).map(|(path, share)| Beside { path, share });
                let temper = if tolerant { Temper::Tolerant } else { Temper::Strict };
                let time = time(seconds)?;
                let open = Open { rate, time, beside, temper, watched, greeting, in_turn };
                target.into_options(Way::Open { open, wants_realtime: !usual_priority })
            }
            Self::Hold { target, unread } => {
                target.into_options(Way::Hold { awaits_replies: !unread })
            }
            Self::Attack { target, kinds, seconds, pace } => {
                let attack = Attack { kinds, time: time(seconds)?, pace: time(pace)? };
                target.into_options(Way::Attack(attack))
            }
        }
    }
}

/// Those that cost an attacker next to nothing.
const DEFAULT_KINDS: &str = "silent,idle,slow-head,slow-body,slow-reader";
