//! The PROXY protocol: a listed proxy is believed, and must speak it; nobody else is.

mod wire;

use std::net::SocketAddr;
use std::time::Duration;

use waterwheel::lab::{Lab, LabConfig};
use waterwheel::reactor::sim::{Client, End};
use waterwheel::{App, Request};
use wire::{get, replies, statuses};

const PROXY: &str = "10.9.0.1:3000";
const STRANGER: &str = "192.0.2.66:3000";
const TEXT: &[u8] = b"PROXY TCP4 203.0.113.7 10.9.0.9 5555 80\r\n";
const BINARY: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x07\x0a\x09\0\x09\x15\xb3\0\x50";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn lab() -> Lab {
    let mut config = LabConfig::default();
    config.worker.proxies.push("10.9.0.0/16".parse().expect("a network"));
    let app = App::new().get("/peer", |request: &Request<'_>| request.peer().to_string());
    Lab::with(app, config)
}

fn connect(lab: &Lab, address: &str) -> Client {
    let address: SocketAddr = address.parse().expect("an address");
    lab.world().connect_from(address)
}

/// The peers that the handler saw.
fn peers(client: &Client) -> Vec<String> {
    replies(&client.received()).iter().map(|reply| reply.text().to_owned()).collect()
}

#[test]
fn listed_proxy_names_its_client_in_both_versions() {
    for (header, peer) in [(TEXT, "203.0.113.7:5555"), (BINARY, "203.0.113.7:5555"), (LOCAL, PROXY)]
    {
        let mut lab = lab();
        let client = connect(&lab, PROXY);
        client.send(&[header, &get("/peer"), &get("/peer")].concat());
        lab.settle();
        assert_eq!(peers(&client), [peer, peer]);
        client.send(&get("/peer"));
        lab.settle();
        assert_eq!(peers(&client), [peer]);
    }
}

#[test]
fn header_may_come_in_pieces_however_small() {
    for header in [TEXT, BINARY] {
        let mut lab = lab();
        let client = connect(&lab, PROXY);
        for byte in header {
            client.send(&[*byte]);
            // Longer than bytes are held in the ring.
            lab.advance(Duration::from_millis(30));
        }
        assert_eq!(lab.leased_segments(), 0);
        client.send(&get("/peer"));
        lab.settle();
        assert_eq!(peers(&client), ["203.0.113.7:5555"]);
    }
}

#[test]
fn listed_proxy_without_a_header_is_closed_unanswered() {
    for start in [&get("/peer")[..], b"PROXY nonsense\r\n", b"\r\n\r\n\0\r\nQUIT\r"] {
        let mut lab = lab();
        let client = connect(&lab, PROXY);
        client.send(start);
        lab.settle();
        assert_eq!((client.received(), client.end().is_some()), (Vec::new(), true));
        assert_eq!((lab.metrics().proxy_header_failed, lab.open_connections()), (1, 0));
        assert_eq!(lab.leased_segments(), 0);
    }
}

#[test]
fn header_has_three_seconds() {
    for start in [&b""[..], b"PROXY TCP4", &BINARY[..20]] {
        let mut lab = lab();
        let client = connect(&lab, PROXY);
        client.send(start);
        lab.advance(Duration::from_millis(2900));
        assert_eq!(client.end(), None);
        lab.advance(Duration::from_millis(200));
        assert_eq!((client.received(), client.end()), (Vec::new(), Some(End::Closed)));
    }
}

#[test]
fn head_timeout_runs_on_behind_the_header() {
    let mut lab = lab();
    let client = connect(&lab, PROXY);
    client.send(TEXT);
    lab.advance(Duration::from_millis(9900));
    assert_eq!(client.end(), None);
    lab.advance(Duration::from_millis(200));
    assert_eq!(client.end(), Some(End::Closed));
}

#[test]
fn stranger_is_not_believed() {
    let mut lab = lab();
    let plain = connect(&lab, STRANGER);
    plain.send(&get("/peer"));
    let forged = connect(&lab, STRANGER);
    forged.send(&[TEXT, &get("/peer")].concat());
    lab.settle();
    assert_eq!(peers(&plain), [STRANGER]);
    assert_eq!(statuses(&forged.received()), [400]);
    assert!(forged.end().is_some());
}

#[test]
fn proxy_that_leaves_in_the_middle_is_forgotten() {
    let mut lab = lab();
    let client = connect(&lab, PROXY);
    client.send(&TEXT[..20]);
    client.shutdown_write();
    lab.settle();
    assert_eq!((client.received(), lab.open_connections()), (Vec::new(), 0));
}
