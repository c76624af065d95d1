//! The headroom planner: adds up, once and at start-up, what the stages of a route declare.

use std::{error::Error, fmt};

use crate::{
    Chain, Placement,
    reach::{Declared, Leg, Spread},
};

/// What a route lets in, and the size of what it is put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// The longest request head.
    pub head_len_max: usize,
    /// The longest request body, as received.
    pub body_len_max: usize,
    /// Bytes in a segment of the ring.
    pub segment_len: usize,
    /// The longest reply head, framing of the body included.
    pub reply_head_len_max: usize,
}

/// Free bytes that the stages of a chain need around a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Before the payload.
    pub front: usize,
    /// Behind the payload.
    pub back: usize,
}

/// How a request of one route lies in its run of segments, so that it can be decoded, handled and
/// answered there.
///
/// ```text
/// run   | headroom  | request head | body as received | tailroom |
/// reply |       … reply head | body as sent …                    |
/// ```
///
/// The headroom alone holds the longest reply head, so a reply finds its place however short the
/// request's head was. A stage that works from run to run ([`Placement::Run`]) ends one such run
/// and begins another. [`Display`](fmt::Display) prints the plan for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    limits: PlanLimits,
    stages: Vec<Declared>,
    received: Leg,
    longest: Spread,
    /// The runs that follow the received one, in the order in which a body passes them.
    further: Vec<Further>,
    inbound_len: usize,
    outbound_len: usize,
}

/// A run that a stage puts its result into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Further {
    stage: &'static str,
    run_len: usize,
}

/// Why no plan can be made.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// A segment has no bytes.
    SegmentLen,
    /// The run is longer than a ring can be.
    TooLong {
        /// Bytes in the run; `usize::MAX` when even that overflows.
        run_len: usize,
        /// Bytes in the largest ring.
        limit: usize,
    },
    /// The run has more segments than the ring.
    Ring {
        /// Segments in the run.
        needed: usize,
        /// Segments in the ring.
        available: usize,
    },
}

impl Plan {
    /// Plans for a chain under these limits.
    ///
    /// # Errors
    /// [`PlanError::SegmentLen`] and [`PlanError::TooLong`].
    pub fn new(chain: &Chain, limits: PlanLimits) -> Result<Self, PlanError> {
        if limits.segment_len == 0 {
            return Err(PlanError::SegmentLen);
        }
        let stages = chain.declared().to_vec();
        let received = Leg::inbound_from(&stages, 0);
        let longest = received.spread(&stages, limits.body_len_max);
        let (inbound_len, outbound_len) = (longest.inbound_len, longest.outbound_len);
        let further = Vec::new();
        let mut plan =
            Self { limits, stages, received, longest, further, inbound_len, outbound_len };
        plan.walk();
        let longest_len =
            plan.further.iter().map(|run| run.run_len).fold(plan.run_len(), usize::max);
        if longest_len > RUN_LEN_MAX {
            return Err(PlanError::TooLong { run_len: longest_len, limit: RUN_LEN_MAX });
        }
        Ok(plan)
    }

    /// The same plan, checked against a ring of that many segments.
    ///
    /// # Errors
    /// [`PlanError::Ring`] when a single request can need more than the whole ring.
    pub fn within(self, segment_count: usize) -> Result<Self, PlanError> {
        let needed = self.segments_held();
        if needed > segment_count {
            return Err(PlanError::Ring { needed, available: segment_count });
        }
        Ok(self)
    }

    /// Bytes to reserve for the longest head with the longest body.
    #[must_use]
    pub fn run_len(&self) -> usize {
        self.run_len_for(self.limits.head_len_max, self.limits.body_len_max)
    }

    /// Bytes to reserve for a request whose head and body, as received, have these lengths.
    #[must_use]
    pub fn run_len_for(&self, head_len: usize, body_len: usize) -> usize {
        self.headroom()
            .saturating_add(head_len)
            .saturating_add(body_len)
            .saturating_add(self.tailroom_for(body_len))
    }

