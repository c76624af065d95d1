//! The layer in place and rustls, told the same things: they show the same plaintext and refuse the
//! same records with the same alert, but for the differences that are named here.

mod peer;

use fastrand::Rng;
use peer::forger::{ALERT, DATA, Forger, HANDSHAKE, KEY_UPDATE, KEY_UPDATE_REQUESTED, open};
use peer::server::Server;
use waterwheel_tls::testing::fuzz_records;
use waterwheel_tls::{Fault, Layering, Received};

/// What a client sends. Both peers seal it with their own keys, so that the bytes are the same
/// before sealing; what is done to the wire is done at the same place.
#[derive(Clone, Debug)]
enum Step {
    Record { content_type: u8, content: Vec<u8>, padding: usize },
    KeyUpdate { is_requested: bool },
    Flipped { content: Vec<u8>, bit: usize },
    Raw(Vec<u8>),
    Reply(Vec<u8>),
}

fn bytes(random: &mut Rng, len_max: usize) -> Vec<u8> {
    let len = random.usize(..=len_max);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

fn step(random: &mut Rng) -> Step {
    let len_max = [100, 16_384][random.usize(..2)];
    match random.u32(..100) {
        0..45 => Step::Record {
            content_type: DATA,
            content: bytes(random, len_max),
            padding: random.usize(..4) * random.usize(..20),
        },
        45..60 => Step::KeyUpdate { is_requested: random.bool() },
        60..90 => Step::Reply(bytes(random, 40_000)),
        90..93 => {
            let content = bytes(random, 50);
            // Behind the header: what it says, both judge in their own words.
            let bit = random.usize(5 * 8..(5 + content.len() + 17) * 8);
            Step::Flipped { content, bit }
        }
        93..95 => Step::Record { content_type: ALERT, content: vec![1, 90], padding: 0 },
        95 => Step::Record { content_type: ALERT, content: vec![2, random.u8(2..90)], padding: 0 },
        96 => Step::Record { content_type: ALERT, content: vec![1, 0], padding: 0 },
        97 => {
            let message = vec![24, 0, 0, 1, random.u8(2..)];
            Step::Record { content_type: HANDSHAKE, content: message, padding: 0 }
        }
        98 => Step::Record { content_type: 20, content: vec![1], padding: random.usize(..3) },
        _ => Step::Raw(vec![23, 3, 3, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    }
}

/// What the outside saw of one connection.
#[derive(Debug, PartialEq)]
struct Seen {
    plain: Vec<u8>,
    replies: Vec<u8>,
    last: Result<Received, Fault>,
    alert: Option<u8>,
}

fn wire_of(forger: &mut Forger, step: &Step) -> Vec<u8> {
    match step {
        Step::Record { content_type, content, padding } => {
            forger.seal_padded(*content_type, content, *padding)
        }
        Step::KeyUpdate { is_requested: true } => forger.key_update(&KEY_UPDATE_REQUESTED),
        Step::KeyUpdate { is_requested: false } => forger.key_update(&KEY_UPDATE),
        Step::Flipped { content, bit } => {
            let mut record = forger.seal(DATA, content);
            record[bit / 8] ^= 1 << (bit % 8);
            record
        }
        Step::Raw(raw) => raw.clone(),
        Step::Reply(_) => Vec::new(),
    }
}

fn play(layering: Layering, steps: &[Step], seed: u64) -> Seen {
    let (mut forger, mut server) = open(layering);
    let mut random = Rng::with_seed(seed);
    let mut seen =
        Seen { plain: Vec::new(), replies: Vec::new(), last: server.last.clone(), alert: None };
    let mut wire = Vec::new();
    for step in steps {
        if let Step::Reply(reply) = step {
            if server.last.is_ok() {
                server.reply(reply);
            }
        } else {
            wire.extend(wire_of(&mut forger, step));
        }
        // Sometimes several records in one read, sometimes many reads for a record.
        if random.u32(..4) > 0 {
            deliver(&mut server, &wire, &mut random);
            wire.clear();
        }
        seen.plain.extend(server.take_plain());
        note(&mut forger, &mut server, &mut seen);
    }
    deliver(&mut server, &wire, &mut random);
    seen.plain.extend(server.take_plain());
    note(&mut forger, &mut server, &mut seen);
    seen.last = server.last;
    seen
}

fn deliver(server: &mut Server, wire: &[u8], random: &mut Rng) {
    let piece_len = [1 << 20, 5000, 700, 13][random.usize(..4)];
    for piece in wire.chunks(piece_len) {
        if server.last == Ok(Received::Closed) || server.last.is_err() {
            return;
        }
        server.read(piece);
    }
}

fn note(forger: &mut Forger, server: &mut Server, seen: &mut Seen) {
    for (content_type, content) in forger.take(server) {
        match content_type {
            DATA => seen.replies.extend(content),
            ALERT => seen.alert = Some(content[1]),
            _ => assert_eq!(content, KEY_UPDATE),
        }
    }
}

/// Where rustls ends the connection without an alert, RFC 8446 asks for one, and we send it.
fn is_known_difference(in_place: &Seen, stock: &Seen) -> bool {
    stock.alert.is_none()
        && in_place.alert == in_place.last.as_ref().err().and_then(Fault::alert)
        && matches!(
            in_place.last,
            Err(Fault::UnexpectedMessage | Fault::Flood | Fault::EmptyRecords)
        )
}

#[test]
fn both_layers_see_and_say_the_same() {
    let (mut ended, mut silent) = (0, 0);
    for seed in 0..400 {
        let mut random = Rng::with_seed(seed);
        let len = random.usize(1..40);
        let steps: Vec<_> = (0..len).map(|_| step(&mut random)).collect();
        let mut in_place = play(Layering::InPlace, &steps, seed);
        let stock = play(Layering::Stock, &steps, seed);
        ended += usize::from(in_place.last.is_err());
        if is_known_difference(&in_place, &stock) {
            silent += 1;
            in_place.alert = None;
        }
        assert_eq!(in_place, stock, "seed {seed}: {steps:?}");
    }
    assert!(ended > 50 && ended < 350, "{ended} runs had a fault");
    assert!(silent < 50, "{silent} runs had an alert that rustls does not send");
}

#[test]
fn fuzz_function_accepts_random_scripts() {
    let mut random = Rng::with_seed(7);
    let scripts = std::iter::repeat_with(|| bytes(&mut random, 400)).take(2000);
    let shown = scripts.map(|script| fuzz_records(&script)).filter(|len| *len > 0).count();
    assert!(shown > 200, "{shown} scripts brought plaintext to light");
}
