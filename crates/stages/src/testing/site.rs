//! A window between two neighbours, and the checks that hold after every run of a stage.

use waterwheel_ring::{Config, Lease, Ring};

use crate::{Direction, Room, Stage, StageError, Window};

/// Puts payloads between guarded neighbours in the same segments.
#[derive(Debug)]
pub(super) struct Site {
    ring: Ring,
}

/// What a stage made of a payload.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: Result<Vec<u8>, StageError>,
}

/// The room around a payload, and the byte that it is filled with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    pub(super) room: Room,
    pub(super) filler: u8,
}

impl Surroundings {
    /// Exactly the room that the stage declares for `len` bytes.
    pub(super) fn declared(stage: &dyn Stage, direction: Direction, len: usize) -> Self {
        let growth = stage.growth(direction);
        let room = Room { front: growth.front(), back: growth.back(len) };
        Self { room, filler: 0 }
    }
}

impl Site {
    pub(super) fn new() -> Self {
        Self { ring: Ring::new(&Config::default()).expect("a ring of default size") }
    }

    /// Runs the stage over a copy of `payload` and checks all that does not depend on the format.
    pub(super) fn run(
        &self,
        stage: &dyn Stage,
        direction: Direction,
        payload: &[u8],
        surroundings: Surroundings,
    ) -> Outcome {
        let (before, mut lease, behind) = self.place(payload, surroundings);
        let result = call(stage, direction, &mut lease);
        let name = stage.name();
        for neighbour in [before, behind] {
            assert_eq!(neighbour.payload(), GUARD, "{name} wrote outside its window");
        }
        if result.is_ok() {
            within_declared(stage, direction, payload.len(), surroundings.room, &lease);
        }
        Outcome { result: result.map(|()| lease.payload().to_vec()) }
    }

    /// Runs the stage once more where it is known to work; returns what `count` counted meanwhile.
    pub(super) fn count(
        &self,
        stage: &dyn Stage,
        direction: Direction,
        payload: &[u8],
        surroundings: Surroundings,
        count: &impl Fn(&mut dyn FnMut()) -> u64,
    ) -> u64 {
        let (_before, mut lease, _behind) = self.place(payload, surroundings);
        let mut result = None;
        let counted = count(&mut || result = Some(call(stage, direction, &mut lease)));
        let result = result.expect("the counter runs what it is given");
        result.expect("the same call has worked before");
        counted
    }

    /// Three leases that share segments: guard, `room.front | payload | room.back`, guard.
    fn place(&self, payload: &[u8], surroundings: Surroundings) -> (Lease, Lease, Lease) {
        let Surroundings { room: Room { front, back }, filler } = surroundings;
        let middle_len = front + payload.len() + back;
        let mut before = self
            .ring
            .reserve_bytes(middle_len + 2 * GUARD.len())
            .expect("samples are shorter than the ring");
        let front_bytes = vec![filler; front];
        let back_bytes = vec![filler; back];
        for bytes in [GUARD, &front_bytes, payload, &back_bytes, GUARD] {
            before.append(bytes).expect("the lease was reserved for all of them");
        }
        let mut middle = before.split_off(GUARD.len());
        let behind = middle.split_off(middle_len);
        middle.advance(front);
        middle.truncate(payload.len());
        (before, middle, behind)
    }
}

fn call(stage: &dyn Stage, direction: Direction, lease: &mut Lease) -> Result<(), StageError> {
    let mut window = Window::new(lease);
    match direction {
        Direction::Inbound => stage.inbound(&mut window),
        Direction::Outbound => stage.outbound(&mut window),
    }
}

fn within_declared(
    stage: &dyn Stage,
    direction: Direction,
    before_len: usize,
    room: Room,
    after: &Lease,
) {
    let (name, growth) = (stage.name(), stage.growth(direction));
    let (len, bound) = (after.len(), growth.bound(before_len));
    assert!(len <= bound, "{name} made {len} bytes of {before_len}, declared {bound}");
    let front_taken = room.front.saturating_sub(after.headroom());
    let front = growth.front();
    assert!(front_taken <= front, "{name} took {front_taken} bytes in front, declared {front}");
    if direction == Direction::Inbound {
        let cut = after.headroom().saturating_sub(room.front);
        let returned = stage.growth(Direction::Outbound).front();
        assert!(
            cut <= returned || len == 0,
            "{name} cuts {cut} bytes off in front, and puts only {returned} back"
        );
    }
}

/// What the neighbours hold: no byte of it is one of the fillers.
const GUARD: &[u8] = b"\x11guard\x22";

/// Two patterns that no careless stage takes for its own, and the zeros of a fresh segment.
pub(super) const FILLERS: [u8; 3] = [0x00, 0xdb, b'A'];