    /// Segments in the run for the longest head with the longest body.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments_for(self.run_len())
    }

    /// Bytes to leave free before the request: the reply's head, and what stages put before its
    /// body.
    #[must_use]
    pub fn headroom(&self) -> usize {
        self.limits.reply_head_len_max.saturating_add(self.longest.room.front)
    }

    /// Bytes to leave free behind the longest body.
    #[must_use]
    pub fn tailroom(&self) -> usize {
        self.tailroom_for(self.limits.body_len_max)
    }

    /// Bytes to leave free behind a body that is received with `body_len` bytes, so that it can be
    /// decoded and a reply of the same decoded length encoded where it lies.
    ///
    /// What decoding frees counts: a body that shrinks and grows back needs next to nothing.
    #[must_use]
    pub fn tailroom_for(&self, body_len: usize) -> usize {
        self.received.spread(&self.stages, body_len).room.back
    }

    /// The longest body that the handler can see.
    #[must_use]
    pub const fn inbound_len_max(&self) -> usize {
        self.inbound_len
    }

    /// The longest body that a reply of [`inbound_len_max`](Self::inbound_len_max) bytes can
    /// become.
    #[must_use]
    pub const fn outbound_len_max(&self) -> usize {
        self.outbound_len
    }

    /// What the chain needs around a reply body of `len` bytes that lies in a run of its own, up to
    /// the first stage that puts it into another. The reply's head comes on top, in front.
    #[must_use]
    pub fn outbound_room(&self, len: usize) -> Room {
        let leg = Leg::outbound_before(&self.stages, self.stages.len());
        leg.spread(&self.stages, len).room
    }

    /// Payload copies on the way of a request whose body becomes its reply.
    ///
    /// A body that grows to the front on its way in would run into the request's head, which lies
    /// before it, and has to be copied away from there first. All else happens in the window.
    #[must_use]
    pub const fn copies(&self) -> usize {
        if self.longest.grows_front_inbound { 1 } else { 0 }
    }

    /// Bytes of the ring that one request can hold.
    ///
    /// A stage that works from run to run needs the old run until the new one is complete, and the
    /// request's head stays where it is until the reply is.
    #[must_use]
    pub fn memory_max(&self) -> usize {
        self.segments_held().saturating_mul(self.limits.segment_len)
    }

    fn segments_held(&self) -> usize {
        let received = self.segments();
        let head_len = self.headroom().saturating_add(self.limits.head_len_max);
        let head = self.segments_for(head_len);
        let (mut most, mut before) = (received, received);
        for run in &self.further {
            let segments = self.segments_for(run.run_len);
            most = most.max(before.saturating_add(segments));
            before = segments.saturating_add(head);
        }
        most
    }

    fn segments_for(&self, len: usize) -> usize {
        len.div_ceil(self.limits.segment_len)
    }

    /// Follows the longest body from run to run, in and back out.
    fn walk(&mut self) {
        let mut leg = self.received.clone();
        while let Some(crossing) = self.stages.get(leg.inbound.end).copied() {
            leg = Leg::inbound_from(&self.stages, leg.inbound.end + 1);
            let spread = self.enter(&crossing, &leg, crossing.inbound.bound(self.inbound_len));
            (self.inbound_len, self.outbound_len) = (spread.inbound_len, spread.outbound_len);
        }
        while let Some(index) = leg.outbound.start.checked_sub(1) {
            let crossing = self.stages[index];
            leg = Leg::outbound_before(&self.stages, index);
            let spread = self.enter(&crossing, &leg, crossing.outbound.bound(self.outbound_len));
            self.outbound_len = spread.outbound_len;
        }
    }

    /// Adds the run into which a stage puts a payload of at most `len` bytes.
    fn enter(&mut self, stage: &Declared, leg: &Leg, len: usize) -> Spread {
        let spread = leg.spread(&self.stages, len);
        let run_len = [spread.room.front, len, spread.room.back]
            .into_iter()
            .fold(self.limits.reply_head_len_max, usize::saturating_add);
        self.further.push(Further { stage: stage.name, run_len });
        spread
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PlanLimits { head_len_max, body_len_max, segment_len, reply_head_len_max } =
            self.limits;
        let (run_len, segments) = (self.run_len(), self.segments());
        writeln!(formatter, "run       {run_len} B in {segments} segments of {segment_len} B")?;
        writeln!(
            formatter,
            "headroom  {} B, of which {reply_head_len_max} B for the reply's head",
            self.headroom(),
        )?;
        writeln!(formatter, "head      {head_len_max} B")?;
        writeln!(
            formatter,
            "body      {body_len_max} B received, {} B handled, {} B sent",
            self.inbound_len_max(),
            self.outbound_len_max(),
        )?;
        writeln!(formatter, "tailroom  {} B", self.tailroom())?;
        writeln!(formatter, "stages    {}", self.stages.len())?;
        for stage in &self.stages {
            let Declared { name, inbound, outbound, .. } = stage;
            write!(formatter, "  {name:<12} in: {inbound:<20} out: {outbound}")?;
            let ways = [(stage.inbound_placement, " in"), (stage.outbound_placement, " out")];
            let crossing = ways.iter().filter(|(placement, _)| *placement == Placement::Run);
            let crossing: String = crossing.map(|(_, way)| *way).collect();
            writeln!(
                formatter,
                "{}{crossing}",
                if crossing.is_empty() { "" } else { "; run to run:" }
            )?;
        }
        for Further { stage, run_len } in &self.further {
            let segments = self.segments_for(*run_len);
            writeln!(
                formatter,
                "{stage:<9} puts its result into {run_len} B in {segments} segments"
            )?;
        }
        writeln!(formatter, "copies    {}", self.copies())?;
        write!(formatter, "memory    {} B at worst", self.memory_max())
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SegmentLen => formatter.write_str("a segment has no bytes"),
            Self::TooLong { run_len, limit } => {
                write!(formatter, "a request can need {run_len} bytes, a ring has at most {limit}")
            }
            Self::Ring { needed, available } => {
                write!(formatter, "a request can need {needed} segments, the ring has {available}")
            }
        }
    }
}

impl Error for PlanError {}

/// The ring addresses its bytes with 32 bits.
const RUN_LEN_MAX: usize = u32::MAX as usize;

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
