//! Handshakes: versions, suites, names, tickets, client certificates, and what is no handshake.

#![expect(clippy::unwrap_used, reason = "functions of tests fail by panics too")]

mod peer;

use std::sync::Arc;

use peer::server::Server;
use peer::{
    LAYERINGS, Pair, acceptor, client_config, client_config_with, config, credentials, name,
};
use rustls::crypto::aws_lc_rs::{self, cipher_suite};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{
    AlertDescription, ClientConnection, Error, HandshakeKind, ProtocolVersion, SupportedCipherSuite,
};
use waterwheel_tls::{
    ClientAuth, ClientRoots, Config, ConfigError, Credentials, Fault, Layering, Received, Version,
};

fn exchange(pair: &mut Pair) {
    assert_eq!(pair.upload(b"question"), b"question");
    pair.server.reply(b"answer");
    assert_eq!(pair.download(), b"answer");
}

#[test]
fn every_suite_carries_data_both_ways() {
    let suites: [(SupportedCipherSuite, _); 6] = [
        (cipher_suite::TLS13_AES_128_GCM_SHA256, &TLS13),
        (cipher_suite::TLS13_AES_256_GCM_SHA384, &TLS13),
        (cipher_suite::TLS13_CHACHA20_POLY1305_SHA256, &TLS13),
        (cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, &TLS12),
        (cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, &TLS12),
        (cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, &TLS12),
    ];
    for layering in LAYERINGS {
        let (config, certificate) = config(layering);
        let acceptor = acceptor(&config);
        for (suite, version) in suites {
            let mut provider = aws_lc_rs::default_provider();
            provider.cipher_suites = vec![suite];
            let client =
                client_config_with(provider, std::slice::from_ref(&certificate), &[version]);
            let mut pair = Pair::new(&Arc::new(client), Server::new(acceptor.accept()));
            pair.settle();
            exchange(&mut pair);
            let is_13 = version.version == ProtocolVersion::TLSv1_3;
            assert_eq!(pair.server.session.is_tls13(), is_13);
            let in_place = is_13 && layering == Layering::InPlace;
            assert_eq!(pair.server.session.is_in_place(), in_place, "{suite:?}");
        }
    }
}

#[test]
fn handshake_in_pieces_of_any_length_is_done() {
    for layering in LAYERINGS {
        for version in [&TLS12, &TLS13] {
            let (config, certificate) = config(layering);
            let (acceptor, client) =
                (acceptor(&config), Arc::new(client_config(&[certificate], &[version])));
            for len in [1, 2, 5, 7, 100] {
                let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
                pair.settle_in_pieces(len);
                exchange(&mut pair);
            }
        }
    }
}

#[test]
fn data_that_comes_with_the_last_message_of_the_handshake_is_opened() {
    for layering in LAYERINGS {
        let (config, certificate) = config(layering);
        let client = Arc::new(client_config(&[certificate], &[&TLS13]));
        let mut pair = Pair::new(&client, Server::new(acceptor(&config).accept()));
        let hello = pair.sent_by_client();
        pair.server.read(&hello);
        let answer = pair.server.take_sent();
        pair.hand_to_client(&answer);
        std::io::Write::write_all(&mut pair.client.writer(), b"early bird").unwrap();
        let rest = pair.sent_by_client();
        pair.server.read(&rest);
        assert_eq!(pair.server.take_plain(), b"early bird");
    }
}

#[test]
fn client_returns_with_a_ticket() {
    for layering in LAYERINGS {
        for version in [&TLS12, &TLS13] {
            let (config, certificate) = config(layering);
            let acceptor = acceptor(&config);
            let client = Arc::new(client_config(&[certificate], &[version]));
            for is_resumed in [false, true, true] {
                let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
                pair.settle();
                exchange(&mut pair);
                assert_eq!(pair.server.session.is_resumed(), is_resumed);
                let kind = pair.client.handshake_kind().unwrap();
                assert_eq!(kind == HandshakeKind::Resumed, is_resumed);
            }
        }
    }
}

