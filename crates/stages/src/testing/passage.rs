//! One body on its way through a flow, cut as a test wants it, and the checks that hold after every
//! step.

use crate::{Direction, Flow, Next, Progress, Stage, StageError};

/// A body, the flow that turns it, and what has come of it.
#[derive(Debug)]
pub(super) struct Passage<'a> {
    stage: &'a dyn Stage,
    flow: Flow,
    payload: &'a [u8],
    read: usize,
    result: Vec<u8>,
    // The longest result that the stage declared for this payload.
    len_max: usize,
}

/// How a body is cut: where its pieces end, and how much room each step finds. Both begin again
/// when they are used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<'a> {
    pub(super) piece_lens: &'a [usize],
    pub(super) room_lens: &'a [usize],
    /// What the room holds before a step.
    pub(super) filler: u8,
}

/// Whether a stage has a flow at all.
pub(super) fn is_offered(stage: &dyn Stage, direction: Direction) -> bool {
    !matches!(stage.flow(direction), Err(StageError::Unsupported { .. }))
}

/// Takes a whole body through a flow of its own.
pub(super) fn pass(
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    cut: Cut<'_>,
) -> Result<Vec<u8>, StageError> {
    let mut passage = Passage::start(stage, direction, payload)?;
    let mut room_lens = cut.room_lens.iter().cycle();
    let mut end = 0;
    for piece_len in cut.piece_lens.iter().cycle() {
        end = (end + piece_len).min(payload.len());
        let mut wants_input = false;
        while !wants_input {
            let room_len = *room_lens.next().expect("a cut has rooms");
            match passage.step(end, room_len, cut.filler)? {
                Next::Done => return Ok(passage.result),
                Next::Input => wants_input = true,
                Next::Room => {}
            }
        }
    }
    unreachable!("a cut has pieces, and a flow that asks for more than the last one is refused")
}

impl<'a> Passage<'a> {
    pub(super) fn start(
        stage: &'a dyn Stage,
        direction: Direction,
        payload: &'a [u8],
    ) -> Result<Self, StageError> {
        let len_max = stage.growth(direction).bound(payload.len());
        let flow = stage.flow(direction)?;
        Ok(Self { stage, flow, payload, read: 0, result: Vec::new(), len_max })
    }

    /// One step over what has come up to `end`, into a room of `room_len` bytes.
    pub(super) fn step(
        &mut self,
        end: usize,
        room_len: usize,
        filler: u8,
    ) -> Result<Next, StageError> {
        let (source, last) = (&self.payload[self.read..end], end == self.payload.len());
        let mut room = vec![filler; room_len];
        let Progress { read, written, next } = self.flow.step(source, &mut room, last)?;

        let name = self.stage.name();
        assert!(read <= source.len(), "{name} read {read} bytes of {}", source.len());
        assert!(written <= room_len, "{name} wrote {written} bytes into {room_len}");
        self.read += read;
        self.result.extend_from_slice(&room[..written]);
        let (len, len_max) = (self.result.len(), self.len_max);
        assert!(len <= len_max, "{name} made {len} bytes in steps, declared {len_max}");
        match next {
            Next::Input => {
                assert!(!last, "{name} asks for input behind the last piece");
                assert!(self.read == end, "{name} asks for input with some unread");
            }
            Next::Room => {
                let advanced = read + written > 0;
                assert!(
                    advanced || room_len < Flow::ROOM_MIN,
                    "{name} asks for room and does nothing with {room_len} bytes of it"
                );
            }
            Next::Done => {
                assert!(last && self.read == end, "{name} is done before its payload has ended");
            }
        }
        Ok(next)
    }
}
