//! Requests that must be refused at once, and with them the connection: what follows cannot be
//! framed.

use fastrand::Rng;
use waterwheel::Limits;

/// The bytes of a refused request, with something behind them that would be one, and the status of
/// the refusal.
pub(crate) fn draw(rng: &mut Rng, limits: &Limits, id: &str) -> (Vec<u8>, u16) {
    let long_target = limits.target_len_max + 1 + rng.usize(..50);
    let (mut bytes, status) = match rng.u8(..4) {
        0 => (format!("GET /{} HTTP/1.1\r\n", "t".repeat(long_target)), 414),
        1 => {
            let field = "x-pad: pppppppppppppppppppppppppppppppppppppppp\r\n";
            let count = limits.head_len_max / field.len() + 2;
            // With 102 lines or more it would be refused for their number.
            let count = count.min(99);
            let len = limits.head_len_max.saturating_sub(count * field.len());
            (
                format!(
                    "GET / HTTP/1.1\r\nhost: x\r\n{}x-pad: {}\r\n",
                    field.repeat(count),
                    "q".repeat(len + 40)
                ),
                431,
            )
        }
        _ => {
            let (text, status) = LINES[rng.usize(..LINES.len())];
            (text.to_owned(), status)
        }
    };
    bytes.push_str(id);
    bytes.push_str("\r\n");
    bytes.push_str("GET /plain HTTP/1.1\r\nhost: x\r\n");
    bytes.push_str(id);
    bytes.push_str("\r\n");
    (bytes.into_bytes(), status)
}

/// Heads without their last line, after RFC 9112 §2.2, §3, §5 and §6.
const LINES: [(&str, u16); 18] = [
    ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n", 400),
    ("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n", 400),
    ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 5\r\n", 400),
    ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: +5\r\n", 400),
    ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5, 5\r\n", 400),
    ("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n", 501),
    ("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, chunked\r\n", 400),
    ("POST /echo HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n", 400),
    ("POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 200-ok\r\n", 417),
    ("GET / HTTP/1.1\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n", 400),
    ("GET / HTTP/1.1\r\nhost : x\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: x\r\n folded: y\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: x\r\n: y\r\n", 400),
    ("GET / HTTP/1.1\nhost: x\r\n", 400),
    ("GET / HTTP/2.0\r\nhost: x\r\n", 505),
    ("GET  / HTTP/1.1\r\nhost: x\r\n", 400),
    ("G(T / HTTP/1.1\r\nhost: x\r\n", 400),
];
