//! The headroom planner: adds up, once and at start-up, what the stages of a route declare.

use std::{error::Error, fmt};

use crate::{Chain, Direction, Growth, Stage};

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
/// request's head was. [`Display`](fmt::Display) prints the plan for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    limits: PlanLimits,
    stages: Vec<Planned>,
    inbound: Reach,
    outbound: Reach,
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

/// What a stage declared, kept so that rooms can be told without asking it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Planned {
    name: &'static str,
    inbound: Growth,
    outbound: Growth,
}

/// How far a payload spreads while a chain runs over it, and how long it can be at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    room: Room,
    len: usize,
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
        let stages: Vec<_> = chain.stages().map(Planned::ask).collect();
        let inbound = reach(stages.iter().map(|stage| stage.inbound), limits.body_len_max);
        let outbound = reach(stages.iter().rev().map(|stage| stage.outbound), inbound.len);
        let plan = Self { limits, stages, inbound, outbound };
        if plan.run_len() > RUN_LEN_MAX {
            return Err(PlanError::TooLong { run_len: plan.run_len(), limit: RUN_LEN_MAX });
        }
        Ok(plan)
    }

    /// The same plan, checked against a ring of that many segments.
    ///
    /// # Errors
    /// [`PlanError::Ring`] when a single request can need more than the whole ring.
    pub fn within(self, segment_count: usize) -> Result<Self, PlanError> {
        if self.segments() > segment_count {
            return Err(PlanError::Ring { needed: self.segments(), available: segment_count });
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

    /// Segments in the longest run.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.run_len().div_ceil(self.limits.segment_len)
    }

    /// Bytes to leave free before the request: the reply's head, and what stages put before its
    /// body.
    #[must_use]
    pub fn headroom(&self) -> usize {
        self.limits.reply_head_len_max.saturating_add(self.outbound.room.front)
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
        let inbound = self.inbound_reach(body_len);
        let room = self.outbound_room(inbound.len);
        // Inbound, stages may have cut off in front what they put back now: the reply's body can
        // start that much further back than the request's did.
        let reply_end = room.front.saturating_add(inbound.len).saturating_add(room.back);
        inbound.room.back.max(reply_end.saturating_sub(body_len))
    }

    /// The longest body that the handler can see.
    #[must_use]
    pub const fn inbound_len_max(&self) -> usize {
        self.inbound.len
    }

    /// The longest body that a reply of [`inbound_len_max`](Self::inbound_len_max) bytes can
    /// become.
    #[must_use]
    pub const fn outbound_len_max(&self) -> usize {
        self.outbound.len
    }

    /// What the chain needs around a reply body of `len` bytes that lies in a run of its own. The
    /// reply's head comes on top, in front.
    #[must_use]
    pub fn outbound_room(&self, len: usize) -> Room {
        reach(self.stages.iter().rev().map(|stage| stage.outbound), len).room
    }

    /// Payload copies on the way of a request whose body becomes its reply.
    ///
    /// A body that grows to the front on its way in would run into the request's head, which lies
    /// before it, and has to be copied away from there first. All else happens in the window.
    #[must_use]
    pub const fn copies(&self) -> usize {
        if self.inbound.room.front > 0 { 1 } else { 0 }
    }

    /// Bytes of the ring that one request can hold.
    #[must_use]
    pub fn memory_max(&self) -> usize {
        self.segments().saturating_mul(self.limits.segment_len)
    }

    fn inbound_reach(&self, body_len: usize) -> Reach {
        reach(self.stages.iter().map(|stage| stage.inbound), body_len)
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
            let Planned { name, inbound, outbound } = stage;
            writeln!(formatter, "  {name:<12} in: {inbound:<20} out: {outbound}")?;
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

impl Planned {
    fn ask(stage: &dyn Stage) -> Self {
        Self {
            name: stage.name(),
            inbound: stage.growth(Direction::Inbound),
            outbound: stage.growth(Direction::Outbound),
        }
    }
}

/// Walks a payload of `len` bytes through these growths. Lengths are upper bounds, and no growth
/// makes a longer payload shorter than a shorter one, so the sums hold for every shorter payload.
fn reach(growths: impl Iterator<Item = Growth>, len: usize) -> Reach {
    let mut room = Room::default();
    let mut current_len = len;
    for growth in growths {
        current_len = growth.bound(current_len);
        room.front = room.front.saturating_add(growth.front());
        let end = current_len.saturating_sub(room.front);
        room.back = room.back.max(end.saturating_sub(len));
    }
    Reach { room, len: current_len }
}

/// The ring addresses its bytes with 32 bits.
const RUN_LEN_MAX: usize = u32::MAX as usize;

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
