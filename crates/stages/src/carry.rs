//! One whole payload through a stage that works from run to run.

use waterwheel_ring::{Lease, Ring};

use crate::{
    Direction, Flow, Next, Room, Stage, StageError, Window,
    breath::{PIECE_LEN, breathes},
    lengthen::lengthen,
};

/// Puts the result of a stage into another run and makes the lease that run; or leaves it in the
/// window, where that needs fewer segments. `room` tells what has to be free around a result of a
/// certain length for what comes next.
pub(crate) fn carry(
    stage: &dyn Stage,
    direction: Direction,
    lease: &mut Lease,
    room: impl Fn(usize) -> Room,
) -> Result<(), StageError> {
    let measure = stage.measure(direction, lease.payload())?;
    let Room { front, back } = room(measure.expected_len);
    let ring = lease.ring();
    let run_len = front + measure.expected_len + back;
    let is_long = lease.len().max(measure.expected_len) > PIECE_LEN;
    let breathe = breathes().filter(|_| is_long);
    // In the window it would be one call, in which nobody passes.
    let window_len = measure.window_len.filter(|_| breathe.is_none());
    if widen(&ring, lease, window_len.map(|len| len + back), run_len) {
        let mut window = Window::new(lease);
        return match direction {
            Direction::Inbound => stage.inbound(&mut window),
            Direction::Outbound => stage.outbound(&mut window),
        };
    }
    let full = |source| StageError::Full { stage: stage.name(), source };
    let mut target = ring.reserve_bytes(run_len).map_err(full)?;
    target.set_headroom(front);
    let len_max = measure.len_max.saturating_add(Flow::ROOM_MIN);
    fill(stage, direction, lease.payload(), &mut target, breathe, |target| {
        let more = target.len().max(ring.segment_len()).min(len_max.saturating_sub(target.len()));
        lengthen(&ring, target, more).map_err(full)
    })?;
    let Room { back, .. } = room(target.len());
    if target.tailroom() >= back + ring.segment_len() {
        target.trim();
    }
    if target.tailroom() < back {
        let missing = back - target.tailroom();
        lengthen(&ring, &mut target, missing).map_err(full)?;
    }
    *lease = target;
    Ok(())
}

/// Makes the window long enough for the stage to run in it, if that takes fewer segments than
/// another run of `run_len` bytes, and they are free.
fn widen(ring: &Ring, lease: &mut Lease, window_len: Option<usize>, run_len: usize) -> bool {
    let Some(window_len) = window_len else { return false };
    let missing = window_len.saturating_sub(lease.len() + lease.tailroom());
    let segments = missing.div_ceil(ring.segment_len());
    segments < run_len.div_ceil(ring.segment_len()) && lease.extend(segments).is_ok()
}

/// Steps a flow from the source into the target until the result is complete. `grow` gives the
/// target more room. With `breathe` the steps are short, and it is called between them.
fn fill(
    stage: &dyn Stage,
    direction: Direction,
    source: &[u8],
    target: &mut Lease,
    breathe: Option<fn()>,
    mut grow: impl FnMut(&mut Lease) -> Result<(), StageError>,
) -> Result<(), StageError> {
    let mut flow = stage.flow(direction)?;
    let mut read = 0usize;
    let piece_len = if breathe.is_some() { PIECE_LEN } else { usize::MAX };
    loop {
        let end = source.len().min(read.saturating_add(piece_len));
        let last = end == source.len();
        let room_len = target.tailroom();
        let mut next = Next::Room;
        let mut advanced = false;
        target.append_with(|spare| {
            let spare_len = spare.len().min(piece_len);
            let progress = flow.step(&source[read..end], &mut spare[..spare_len], last)?;
            read += progress.read;
            next = progress.next;
            advanced = progress.read + progress.written > 0;
            Ok(progress.written)
        })?;
        match next {
            Next::Done => return Ok(()),
            Next::Room if advanced || room_len < Flow::ROOM_MIN => {
                if target.tailroom() < Flow::ROOM_MIN {
                    grow(target)?;
                }
            }
            Next::Input if !last && advanced => {}
            // Nothing that is still to come would change what this flow does.
            Next::Room | Next::Input => return Err(StageError::Stalled { stage: stage.name() }),
        }
        if let Some(breathe) = breathe {
            breathe();
        }
    }
}