#[test]
fn without_tickets_every_handshake_is_a_full_one() {
    let (mut config, certificate) = config(Layering::InPlace);
    config.ticket_count = 0;
    let acceptor = acceptor(&config);
    for version in [&TLS12, &TLS13] {
        let client = Arc::new(client_config(std::slice::from_ref(&certificate), &[version]));
        for _ in 0..2 {
            let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
            pair.settle();
            exchange(&mut pair);
            assert!(!pair.server.session.is_resumed());
        }
    }
}

#[test]
fn certificate_is_chosen_by_the_name_asked_for() {
    let (mut config, first) = config(Layering::InPlace);
    let (other, second) = credentials("other.example");
    config.credentials.push(other);
    let acceptor = acceptor(&config);
    let client = Arc::new(client_config(&[first.clone(), second.clone()], &[&TLS13]));
    for (host, expected) in [("localhost", &first), ("other.example", &second)] {
        let connection = ClientConnection::new(Arc::clone(&client), name(host)).unwrap();
        let mut pair = Pair { client: connection, server: Server::new(acceptor.accept()) };
        pair.settle();
        exchange(&mut pair);
        assert_eq!(&pair.client.peer_certificates().unwrap()[0], expected);
    }
    let stranger = ClientConnection::new(client, name("unknown.example")).unwrap();
    let mut pair = Pair { client: stranger, server: Server::new(acceptor.accept()) };
    pair.settle();
    assert!(pair.client.is_handshaking(), "the first certificate is not that host's");
}

#[test]
fn only_protocols_on_offer_are_agreed_on() {
    let (config, certificate) = config(Layering::InPlace);
    let acceptor = acceptor(&config);
    let mut client = client_config(&[certificate], &[&TLS13]);
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut pair = Pair::new(&Arc::new(client.clone()), Server::new(acceptor.accept()));
    pair.settle();
    assert_eq!(pair.client.alpn_protocol(), Some(&b"http/1.1"[..]));
    client.alpn_protocols = vec![b"h2".to_vec()];
    let mut pair = Pair::new(&Arc::new(client), Server::new(acceptor.accept()));
    let hello = pair.sent_by_client();
    pair.server.read(&hello);
    assert!(matches!(pair.server.last, Err(Fault::Handshake(_))));
    let alert = pair.server.take_sent();
    pair.client.read_tls(&mut &alert[..]).unwrap();
    let seen = pair.client.process_new_packets().unwrap_err();
    assert_eq!(seen, Error::AlertReceived(AlertDescription::NoApplicationProtocol));
}

#[test]
fn old_version_is_refused_with_its_alert() {
    let (mut config, certificate) = config(Layering::InPlace);
    config.version_min = Version::Tls13;
    let client = Arc::new(client_config(&[certificate], &[&TLS12]));
    let mut pair = Pair::new(&client, Server::new(acceptor(&config).accept()));
    let hello = pair.sent_by_client();
    pair.server.read(&hello);
    assert!(matches!(pair.server.last, Err(Fault::Handshake(_))));
    let alert = pair.server.take_sent();
    assert_eq!(alert, [21, 3, 3, 0, 2, 2, 70], "protocol_version");
    pair.client.read_tls(&mut &alert[..]).unwrap();
    let seen = pair.client.process_new_packets().unwrap_err();
    assert_eq!(seen, Error::AlertReceived(AlertDescription::ProtocolVersion));
}

#[test]
fn plain_http_is_recognised_by_its_first_byte() {
    for request in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"P", b"OPTIONS * HTTP/1.1\r\n"] {
        let mut server = Server::new(acceptor(&config(Layering::InPlace).0).accept());
        server.read(request);
        assert_eq!(server.last, Err(Fault::PlainHttp));
        assert!(server.out.is_empty(), "it would not understand an alert");
    }
}

