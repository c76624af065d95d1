//! Long bodies on an expensive route let light requests pass while a stage is at them, though the
//! handler itself never breathes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use waterwheel::lab::Lab;
use waterwheel::reactor::sim::{Client, World};
use waterwheel::stages::{
    Direction, Flow, Growth, Next, Placement, Progress, Stage, StageError, Transform,
};
use waterwheel::{App, Handler};

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    /// Sends a light request in the first step.
    static SENDER: RefCell<Option<Rc<Client>>> = const { RefCell::new(None) };
    /// Light requests that were answered.
    static LIGHT: Cell<u32> = const { Cell::new(0) };
    /// How many that were when the slow stage ended.
    static LIGHT_AT_END: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// Takes 150 µs for each step, and changes nothing.
#[derive(Debug)]
struct Slow;

impl Stage for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn growth(&self, _: Direction) -> Growth {
        Growth::ratio(1, 1)
    }

    fn placement(&self, _: Direction) -> Placement {
        Placement::Run
    }

    fn flow(&self, _: Direction) -> Result<Flow, StageError> {
        Ok(Flow::new(Box::new(Copying)))
    }
}

#[derive(Debug)]
struct Copying;

impl Transform for Copying {
    fn step(
        &mut self,
        source: &[u8],
        target: &mut [u8],
        last: bool,
    ) -> Result<Progress, StageError> {
        WORLD.with_borrow(|world| {
            world.as_ref().expect("a lab was made").advance(Duration::from_micros(150));
        });
        if let Some(sender) = SENDER.take() {
            sender.send(b"GET /light HTTP/1.1\r\nhost: h\r\n\r\n");
        }
        let len = source.len().min(target.len());
        target[..len].copy_from_slice(&source[..len]);
        let next = match (len == source.len(), last) {
            (true, true) => {
                LIGHT_AT_END.set(LIGHT.get());
                Next::Done
            }
            (true, false) => Next::Input,
            (false, _) => Next::Room,
        };
        Ok(Progress { read: len, written: len, next })
    }
}

fn light() {
    LIGHT.set(LIGHT.get() + 1);
}

/// How many light requests were answered before the stage ended, for a body of this length.
fn passed(body_len: usize) -> u32 {
    let len = |body: Vec<u8>| body.len().to_string();
    let slow = len.through(Slow).expensive();
    let mut lab = Lab::new(App::new().get("/light", light).post("/slow", slow));
    WORLD.set(Some(lab.world().clone()));
    let client = Rc::new(lab.connect());
    lab.settle();
    LIGHT.set(0);
    SENDER.set(Some(Rc::clone(&client)));
    let reply = lab.post("/slow").body(vec![7; body_len]).send();
    assert_eq!(reply.text(), body_len.to_string());
    lab.settle();
    assert_eq!(LIGHT.get(), 1);
    assert!(client.received().starts_with(b"HTTP/1.1 200 "));
    LIGHT_AT_END.get()
}

#[test]
fn a_light_request_passes_between_two_pieces_of_a_long_body() {
    assert_eq!(passed(200_000), 1);
}

#[test]
fn a_short_body_takes_one_step() {
    assert_eq!(passed(20_000), 0);
}
