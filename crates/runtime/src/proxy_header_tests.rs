//! Headers that are right, cut, wrong and too long.

use super::*;

fn binary(command: u8, family: u8, told: &[u8]) -> Vec<u8> {
    let len = u16::try_from(told.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &len, told].concat()
}

fn told4() -> Vec<u8> {
    [[192, 0, 2, 7], [10, 0, 0, 1]].concat().into_iter().chain([0x30, 0x39, 0, 80]).collect()
}

/// What a header says, and that it says it however it is cut, and whatever follows.
fn client_of(header: &[u8]) -> Option<String> {
    for cut in 0..header.len() {
        assert_eq!(parse(&header[..cut]), Ok(None), "cut at {cut}");
    }
    for behind in [&b""[..], b"GET / HTTP/1.1\r\n", b"\r\n", &[0; 4096]] {
        let parsed = parse(&[header, behind].concat()).unwrap().unwrap();
        assert_eq!(parsed.len, header.len());
    }
    let parsed = parse(header).unwrap().unwrap();
    parsed.client.map(|client| client.to_string())
}

#[test]
fn text_header_tells_the_client() {
    let header = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n";
    assert_eq!(client_of(header).as_deref(), Some("192.0.2.7:12345"));
    let header = b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n";
    assert_eq!(client_of(header).as_deref(), Some("[2001:db8::7]:1"));
}

#[test]
fn text_header_without_a_client_is_taken() {
    assert_eq!(client_of(b"PROXY UNKNOWN\r\n"), None);
    assert_eq!(client_of(b"PROXY UNKNOWN anything at all\r\n"), None);
}

#[test]
fn binary_header_tells_the_client() {
    assert_eq!(client_of(&binary(PROXY, TCP4, &told4())).as_deref(), Some("192.0.2.7:12345"));
    let told6 = [&[0x20, 1][..], &[0; 13], &[7], &[0; 16], &[1, 0, 0, 80]].concat();
    assert_eq!(client_of(&binary(PROXY, TCP6, &told6)).as_deref(), Some("[2001::7]:256"));
}

#[test]
fn extensions_behind_the_addresses_are_skipped() {
    let told = [&told4()[..], &[0x05, 0, 3, b'a', b'b', b'c']].concat();
    assert_eq!(client_of(&binary(PROXY, TCP4, &told)).as_deref(), Some("192.0.2.7:12345"));
}

#[test]
fn binary_header_without_a_client_is_taken() {
    assert_eq!(client_of(&binary(LOCAL, UNSPECIFIED, b"")), None);
    assert_eq!(client_of(&binary(LOCAL, TCP4, b"")), None);
    assert_eq!(client_of(&binary(LOCAL, TCP4, &told4())), None);
    assert_eq!(client_of(&binary(PROXY, UNSPECIFIED, b"whatever")), None);
    assert_eq!(client_of(&binary(PROXY, UNIX_STREAM, &[0; 216])), None);
}

#[test]
fn malformed_headers_are_refused_as_soon_as_they_are_seen() {
    for header in [
        &b"G"[..],
        b"PROXY\tTCP4",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 12345\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80 \r\n",
        b"PROXY TCP4 192.0.2.7  10.0.0.1 12345 80\r\n",
        b"PROXY TCP4 192.0.2.07 10.0.0.1 12345 80\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.256 12345 80\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 012345 80\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 80\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1  80\r\n",
        b"PROXY TCP4 ::1 ::1 1 80\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 1 80\r\n",
        b"PROXY UDP4 192.0.2.7 10.0.0.1 1 80\r\n",
        b"PROXY UNKNOWNX\r\n",
        b"PROXY TCP4 192.0.2.7\xff 10.0.0.1 1 80\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 80\n\r\n",
        &[b"PROXY UNKNOWN ", &[b'x'; 100][..]].concat(),
        b"\r\n\r\n\0\r\nQUIT\r",
        &binary(0x10 | 1, TCP4, &told4()),
        &binary(0x22, TCP4, &told4()),
        &binary(PROXY, 0x12, &told4()),
        &binary(PROXY, 0x41, &told4()),
        &binary(PROXY, TCP4, &told4()[..11]),
        &binary(PROXY, TCP6, &told4()),
        &binary(PROXY, UNIX_STREAM, &[0; 215]),
        &binary(LOCAL, UNSPECIFIED, &[0; BINARY_LEN_MAX - START_LEN + 1])[..START_LEN],
    ] {
        assert_eq!(parse(header), Err(Malformed), "{}", header.escape_ascii());
    }
}

#[test]
fn longest_headers_are_taken() {
    let header = [b"PROXY UNKNOWN ", &[b'x'; TEXT_LEN_MAX - 16][..], b"\r\n"].concat();
    assert_eq!(header.len(), TEXT_LEN_MAX);
    assert_eq!(client_of(&header), None);
    assert_eq!(client_of(&binary(LOCAL, UNSPECIFIED, &[0; BINARY_LEN_MAX - START_LEN])), None);
}

#[test]
fn no_byte_makes_the_parser_panic() {
    let header = binary(PROXY, TCP4, &told4());
    let text = b"PROXY TCP4 192.0.2.7 10.0.0.1 12345 80\r\n".to_vec();
    for mut bytes in [header, text] {
        for index in 0..bytes.len() {
            for byte in 0..=255 {
                let kept = std::mem::replace(&mut bytes[index], byte);
                for cut in 0..=bytes.len() {
                    let _ = parse(&bytes[..cut]);
                }
                bytes[index] = kept;
            }
        }
    }
}
