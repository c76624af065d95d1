//! What a seed chooses before anything runs: faults, sizes, limits, and when the server drains.

use std::time::Duration;

use fastrand::Rng;
use waterwheel::Limits;
use waterwheel::reactor::sim::{Fault, Faults};
use waterwheel::ring;
use waterwheel::runtime::WorkerConfig;

/// Everything about a run but its clients.
pub(crate) struct Setting {
    pub(crate) faults: Faults,
    /// From here on nothing goes wrong any more, and everybody must be served.
    pub(crate) faults_end: Duration,
    pub(crate) ring: ring::Config,
    pub(crate) worker: WorkerConfig,
    pub(crate) limits: Limits,
    pub(crate) client_count: usize,
    pub(crate) is_secured: bool,
    pub(crate) drain: Option<DrainStart>,
}

/// What the drain begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DrainStart {
    At(Duration),
    /// Clients have sent so many pieces, and the server has not seen the last one.
    AfterSends(usize),
}

impl Setting {
    pub(crate) fn draw(rng: &mut Rng, is_secured: bool) -> Self {
        let faults = draw_faults(rng);
        let limits = draw_limits(rng);
        let ring = draw_ring(rng, &limits, is_secured);
        let worker = draw_worker(rng);
        let client_count = match rng.u8(..4) {
            0 => 1,
            1 => rng.usize(2..=4),
            _ => rng.usize(2..=20),
        };
        Self {
            faults,
            faults_end: Duration::from_millis(rng.u64(0..3000)),
            ring,
            worker,
            limits,
            client_count,
            is_secured,
            drain: match rng.u8(..10) {
                0 => Some(DrainStart::At(Duration::from_millis(rng.u64(0..4000)))),
                1 | 2 => Some(DrainStart::AfterSends(rng.usize(1..200))),
                _ => None,
            },
        }
    }
}

/// Swarm style: some worlds are calm, some have one kind of fault, some only those that end no
/// connection, some anything.
fn draw_faults(rng: &mut Rng) -> Faults {
    let mut swarm = Faults::from_seed(rng.u64(..));
    match rng.u8(..10) {
        0..2 => Faults::none(),
        2..4 => loop {
            let fault = Fault::ALL[rng.usize(..Fault::ALL.len())];
            let rate = swarm.rate(fault);
            if rate > 0.0 {
                let mut one = Faults::none().with(fault, rate);
                one.delay_max = swarm.delay_max;
                one.freeze_polls_max = swarm.freeze_polls_max;
                one.small_buffer_max = swarm.small_buffer_max;
                return one;
            }
            swarm = Faults::from_seed(rng.u64(..));
        },
        4..7 => {
            for fault in ENDING {
                swarm.set(fault, 0.0);
            }
            swarm
        }
        _ => swarm,
    }
}

fn draw_limits(rng: &mut Rng) -> Limits {
    let mut limits = Limits::default();
    limits.head_len_max = pick(rng, &[512, 700, 1024, 4096, 16 << 10]);
    limits.target_len_max = limits.head_len_max / 2;
    limits.body_len_max = pick(rng, &[200, 512, 2000, 4096, 16 << 10]);
    limits.queued_output_max = pick(rng, &[1, 500, 4096, 256 << 10]);
    limits.linger_len_max = pick(rng, &[100, 4000, 256 << 10, 256 << 10]);
    if rng.u8(..10) == 0 {
        limits.connection_age_max = Duration::from_millis(rng.u64(1..1500));
    }
    limits
}

/// Often so small that it is full much of the time: a single request of the longest kind must fit,
/// that is all.
fn draw_ring(rng: &mut Rng, limits: &Limits, is_secured: bool) -> ring::Config {
    let mut config = ring::Config::default();
    // Rings of this size are full most of the time. That is what shall be looked into here, and
    // not the refusals that would follow: `overload.rs` does.
    config.watermarks = [101; 4];
    config.segment_len = pick(rng, &[64, 128, 256, 512, 1024, 4096]);
    let body_len_max = usize::try_from(limits.body_len_max).expect("a body limit of a few bytes");
    let records_len = if is_secured { RECORDS_LEN } else { 0 };
    let run_len = REPLY_HEAD_LEN + limits.head_len_max + body_len_max + SLACK_LEN + records_len;
    let least = run_len.div_ceil(config.segment_len).next_power_of_two();
    config.segment_count = least * pick(rng, &[1, 1, 2, 4, 32]);
    config
}

fn draw_worker(rng: &mut Rng) -> WorkerConfig {
    let mut config = WorkerConfig::default();
    config.accepts_per_turn_max = pick(rng, &[1, 2, 16]);
    config.bytes_per_turn_max = pick(rng, &[1, 100, 4096, 64 << 10]);
    config.read_len = pick(rng, &[1, 64, 512, 4096, 64 << 10]);
    config.hold = Duration::from_millis(pick(rng, &[0, 1, 20, 200]));
    config.linger_len_max = pick(rng, &[128 << 10, 256 << 10]);
    config.drain_timeout = Duration::from_secs(pick(rng, &[1, 5, 25]));
    if rng.u8(..8) == 0 {
        config.connections_max = Some(rng.usize(1..6));
    }
    config
}

pub(crate) fn pick<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())]
}

/// Faults that end a connection, or make its deadlines pass.
const ENDING: [Fault; 5] = [
    Fault::PeerReset,
    Fault::AcceptConnection,
    Fault::AcceptExhausted,
    Fault::RegisterRefused,
    Fault::ClockJump,
];
/// What the planner reserves for the head of a reply.
const REPLY_HEAD_LEN: usize = 256;
/// What base64 may need beyond the body as it came.
const SLACK_LEN: usize = 8;
/// A record that is received, and one that is sent (RFC 8446 §5.2).
const RECORDS_LEN: usize = 2 * (5 + (16 << 10) + 256);
