//! Asks a server once, before it is measured: a wrong answer is no faster than a right one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::content::Content;
use super::origin::Origin;
use super::rows::Request;
use crate::process::Guarded;
use crate::reply::exchange;

/// Whether the server gives the right answer. A server that closes, or that answers anything else,
/// does not serve the request.
pub(crate) fn is_served(origin: Origin, request: &Request) -> bool {
    let body = if origin.is_tls { ask_over_tls(origin, request) } else { ask(origin, request) };
    body.is_ok_and(|body| request.expected.is_met(request.content, &body))
}

/// The body of the answer, which has status 200.
fn ask(Origin { address, .. }: Origin, request: &Request) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let answer = exchange(&mut stream, &request.bytes(&address.to_string()))?;
    ensure!(answer.head.status == 200, "the server answers {}", answer.head.status);
    Ok(answer.body)
}

/// The same by curl, which has a TLS of its own and trusts any certificate here.
fn ask_over_tls(origin: Origin, request: &Request) -> Result<Vec<u8>> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail", "--insecure", "--http1.1", "--tlsv1.3"]);
    command.args(["--max-time", &PATIENCE.as_secs().to_string(), "--request", request.method]);
    for (name, value) in request.content.fields() {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    if request.content != Content::Empty {
        command.args(["--header", "expect:", "--data-binary", "@-"]);
    }
    command.arg(format!("{origin}{}", request.path));
    let mut curl = Guarded::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
    let mut input = curl.child_mut().stdin.take().context("curl has no input")?;
    let mut output = curl.child_mut().stdout.take().context("curl has no output")?;
    // curl reads the whole body before it sends any of it, so neither waits for the other.
    input.write_all(&request.content.body())?;
    drop(input);
    let mut body = Vec::new();
    output.read_to_end(&mut body)?;
    ensure!(curl.child_mut().wait()?.success(), "curl has no answer");
    Ok(body)
}

const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::bench::content::Expected;

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
