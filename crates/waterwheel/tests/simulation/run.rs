//! One seed from its beginning to its verdict.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::Fault;

use super::application::{Journal, application};
use super::clock::Clock;
use super::disk::Ground;
use super::oracles::{self, Watch};
use super::script::Script;
use super::secured::Secured;
use super::setting::{DrainStart, Setting};
use super::verdict::Circumstances;
use super::visitor::Visitor;
use super::waiting::Echoes;

/// What a run was like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) trace_hash: u64,
    connections: u64,
    replies: u64,
    replies_due: u64,
    cut: u64,
    faults: u64,
    full: u64,
    turns: u64,
    turns_max: u64,
    drains: u64,
    secured: u64,
    resumed: u64,
}

impl Summary {
    pub(crate) fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.replies += other.replies;
        self.replies_due += other.replies_due;
        self.cut += other.cut;
        self.faults += other.faults;
        self.full += other.full;
        self.turns += other.turns;
        self.turns_max = self.turns_max.max(other.turns);
        self.drains += other.drains;
        self.secured += other.secured;
        self.resumed += other.resumed;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections, {} over TLS, {} of these resumed, {} replies of {} due, {} connections cut by faults, {} faults, ring full \
             {} times, {} drains, {} turns, at most {} in one seed",
            self.connections,
            self.secured,
            self.resumed,
            self.replies,
            self.replies_due,
            self.cut,
            self.faults,
            self.full,
            self.drains,
            self.turns,
            self.turns_max,
        )
    }
}

/// Runs a seed. The error says which promise was broken, and with `WATERWHEEL_SIM_STORY` set, what
/// the world looked like then.
pub(crate) fn run(seed: u64, ground: &Arc<Ground>) -> Result<Summary, String> {
    let mut run = Run::new(seed, ground);
    let outcome = run.play();
    if outcome.is_err() && std::env::var_os("WATERWHEEL_SIM_STORY").is_some() {
        run.tell();
    }
    outcome
}

struct Run {
    setting: Setting,
    /// Where the world speaks TLS.
    secured: Option<Secured>,
    visitors: Vec<Visitor>,
    journal: Journal,
    backend: Echoes,
    lab: Lab,
    clock: Clock,
    watch: Watch,
    /// When nothing went wrong any more.
    faults_over: Option<Duration>,
    drain_began: Option<Duration>,
}

impl Run {
    fn new(seed: u64, ground: &Arc<Ground>) -> Self {
        let mut rng = Rng::with_seed(seed ^ SETTING_SALT);
        let secured = Secured::draw(seed);
        let setting = Setting::draw(&mut rng, secured.is_some());
        let scripts = (0..setting.client_count)
            .map(|connection| Script::draw(&mut rng, &setting.limits, connection, seed));
        let visitors: Vec<_> = scripts.map(Visitor::new).collect();
        let journal = Journal::default();
        let mut config = LabConfig::default();
        config.seed = seed;
        config.faults = setting.faults.clone();
        config.ring = setting.ring.clone();
        config.worker = setting.worker.clone();
        if let Some(secured) = &secured {
            config.tls = Some(secured.tls.clone());
            config.handshakes = secured.handshakes;
        }
        let lab = Lab::with(application(setting.limits.clone(), &journal, ground), config);
        let backend = Echoes::new(&lab);
        let (clock, watch) = (Clock::default(), Watch::new(&lab));
        let (faults_over, drain_began) = (None, None);
        Self {
            setting,
            secured,
            visitors,
            journal,
            backend,
            lab,
            clock,
            watch,
            faults_over,
            drain_began,
        }
    }

    fn play(&mut self) -> Result<Summary, String> {
        loop {
            self.follow_plan();
            let facts = self.circumstances();
            for (connection, visitor) in self.visitors.iter_mut().enumerate() {
                let age_max = self.setting.limits.connection_age_max;
                visitor
                    .act(self.lab.world(), self.secured.as_ref(), facts, age_max)
                    .map_err(|fault| format!("connection {connection}: {fault}"))?;
            }
            self.drain_if_due();
            if self.is_over() {
                break;
            }
            let (before, due) = (self.lab.world().now(), self.due());
            let turn = self.clock.turn(&mut self.lab, due);
            self.backend.act();
            let harness_due = due <= self.lab.world().now();
            self.watch.after_turn(&self.lab, &self.setting, turn, before, harness_due)?;
            self.look_for_stall()?;
        }
        self.judge()
    }

