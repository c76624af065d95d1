//! What a record costs in steady state, and what a connection costs while it is idle.

mod peer;

use allocation_counter::measure;
use peer::Pair;
use peer::forger::{DATA, Forger, open};
use peer::server::Server;
use rustls::version::TLS13;
use waterwheel_tls::Layering;

/// One request and its reply, as a worker with hot runs would do it. The request is already there.
fn exchange(server: &mut Server, record: &[u8], reply: &[u8]) {
    server.read(record);
    let lease = server.plain.claim(&server.ring, 0).expect("a free ring");
    server.replies.place(&server.ring, reply.len(), |room| room.copy_from_slice(reply));
    server.seal();
    while let Some(front) = server.out.front() {
        let len = front.len();
        server.out.consume(len);
    }
    drop(lease);
}

fn rounds(forger: &mut Forger, server: &mut Server, request_len: usize, reply_len: usize) {
    let (request, reply) = (vec![b'q'; request_len], vec![b'r'; reply_len]);
    let records: Vec<_> = (0..100).map(|_| forger.seal(DATA, &request)).collect();
    let (warm, counted) = records.split_at(20);
    for record in warm {
        exchange(server, record, &reply);
    }
    let copies = server.ring.stats().copies;
    let allocations = measure(|| {
        for record in counted {
            exchange(server, record, &reply);
        }
    });
    assert_eq!(allocations.count_total, 0, "{request_len} in, {reply_len} out");
    assert_eq!(server.ring.stats().copies, copies, "{request_len} in, {reply_len} out");
}

#[test]
fn records_cost_no_allocation_and_no_copy() {
    let (mut forger, mut server) = open(Layering::InPlace);
    for len in [1, 256, 1024, 4000, 4074, 4075, 16_384] {
        rounds(&mut forger, &mut server, len, 130);
        rounds(&mut forger, &mut server, 60, len);
    }
    rounds(&mut forger, &mut server, 60, 60_000);
}

#[test]
fn several_records_in_a_read_cost_no_copy() {
    let (mut forger, mut server) = open(Layering::InPlace);
    let records: Vec<u8> = (0..3).flat_map(|_| forger.seal(DATA, &[7; 16_384])).collect();
    server.read(&records);
    assert_eq!(server.take_plain().len(), 3 * 16_384);
    assert_eq!(server.ring.stats().copies, 0);
}

/// What the AEAD library allocates for an expanded key, which a counter of Rust's allocations does
/// not see: `sizeof(EVP_AEAD_CTX)` of AWS-LC.
const EXPANDED_KEY_LEN: i64 = 600;

/// Bytes of a session that has served requests: itself, and what it gives back when it goes.
fn idle_len(layering: Layering, rests: bool) -> i64 {
    let mut pair = Pair::open(layering, &TLS13);
    for _ in 0..3 {
        pair.upload(&[1; 16_384]);
        pair.server.reply(&[2; 16_384]);
        pair.download();
    }
    if rests {
        pair.server.session.rest();
    }
    let Pair { server, .. } = pair;
    let own = i64::try_from(size_of_val(&server.session)).expect("a small type");
    let expanded = if rests { 0 } else { 2 * EXPANDED_KEY_LEN };
    own + expanded - measure(|| drop(server.session)).bytes_current
}

#[test]
fn idle_connection_takes_little_memory() {
    let resting = idle_len(Layering::InPlace, true);
    println!("resting {resting}, awake {}", idle_len(Layering::InPlace, false));
    println!("stock, without what its ciphers take {}", idle_len(Layering::Stock, true));
    assert!(resting <= 1228, "{resting} bytes");
}
