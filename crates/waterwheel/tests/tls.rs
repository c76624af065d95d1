//! HTTPS through the whole worker in a simulated world, with a TLS client of rustls.

mod sealed;

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::AlertDescription;
use rustls::pki_types::PrivateKeyDer;
use sealed::{Sealed, VERSIONS, client_config, config};
use waterwheel::lab::{Lab, LabConfig, LabReply};
use waterwheel::reactor::sim::End;
use waterwheel::tls::{ClientAuth, ClientRoots, ConfigError};
use waterwheel::{App, ClientIdentity, InPlace, Tls, TlsInfo};

fn app() -> App {
    App::new()
        .get("/", || "sealed")
        .get("/long", || vec![7u8; LONG])
        .post("/echo", |body: InPlace<[u8]>| body)
        .get("/tls", told)
        .get("/who", |who: ClientIdentity| who.0.certificate().to_vec())
}

fn told(tls: TlsInfo) -> String {
    let name = tls.server_name.as_deref().unwrap_or_default();
    let protocol = String::from_utf8_lossy(tls.protocol.as_deref().unwrap_or_default());
    format!("{name} {protocol} {} {}", tls.is_tls13, tls.is_resumed)
}

fn lab(config: waterwheel::tls::Config) -> Lab {
    let mut lab = LabConfig::default();
    lab.tls = Some(Tls::new(config).expect("good settings"));
    Lab::with(app(), lab)
}

fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LONG_GET: &[u8] = b"GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LONG: usize = 1 << 20;

#[test]
fn requests_are_answered_in_both_versions() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let mut lab = lab(config);
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        for _ in 0..3 {
            let reply = client.ask(&mut lab, GET);
            assert_eq!((reply.status(), reply.text()), (200, "sealed"));
        }
        assert_eq!(lab.leased_segments(), 0, "an idle connection owns no segment");
        assert_eq!(lab.open_connections(), 1);
    }
}

#[test]
fn bodies_of_a_mebibyte_pass_both_ways() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let mut lab = lab(config);
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        let body: Vec<u8> = (0..=250).cycle().take(LONG - 1000).collect();
        let reply = client.ask(&mut lab, &post("/echo", &body));
        assert!(reply.body() == body, "{} of {} bytes", reply.body().len(), body.len());
        assert_eq!(client.ask(&mut lab, LONG_GET).body().len(), LONG);
        assert_eq!(lab.leased_segments(), 0);
    }
}

#[test]
fn bytes_may_come_one_by_one() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let mut lab = lab(config);
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        client.tls.writer().write_all(&post("/echo", b"in pieces")).unwrap();
        while client.plain.is_empty() {
            let bytes = client.outgoing();
            assert!(!bytes.is_empty(), "the server answers");
            for byte in bytes {
                client.wire.send(&[byte]);
                lab.turn();
            }
            lab.settle();
            client.take();
        }
        assert_eq!(client.reply().body(), b"in pieces");
        assert_eq!(lab.leased_segments(), 0);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let mut client = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    let requests: Vec<u8> = (0..50).flat_map(|at| post("/echo", &[at; 30])).collect();
    client.tls.writer().write_all(&requests).unwrap();
    client.settle(&mut lab);
    for at in 0..50 {
        assert_eq!(client.reply().body(), [at; 30]);
    }
}

#[test]
fn record_of_many_requests_and_request_of_many_records_mix() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let mut client = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    client.settle(&mut lab);
    let bytes = [post("/echo", b"first"), post("/echo", &[9; 300]), GET.to_vec()].concat();
    for cut in (1..bytes.len()).step_by(7) {
        let (front, back) = bytes.split_at(cut);
        let records = [client.seal(front), client.seal(back)].concat();
        client.wire.send(&records);
        client.settle(&mut lab);
        assert_eq!(client.reply().body(), b"first");
        assert_eq!(client.reply().body(), [9; 300]);
        assert_eq!(client.reply().text(), "sealed");
    }
}

#[test]
fn handlers_see_what_was_agreed_on_and_resumption() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let mut lab = lab(config);
        let mut settings = (*client_config(&certificate, version)).clone();
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        let settings = Arc::new(settings);
        for resumed in [false, true] {
            let mut client = Sealed::connect(&lab, &settings);
            let reply = client.ask(&mut lab, b"GET /tls HTTP/1.1\r\nhost: localhost\r\n\r\n");
            let is_13 = version == VERSIONS[0];
            assert_eq!(reply.text(), format!("localhost http/1.1 {is_13} {resumed}"));
        }
    }
}

