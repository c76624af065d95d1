//! Asks a server once, before it is measured: a wrong answer is no faster than a right one.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::origin::Origin;
use super::rows::Request;
use crate::load;
use crate::reply::exchange;

/// Whether the server gives the right answer. A server that closes, or that answers anything else,
/// does not serve the request.
pub(crate) fn is_served(origin: Origin, request: &Request) -> bool {
    ask(origin, request).is_ok_and(|body| request.expected.is_met(request.content, &body))
}

/// The body of the answer, which has status 200.
fn ask(Origin { address, is_tls }: Origin, request: &Request) -> Result<Vec<u8>> {
    let mut stream = load::connect(address, is_tls, PATIENCE)?;
    let answer = exchange(&mut stream, &request.bytes(&address.to_string()))?;
    ensure!(answer.head.status == 200, "the server answers {}", answer.head.status);
    Ok(answer.body)
}

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::bench::content::{Content, Expected};

    fn is_served_by(reply: &'static str) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
            stream.write_all(reply.as_bytes()).unwrap();
        });
        let expected = Expected::Text("ok");
        let request = Request { method: "GET", path: "/", content: Content::Empty, expected };
        let is_served = is_served(Origin { address, is_tls: false }, &request);
        server.join().unwrap();
        is_served
    }

    #[test]
    fn only_the_right_answer_counts() {
        assert!(is_served_by("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
        assert!(!is_served_by("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"));
        assert!(!is_served_by("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nok"));
        assert!(!is_served_by(""));
    }
}
