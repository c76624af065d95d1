//! A chain does in place, in exactly the room of its plan, what its stages do one by one to a
//! `Vec`.
//!
//! First byte: how many stages. Then one byte for each stage. The rest: a body as received.

use base64::Engine as _;
use waterwheel_stages::gzip::Gzip;
use waterwheel_stages::hex::Hex;
use waterwheel_stages::zstd::Zstd;
use waterwheel_stages::{
    Chain, Direction, Growth, Identity, Next, Plan, PlanLimits, Stage, StageError, Window,
};

use crate::{base64_text::form, plain, site, split_choice};

/// See the module.
pub fn chain(data: &[u8]) {
    let (choice, rest) = split_choice(data);
    let count = (usize::from(choice) % (STAGE_COUNT_MAX + 1)).min(rest.len());
    let (choices, body) = rest.split_at(count);
    let plain: Vec<_> = choices.iter().map(|choice| Plain::choose(*choice)).collect();
    let chain = plain.iter().fold(Chain::new(), |chain, stage| stage.add_to(chain));
    let plan = Plan::new(&chain, limits(body.len())).expect("inputs are short");

    let mut lease = site::lease(body, plan.headroom(), plan.tailroom());
    let expected = plain.iter().try_fold(body.to_vec(), |bytes, stage| stage.inbound(bytes));
    match (chain.inbound(&mut lease), expected) {
        (Ok(()), Some(expected)) => {
            assert_eq!(lease.payload(), expected, "{chain:?} inbound");
            assert!(expected.len() <= plan.inbound_len_max());
        }
        (Err(error), None) if is_refusal(&error) => return,
        (ours, plain) => panic!("{chain:?}: {ours:?}, plain {:?}", plain.map(|all| all.len())),
    }

    lease.payload_mut().reverse();
    let mut expected = lease.payload().to_vec();
    for stage in plain.iter().rev() {
        let Some(bytes) = stage.outbound(expected) else {
            assert!(chain.outbound(&mut lease).is_err_and(|error| is_refusal(&error)));
            return;
        };
        expected = bytes;
    }
    chain.outbound(&mut lease).expect("the plan has made room, and the plain stages work");
    assert_eq!(lease.payload(), expected, "{chain:?} outbound");
    assert!(expected.len() <= plan.outbound_len_max());
}

fn is_refusal(error: &StageError) -> bool {
    matches!(error, StageError::Malformed { .. } | StageError::TooLong { .. })
}

pub(crate) fn limits(body_len_max: usize) -> PlanLimits {
    PlanLimits { head_len_max: 0, body_len_max, segment_len: 4096, reply_head_len_max: 0 }
}

/// A stage as it would be written over a `Vec`.
#[derive(Clone, Copy, Debug)]
enum Plain {
    Identity,
    Base64(u8),
    /// Encodes inbound and decodes outbound.
    Swapped(u8),
    Framed,
    Hex,
    Gzip,
    Zstd,
}

impl Plain {
    const fn choose(choice: u8) -> Self {
        match choice % 8 {
            0 => Self::Identity,
            1 | 2 => Self::Base64(choice >> 3),
            3 => Self::Hex,
            4 => Self::Gzip,
            5 => Self::Swapped(choice >> 3),
            6 => Self::Framed,
            _ => Self::Zstd,
        }
    }

    fn add_to(self, chain: Chain) -> Chain {
        match self {
            Self::Identity => chain.then(Identity),
            Self::Base64(choice) => chain.then(form(choice).0),
            Self::Swapped(choice) => chain.then(Swapped(form(choice).0)),
            Self::Framed => chain.then(Framed),
            Self::Hex => chain.then(Hex::LOWER),
            Self::Gzip => chain.then(GZIP),
            Self::Zstd => chain.then(ZSTD),
        }
    }

    fn inbound(self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Identity => Some(bytes),
            Self::Base64(choice) => form(choice).1.decode(bytes).ok(),
            Self::Swapped(choice) => Some(form(choice).1.encode(bytes).into_bytes()),
            Self::Framed => {
                let content = bytes.strip_prefix(MARK)?.split_last().map(|(_, content)| content)?;
                (bytes.last() == Some(&sum(content))).then(|| content.to_vec())
            }
            Self::Hex => plain::hex(&bytes),
            Self::Gzip => turn(&GZIP, Direction::Inbound, &bytes),
            Self::Zstd => turn(&ZSTD, Direction::Inbound, &bytes),
        }
    }

    fn outbound(self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::Identity => Some(bytes),
            Self::Base64(choice) => Some(form(choice).1.encode(bytes).into_bytes()),
            Self::Swapped(choice) => form(choice).1.decode(bytes).ok(),
            Self::Framed => Some([MARK, &bytes, &[sum(&bytes)]].concat()),
            Self::Hex => {
                Some(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect())
            }
            Self::Gzip => turn(&GZIP, Direction::Outbound, &bytes),
            Self::Zstd => turn(&ZSTD, Direction::Outbound, &bytes),
        }
    }
}

/// A flow from one `Vec` into another, in one step when its first guess at the room is right.
fn turn(stage: &dyn Stage, direction: Direction, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut flow = stage.flow(direction).expect("bodies pass one after another");
    let (mut read, mut written) = (0, 0);
    let mut result = vec![0; 2 * bytes.len() + CONTENT_LEN_MAX];
    loop {
        let progress = flow.step(&bytes[read..], &mut result[written..], true).ok()?;
        (read, written) = (read + progress.read, written + progress.written);
        if progress.next == Next::Done {
            result.truncate(written);
            return Some(result);
        }
        assert!(progress.read + progress.written > 0, "{} stalls", stage.name());
    }
}

/// A stage the other way round: the only kind that makes bodies longer on their way in.
#[derive(Debug)]
struct Swapped<S>(S);

impl<S: Stage> Stage for Swapped<S> {
    fn name(&self) -> &'static str {
        "swapped"
    }

    fn growth(&self, direction: Direction) -> Growth {
        self.0.growth(match direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        })
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        self.0.outbound(window)
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        self.0.inbound(window)
    }
}

/// A mark before the payload and a sum behind it: room is needed on both sides, as for a TLS
/// record.
#[derive(Debug)]
struct Framed;

impl Stage for Framed {
    fn name(&self) -> &'static str {
        "framed"
    }

    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Shrinks,
            Direction::Outbound => Growth::fixed(MARK.len(), 1),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let malformed = |cause| StageError::Malformed { stage: "framed", at: None, cause };
        let framed = window.payload().strip_prefix(MARK).and_then(|rest| rest.split_last());
        let Some((sum_received, content)) = framed else { return Err(malformed("has no frame")) };
        if *sum_received != sum(content) {
            return Err(malformed("has another sum"));
        }
        window.truncate(window.len() - 1);
        window.advance(MARK.len());
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let sum = sum(window.payload());
        let no_room = |source| StageError::NoRoom { stage: "framed", source };
        window.grow_back(1).map_err(no_room)?;
        window.grow_front(MARK.len()).map_err(no_room)?;
        let bytes = window.payload_mut();
        bytes[..MARK.len()].copy_from_slice(MARK);
        *bytes.last_mut().expect("one byte was added") = sum;
        Ok(())
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

const MARK: &[u8] = b"<-";
const STAGE_COUNT_MAX: usize = 4;
/// Small, so that short inputs reach it.
const CONTENT_LEN_MAX: usize = 16 * 1024;
const GZIP: Gzip = Gzip::new(CONTENT_LEN_MAX);
const ZSTD: Zstd = Zstd::new(CONTENT_LEN_MAX);