#[test]
fn garbage_ends_with_an_alert_and_no_wait() {
    for garbage in [
        &[0x80, 0x2e, 1, 0, 2, 0, 0, 0][..],
        &[22, 9, 9, 0, 5, 1, 2, 3, 4, 5],
        &[22, 3, 1, 0xff, 0xff, 1],
        &[23, 3, 3, 0, 5, 1, 2, 3, 4, 5],
        &[22, 3, 1, 0, 0],
        &[22, 3, 1, 0, 4, 1, 0, 0, 0],
        &[22, 3, 1, 0, 5, 2, 0, 0, 1, 0],
        &[21, 3, 1, 0, 2, 2, 40],
        &[20, 3, 1, 0, 1, 1, 20, 3, 1, 0, 1, 1, 20, 3, 1, 0, 1, 1],
    ] {
        let mut server = Server::new(acceptor(&config(Layering::InPlace).0).accept());
        server.read(garbage);
        assert!(server.last.is_err(), "{garbage:?}");
        let sent = server.take_sent();
        assert!(matches!(sent[..], [] | [21, 3, _, 0, 2, 2, _]), "{garbage:?}: {sent:?}");
        assert_eq!(sent.is_empty(), garbage[0] == 21, "{garbage:?}");
    }
}

#[test]
fn hello_of_endless_fragments_is_bounded() {
    let mut server = Server::new(acceptor(&config(Layering::InPlace).0).accept());
    // A message of 65,535 bytes, a byte a record.
    let message = [1, 0, 0xff, 0xff];
    let bytes = message.iter().copied().chain(std::iter::repeat(0));
    let mut count = 0;
    for byte in bytes.take(60_000) {
        server.read(&[22, 3, 1, 0, 1, byte]);
        if server.last.is_err() {
            break;
        }
        count += 1;
    }
    assert_eq!(server.last, Err(Fault::HandshakeTooLong));
    assert!((1000..8000).contains(&count), "{count} records");
}

/// A client certificate that a root signed, and the root.
fn client_identity() -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, String) {
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(root, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    (vec![certificate.der().clone()], key, root_pem)
}

fn client_with_identity(
    trusted: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted).unwrap();
    rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap()
}

#[test]
fn verified_client_is_known_by_its_certificate() {
    let (chain, key, root) = client_identity();
    for layering in LAYERINGS {
        let (mut config, certificate) = config(layering);
        config.client_auth = ClientAuth::Required(ClientRoots::from_pem(root.as_bytes()).unwrap());
        let acceptor = acceptor(&config);
        let client = client_with_identity(certificate, chain.clone(), key.clone_key());
        let client = Arc::new(client);
        for is_resumed in [false, true] {
            let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
            pair.settle();
            exchange(&mut pair);
            assert_eq!(pair.server.session.is_resumed(), is_resumed);
            let identity = pair.server.session.identity().expect("the client was verified");
            assert_eq!(identity.certificate(), chain[0].as_ref());
        }
    }
}

#[test]
fn client_without_a_certificate_is_refused_only_where_one_is_required() {
    let (_, _, root) = client_identity();
    let roots = ClientRoots::from_pem(root.as_bytes()).unwrap();
    for (client_auth, is_refused) in
        [(ClientAuth::Optional(roots.clone()), false), (ClientAuth::Required(roots), true)]
    {
        let (mut config, certificate) = config(Layering::InPlace);
        config.client_auth = client_auth;
        let client = Arc::new(client_config(&[certificate], &[&TLS13]));
        let mut pair = Pair::new(&client, Server::new(acceptor(&config).accept()));
        pair.settle();
        assert_eq!(pair.server.last.is_err(), is_refused);
        assert_eq!(pair.server.session.identity(), None);
    }
}

#[test]
fn client_of_another_root_is_refused() {
    let (chain, key, _) = client_identity();
    let (_, _, other_root) = client_identity();
    let (mut config, certificate) = config(Layering::InPlace);
    config.client_auth =
        ClientAuth::Optional(ClientRoots::from_pem(other_root.as_bytes()).unwrap());
    let client = Arc::new(client_with_identity(certificate, chain, key));
    let mut pair = Pair::new(&client, Server::new(acceptor(&config).accept()));
    pair.settle();
    assert!(matches!(pair.server.last, Err(Fault::Handshake(_))));
}

