//! One seed from its beginning to its verdict.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::Fault;

use super::application::{Journal, application};
use super::clock::Clock;
use super::oracles::{self, Watch};
use super::script::Script;
use super::setting::Setting;
use super::verdict::Circumstances;
use super::visitor::Visitor;

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
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections, {} replies of {} due, {} connections cut by faults, {} faults, ring full \
             {} times, {} drains, {} turns, at most {} in one seed",
            self.connections,
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
pub(crate) fn run(seed: u64) -> Result<Summary, String> {
    let mut run = Run::new(seed);
    let outcome = run.to_end();
    if outcome.is_err() && std::env::var_os("WATERWHEEL_SIM_STORY").is_some() {
        run.tell();
    }
    outcome
}

struct Run {
    setting: Setting,
    visitors: Vec<Visitor>,
    journal: Journal,
    lab: Lab,
    clock: Clock,
    watch: Watch,
    are_faults_over: bool,
    drain_began: Option<Duration>,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ SETTING_SALT);
        let setting = Setting::draw(&mut rng);
        let scripts = (0..setting.client_count)
            .map(|connection| Script::draw(&mut rng, &setting.limits, connection, seed));
        let visitors: Vec<_> = scripts.map(Visitor::new).collect();
        let journal = Journal::default();
        let mut config = LabConfig::default();
        config.seed = seed;
        config.faults = setting.faults.clone();
        config.ring = setting.ring.clone();
        config.worker = setting.worker.clone();
        let lab = Lab::with(application(setting.limits.clone(), &journal), config);
        let (clock, watch) = (Clock::default(), Watch::new(&lab));
        let (are_faults_over, drain_began) = (false, None);
        Self { setting, visitors, journal, lab, clock, watch, are_faults_over, drain_began }
    }

    fn to_end(&mut self) -> Result<Summary, String> {
        loop {
            self.follow_plan();
            let facts = self.circumstances();
            for (connection, visitor) in self.visitors.iter_mut().enumerate() {
                visitor
                    .act(self.lab.world(), facts, self.setting.limits.connection_age_max)
                    .map_err(|fault| format!("connection {connection}: {fault}"))?;
            }
            if self.is_over() {
                break;
            }
            let (before, due) = (self.lab.world().now(), self.due());
            let turn = self.clock.turn(&mut self.lab, due);
            let harness_due = due <= self.lab.world().now();
            self.watch.after_turn(&self.lab, &self.setting, turn, before, harness_due)?;
            self.look_for_stall()?;
        }
        self.judge()
    }

    /// What the harness does to the world at its appointed time.
    fn follow_plan(&mut self) {
        let now = self.lab.world().now();
        if !self.are_faults_over && now >= self.setting.faults_end {
            self.lab.world().stop_faults();
            self.are_faults_over = true;
        }
        if self.drain_began.is_none() && self.setting.drain_at.is_some_and(|at| now >= at) {
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
            (!self.are_faults_over).then_some(self.setting.faults_end),
            self.setting.drain_at.filter(|_| self.drain_began.is_none()),
        ];
        let visitors = self.visitors.iter().filter_map(|visitor| visitor.due(now));
        let due = plan.into_iter().flatten().chain(visitors).min();
        // At whole multiples, so that a quiet world is not woken for each of its turns.
        due.unwrap_or_else(|| QUIET_MAX * (now.div_duration_f64(QUIET_MAX) as u32 + 1))
    }

    fn is_over(&self) -> bool {
        self.lab.worker().is_finished()
            || (self.visitors.iter().all(Visitor::is_done) && self.lab.world().open_sockets() == 0)
    }

    fn circumstances(&self) -> Circumstances {
        let counts = self.lab.world().fault_counts();
        Circumstances {
            is_draining: self.watch.is_draining(),
            may_time_out: counts.of(Fault::ClockJump) + counts.of(Fault::DelayedEvent) > 0,
            was_full: self.lab.ring_stats().full > 0,
            may_be_old: false,
        }
    }

    /// Once nothing goes wrong any more, nobody waits long for what the server owes.
    fn look_for_stall(&self) -> Result<(), String> {
        let now = self.lab.world().now();
        if !self.are_faults_over {
            return Ok(());
        }
        let is_crowded = self.setting.worker.connections_max.is_some();
        for (connection, visitor) in self.visitors.iter().enumerate() {
            let since = visitor.active_at.max(self.setting.faults_end).max(self.watch.busy_at);
            let patience = if is_crowded { QUIET_MAX } else { STALL_MAX };
            if visitor.is_owed() && now > since + patience {
                let (replies, sent) = (visitor.replies, visitor.sent_len);
                return Err(format!(
                    "connection {connection} stalls: {replies} replies for {sent} bytes, nothing \
                     since {since:?}, now {now:?}"
                ));
            }
        }
        for (connection, visitor) in self.visitors.iter().enumerate().filter(|_| !is_crowded) {
            if visitor.deadline().is_some_and(|at| now > at.max(self.setting.faults_end + STALL_MAX)) {
                return Err(format!("connection {connection} outlives its deadline"));
            }
        }
        let active_at = self.visitors.iter().map(|visitor| visitor.active_at).max();
        let quiet_since = active_at.unwrap_or_default().max(self.watch.busy_at);
        if now > quiet_since.max(self.setting.faults_end) + QUIET_MAX * 2 {
            let open = self.lab.world().open_sockets();
            return Err(format!("{open} sockets open and nothing happens since {quiet_since:?}"));
        }
        Ok(())
    }

    /// Prints what a person needs to understand a failure.
    fn tell(&self) {
        let Setting { faults, faults_end, ring, worker, limits, drain_at, .. } = &self.setting;
        println!("{ring:?}\n{worker:?}\n{limits:?}");
        println!("faults until {faults_end:?}, drain at {drain_at:?}");
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
        let facts = Circumstances { is_draining: self.watch.is_draining(), ..self.circumstances() };
        for (connection, visitor) in self.visitors.iter_mut().enumerate() {
            let at = |fault| format!("connection {connection}: {fault}");
            visitor.read_rest(facts).map_err(at)?;
            let has_connected = visitor.connected_at.is_some();
            if has_connected && visitor.end.is_none() && !visitor.has_left {
                return Err(at("the server is gone and the client sees no end".to_owned()));
            }
        }
        self.watch.at_end(&self.lab)?;
        oracles::judge_journal(&self.journal, &self.visitors)?;
        oracles::judge_drain(&self.visitors, &self.setting)?;
        oracles::judge_secrets(&self.visitors)?;
        let counts = self.lab.world().fault_counts();
        let cut = oracles::judge_completeness(
            &self.visitors,
            &self.setting.limits,
            &counts,
            self.drain_began,
        )?;
        let sum = |of: fn(&Visitor) -> usize| self.visitors.iter().map(of).sum::<usize>() as u64;
        Ok(Summary {
            trace_hash: self.lab.world().trace_hash(),
            connections: self.visitors.len() as u64,
            replies: sum(|visitor| visitor.replies),
            replies_due: sum(|visitor| visitor.script.replies_due),
            cut,
            faults: counts.total(),
            full: self.lab.ring_stats().full,
            turns: self.watch.turns,
            turns_max: self.watch.turns,
            drains: u64::from(self.drain_began.is_some()),
        })
    }
}

/// Keeps what is drawn here apart from what the world draws from the same seed.
const SETTING_SALT: u64 = 0x7761_7465_7277_6865;
/// A client that is owed something gets it within this time, or sees the end.
const STALL_MAX: Duration = Duration::from_secs(5);
/// Longer than any deadline of the server.
const QUIET_MAX: Duration = Duration::from_secs(100);
