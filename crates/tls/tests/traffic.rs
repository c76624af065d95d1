//! Data after the handshake, against a rustls client, over both layers and both versions.

mod peer;

use peer::{LAYERINGS, Pair};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use waterwheel_ring::Runs;
use waterwheel_tls::{Fault, Layering, Received};

fn pairs() -> impl Iterator<Item = Pair> {
    let versions: [&'static SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
    LAYERINGS.into_iter().flat_map(move |layering| {
        versions.into_iter().map(move |version| Pair::open(layering, version))
    })
}

fn bytes(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(len as u64);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

const LENS: [usize; 12] =
    [1, 2, 255, 4073, 4074, 4075, 4096, 16_383, 16_384, 16_385, 100_000, 1 << 20];

#[test]
fn bodies_of_all_lengths_come_and_go() {
    for mut pair in pairs() {
        for len in LENS {
            let body = bytes(len);
            assert_eq!(pair.upload(&body), body);
            pair.server.reply(&body);
            assert_eq!(pair.download(), body, "{len}");
        }
    }
}

#[test]
fn records_in_pieces_of_any_length_are_opened() {
    for mut pair in pairs() {
        for len in [1, 3, 4, 5, 6, 21, 22, 23, 1000] {
            let body = bytes(300);
            std::io::Write::write_all(&mut pair.client.writer(), &body).unwrap();
            let wire = pair.sent_by_client();
            for piece in wire.chunks(len) {
                pair.server.read(piece);
            }
            assert_eq!(pair.server.take_plain(), body);
        }
    }
}

#[test]
fn many_records_in_one_read_become_one_run() {
    for mut pair in pairs() {
        let (mut wire, mut body) = (Vec::new(), Vec::new());
        for len in [1, 50, 700, 16_384, 3] {
            let part = bytes(len);
            std::io::Write::write_all(&mut pair.client.writer(), &part).unwrap();
            wire.extend(pair.sent_by_client());
            body.extend(part);
        }
        pair.server.read(&wire);
        assert_eq!(pair.server.take_plain(), body);
    }
}

#[test]
fn plaintext_that_is_not_read_yet_stays_in_front() {
    for mut pair in pairs() {
        let (front, back) = (bytes(20_000), bytes(30_000));
        let mut pieces = Vec::new();
        for part in [&front, &back] {
            std::io::Write::write_all(&mut pair.client.writer(), part).unwrap();
            pieces.push(pair.sent_by_client());
        }
        pair.server.read(&pieces[0]);
        pair.server.plain.park();
        pair.server.read(&pieces[1]);
        assert_eq!(pair.server.take_plain(), [front, back].concat());
    }
}

#[test]
fn parked_halves_of_a_record_are_opened_once_whole() {
    for mut pair in pairs() {
        let body = bytes(9000);
        std::io::Write::write_all(&mut pair.client.writer(), &body).unwrap();
        for piece in pair.sent_by_client().chunks(2500) {
            pair.server.read(piece);
            pair.server.sealed.park();
            pair.server.session.rest();
        }
        assert_eq!(pair.server.take_plain(), body);
    }
}

#[test]
fn head_and_short_body_leave_as_one_record() {
    for mut pair in pairs() {
        pair.server.replies.push_static(b"head ");
        pair.server.replies.push_heap(b"body ".to_vec());
        pair.server.replies.push_static(b"more");
        pair.server.seal();
        let sent = pair.server.take_sent();
        let len = 5 + usize::from(u16::from_be_bytes([sent[3], sent[4]]));
        assert_eq!(len, sent.len(), "one record");
        pair.hand_to_client(&sent);
        let mut seen = [0; 14];
        std::io::Read::read_exact(&mut pair.client.reader(), &mut seen).unwrap();
        assert_eq!(&seen, b"head body more");
    }
}

#[test]
fn lease_with_room_is_sealed_where_it_lies() {
    let mut pair = Pair::open(Layering::InPlace, &TLS13);
    let mut lease = pair.server.ring.reserve(2).unwrap();
    lease.set_headroom(5);
    lease.append(&bytes(8192 - 22)).unwrap();
    let address = lease.address();
    pair.server.replies.push(lease);
    pair.server.seal();
    let sealed = std::mem::take(&mut pair.server.out).into_leases().next().unwrap();
    assert_eq!(sealed.address(), address - 5);
    assert_eq!(sealed.len(), 8192);
    let mut queue = Runs::new();
    queue.push(sealed);
    pair.server.out = queue;
    assert_eq!(pair.download(), bytes(8192 - 22));
    assert_eq!(pair.server.ring.stats().copies, 0);
}

#[test]
fn small_request_is_opened_where_it_was_received() {
    let mut pair = Pair::open(Layering::InPlace, &TLS13);
    assert_eq!(pair.upload(b"GET / HTTP/1.1\r\n\r\n"), b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(pair.server.ring.stats().copies, 0);
}

#[test]
fn close_notify_ends_each_direction_by_itself() {
    for mut pair in pairs() {
        pair.client.send_close_notify();
        pair.settle();
        assert_eq!(pair.server.last, Ok(Received::Closed));
        assert!(!pair.server.session.is_truncated());
        pair.server.reply(b"still talking");
        assert_eq!(pair.download(), b"still talking");
        pair.server.session.close(&pair.server.ring, &mut pair.server.out);
        pair.server.session.close(&pair.server.ring, &mut pair.server.out);
        let wire = pair.server.take_sent();
        pair.client.read_tls(&mut &wire[..]).unwrap();
        assert!(pair.client.process_new_packets().unwrap().peer_has_closed());
        pair.server.read(b"what comes after the end is ignored");
        assert_eq!(pair.server.last, Ok(Received::Closed));
        assert!(pair.server.plain.is_empty() && pair.server.sealed.is_empty());
    }
}

#[test]
fn end_without_close_notify_is_a_truncation() {
    for mut pair in pairs() {
        assert_eq!(pair.upload(b"half a body"), b"half a body");
        assert!(pair.server.session.is_truncated());
    }
}

#[test]
fn client_changes_its_keys_and_asks_for_ours() {
    for layering in LAYERINGS {
        let mut pair = Pair::open(layering, &TLS13);
        for round in 0..40_u8 {
            pair.client.refresh_traffic_keys().unwrap();
            assert_eq!(pair.upload(&[round; 100]), [round; 100]);
            pair.server.reply(&[round; 200]);
            assert_eq!(pair.download(), [round; 200]);
        }
    }
}

#[test]
fn resting_keys_are_made_again() {
    for mut pair in pairs() {
        for _ in 0..3 {
            pair.server.session.rest();
            assert_eq!(pair.upload(b"wake"), b"wake");
            pair.server.session.rest();
            pair.server.reply(b"up");
            assert_eq!(pair.download(), b"up");
        }
    }
}

#[test]
fn full_ring_is_an_answer_and_loses_nothing() {
    for mut pair in pairs() {
        let body = bytes(60_000);
        std::io::Write::write_all(&mut pair.client.writer(), &body).unwrap();
        let wire = pair.sent_by_client();
        pair.server.replies.push_heap(body.clone());
        // All segments but those that the bytes themselves need.
        let (read, _) = pair
            .server
            .sealed
            .receive(&pair.server.ring, wire.len(), wire.len(), |room| {
                room[..wire.len()].copy_from_slice(&wire);
                Ok::<usize, Fault>(wire.len())
            })
            .unwrap();
        assert_eq!(read.unwrap(), wire.len());
        let mut hoard = Vec::new();
        while let Ok(lease) = pair.server.ring.reserve(1) {
            hoard.push(lease);
        }
        pair.server.step();
        assert_eq!(pair.server.last, Ok(Received::Starved));
        let server = &mut pair.server;
        let sent = server.session.send(&server.ring, &mut server.replies, &mut server.out);
        assert_eq!(sent, Ok(false));
        hoard.clear();
        pair.server.step();
        assert_eq!(pair.server.take_plain(), body);
        pair.server.seal();
        assert_eq!(pair.download(), body);
    }
}