#[test]
fn client_certificate_reaches_the_handler() {
    const WHO: &[u8] = b"GET /who HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let (mut config, certificate) = config();
    let own = rcgen::generate_simple_self_signed(vec!["client".into()]).unwrap();
    let roots = ClientRoots::from_pem(own.cert.pem().as_bytes()).unwrap();
    config.client_auth = ClientAuth::Optional(roots);
    let mut lab = lab(config);
    for version in VERSIONS {
        let mut stranger = Sealed::connect(&lab, &client_config(&certificate, version));
        assert_eq!(stranger.ask(&mut lab, WHO).status(), 403);
        let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
        let settings = sealed::client_builder(&certificate, version)
            .with_client_auth_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let mut known = Sealed::connect(&lab, &Arc::new(settings));
        let reply = known.ask(&mut lab, WHO);
        assert_eq!((reply.status(), reply.body()), (200, own.cert.der().as_ref()));
    }
}

#[test]
fn plain_request_is_told_what_is_wrong() {
    let (config, _) = config();
    let mut lab = lab(config);
    let (received, is_closed) = lab.raw(GET);
    let reply = LabReply::parse(&received, false, true).unwrap();
    assert_eq!(reply.status(), 400);
    assert!(reply.text().contains("HTTPS"), "{}", reply.text());
    assert!(is_closed);
}

#[test]
fn request_that_is_cut_off_reaches_no_handler() {
    let (config, certificate) = config();
    for with_close_notify in [false, true] {
        let mut lab = lab(config.clone());
        let mut client = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
        client.settle(&mut lab);
        let whole = post("/echo", &[1; 100]);
        client.tls.writer().write_all(&whole[..whole.len() - 1]).unwrap();
        if with_close_notify {
            client.tls.send_close_notify();
        }
        client.exchange();
        client.wire.shutdown_write();
        client.settle(&mut lab);
        assert_eq!((client.plain.len(), lab.open_connections()), (0, 0));
    }
}

#[test]
fn request_is_answered_that_comes_with_a_cut_one_and_the_end() {
    let (config, certificate) = config();
    for version in VERSIONS {
        let mut lab = lab(config.clone());
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        client.settle(&mut lab);
        let bytes = [GET, &post("/echo", &[1; 100])[..50]].concat();
        client.tls.writer().write_all(&bytes).unwrap();
        client.tls.send_close_notify();
        client.exchange();
        client.wire.shutdown_write();
        client.settle(&mut lab);
        assert_eq!(client.reply().text(), "sealed");
        assert_eq!((client.plain.len(), lab.open_connections()), (0, 0));
    }
}

#[test]
fn last_reply_is_followed_by_close_notify() {
    for version in VERSIONS {
        let (config, certificate) = config();
        let mut lab = lab(config);
        let mut client = Sealed::connect(&lab, &client_config(&certificate, version));
        let last = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        assert_eq!(client.ask(&mut lab, last).status(), 200);
        // An end without it would be an error.
        assert_eq!(client.tls.reader().read(&mut [0]).unwrap(), 0);
        assert!(matches!(client.wire.end(), Some(End::Closed)));
    }
}

#[test]
fn close_notify_is_answered_after_the_reply() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let mut client = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    client.tls.writer().write_all(LONG_GET).unwrap();
    client.settle(&mut lab);
    client.plain.clear();
    client.tls.writer().write_all(LONG_GET).unwrap();
    client.tls.send_close_notify();
    client.settle(&mut lab);
    assert_eq!(client.reply().body().len(), LONG);
    assert_eq!(client.tls.reader().read(&mut [0]).unwrap(), 0);
}

#[test]
fn handshake_counts_towards_the_time_for_the_first_head() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let silent = lab.connect();
    let mut half = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    let hello = half.outgoing();
    half.wire.send(&hello[..hello.len() - 1]);
    let mut late = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    late.settle(&mut lab);
    assert_eq!(lab.leased_segments(), 0, "half a hello is parked");
    lab.advance(Duration::from_secs(9));
    assert_eq!(lab.open_connections(), 3);
    late.exchange();
    lab.advance(Duration::from_secs(4));
    assert_eq!(lab.open_connections(), 0);
    assert!(silent.end().is_some() && half.wire.end().is_some() && late.wire.end().is_some());
}

#[test]
fn handshakes_beyond_the_limit_are_refused_and_make_way() {
    let (config, certificate) = config();
    let mut settings = LabConfig::default();
    settings.tls = Some(Tls::new(config).unwrap());
    settings.handshakes.handshakes_max = 2;
    let mut lab = Lab::with(app(), settings);
    let client = client_config(&certificate, VERSIONS[0]);
    let mut waiting: Vec<_> = (0..3).map(|_| Sealed::connect(&lab, &client)).collect();
    for one in &mut waiting {
        let hello = one.outgoing();
        one.wire.send(&hello[..100]);
        lab.settle();
    }
    let ended: Vec<bool> = waiting.iter().map(|one| one.wire.end().is_some()).collect();
    assert_eq!(ended, [false, false, true]);
    drop(waiting);
    lab.settle();
    assert_eq!(Sealed::connect(&lab, &client).ask(&mut lab, GET).status(), 200);
}

