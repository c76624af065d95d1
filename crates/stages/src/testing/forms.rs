//! A payload through a stage in whatever form it has: in a window, as a flow, or both.

use crate::{
    Direction, Measure, Placement, Room, Stage, StageError,
    testing::passage::{Cut, is_offered, pass},
    testing::site::{FILLERS, Site, Surroundings},
};

/// The forms that a stage has in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forms {
    pub(super) window: bool,
    pub(super) flow: bool,
}

impl Forms {
    pub(super) fn of(stage: &dyn Stage, direction: Direction) -> Self {
        let placement = stage.placement(direction);
        assert_eq!(placement, stage.placement(direction), "the placement is not constant");
        let forms =
            Self { window: placement == Placement::Window, flow: is_offered(stage, direction) };
        let name = stage.name();
        assert!(forms.window || forms.flow, "{name} goes from run to run and has no flow");
        forms
    }
}

/// The one outcome that a stage has for a payload: every form and every way to cut it must lead
/// there.
///
/// # Errors
/// The error of the form that the placement names.
pub(super) fn outcome(
    site: &Site,
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
) -> Result<Vec<u8>, StageError> {
    let forms = Forms::of(stage, direction);
    if forms.window {
        let surroundings = Surroundings::declared(stage, direction, payload.len());
        return site.run(stage, direction, payload, surroundings).result;
    }
    let result = pass(stage, direction, payload, WHOLE);
    match stage.measure(direction, payload) {
        Ok(measure) => measured(site, stage, direction, payload, (measure, &result)),
        Err(error) => {
            assert!(result.is_err(), "{}: {direction:?}, measured: {error}", stage.name());
        }
    }
    result
}

/// What a measure told holds, and the window that it may offer works.
fn measured(
    site: &Site,
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    (measure, result): (Measure, &Result<Vec<u8>, StageError>),
) {
    let name = stage.name();
    let Measure { expected_len, len_max, window_len } = measure;
    let bound = stage.growth(direction).bound(payload.len());
    assert!(expected_len <= len_max, "{name} expects {expected_len} bytes of at most {len_max}");
    assert!(len_max <= bound, "{name} measures {len_max} bytes, declared {bound}");
    if let Ok(result) = result {
        let len = result.len();
        assert!(len <= len_max, "{name} made {len} bytes, measured {len_max}");
    }
    if let Some(window_len) = window_len {
        let back = window_len.saturating_sub(payload.len());
        for filler in FILLERS {
            let surroundings = Surroundings { room: Room { front: 0, back }, filler };
            let in_window = site.run(stage, direction, payload, surroundings).result;
            assert!(same(&in_window, result), "{name}: {direction:?} differs in the window");
        }
    }
}

/// Whether both worked and gave the same, or both failed.
pub(super) fn same(one: &Result<Vec<u8>, StageError>, other: &Result<Vec<u8>, StageError>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one == other,
        (one, other) => one.is_err() && other.is_err(),
    }
}

/// Whether a flow that was cut otherwise agrees: it does the same, or outbound it writes another
/// text of the same content. A compressor that sees its input at once may tell more than one that
/// does not.
pub(super) fn agree(
    stage: &dyn Stage,
    direction: Direction,
    payload: &[u8],
    one: &Result<Vec<u8>, StageError>,
    other: &Result<Vec<u8>, StageError>,
) -> bool {
    let is_content = |text: &Vec<u8>| {
        pass(stage, Direction::Inbound, text, WHOLE).is_ok_and(|content| content == payload)
    };
    same(one, other)
        || direction == Direction::Outbound
            && [one, other].iter().all(|text| text.as_ref().is_ok_and(is_content))
}

/// All at once, into more room than a step needs.
pub(super) const WHOLE: Cut<'static> =
    Cut { piece_lens: &[usize::MAX / 2], room_lens: &[WHOLE_ROOM_LEN], filler: 0 };
const WHOLE_ROOM_LEN: usize = 64 * 1024;