#[test]
fn reload_changes_new_connections_and_keeps_old_ones() {
    let (config, old) = config(Layering::InPlace);
    let acceptor = acceptor(&config);
    let (credentials, new) = credentials("localhost");
    let client = Arc::new(client_config(&[old.clone(), new.clone()], &[&TLS13]));
    let mut before = Pair::new(&client, Server::new(acceptor.accept()));
    before.settle();
    let mut waiting = Pair::new(&client, Server::new(acceptor.accept()));
    let mut next = Config::default();
    next.credentials.push(credentials);
    acceptor.reload(&next).unwrap();
    exchange(&mut before);
    waiting.settle();
    exchange(&mut waiting);
    // A client that brings no ticket sees the certificate.
    let fresh = Arc::new(client_config(&[old, new.clone()], &[&TLS13]));
    let mut after = Pair::new(&fresh, Server::new(acceptor.accept()));
    after.settle();
    assert_eq!(after.client.peer_certificates().unwrap()[0], new);
    let mut resumed = Pair::new(&client, Server::new(acceptor.accept()));
    resumed.settle();
    assert!(resumed.server.session.is_resumed(), "tickets outlive a change of certificates");
}

#[test]
fn bad_reload_keeps_what_there_was() {
    let (config, certificate) = config(Layering::InPlace);
    let acceptor = acceptor(&config);
    assert!(matches!(acceptor.reload(&Config::default()), Err(ConfigError::NoCredentials)));
    let client = Arc::new(client_config(&[certificate], &[&TLS13]));
    let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
    pair.settle();
    exchange(&mut pair);
}

#[test]
fn ticket_does_not_survive_another_check_of_clients() {
    let (mut config, certificate) = config(Layering::InPlace);
    let acceptor = acceptor(&config);
    let client = Arc::new(client_config(&[certificate], &[&TLS13]));
    let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
    pair.settle();
    let (_, _, root) = client_identity();
    config.client_auth = ClientAuth::Optional(ClientRoots::from_pem(root.as_bytes()).unwrap());
    acceptor.reload(&config).unwrap();
    let mut pair = Pair::new(&client, Server::new(acceptor.accept()));
    pair.settle();
    exchange(&mut pair);
    assert!(!pair.server.session.is_resumed());
}

#[test]
fn credentials_that_do_not_fit_are_refused_and_named() {
    let one = rcgen::generate_simple_self_signed(vec!["one.example".to_owned()]).unwrap();
    let two = rcgen::generate_simple_self_signed(vec!["two.example".to_owned()]).unwrap();
    let (chain, key) = (one.cert.pem(), one.signing_key.serialize_pem());
    let from_pem = |chain: &str, key: &str| Credentials::from_pem(chain.as_bytes(), key.as_bytes());
    assert!(from_pem(&chain, &key).is_ok());
    let foreign = two.signing_key.serialize_pem();
    assert!(matches!(from_pem(&chain, &foreign), Err(ConfigError::Mismatch)));
    assert!(matches!(from_pem(&chain, &chain), Err(ConfigError::Key)));
    assert!(matches!(from_pem(&key, &key), Err(ConfigError::Certificate)));
    assert!(matches!(from_pem("", &key), Err(ConfigError::Certificate)));
    let missing = Credentials::from_pem_files("no/such.pem".as_ref(), "no/such.key".as_ref());
    assert!(matches!(missing, Err(ConfigError::File { path, .. }) if path.ends_with("such.pem")));
}

#[test]
fn session_without_bytes_waits_for_them() {
    let mut server = Server::new(acceptor(&config(Layering::InPlace).0).accept());
    server.step();
    assert_eq!(server.last, Ok(Received::Await { room: 0 }));
    assert!(server.session.is_handshaking() && server.session.is_truncated());
}
