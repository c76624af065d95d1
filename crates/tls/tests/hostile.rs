//! Records that no honest client sends: each ends the connection with the right alert, and nothing
//! of it is shown.

#![expect(clippy::unwrap_used, reason = "functions of tests fail by panics too")]

mod peer;

use peer::LAYERINGS;
use peer::forger::{ALERT, DATA, Forger, HANDSHAKE, KEY_UPDATE, KEY_UPDATE_REQUESTED, open};
use peer::server::Server;
use waterwheel_tls::testing::spend_key;
use waterwheel_tls::{Fault, Layering, Received};

const UNEXPECTED_MESSAGE: u8 = 10;
const BAD_RECORD_MAC: u8 = 20;
const RECORD_OVERFLOW: u8 = 22;
const ILLEGAL_PARAMETER: u8 = 47;
const DECODE_ERROR: u8 = 50;

/// The server reads what a client sends, refuses it, and says why; nothing is shown or kept.
fn refuses(name: &str, wire: impl Fn(&mut Forger) -> Vec<u8>, fault: &Fault, alert: u8) {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        let wire = wire(&mut forger);
        server.read(&wire);
        assert_eq!(server.last, Err(fault.clone()), "{name}, {layering:?}");
        let records = forger.take(&mut server);
        assert_eq!(records, [(ALERT, vec![2, alert])], "{name}, {layering:?}");
        assert!(server.plain.is_empty(), "{name}: nothing is shown");
        if layering == Layering::InPlace {
            assert!(server.sealed.is_empty(), "{name}: nothing is kept");
        }
    }
}

#[test]
fn records_with_a_wrong_tag_are_refused() {
    let bad = |forger: &mut Forger| {
        let mut record = forger.seal(DATA, b"secret");
        *record.last_mut().unwrap() ^= 1;
        record
    };
    refuses("tag", bad, &Fault::BadRecordMac, BAD_RECORD_MAC);
    let replay = |forger: &mut Forger| {
        let first = forger.seal(DATA, b"");
        [first.clone(), first].concat()
    };
    refuses("replay", replay, &Fault::BadRecordMac, BAD_RECORD_MAC);
    let lost = |forger: &mut Forger| {
        forger.seal(DATA, b"lost");
        forger.seal(DATA, b"next")
    };
    refuses("lost", lost, &Fault::BadRecordMac, BAD_RECORD_MAC);
    let short = |_: &mut Forger| vec![23, 3, 3, 0, 15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5];
    refuses("shorter than a tag", short, &Fault::BadRecordMac, BAD_RECORD_MAC);
}

#[test]
fn records_that_are_too_long_are_refused() {
    let content = |forger: &mut Forger| forger.seal(DATA, &[7; 16_385]);
    refuses("content", content, &Fault::RecordOverflow, RECORD_OVERFLOW);
    let padded = |forger: &mut Forger| forger.seal_padded(DATA, b"x", 16_385);
    refuses("padding", padded, &Fault::RecordOverflow, RECORD_OVERFLOW);
    let announced = |_: &mut Forger| vec![23, 3, 3, 0xff, 0xff];
    refuses_in_place(announced, &Fault::RecordOverflow, RECORD_OVERFLOW);
}

#[test]
fn longest_records_are_opened() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        for (content_len, padding) in [(16_384, 0), (1, 16_383), (16_000, 384)] {
            let content = vec![7; content_len];
            let record = forger.seal_padded(DATA, &content, padding);
            server.read(&record);
            assert_eq!(server.take_plain(), content, "{:?}", server.last);
        }
    }
}

