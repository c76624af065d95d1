//! The first stage of docs/writing-a-stage.md, as its reader would have it.

use waterwheel::lab::Lab;
use waterwheel::{App, Handler, InPlace};
use waterwheel_stages::{Direction, Growth, Stage, StageError, Window, testing};

#[derive(Debug)]
struct Sum;

impl Stage for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Shrinks,
            Direction::Outbound => Growth::fixed(0, 1),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let cause = "does not match the sum";
        match window.payload().split_last() {
            Some((sum, content)) if *sum == sum_of(content) => window.truncate(window.len() - 1),
            _ => return Err(StageError::Malformed { stage: "sum", at: None, cause }),
        }
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let sum = sum_of(window.payload());
        window.grow_back(1).map_err(|source| StageError::NoRoom { stage: "sum", source })?;
        window.payload_mut().last_mut().into_iter().for_each(|last| *last = sum);
        Ok(())
    }
}

fn sum_of(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

#[test]
fn first_stage_conforms() {
    testing::conformance(&Sum, &[b"", b"a", b"water", &[0xa5; 5_000]]);
}

#[test]
fn first_stage_serves() {
    let upper = |mut text: InPlace<[u8]>| {
        text.make_ascii_uppercase();
        text
    };
    let mut lab = Lab::new(App::new().post("/upper", upper.through(Sum)));
    let reply = lab.post("/upper").body(&b"ab\xc3"[..]).send();
    assert_eq!((reply.status(), reply.body()), (200, &b"AB\x83"[..]));
    assert_eq!(lab.post("/upper").body(&b"ab!"[..]).send().status(), 400);
}
