//! RESP2, the protocol of Redis: commands are written, replies read from whatever has come.

/// What Redis answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Error(String),
    Number(i64),
    /// `None` is what stands for no value.
    Bytes(Option<Vec<u8>>),
    List(Option<Vec<Self>>),
}

/// The bytes are not RESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Writes one command behind what `out` holds already: that is all that pipelining takes.
pub(crate) fn write_command(out: &mut Vec<u8>, parts: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        out.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

/// The value at the start of `bytes` and its length on the wire; `None` when more must come.
pub(crate) fn read_value(bytes: &[u8]) -> Result<Option<(Value, usize)>, Malformed> {
    read_nested(bytes, DEPTH_MAX)
}

fn read_nested(bytes: &[u8], depth: usize) -> Result<Option<(Value, usize)>, Malformed> {
    let Some(line_len) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        // No line of the protocol is that long; an endless one must not be collected.
        return if bytes.len() > LINE_LEN_MAX { Err(Malformed) } else { Ok(None) };
    };
    let (kind, line) = bytes[..line_len].split_first().ok_or(Malformed)?;
    let line = std::str::from_utf8(line).map_err(|_| Malformed)?;
    let number = || line.parse::<i64>().map_err(|_| Malformed);
    let mut len = line_len + 2;
    let value = match kind {
        b'+' => Value::Text(line.to_owned()),
        b'-' => Value::Error(line.to_owned()),
        b':' => Value::Number(number()?),
        b'$' => match number()? {
            -1 => Value::Bytes(None),
            count => {
                let count = usize::try_from(count).map_err(|_| Malformed)?;
                if count > BYTES_LEN_MAX {
                    return Err(Malformed);
                }
                let Some(rest) = bytes.get(len..len + count + 2) else { return Ok(None) };
                let content = rest.strip_suffix(b"\r\n").ok_or(Malformed)?;
                len += rest.len();
                Value::Bytes(Some(content.to_vec()))
            }
        },
        b'*' => match number()? {
            -1 => Value::List(None),
            count => {
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                let mut list = Vec::new();
                for _ in 0..count {
                    let Some((value, value_len)) = read_nested(&bytes[len..], depth)? else {
                        return Ok(None);
                    };
                    list.push(value);
                    len += value_len;
                }
                Value::List(Some(list))
            }
        },
        _ => return Err(Malformed),
    };
    Ok(Some((value, len)))
}

/// Longest value that this client takes.
const BYTES_LEN_MAX: usize = 1 << 20;
/// Longest line: errors are the longest.
const LINE_LEN_MAX: usize = 64 << 10;
/// Lists in lists.
const DEPTH_MAX: usize = 8;
