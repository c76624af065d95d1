//! How far payloads spread while stages run over them. The plan adds it up at start-up and the
//! chain asks for one payload at a time, by the same routines.

use std::ops::Range;

use crate::{Direction, Growth, Placement, Room, Stage};

/// What a stage declared when it was put into its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) inbound: Growth,
    pub(crate) outbound: Growth,
    pub(crate) inbound_placement: Placement,
    pub(crate) outbound_placement: Placement,
}

/// The stages that work in one and the same run: some on the way in, some on the way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) inbound: Range<usize>,
    pub(crate) outbound: Range<usize>,
}

/// What a leg needs for a payload of a certain length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    /// Around the payload as it comes into the run.
    pub(crate) room: Room,
    /// Whether a stage puts bytes before the payload while inbound.
    pub(crate) grows_front_inbound: bool,
    /// The longest payload after the inbound stages.
    pub(crate) inbound_len: usize,
    /// The longest payload after the outbound stages too.
    pub(crate) outbound_len: usize,
}

struct Reach {
    room: Room,
    len: usize,
}

impl Declared {
    pub(crate) fn ask(stage: &dyn Stage) -> Self {
        Self {
            name: stage.name(),
            inbound: stage.growth(Direction::Inbound),
            outbound: stage.growth(Direction::Outbound),
            inbound_placement: stage.placement(Direction::Inbound),
            outbound_placement: stage.placement(Direction::Outbound),
        }
    }

    fn leaves_inbound(&self) -> bool {
        self.inbound_placement == Placement::Run
    }

    fn leaves_outbound(&self) -> bool {
        self.outbound_placement == Placement::Run
    }
}

impl Leg {
    /// The run that a body is received into, or that the stage before `first` put it into while
    /// inbound.
    pub(crate) fn inbound_from(stages: &[Declared], first: usize) -> Self {
        let crossing = stages[first..].iter().position(Declared::leaves_inbound);
        match crossing {
            Some(count) => Self { inbound: first..first + count, outbound: 0..0 },
            // The handler is reached in this run, and its reply starts in it.
            None => Self {
                inbound: first..stages.len(),
                outbound: Self::outbound_before(stages, stages.len()).outbound,
            },
        }
    }

    /// The run that stage `end` put a reply into, or a handler that is behind all stages.
    pub(crate) fn outbound_before(stages: &[Declared], end: usize) -> Self {
        let crossing = stages[..end].iter().rposition(Declared::leaves_outbound);
        Self { inbound: 0..0, outbound: crossing.map_or(0, |index| index + 1)..end }
    }

    /// What the leg needs for a payload of `len` bytes.
    pub(crate) fn spread(&self, stages: &[Declared], len: usize) -> Spread {
        let inbound = reach(stages[self.inbound.clone()].iter().map(|stage| stage.inbound), len);
        let outbound_growths =
            stages[self.outbound.clone()].iter().rev().map(|stage| stage.outbound);
        let outbound = reach(outbound_growths, inbound.len);
        // Inbound, stages may have cut off in front what they put back now: the reply's body can
        // start that much further back than the request's did.
        let start = if self.inbound.is_empty() { 0 } else { outbound.room.front };
        let reply_end = start.saturating_add(inbound.len).saturating_add(outbound.room.back);
        Spread {
            room: Room {
                front: inbound.room.front.saturating_add(outbound.room.front),
                back: inbound.room.back.max(reply_end.saturating_sub(len)),
            },
            grows_front_inbound: inbound.room.front > 0,
            inbound_len: inbound.len,
            outbound_len: outbound.len,
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
