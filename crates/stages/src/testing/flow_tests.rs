//! The kit must notice each rule that a flow breaks: a check that was never seen to fail proves
//! nothing.

use std::cell::Cell;

use super::{conformance, kit_tests::complaint_of, no_allocation, reads};
use crate::{
    Contexts, Direction, Flow, Growth, Measure, Next, Placement, Progress, Stage, StageError,
    Transform, Window,
};

const SAMPLES: &[&[u8]] = &[b"", b"a", b"abc", b"a longer sample than the others are"];

/// Says every byte twice, from run to run.
#[derive(Clone, Copy, Debug, Default)]
struct Doubled(Flaw);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flaw {
    #[default]
    None,
    ForgetsAtBorders,
    ReadsTheRoom,
    StallsInLittleRoom,
    WantsInputAtTheEnd,
    EndsTooEarly,
    RemembersOthers,
    SharesState,
    GrowsUndeclared,
    LosesContexts,
    MeasuresTooLittle,
    DiffersInTheWindow,
    HasNoForm,
    Allocates,
    ForgivesInPieces,
}

#[derive(Debug)]
struct Doubling {
    flaw: Flaw,
    direction: Direction,
    /// Outbound: a byte said once. Inbound: a byte heard once.
    held: Option<u8>,
}

thread_local! {
    static DOUBLINGS: Contexts<Doubling> = const { Contexts::new() };
    static SHARED: Cell<Option<u8>> = const { Cell::new(None) };
}

impl Stage for Doubled {
    fn name(&self) -> &'static str {
        "doubled"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Outbound if self.0 == Flaw::GrowsUndeclared => Growth::fixed(0, 1),
            Direction::Outbound => Growth::ratio(1, 2),
            Direction::Inbound => Growth::Measured { limit: 1 << 20 },
        }
    }

    fn placement(&self, _: Direction) -> Placement {
        Placement::Run
    }

    fn measure(&self, direction: Direction, payload: &[u8]) -> Result<Measure, StageError> {
        let (len, inbound) = (payload.len(), direction == Direction::Inbound);
        let mut len_max = if inbound { len / 2 } else { 2 * len };
        if self.0 == Flaw::GrowsUndeclared {
            len_max = len + 1;
        }
        if self.0 == Flaw::MeasuresTooLittle {
            len_max /= 2;
        }
        let offers_window = inbound && self.0 == Flaw::DiffersInTheWindow;
        Ok(Measure {
            expected_len: len_max,
            len_max,
            window_len: offers_window.then_some(payload.len()),
        })
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        window.truncate(window.len() / 2);
        Ok(())
    }

    fn flow(&self, direction: Direction) -> Result<Flow, StageError> {
        if self.0 == Flaw::HasNoForm {
            return Err(StageError::Unsupported { stage: "doubled" });
        }
        let fresh = || Doubling { flaw: self.0, direction, held: None };
        let lent = DOUBLINGS.with(|contexts| contexts.lend(fresh));
        let mut doubling = lent.ok_or(StageError::Busy { stage: "doubled" })?;
        let held = if self.0 == Flaw::RemembersOthers { doubling.held } else { None };
        *doubling = Doubling { held, ..fresh() };
        Ok(Flow::new(doubling))
    }
}

impl Doubling {
    fn say(&mut self, source: &[u8], target: &mut [u8], last: bool) -> Progress {
        let (mut read, mut written) = (0, 0);
        loop {
            let (byte, next) = match (self.held, source.get(read)) {
                (Some(byte), _) => (byte, None),
                (None, Some(byte)) => (*byte, Some(*byte)),
                (None, None) => {
                    let next = if last { Next::Done } else { Next::Input };
                    return Progress { read, written, next };
                }
            };
            let Some(place) = target.get_mut(written) else {
                return Progress { read, written, next: Next::Room };
            };
            let is_misread = self.flaw == Flaw::ReadsTheRoom && *place == 0xdb;
            *place = if is_misread { b'?' } else { byte };
            written += 1;
            read += usize::from(next.is_some());
            self.held = next;
        }
    }