    /// What the harness does to the world at its appointed time.
    fn follow_plan(&mut self) {
        let now = self.lab.world().now();
        if self.faults_over.is_none() && now >= self.setting.faults_end {
            self.lab.world().stop_faults();
            self.faults_over = Some(now);
        }
    }

    /// Begins the drain when it is time, before the server sees what has just been sent.
    fn drain_if_due(&mut self) {
        let now = self.lab.world().now();
        let is_due = match self.setting.drain {
            _ if self.drain_began.is_some() => false,
            Some(DrainStart::At(time)) => now >= time,
            Some(DrainStart::AfterSends(count)) => {
                self.visitors.iter().map(|visitor| visitor.sends).sum::<usize>() >= count
            }
            None => false,
        };
        if is_due {
            self.watch.begin_drain(&self.lab);
            self.visitors.iter_mut().for_each(Visitor::note_drain);
            self.lab.drain();
            self.drain_began = Some(now);
        }
    }

    /// When the harness wants to be asked next.
    fn due(&self) -> Duration {
        let now = self.lab.world().now();
        let plan = [
            self.faults_over.is_none().then_some(self.setting.faults_end),
            match self.setting.drain {
                Some(DrainStart::At(time)) if self.drain_began.is_none() => Some(time),
                _ => None,
            },
        ];
        let visitors = self.visitors.iter().filter_map(|visitor| visitor.due(now));
        let due = plan.into_iter().flatten().chain(visitors).min();
        // At whole multiples, so that a quiet world is not woken for each of its turns.
        let quiet_secs = QUIET_MAX.as_secs();
        due.unwrap_or_else(|| Duration::from_secs((now.as_secs() / quiet_secs + 1) * quiet_secs))
    }

    fn is_over(&self) -> bool {
        self.lab.worker().is_finished()
            || (self.visitors.iter().all(Visitor::is_done) && self.lab.world().open_sockets() == 0)
    }

    fn circumstances(&self) -> Circumstances {
        let (now, counts) = (self.lab.world().now(), self.lab.world().fault_counts());
        Circumstances {
            is_draining: self.watch.is_draining(),
            may_time_out: oracles::may_time_out(&counts, self.faults_over, now),
            was_full: self.lab.ring_stats().full > 0,
            disk_failed: counts.of(Fault::FileError) > 0,
            may_be_old: false,
            is_orderly: self.setting.worker.connections_max.is_none()
                && self.faults_over.is_some_and(|at| now > at + QUIET_MAX),
        }
    }

    /// Once nothing goes wrong any more, nobody waits long for what the server owes.
    fn look_for_stall(&self) -> Result<(), String> {
        let now = self.lab.world().now();
        let Some(faults_over) = self.faults_over else { return Ok(()) };
        let is_crowded = self.setting.worker.connections_max.is_some();
        for (connection, visitor) in self.visitors.iter().enumerate() {
            let since = visitor.active_at.max(faults_over);
            // Where few connections may be open, the others wait until those have ended.
            let patience_ends = match is_crowded {
                true => since.max(self.watch.busy_at) + QUIET_MAX,
                false => since + STALL_MAX,
            };
            if visitor.is_owed() && now > patience_ends {
                let (replies, sent) = (visitor.replies, visitor.sent_len);
                return Err(format!(
                    "connection {connection} stalls: {replies} replies for {sent} bytes, nothing \
                     since {since:?}, now {now:?}"
                ));
            }
        }
        for (connection, visitor) in self.visitors.iter().enumerate().filter(|_| !is_crowded) {
            if visitor.deadline(faults_over).is_some_and(|deadline| now > deadline) {
                return Err(format!("connection {connection} outlives its deadline"));
            }
        }
        let may_be_open = |visitor: &&Visitor| visitor.may_be_open(now, faults_over);
        let open_max = self.visitors.iter().filter(may_be_open).count();
        if !is_crowded && self.lab.world().open_sockets() > open_max {
            return Err(format!("sockets stay open, at most {open_max} clients are there"));
        }
        let active_at = self.visitors.iter().map(|visitor| visitor.active_at).max();
        let quiet_since = active_at.unwrap_or_default().max(self.watch.busy_at);
        if now > quiet_since.max(faults_over) + QUIET_MAX * 2 {
            let open = self.lab.world().open_sockets();
            return Err(format!("{open} sockets open and nothing happens since {quiet_since:?}"));
        }
        Ok(())
    }

