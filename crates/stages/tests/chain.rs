//! Chains run in order, in mirror image on the way back, and where the bytes lie.

use waterwheel_ring::{Config, Lease, Ring};
use waterwheel_stages::{Chain, Direction, Growth, Stage, StageError, Window};

/// Writes its mark behind the payload, whichever way it runs.
#[derive(Debug)]
struct Mark(u8);

impl Mark {
    fn write(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        window.grow_back(1).map_err(|source| StageError::NoRoom { stage: "mark", source })?;
        let last = window.len() - 1;
        window.payload_mut()[last] = self.0;
        Ok(())
    }
}

impl Stage for Mark {
    fn name(&self) -> &'static str {
        "mark"
    }

    fn growth(&self, _: Direction) -> Growth {
        Growth::fixed(0, 1)
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        self.write(window)
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        self.write(window)
    }
}

fn leased(bytes: &[u8]) -> Lease {
    let ring = Ring::new(&Config::default()).expect("a ring of default size");
    let mut lease = ring.reserve(1).expect("the ring is empty");
    lease.append(bytes).expect("the bytes are few");
    lease
}

#[test]
fn outbound_mirrors_inbound() {
    let chain = Chain::new().then(Mark(b'1')).then(Mark(b'2')).then(Mark(b'3'));
    let mut lease = leased(b"");
    chain.inbound(&mut lease).unwrap();
    chain.outbound(&mut lease).unwrap();
    assert_eq!(lease.payload(), b"123321");
    assert_eq!((chain.len(), chain.names().collect::<Vec<_>>()), (3, vec!["mark"; 3]));
}

#[test]
fn empty_chain_leaves_bytes_alone() {
    let chain = Chain::new();
    let mut lease = leased(b"as they are");
    chain.inbound(&mut lease).unwrap();
    chain.outbound(&mut lease).unwrap();
    assert!(chain.is_empty());
    assert_eq!(lease.payload(), b"as they are");
}

#[test]
fn stages_behind_a_failed_one_do_not_run() {
    let chain = Chain::new().then(Mark(b'1')).then(Mark(b'2'));
    let mut lease = leased(b"");
    let room = lease.tailroom();
    lease.append(&vec![0; room - 1]).unwrap();
    let error = chain.inbound(&mut lease).unwrap_err();
    assert!(matches!(error, StageError::NoRoom { stage: "mark", .. }));
    assert_eq!(lease.payload().last(), Some(&b'1'));
}

#[test]
fn chains_are_shared_by_workers() {
    fn shared<T: Send + Sync>() {}
    shared::<Chain>();
}

#[cfg(feature = "base64")]
#[test]
fn a_planned_round_trip_moves_and_copies_nothing() {
    use waterwheel_stages::{Plan, PlanLimits, base64::Base64};

    let chain = Chain::new().then(Base64::STANDARD);
    let limits = PlanLimits {
        head_len_max: 500,
        body_len_max: 40_000,
        segment_len: 4096,
        reply_head_len_max: 100,
    };
    let plan = Plan::new(&chain, limits).unwrap();
    let ring = Ring::new(&Config::default()).unwrap();
    let text = vec![b'Q'; limits.body_len_max];

    let mut head = ring.reserve_bytes(plan.run_len()).unwrap();
    head.set_headroom(plan.headroom());
    head.append(&[b'h'; 40]).unwrap();
    head.append(&text).unwrap();
    let mut body = head.split_off(40);
    let address = body.address();

    chain.inbound(&mut body).unwrap();
    assert_eq!((body.len(), body.address()), (plan.inbound_len_max(), address));
    chain.outbound(&mut body).unwrap();
    assert!(body.payload() == text);

    body.absorb_front(head).unwrap();
    body.prepend(&vec![b'r'; limits.reply_head_len_max]).unwrap();
    assert_eq!(body.address(), address - limits.reply_head_len_max);
    assert_eq!(ring.stats().copies, 0);
}
