//! Tests of the plan.

use super::{Plan, PlanError, PlanLimits, Room};
use crate::{Chain, Direction, Growth, Identity, Placement, Stage};

/// Declares whatever it is told to, and is never run.
#[derive(Clone, Copy, Debug)]
struct Declared(Growth, Growth);

impl Stage for Declared {
    fn name(&self) -> &'static str {
        "declared"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => self.0,
            Direction::Outbound => self.1,
        }
    }
}

/// Declares growth like the other, and that its results go from run to run.
#[derive(Clone, Copy, Debug)]
struct Crossing(Growth, Growth);

impl Stage for Crossing {
    fn name(&self) -> &'static str {
        "crossing"
    }

    fn growth(&self, direction: Direction) -> Growth {
        Declared(self.0, self.1).growth(direction)
    }

    fn placement(&self, _: Direction) -> Placement {
        Placement::Run
    }
}

const CODE: Declared = Declared(Growth::ratio(4, 3), Growth::ratio(3, 4));
const RECORD: Declared = Declared(Growth::Shrinks, Growth::fixed(5, 17));
const LIMITS: PlanLimits = PlanLimits {
    head_len_max: 1000,
    body_len_max: 4000,
    segment_len: 4096,
    reply_head_len_max: 200,
};

fn plan(chain: &Chain) -> Plan {
    Plan::new(chain, LIMITS).unwrap()
}

#[test]
fn identity_needs_only_the_reply_head() {
    for chain in [Chain::new(), Chain::new().then(Identity)] {
        let plan = plan(&chain);
        assert_eq!((plan.headroom(), plan.tailroom(), plan.copies()), (200, 0, 0));
        assert_eq!((plan.run_len(), plan.segments(), plan.memory_max()), (5200, 2, 8192));
        assert_eq!((plan.inbound_len_max(), plan.outbound_len_max()), (4000, 4000));
        assert_eq!(plan.outbound_room(123), Room::default());
    }
}

#[test]
fn growth_into_what_shrinking_freed_needs_no_tailroom() {
    let plan = plan(&Chain::new().then(CODE));
    assert_eq!((plan.inbound_len_max(), plan.tailroom(), plan.copies()), (3000, 0, 0));
    // A reply in a run of its own has nothing freed before it.
    assert_eq!(plan.outbound_room(3000), Room { front: 0, back: 1000 });
    assert_eq!(plan.outbound_room(1), Room { front: 0, back: 3 });
}

#[test]
fn a_last_group_cut_short_needs_its_rest() {
    let plan = plan(&Chain::new().then(CODE));
    assert_eq!([0, 1, 2, 3, 4, 5].map(|len| plan.tailroom_for(len)), [0, 3, 2, 1, 0, 3]);
}

#[test]
fn rooms_of_several_stages_add_up() {
    let plan = plan(&Chain::new().then(RECORD).then(CODE));
    // 3000 bytes become 4000, then 5 go before and 17 behind.
    assert_eq!(plan.outbound_room(3000), Room { front: 5, back: 1017 });
    assert_eq!((plan.headroom(), plan.tailroom()), (205, 22));
    assert_eq!(plan.outbound_len_max(), 4022);
    let mirrored = Plan::new(&Chain::new().then(CODE).then(RECORD), LIMITS).unwrap();
    // Here the 22 bytes are encoded too: 3022 become 4032, five bytes further in front.
    assert_eq!(mirrored.outbound_room(3000), Room { front: 5, back: 1027 });
}

#[test]
fn room_needed_half_way_is_planned() {
    let swell = Declared(Growth::ratio(1, 3), Growth::ratio(3, 1));
    let shrink = Declared(Growth::ratio(3, 1), Growth::ratio(1, 3));
    let plan = plan(&Chain::new().then(swell).then(shrink));
    assert_eq!((plan.inbound_len_max(), plan.tailroom()), (4000, 8000));
}

#[test]
fn stages_between_runs_are_planned_in_their_own() {
    let packed = Crossing(Growth::Measured { limit: 9000 }, Growth::fixed(0, 100));
    let chain = Chain::new().then(packed).then(CODE);
    let plan = plan(&chain);
    // 9000 bytes are 6750 raw ones, which are 9000 again, and with 100 more at the end.
    assert_eq!((plan.inbound_len_max(), plan.outbound_len_max()), (6750, 9100));
    // In the received run nothing grows; around a reply of its own only the code needs room.
    assert_eq!((plan.headroom(), plan.tailroom(), plan.run_len()), (200, 0, 5200));
    assert_eq!(plan.outbound_room(3), Room { front: 0, back: 1 });
    // Received run of 2 segments, then 9200 bytes in 3, then 9300 in 3 while the head keeps one.
    assert_eq!((plan.segments(), plan.memory_max()), (2, 7 * 4096));
    assert_eq!(plan.clone().within(6).unwrap_err(), PlanError::Ring { needed: 7, available: 6 });
    let text = plan.to_string();
    assert!(text.contains("crossing  puts its result into 9200 B in 3 segments\n"), "{text}");
    assert!(text.contains("100 behind; run to run: in out\n"), "{text}");
}

#[test]
fn runs_follow_each_other() {
    let twice = Crossing(Growth::ratio(1, 2), Growth::ratio(2, 1));
    let plan = plan(&Chain::new().then(twice).then(twice));
    assert_eq!((plan.inbound_len_max(), plan.outbound_len_max()), (16_000, 4000));
    // 8000 and 16,000 bytes on the way in, and back.
    let text = plan.to_string();
    let runs: Vec<_> = text.lines().filter(|line| line.contains("puts its result")).collect();
    assert_eq!(runs.len(), 4, "{text}");
    // The head's segment beside the runs of 16,200 and 8200 bytes.
    assert_eq!(plan.memory_max(), (1 + 4 + 3) * 4096);
}

#[test]
fn inbound_growth_in_front_costs_a_copy() {
    let prefix = Declared(Growth::fixed(4, 0), Growth::Shrinks);
    assert_eq!(plan(&Chain::new().then(prefix)).copies(), 1);
}

#[test]
fn impossible_plans_are_refused() {
    let chain = Chain::new().then(CODE);
    let refusal = |limits| Plan::new(&chain, limits).unwrap_err();
    assert_eq!(refusal(PlanLimits { segment_len: 0, ..LIMITS }), PlanError::SegmentLen);
    let endless = PlanLimits { body_len_max: usize::MAX, ..LIMITS };
    let limit = u32::MAX as usize;
    assert_eq!(refusal(endless), PlanError::TooLong { run_len: usize::MAX, limit });
    let error = plan(&chain).within(1).unwrap_err();
    assert_eq!(error, PlanError::Ring { needed: 2, available: 1 });
    assert_eq!(error.to_string(), "a request can need 2 segments, the ring has 1");
    assert!(plan(&chain).within(2).is_ok());
}

#[test]
fn text_shows_every_figure() {
    let text = plan(&Chain::new().then(RECORD).then(CODE)).to_string();
    let expected = "\
run       5227 B in 2 segments of 4096 B
headroom  205 B, of which 200 B for the reply's head
head      1000 B
body      4000 B received, 3000 B handled, 4022 B sent
tailroom  22 B
stages    2
  declared     in: shrinks              out: 5 before, 17 behind
  declared     in: 4 become 3           out: 3 become 4
copies    0
memory    8192 B at worst";
    assert_eq!(text, expected);
}