    /// Prints what a person needs to understand a failure.
    fn tell(&self) {
        let Setting { faults, faults_end, ring, worker, limits, drain, .. } = &self.setting;
        println!("{ring:?}\n{worker:?}\n{limits:?}");
        println!("faults until {faults_end:?}, drain {drain:?}");
        for fault in Fault::ALL {
            let count = self.lab.world().fault_counts().of(fault);
            if count > 0 {
                println!("  {fault:?}: {count} times, rate {:.4}", faults.rate(fault));
            }
        }
        println!("{:?}\n{:?}", self.lab, self.lab.worker().ring());
        for (connection, visitor) in self.visitors.iter().enumerate() {
            println!("{connection}: {visitor}");
        }
    }

    fn judge(&mut self) -> Result<Summary, String> {
        let now = self.lab.world().now();
        let counts = self.lab.world().fault_counts();
        // What is judged here for the last time may have come at any time.
        let may_time_out = oracles::may_time_out(&counts, None, now);
        let facts = Circumstances { may_time_out, ..self.circumstances() };
        for (connection, visitor) in self.visitors.iter_mut().enumerate() {
            let at = |fault| format!("connection {connection}: {fault}");
            visitor.read_rest(facts).map_err(at)?;
            let has_connected = visitor.connected_at.is_some();
            if has_connected && visitor.end.is_none() && !visitor.has_left {
                return Err(at("the server is gone and the client sees no end".to_owned()));
            }
        }
        // Tasks may outlive the requests that have begun them, by a few milliseconds.
        self.lab.advance(TASKS_END);
        self.watch.at_end(&self.lab)?;
        oracles::judge_journal(&self.journal, &self.visitors)?;
        oracles::judge_drain(&self.visitors, &self.setting, &self.lab, self.drain_began)?;
        oracles::judge_secrets(&self.visitors)?;
        let cut = oracles::judge_completeness(
            &self.visitors,
            &self.setting.limits,
            &counts,
            self.faults_over,
            self.drain_began,
        )?;
        let sum = |of: fn(&Visitor) -> usize| self.visitors.iter().map(of).sum::<usize>() as u64;
        Ok(Summary {
            trace_hash: self.history(),
            connections: self.visitors.len() as u64,
            replies: sum(|visitor| visitor.replies),
            replies_due: sum(|visitor| visitor.script.replies_due),
            cut,
            faults: counts.total(),
            full: self.lab.ring_stats().full,
            turns: self.watch.turns,
            turns_max: self.watch.turns,
            drains: u64::from(self.drain_began.is_some()),
            secured: if self.secured.is_some() { self.visitors.len() as u64 } else { 0 },
            resumed: sum(|visitor| usize::from(visitor.is_resumed())),
        })
    }

    /// A number that is the same when the same seed runs again.
    fn history(&self) -> u64 {
        if self.secured.is_none() {
            return self.lab.world().trace_hash();
        }
        // Keys are others each time, and so is every byte on the wire: what was within counts.
        let mut hash = DefaultHasher::new();
        let counts = self.lab.world().fault_counts();
        (self.lab.world().now(), self.watch.turns, counts.total()).hash(&mut hash);
        for visitor in &self.visitors {
            (&visitor.received.bytes, visitor.ended_at, visitor.sends).hash(&mut hash);
        }
        hash.finish()
    }
}

/// Keeps what is drawn here apart from what the world draws from the same seed.
const SETTING_SALT: u64 = 0x7761_7465_7277_6865;
/// A client that is owed something gets it within this time, or sees the end.
const STALL_MAX: Duration = Duration::from_secs(5);
/// Longer than any task of a handler runs.
const TASKS_END: Duration = Duration::from_secs(2);
/// Longer than any deadline of the server.
const QUIET_MAX: Duration = Duration::from_secs(100);