#[test]
fn unread_reply_leaves_the_ring_and_arrives_later() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let mut client = Sealed::connect(&lab, &client_config(&certificate, VERSIONS[0]));
    client.settle(&mut lab);
    client.wire.set_auto_read(false);
    let request = client.seal(LONG_GET);
    client.wire.send(&request);
    lab.settle();
    assert_eq!(lab.leased_segments(), 0, "what the client does not read is parked");
    client.wire.set_auto_read(true);
    client.settle(&mut lab);
    assert_eq!(client.reply().body().len(), LONG);
    assert_eq!(lab.leased_segments(), 0);
}

#[test]
fn drain_ends_idle_connections_with_close_notify() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let settings = client_config(&certificate, VERSIONS[0]);
    let mut idle = Sealed::connect(&lab, &settings);
    let mut busy = Sealed::connect(&lab, &settings);
    assert_eq!(idle.ask(&mut lab, GET).status(), 200);
    busy.settle(&mut lab);
    let request = busy.seal(&post("/echo", b"asked before"));
    let (front, back) = request.split_at(request.len() - 5);
    busy.wire.send(front);
    lab.settle();
    lab.drain();
    lab.settle();
    busy.wire.send(back);
    for client in [&mut idle, &mut busy] {
        client.settle(&mut lab);
    }
    assert_eq!(idle.tls.reader().read(&mut [0]).unwrap(), 0);
    assert_eq!(busy.tls.reader().read(&mut [0]).unwrap(), 0);
    lab.advance(Duration::from_secs(3));
    assert!(lab.worker().is_finished());
}

#[test]
fn reload_changes_the_certificate_and_keeps_connections() {
    let (first, old) = config();
    let (second, new) = config();
    let current = Arc::new(Mutex::new(Some(first)));
    let source = Arc::clone(&current);
    let tls = Tls::load(move || source.lock().unwrap().clone().ok_or(ConfigError::Certificate));
    let tls = tls.unwrap();
    let mut settings = LabConfig::default();
    settings.tls = Some(tls.clone());
    let mut lab = Lab::with(app(), settings);
    let mut early = Sealed::connect(&lab, &client_config(&old, VERSIONS[0]));
    assert_eq!(early.ask(&mut lab, GET).status(), 200);
    *current.lock().unwrap() = None;
    assert!(matches!(tls.reload(), Err(ConfigError::Certificate)));
    let mut between = Sealed::connect(&lab, &client_config(&old, VERSIONS[0]));
    assert_eq!(between.ask(&mut lab, GET).status(), 200, "a bad one changes nothing");
    *current.lock().unwrap() = Some(second);
    tls.reload().unwrap();
    let mut late = Sealed::connect(&lab, &client_config(&new, VERSIONS[0]));
    assert_eq!(late.ask(&mut lab, GET).status(), 200);
    assert_eq!(early.ask(&mut lab, GET).status(), 200);
}

/// Every bit of the records of a request, one at a time.
#[test]
fn changed_bit_reaches_no_handler_and_is_told() {
    let (config, certificate) = config();
    let mut lab = lab(config);
    let settings = client_config(&certificate, VERSIONS[0]);
    let record_len = 5 + 17 + GET.len();
    for bit in 0..record_len * 8 {
        let mut client = Sealed::connect(&lab, &settings);
        client.settle(&mut lab);
        let mut record = client.seal(GET);
        assert_eq!(record.len(), record_len);
        record[bit / 8] ^= 1 << (bit % 8);
        client.wire.send(&record);
        // Where the record seems longer, the server waits for the rest, which never comes.
        client.wire.shutdown_write();
        client.settle(&mut lab);
        assert!(client.plain.is_empty(), "bit {bit}");
        let stated_len = 5 + usize::from(u16::from_be_bytes([record[3], record[4]]));
        let expected = match bit / 8 {
            0 | 1 => Some(AlertDescription::UnexpectedMessage),
            // RFC 8446 §5.2: 2^14 + 256 bytes at most.
            3 if stated_len > 5 + (1 << 14) + 256 => Some(AlertDescription::RecordOverflow),
            3 | 4 if stated_len > record_len => None,
            _ => Some(AlertDescription::BadRecordMac),
        };
        let told = match client.fault {
            Some(rustls::Error::AlertReceived(code)) => Some(code),
            None => None,
            other => panic!("bit {bit}: {other:?}"),
        };
        assert_eq!(told, expected, "bit {bit}");
    }
    assert_eq!((lab.open_connections(), lab.leased_segments()), (0, 0));
}