#[test]
fn types_out_of_place_are_refused() {
    let inner_ccs = |forger: &mut Forger| forger.seal(20, &[1]);
    refuses("ccs inside", inner_ccs, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
    let only_zeros = |forger: &mut Forger| forger.seal_inner(&[0; 40]);
    refuses_in_place(only_zeros, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
    let plain_ccs = |_: &mut Forger| vec![20, 3, 3, 0, 1, 1];
    refuses("ccs outside", plain_ccs, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

#[test]
fn handshake_messages_but_key_updates_are_refused() {
    for message_type in [0, 1, 2, 4, 5, 8, 11, 13, 15, 20, 254] {
        let message = |forger: &mut Forger| forger.seal(HANDSHAKE, &[message_type, 0, 0, 1, 0]);
        refuses_in_place(message, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
    }
    let long = |forger: &mut Forger| forger.seal(HANDSHAKE, &[24, 0, 0, 2, 0, 0]);
    refuses_in_place(long, &Fault::Decode, DECODE_ERROR);
    let huge = |forger: &mut Forger| forger.seal(HANDSHAKE, &[24, 1, 0, 1, 0]);
    refuses_in_place(huge, &Fault::Decode, DECODE_ERROR);
    let empty = |forger: &mut Forger| forger.seal(HANDSHAKE, &[24, 0, 0, 0]);
    refuses_in_place(empty, &Fault::Decode, DECODE_ERROR);
    let request = |forger: &mut Forger| forger.seal(HANDSHAKE, &[24, 0, 0, 1, 2]);
    refuses_in_place(request, &Fault::IllegalParameter, ILLEGAL_PARAMETER);
    let two = |forger: &mut Forger| forger.seal(HANDSHAKE, &[KEY_UPDATE, KEY_UPDATE].concat());
    refuses_in_place(two, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
    let nothing = |forger: &mut Forger| forger.seal(HANDSHAKE, b"");
    refuses_in_place(nothing, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
    let no_alert = |forger: &mut Forger| forger.seal(ALERT, b"");
    refuses_in_place(no_alert, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

/// As [`refuses`], for what rustls judges in other words.
fn refuses_in_place(wire: impl Fn(&mut Forger) -> Vec<u8>, fault: &Fault, alert: u8) {
    let (mut forger, mut server) = open(Layering::InPlace);
    let wire = wire(&mut forger);
    server.read(&wire);
    assert_eq!(server.last, Err(fault.clone()));
    assert_eq!(forger.take(&mut server), [(ALERT, vec![2, alert])]);
    assert!(server.plain.is_empty() && server.sealed.is_empty());
}

#[test]
fn key_update_split_over_records_is_followed() {
    for layering in LAYERINGS {
        for cut in 1..5 {
            let (mut forger, mut server) = open(layering);
            let (front, back) = KEY_UPDATE_REQUESTED.split_at(cut);
            let front = forger.seal(HANDSHAKE, front);
            let back = forger.key_update(back);
            server.read(&front);
            server.read(&back);
            let data = forger.seal(DATA, b"under new keys");
            server.read(&data);
            assert_eq!(server.take_plain(), b"under new keys", "{layering:?}, cut at {cut}");
            server.reply(b"ours are new too");
            let records = forger.take(&mut server);
            assert_eq!(records[0], (HANDSHAKE, KEY_UPDATE.to_vec()));
            assert_eq!(records[1], (DATA, b"ours are new too".to_vec()));
        }
    }
}

#[test]
fn other_records_within_a_split_message_are_refused() {
    for between in [DATA, ALERT] {
        let wire = |forger: &mut Forger| {
            [forger.seal(HANDSHAKE, &KEY_UPDATE[..3]), forger.seal(between, &[1, 90])].concat()
        };
        refuses_in_place(wire, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
    }
    let empty = |forger: &mut Forger| {
        [forger.seal(HANDSHAKE, &KEY_UPDATE[..3]), forger.seal(DATA, b"")].concat()
    };
    refuses_in_place(empty, &Fault::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

#[test]
fn key_update_flood_is_cut_off() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        let mut count = 0;
        while server.last.is_ok() && count < 1000 {
            let update = forger.key_update(&KEY_UPDATE_REQUESTED);
            server.read(&update);
            count += 1;
        }
        assert_eq!(server.last, Err(Fault::Flood), "{layering:?}");
        assert_eq!(count, 33);
        let sent = server.take_sent();
        assert!(sent.len() <= 33 * 27, "{} bytes in answer", sent.len());
    }
}

#[test]
fn key_updates_between_data_are_no_flood() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        for _ in 0..100 {
            let update = forger.key_update(&KEY_UPDATE);
            server.read(&update);
            let data = forger.seal(DATA, b"x");
            server.read(&data);
            assert_eq!(server.take_plain(), b"x");
        }
    }
}

#[test]
fn requests_for_keys_in_one_read_are_answered_once() {
    let (mut forger, mut server) = open(Layering::InPlace);
    let updates: Vec<u8> = (0..20).flat_map(|_| forger.key_update(&KEY_UPDATE_REQUESTED)).collect();
    server.read(&updates);
    assert_eq!(forger.take(&mut server), [(HANDSHAKE, KEY_UPDATE.to_vec())]);
}

#[test]
fn empty_records_are_counted_and_cut_off() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        for count in 0..32 {
            let record = forger.seal_padded(DATA, b"", count);
            server.read(&record);
            assert!(server.last.is_ok());
        }
        let data = forger.seal(DATA, b"x");
        server.read(&data);
        assert_eq!(server.take_plain(), b"x", "some are legal");
        for _ in 0..33 {
            let record = forger.seal(DATA, b"");
            server.read(&record);
        }
        assert_eq!(server.last, Err(Fault::EmptyRecords), "{layering:?}");
    }
}

#[test]
fn alerts_end_the_connection_without_an_answer() {
    for layering in LAYERINGS {
        for code in [10, 20, 40, 80, 255] {
            let (mut forger, mut server) = open(layering);
            let alert = forger.seal(ALERT, &[2, code]);
            server.read(&alert);
            assert_eq!(server.last, Err(Fault::Alert(code)));
            assert!(server.take_sent().is_empty());
        }
    }
    let half = |forger: &mut Forger| forger.seal(ALERT, &[2]);
    refuses_in_place(half, &Fault::Decode, DECODE_ERROR);
    let double = |forger: &mut Forger| forger.seal(ALERT, &[1, 0, 1, 0]);
    refuses_in_place(double, &Fault::Decode, DECODE_ERROR);
}

#[test]
fn cancelled_users_are_counted() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        for _ in 0..4 {
            let alert = forger.seal(ALERT, &[1, 90]);
            server.read(&alert);
            assert!(server.last.is_ok());
        }
        let alert = forger.seal(ALERT, &[1, 90]);
        server.read(&alert);
        assert_eq!(server.last, Err(Fault::Flood), "{layering:?}");
    }
}

#[test]
fn nothing_is_opened_after_a_fault() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        let mut bad = forger.seal(DATA, b"bad");
        bad[7] ^= 1;
        let good = forger.seal(DATA, b"good");
        server.read(&[bad, good.clone()].concat());
        assert_eq!(server.last, Err(Fault::BadRecordMac));
        server.last = Ok(Received::Await { room: 0 });
        server.read(&good);
        assert_eq!(server.last, Ok(Received::Closed));
        assert!(server.plain.is_empty());
    }
}

#[test]
fn data_in_front_of_a_fault_stays() {
    for layering in LAYERINGS {
        let (mut forger, mut server) = open(layering);
        let good = forger.seal(DATA, b"good");
        let mut bad = forger.seal(DATA, b"evil");
        bad[7] ^= 1;
        server.read(&[good, bad].concat());
        assert_eq!(server.last, Err(Fault::BadRecordMac));
        assert_eq!(server.take_plain(), b"good");
    }
}

#[test]
fn every_flipped_bit_is_found_and_wiped() {
    for content_type in [DATA, HANDSHAKE, ALERT] {
        let content: &[u8] = match content_type {
            DATA => b"SECRET",
            HANDSHAKE => &KEY_UPDATE,
            _ => &[1, 0],
        };
        let len = 5 + content.len() + 17;
        for bit in 0..len * 8 {
            let (mut forger, mut server) = open(Layering::InPlace);
            let mut record = forger.seal(content_type, content);
            record[bit / 8] ^= 1 << (bit % 8);
            flip(bit, &record, &mut forger, &mut server);
        }
    }
}

fn flip(bit: usize, record: &[u8], forger: &mut Forger, server: &mut Server) {
    server.read(record);
    assert!(server.plain.is_empty(), "bit {bit}: nothing is shown");
    match bit {
        // The length grew: the rest of the record is awaited, or it is too long.
        24..40 if server.last.is_ok() => return,
        24..40 => assert!(matches!(server.last, Err(Fault::RecordOverflow | Fault::BadRecordMac))),
        0..16 => assert!(
            matches!(server.last, Err(Fault::UnexpectedMessage | Fault::BadRecordMac)),
            "bit {bit}: {:?}",
            server.last
        ),
        _ => assert_eq!(server.last, Err(Fault::BadRecordMac), "bit {bit}"),
    }
    let alert = server.last.as_ref().unwrap_err().alert().unwrap();
    assert_eq!(forger.take(server), [(ALERT, vec![2, alert])], "bit {bit}");
    // The run still is the connection's: what it shows of itself is zeros.
    assert!(server.sealed.is_empty());
    let mut run = server.sealed.claim(&server.ring, 1).unwrap();
    run.grow_back(run.tailroom()).unwrap();
    assert!(run.payload().iter().all(|byte| *byte == 0), "bit {bit}: wiped");
}

#[test]
fn keys_are_changed_before_they_are_used_up() {
    let (_, mut server) = open(Layering::InPlace);
    // The peer cannot follow the leap, so only the shape of what is sent is looked at.
    spend_key(&mut server.session, 17);
    server.reply(b"last of the old");
    assert_eq!(lens(&server.take_sent()), [15 + 22]);
    server.reply(b"first of the new");
    assert_eq!(lens(&server.take_sent()), [5 + 22, 16 + 22], "a KeyUpdate goes in front");
    server.reply(b"second");
    assert_eq!(lens(&server.take_sent()), [6 + 22]);
}

/// The lengths of some records.
fn lens(mut wire: &[u8]) -> Vec<usize> {
    let mut lens = Vec::new();
    while let Some(&[_, _, _, high, low]) = wire.first_chunk::<5>() {
        lens.push(5 + usize::from(u16::from_be_bytes([high, low])));
        wire = &wire[lens[lens.len() - 1]..];
    }
    lens
}
