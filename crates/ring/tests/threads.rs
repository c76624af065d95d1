//! Leases that come back from threads which are busy at the same time as the owner. Loom has every
//! interleaving of the smallest case; this has some of a larger one, with bytes that tools watch.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::mpsc;
use std::thread;

use waterwheel_ring::{Config, RemoteLease, Ring};

/// Writes to a lease and reads it back: whoever else wrote to it would show.
fn use_up(mut lease: RemoteLease, pattern: u8) {
    let len = lease.tailroom();
    let fill = |room: &mut [u8]| {
        room.fill(pattern);
        Ok::<_, ()>(room.len())
    };
    lease.append_with(fill).unwrap();
    thread::yield_now();
    assert_eq!(lease.payload()[lease.len() - len..], vec![pattern; len]);
}

#[test]
fn leases_return_from_busy_threads() {
    let mut config = Config::default();
    config.segment_len = 64;
    config.segment_count = 16;
    let ring = Ring::new(&config).unwrap();
    let others: Vec<_> = (1..=THREADS)
        .map(|pattern| {
            let (give, take) = mpsc::sync_channel::<RemoteLease>(4);
            let thread = thread::spawn(move || {
                for lease in take {
                    use_up(lease, pattern);
                }
            });
            (give, thread)
        })
        .collect();

    let mut random = fastrand::Rng::with_seed(7);
    for step in 0..STEPS {
        let count = random.usize(1..=3);
        let Ok(mut lease) = ring.reserve(count) else {
            thread::yield_now();
            continue;
        };
        lease.grow_back(count * 64).unwrap();
        assert!(lease.payload().iter().all(|&byte| byte == 0));
        lease.payload_mut().fill(0xEE);
        lease.truncate(random.usize(0..=count * 64));
        if random.u8(0..4) > 0 {
            let (give, _) = &others[step % others.len()];
            give.send(lease.into_remote().unwrap()).unwrap();
        }
    }
    for (give, thread) in others {
        drop(give);
        thread.join().unwrap();
    }
    ring.collect_returns();
    assert_eq!((ring.leased(), ring.reserve(16).unwrap().len()), (0, 0));
}

const THREADS: u8 = 3;
const STEPS: usize = if cfg!(miri) { 300 } else { 20_000 };
