//! What must hold of the server as a whole, turn by turn and at the end.

use std::time::Duration;

use waterwheel::Limits;
use waterwheel::lab::Lab;
use waterwheel::reactor::sim::{Fault, FaultCounts};
use waterwheel::runtime::{Metrics, Turn};

use super::application::Journal;
use super::exchange::{Exchange, SMUGGLED};
use super::setting::Setting;
use super::visitor::Visitor;

/// Looks at the server after every turn.
pub(crate) struct Watch {
    metrics: Metrics,
    strikes: u64,
    /// When the server last did something that a client could see.
    pub(crate) busy_at: Duration,
    /// What the disk has to do.
    reads: usize,
    /// When it last had something to do, or was done with it.
    disk_busy_at: Duration,
    pub(crate) turns: u64,
    /// Turns for nothing, one after the other.
    empty_turns: u64,
    /// How many connections had been accepted when descriptors last were out, and when that was.
    starved: Option<u64>,
    starved_at: Duration,
    drain: Option<Drain>,
}

/// What was so when the drain began.
struct Drain {
    began: Duration,
    /// The server has had a turn since.
    is_seen: bool,
    before: Metrics,
    refused_before: u64,
}

impl Watch {
    pub(crate) fn new(lab: &Lab) -> Self {
        Self {
            metrics: lab.metrics(),
            strikes: 0,
            busy_at: Duration::ZERO,
            reads: 0,
            disk_busy_at: Duration::ZERO,
            turns: 0,
            empty_turns: 0,
            starved: None,
            starved_at: Duration::ZERO,
            drain: None,
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    pub(crate) fn begin_drain(&mut self, lab: &Lab) {
        self.drain = Some(Drain {
            began: lab.world().now(),
            is_seen: false,
            before: lab.metrics(),
            refused_before: lab.world().fault_counts().of(Fault::RegisterRefused),
        });
    }

    /// Judges one turn. `before`: the time at its start; `harness_due`: it ended only because the
    /// harness had something to do.
    pub(crate) fn after_turn(
        &mut self,
        lab: &Lab,
        setting: &Setting,
        turn: Turn,
        before: Duration,
        harness_due: bool,
    ) -> Result<(), String> {
        let (now, metrics) = (lab.world().now(), lab.metrics());
        let strikes = lab.world().fault_counts();
        self.turns += 1;
        if let Some(drain) = self.drain.as_mut().filter(|drain| !drain.is_seen) {
            // The clock may have jumped before the server saw it.
            (drain.began, drain.is_seen) = (now, true);
        }
        let moved = traffic(&metrics) != traffic(&self.metrics);
        let stood_still = now == before && strikes.total() == self.strikes && !harness_due;
        let Turn { events, accepted, expired, .. } = turn;
        let is_empty = stood_still && !moved && events + accepted + expired == 0;
        self.empty_turns = if is_empty { self.empty_turns + 1 } else { 0 };
        // Over TLS a handler that is done behind replies that its client does not read keeps what
        // it holds until they are sealed, or given up.
        let unread = if setting.is_secured { setting.worker.send_timeout } else { Duration::ZERO };
        let gap_max = setting.worker.hold * 2 + HOLD_SLACK + unread;
        // What a disk reads into is leased for as long as the disk takes, and what it has read is
        // still to be sent.
        let reads = lab.worker().file_work_count();
        if reads + self.reads > 0 {
            self.disk_busy_at = now;
        }
        self.reads = reads;
        let is_quiet = !moved && before > self.busy_at.max(self.disk_busy_at) + gap_max;
        if is_quiet && lab.leased_segments() > 0 {
            let (count, gap) = (lab.leased_segments(), now - self.busy_at);
            return Err(format!("{count} segments leased, {gap:?} after anything happened"));
        }
        if moved {
            self.busy_at = now;
        }
        if metrics.accept_starved > self.metrics.accept_starved {
            if self.starved == Some(metrics.accepted) && now < self.starved_at + ACCEPT_PAUSE_MIN {
                return Err("accepts again at once though descriptors are out".to_owned());
            }
            (self.starved, self.starved_at) = (Some(metrics.accepted), now);
        }
        (self.metrics, self.strikes) = (metrics, strikes.total());
        let is_frozen = strikes.of(Fault::ClockFreeze) > 0;
        let frozen = if is_frozen { u64::from(setting.faults.freeze_polls_max) } else { 0 };
        // A turn has steps for a few handshakes, and each may find that it needs more bytes.
        let handshakes = if setting.is_secured { setting.client_count as u64 } else { 0 };
        if self.empty_turns > EMPTY_TURNS_MAX + frozen + handshakes {
            return Err(format!("spins: {} turns for nothing in a row", self.empty_turns));
        }
        if self.turns > TURNS_MAX {
            return Err(format!("{TURNS_MAX} turns and no end"));
        }
        match &self.drain {
            Some(drain) if now > drain.began + setting.worker.drain_timeout + DRAIN_SLACK => {
                match lab.worker().is_finished() {
                    true => Ok(()),
                    false => Err("the drain goes on beyond its time".to_owned()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Everything is given back, and the drain's report adds up.
    pub(crate) fn at_end(&self, lab: &Lab) -> Result<(), String> {
        let is_finished = lab.worker().is_finished();
        let counts = [
            ("open connections", lab.open_connections()),
            ("leased segments", lab.leased_segments()),
            ("armed timers", lab.worker().timer_count()),
            ("open sockets", lab.world().open_sockets()),
            ("connections of handlers", lab.world().outgoing_sockets()),
            ("sources", lab.worker().source_count()),
            ("works on files", if is_finished { 0 } else { lab.worker().file_work_count() }),
            // What is finished takes no more turns; its tasks go with it.
            ("tasks", if is_finished { 0 } else { lab.worker().task_count() }),
            ("timers of futures", if is_finished { 0 } else { lab.worker().sleep_count() }),
        ];
        for (what, count) in counts {
            if count != 0 {
                return Err(format!("{count} {what} left at the end"));
            }
        }
        let metrics = lab.metrics();
        if metrics.accepted != metrics.closed {
            return Err(format!("{} accepted, {} closed", metrics.accepted, metrics.closed));
        }
        let Some(drain) = self.drain.as_ref().filter(|_| lab.worker().is_finished()) else {
            return Ok(());
        };
        // Accepted as the drain began, and refused by the poll: closed before they were counted.
        let refused = lab.world().fault_counts().of(Fault::RegisterRefused) - drain.refused_before;
        let open = drain.before.open + metrics.accepted - drain.before.accepted - refused;
        let report = lab.worker().report();
        match report.finished + report.cut == open {
            true => Ok(()),
            false => Err(format!("{open} were open at the drain, the report is {report:?}")),
        }
    }
}

fn traffic(metrics: &Metrics) -> [u64; 7] {
    [
        metrics.accepted,
        metrics.closed,
        metrics.received_len,
        metrics.sent_len,
        metrics.timed_out,
        metrics.accept_failed + metrics.accept_starved,
        metrics.parked_len,
    ]
}

/// Handlers run at most once per request, in order, and never for what is not one.
pub(crate) fn judge_journal(journal: &Journal, visitors: &[Visitor]) -> Result<(), String> {
    let mut last: Vec<Option<usize>> = vec![None; visitors.len()];
    for (connection, number) in journal.calls() {
        let Some(visitor) = visitors.get(connection) else {
            return Err("a handler was called with a head that nobody sent".to_owned());
        };
        if number == SMUGGLED {
            return Err(format!("connection {connection}: a body was run as a request"));
        }
        if last[connection].is_some_and(|last| last >= number) {
            return Err(format!("connection {connection}: request {number} handled out of order"));
        }
        last[connection] = Some(number);
        match visitor.script.exchanges.get(number) {
            Some(exchange) if exchange.expected.handled => {}
            _ => return Err(format!("connection {connection}: request {number} was handled")),
        }
    }
    Ok(())
}

/// No client has received what another one sent, and over TLS nobody who listens reads anything.
pub(crate) fn judge_secrets(visitors: &[Visitor]) -> Result<(), String> {
    let secrets: Vec<&[u8]> = visitors.iter().map(|one| one.script.secret.as_bytes()).collect();
    for (connection, visitor) in visitors.iter().enumerate() {
        let sealed = visitor.line.as_ref().map_or(&[][..], |line| line.sealed());
        for (at, _) in sealed.iter().enumerate().filter(|(_, byte)| **byte == b'~') {
            if secrets.iter().any(|secret| sealed[at..].starts_with(secret)) {
                return Err(format!("connection {connection} received in the clear"));
            }
        }
        let bytes = &visitor.received.bytes;
        for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'~') {
            for (other, secret) in secrets.iter().enumerate() {
                if other != connection && bytes[at..].starts_with(secret) {
                    return Err(format!("connection {connection} received bytes of {other}"));
                }
            }
        }
    }
    Ok(())
}

/// In a world where what is sent arrives at once, a request that had arrived when the drain began
/// is answered, and a connection without one is ended within a second.
pub(crate) fn judge_drain(
    visitors: &[Visitor],
    setting: &Setting,
    lab: &Lab,
    drain_began: Option<Duration>,
) -> Result<(), String> {
    let counts = lab.world().fault_counts();
    // Where the ring is full, a look at what has arrived waits for others to be parked.
    let has_room = lab.ring_stats().full == 0;
    let harmless: u64 = HARMLESS.iter().map(|fault| counts.of(*fault)).sum();
    let is_calm = counts.total() == harmless && setting.worker.connections_max.is_none();
    for (connection, visitor) in visitors.iter().enumerate().filter(|_| is_calm) {
        let (Some(due), Some(began)) = (visitor.due_at_drain, drain_began) else { continue };
        let is_late = visitor.ended_at.is_none_or(|at| at > began + DRAIN_SLACK);
        if visitor.was_idle_at_drain && has_room && is_late && !visitor.has_left {
            return Err(format!("connection {connection} was idle and outlives the drain"));
        }
        let floods = visitor.may_have_flooded(&setting.limits);
        if visitor.replies < due && !visitor.has_left && !floods {
            return Err(format!(
                "connection {connection}: {} of {due} replies came, though its request was there when \
                 the drain began",
                visitor.replies,
            ));
        }
    }
    Ok(())
}

/// Whether the world can have made a client late, so that a deadline passed at `time`.
pub(crate) fn may_time_out(
    counts: &FaultCounts,
    faults_over: Option<Duration>,
    time: Duration,
) -> bool {
    let late = counts.of(Fault::ClockJump) + counts.of(Fault::DelayedEvent) > 0;
    late && faults_over.is_none_or(|over| time <= over + DEADLINE_MAX)
}

/// Every reply that was due came, unless something that happened explains why not. Returns how many
/// connections ended for no other reason than a fault that ends connections.
pub(crate) fn judge_completeness(
    visitors: &[Visitor],
    limits: &Limits,
    counts: &FaultCounts,
    faults_over: Option<Duration>,
    drain_began: Option<Duration>,
) -> Result<u64, String> {
    let ending: u64 = ENDING.iter().map(|fault| counts.of(*fault)).sum();
    let mut cut = Vec::new();
    for (connection, visitor) in visitors.iter().enumerate() {
        let due = visitor.script.replies_due;
        let drained = drain_began.is_some_and(|began| {
            visitor.connected_at.is_none() || visitor.ended_at.is_none_or(|at| at >= began)
        });
        let ended_at = visitor.ended_at.unwrap_or_default();
        let may_time_out = may_time_out(counts, faults_over, ended_at);
        let is_last = |exchange: &Exchange| exchange.expected.is_last();
        let has_last = visitor.script.exchanges.last().is_some_and(is_last)
            || limits.connection_age_max < Limits::default().connection_age_max;
        let floods = has_last && visitor.may_have_flooded(limits);
        let is_explained =
            visitor.has_left || visitor.ended_early || drained || may_time_out || floods;
        if visitor.replies < due && !is_explained {
            cut.push((connection, visitor.replies, due, visitor.end));
        }
    }
    if cut.len() as u64 > ending {
        return Err(format!(
            "{ending} faults end connections, yet these were cut (connection, replies, due): {cut:?}"
        ));
    }
    Ok(cut.len() as u64)
}

const ENDING: [Fault; 5] = [
    Fault::PeerReset,
    Fault::AcceptConnection,
    Fault::AcceptExhausted,
    Fault::RegisterRefused,
    // In the middle of a file that is being sent.
    Fault::FileError,
];
/// Faults that neither hide nor delay what a client has sent.
const HARMLESS: [Fault; 7] = [
    Fault::InterruptedPoll,
    Fault::SpuriousEvent,
    Fault::DuplicateEvent,
    Fault::ReorderedEvents,
    Fault::CoalescedEvent,
    Fault::StaleEvent,
    Fault::WallClockJump,
];
/// A connection whose budget was spent as its bytes came to their end is looked at once more, and
/// so is one whose last reply filled its queue.
const EMPTY_TURNS_MAX: u64 = 2;
/// Byte by byte through a full ring takes thousands; this many is no progress.
const TURNS_MAX: u64 = 400_000;
/// What runs when the faults end has ended after this time: the deadline of a head, and a linger.
const DEADLINE_MAX: Duration = Duration::from_secs(13);
/// Resolution of the timers, and room for the turn itself.
const HOLD_SLACK: Duration = Duration::from_millis(100);
/// H1 of the threat table: the first retry comes after 100 ms.
const ACCEPT_PAUSE_MIN: Duration = Duration::from_millis(100);
/// An idle connection is given a second for one more request.
const DRAIN_SLACK: Duration = Duration::from_millis(1200);