    fn hear(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        let malformed = |cause| StageError::Malformed { stage: "doubled", at: None, cause };
        let forgives = self.flaw == Flaw::ForgivesInPieces && !last;
        let mut written = 0;
        for (read, byte) in source.iter().enumerate() {
            match (self.held, target.get_mut(written)) {
                (None, _) => self.held = Some(*byte),
                (Some(_), None) => return Ok(Progress { read, written, next: Next::Room }),
                (Some(heard), Some(place)) if heard == *byte || forgives => {
                    (*place, self.held) = (heard, None);
                    written += 1;
                }
                _ => return Err(malformed("is not said twice")),
            }
        }
        if last && self.held.is_some() {
            return Err(malformed("is said once"));
        }
        let next = if last { Next::Done } else { Next::Input };
        Ok(Progress { read: source.len(), written, next })
    }
}

impl Transform for Doubling {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        match self.flaw {
            Flaw::ForgetsAtBorders => self.held = None,
            Flaw::SharesState => self.held = SHARED.get(),
            Flaw::Allocates => drop(std::hint::black_box(vec![1])),
            Flaw::StallsInLittleRoom if target.len() < 20 => {
                return Ok(Progress { read: 0, written: 0, next: Next::Room });
            }
            _ => {}
        }
        let mut progress = match self.direction {
            Direction::Outbound => self.say(source, target, last),
            Direction::Inbound => self.hear(source, target, last)?,
        };
        match self.flaw {
            Flaw::SharesState => SHARED.set(self.held),
            Flaw::WantsInputAtTheEnd if last && source.len() > 3 => progress.next = Next::Input,
            Flaw::EndsTooEarly if progress.next == Next::Input => progress.next = Next::Done,
            _ => {}
        }
        Ok(progress)
    }

    fn park(self: Box<Self>) {
        if self.flaw != Flaw::LosesContexts {
            DOUBLINGS.with(|contexts| contexts.park(self));
        }
    }
}

fn complaint(flaw: Flaw) -> String {
    complaint_of(move || conformance(&Doubled(flaw), SAMPLES))
}

#[test]
fn a_right_flow_passes() {
    conformance(&Doubled::default(), SAMPLES);
    no_allocation(&Doubled::default(), SAMPLES, |call| {
        allocation_counter::measure(call).count_total
    });
}

#[test]
fn each_flaw_is_noticed() {
    for (flaw, words) in [
        (Flaw::ForgetsAtBorders, "depends on Cut"),
        (Flaw::ReadsTheRoom, "depends on Cut"),
        (Flaw::StallsInLittleRoom, "asks for room and does nothing with"),
        (Flaw::WantsInputAtTheEnd, "asks for input behind the last piece"),
        (Flaw::EndsTooEarly, "is done before its payload has ended"),
        (Flaw::RemembersOthers, "a body that was given up changes the next"),
        (Flaw::SharesState, "a body changes while another one has begun"),
        (Flaw::GrowsUndeclared, "bytes in steps, declared"),
        (Flaw::MeasuresTooLittle, "bytes, measured"),
        (Flaw::DiffersInTheWindow, "Inbound differs in the window"),
        (Flaw::HasNoForm, "has no flow"),
        (Flaw::ForgivesInPieces, "in pieces"),
        // The last one: it leaves none to this thread.
        (Flaw::LosesContexts, "no flow for one more body"),
    ] {
        let complaint = complaint(flaw);
        assert!(complaint.contains(words), "{flaw:?}: {complaint}");
    }
}

#[test]
fn a_text_read_as_something_else_is_noticed() {
    reads(&Doubled::default(), &[(b"", b""), (b"aabb", b"ab")]);
    let complaint = complaint_of(|| reads(&Doubled::default(), &[(b"aabb", b"ba")]));
    assert!(complaint.contains("reads text 0 as something else"), "{complaint}");
}

#[test]
fn an_allocation_in_a_step_is_noticed() {
    let complaint = complaint_of(|| {
        no_allocation(&Doubled(Flaw::Allocates), &[b"a"], |call| {
            allocation_counter::measure(call).count_total
        });
    });
    assert!(complaint.contains("Outbound allocates in its flow"), "{complaint}");
}
