//! The PROXY protocol, versions 1 and 2, as HAProxy's document proxy-protocol.txt defines it: what
//! a proxy says of its client before the client's first byte. Owns the parsing; whom to believe is
//! decided elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProxyHeader {
    /// How many bytes it takes.
    pub(crate) len: usize,
    /// The client; `None` when the proxy speaks for itself, or of what has no address.
    pub(crate) client: Option<SocketAddr>,
}

/// The bytes cannot become a header any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads the header at the start of `bytes`; `None` while it is not complete.
///
/// Nothing is guessed: neither version may be left out, and what differs from the grammar ends the
/// connection, because every byte of it would be read as the client's otherwise.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<ProxyHeader>, Malformed> {
    match bytes.first() {
        None => Ok(None),
        Some(b'P') => parse_text(bytes),
        Some(_) => parse_binary(bytes),
    }
}

/// Version 1: one line of at most 107 bytes.
fn parse_text(bytes: &[u8]) -> Result<Option<ProxyHeader>, Malformed> {
    let shown = &bytes[..bytes.len().min(TEXT_LEN_MAX)];
    if !starts_alike(shown, TEXT_START) {
        return Err(Malformed);
    }
    let Some(line_len) = shown.windows(2).position(|pair| pair == b"\r\n") else {
        return if shown.len() == TEXT_LEN_MAX { Err(Malformed) } else { Ok(None) };
    };
    let line = std::str::from_utf8(&shown[..line_len]).map_err(|_| Malformed)?;
    let line = line.strip_prefix("PROXY ").ok_or(Malformed)?;
    let client = match line.split(' ').collect::<Vec<_>>()[..] {
        ["UNKNOWN", ..] => None,
        ["TCP4", from, to, from_port, to_port] => {
            Some(text_addresses::<Ipv4Addr>([from, to], [from_port, to_port])?)
        }
        ["TCP6", from, to, from_port, to_port] => {
            Some(text_addresses::<Ipv6Addr>([from, to], [from_port, to_port])?)
        }
        _ => return Err(Malformed),
    };
    Ok(Some(ProxyHeader { len: line_len + 2, client }))
}

/// The first of two addresses and ports, all of which must be right.
fn text_addresses<A>(addresses: [&str; 2], ports: [&str; 2]) -> Result<SocketAddr, Malformed>
where
    A: std::str::FromStr + Into<IpAddr>,
{
    let [from, to] = addresses.map(|text| text.parse::<A>().map_err(|_| Malformed));
    let [port, to_port] = ports.map(|text| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        text.parse::<u16>().ok().filter(|_| is_plain).ok_or(Malformed)
    });
    to?;
    to_port?;
    Ok(SocketAddr::new(from?.into(), port?))
}

/// Version 2: 16 bytes, then as many as they tell.
fn parse_binary(bytes: &[u8]) -> Result<Option<ProxyHeader>, Malformed> {
    if !starts_alike(bytes, SIGNATURE) {
        return Err(Malformed);
    }
    let Some((start, rest)) = bytes.split_first_chunk::<START_LEN>() else { return Ok(None) };
    let [.., command, family, len_high, len_low] = *start;
    let told_len = usize::from(u16::from_be_bytes([len_high, len_low]));
    let len = START_LEN + told_len;
    if len > BINARY_LEN_MAX || !matches!(command, LOCAL | PROXY) {
        return Err(Malformed);
    }
    let address_len = match family {
        UNSPECIFIED => 0,
        TCP4 => 12,
        TCP6 => 36,
        UNIX_STREAM => 216,
        // Unassigned values must drop the connection; datagrams have no connection.
        _ => return Err(Malformed),
    };
    // A proxy that speaks for itself may say any address, or none.
    if command == PROXY && told_len < address_len {
        return Err(Malformed);
    }
    let Some(told) = rest.get(..told_len) else { return Ok(None) };
    let client = match (command, family) {
        (PROXY, TCP4) => client::<4>(told),
        (PROXY, TCP6) => client::<16>(told),
        _ => None,
    };
    Ok(Some(ProxyHeader { len, client }))
}

/// The first of two addresses of `N` bytes, and its port behind them.
fn client<const N: usize>(told: &[u8]) -> Option<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let ip: [u8; N] = *told.first_chunk()?;
    let port: [u8; 2] = *told.get(2 * N..)?.first_chunk()?;
    Some(SocketAddr::new(IpAddr::from(ip), u16::from_be_bytes(port)))
}

/// Whether `bytes` begin with `start`, as far as there are any.
fn starts_alike(bytes: &[u8], start: &[u8]) -> bool {
    let len = bytes.len().min(start.len());
    bytes[..len] == start[..len]
}

const TEXT_START: &[u8] = b"PROXY ";
/// The longest line, with its end: §2.1.
const TEXT_LEN_MAX: usize = 107;
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const START_LEN: usize = 16;
/// A header with every extension that HAProxy sends takes some hundred bytes; one without a bound
/// would let a peer fill 64 KiB before its client has said a word.
pub(crate) const BINARY_LEN_MAX: usize = 2048;
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPECIFIED: u8 = 0x00;
const TCP4: u8 = 0x11;
const TCP6: u8 = 0x21;
const UNIX_STREAM: u8 = 0x31;

#[cfg(test)]
#[path = "proxy_header_tests.rs"]
mod tests;
