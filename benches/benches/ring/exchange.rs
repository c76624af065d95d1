//! Receive, process, send: what does a request cost as the laps of the ring grow?
//!
//! Each connection is a pair of Unix sockets in which one message goes round: it is received from
//! one end into a lease, every byte is changed, and it is sent into the other end. A lease is held
//! until so many later messages have been received: with N in flight the ring's laps are N segments
//! long. One lease is held all the time, as some slow handler always does.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use criterion::{BenchmarkId, Criterion};
use waterwheel_ring::{Config, Lease, Ring};

const MESSAGE_LEN: usize = 4096;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring/exchange");
    for (count, in_flight) in [(64, &[1, 16, 60][..]), (4096, &[1, 16, 64, 256, 1024, 3000])] {
        for &in_flight in in_flight {
            let mut exchange = Exchange::new(count, in_flight);
            let id = BenchmarkId::new(format!("{count}_connections"), in_flight);
            group.bench_function(id, |bencher| bencher.iter(|| exchange.turn()));
        }
    }
    group.finish();
}

struct Exchange {
    ring: Ring,
    _slow: Lease,
    connections: Vec<(UnixStream, UnixStream)>,
    next: usize,
    held: VecDeque<(usize, Lease)>,
    in_flight: usize,
}

impl Exchange {
    fn new(count: usize, in_flight: usize) -> Self {
        let ring = Ring::new(&Config::default()).expect("a ring can be made");
        let slow = ring.reserve(1).expect("the ring is empty");
        let connections = (0..count)
            .map(|_| {
                let (read, mut write) = UnixStream::pair().expect("there are descriptors left");
                write.write_all(&[7; MESSAGE_LEN]).expect("a message fits a socket");
                (read, write)
            })
            .collect();
        Self { ring, _slow: slow, connections, next: 0, held: VecDeque::new(), in_flight }
    }

    fn turn(&mut self) {
        let at = self.next;
        self.next = (at + 1) % self.connections.len();
        let mut lease = self.ring.reserve_bytes(MESSAGE_LEN).expect("few are in flight");
        let received = lease.append_with(|room| self.connections[at].0.read(room));
        assert_eq!(received.expect("there is a message"), MESSAGE_LEN);
        for byte in lease.payload_mut() {
            *byte ^= 1;
        }
        self.held.push_back((at, lease));
        if self.held.len() >= self.in_flight
            && let Some((at, lease)) = self.held.pop_front()
        {
            self.connections[at].1.write_all(lease.payload()).expect("a message fits a socket");
        }
    }
}
