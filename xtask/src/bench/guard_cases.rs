//! The ten cases of the guard: between them they run the paths that most requests take. A case
//! keeps its request, because a changed one would be another case.

use super::content::Content;
use crate::instructions::Load;

/// One kind of load.
#[derive(Debug)]
pub(crate) struct Case {
    /// How the case is called in the repository.
    pub(crate) name: &'static str,
    pub(crate) load: fn() -> Load,
}

/// In the order of the table.
pub(crate) static CASES: [Case; 10] = [
    Case { name: "plaintext", load: || Load::get("/plaintext") },
    Case {
        name: "plaintext on 64 connections",
        load: || Load { connections: 64, ..Load::get("/plaintext") },
    },
    Case { name: "pipelined", load: || Load { depth: 16, ..Load::get("/plaintext") } },
    Case { name: "json", load: || Load::get("/json") },
    Case { name: "browser's fields", load: || Load { request: BROWSER.into(), ..Load::get("/") } },
    Case { name: "not found", load: || Load { status: 404, ..Load::get("/no-such-page") } },
    Case { name: "echo 1 KiB", load: || post("/echo", &text(1 << 10)) },
    Case { name: "echo 1 KiB chunked", load: || with_request(chunked(&text(1 << 10), 256)) },
    Case { name: "echo64 4 KiB", load: || post("/echo64", &Content::Base64(4 << 10).body()) },
    Case {
        name: "echo64 64 KiB",
        // One of them costs as much as fifty plain requests.
        load: || Load {
            warm_up_count: 256,
            counted: 1_024,
            ..post("/echo64", &Content::Base64(64 << 10).body())
        },
    },
];

fn with_request(request: Vec<u8>) -> Load {
    Load { request, ..Load::get("/") }
}

pub(crate) fn post(path: &str, body: &[u8]) -> Load {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    with_request([head.as_bytes(), body].concat())
}

/// A body in chunks of so many bytes.
fn chunked(body: &[u8], chunk_len: usize) -> Vec<u8> {
    let mut request = b"POST /echo HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\
        content-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec();
    for chunk in body.chunks(chunk_len) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

fn text(len: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(len).collect()
}

/// What a desktop browser sends with the first request to a page: thirteen fields.
const BROWSER: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: keep-alive\r\n\
    Cache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/140.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n\
    Sec-Fetch-Dest: document\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunked_body_ends() {
        let request = String::from_utf8(chunked(b"hello", 3)).unwrap();
        assert!(request.ends_with("\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), "{request}");
    }

    #[test]
    fn requests_are_whole_heads() {
        for Case { name, load } in &CASES {
            let request = load().request;
            let mut fields = [httparse::EMPTY_HEADER; 16];
            let head = httparse::Request::new(&mut fields).parse(&request).unwrap();
            assert!(head.is_complete(), "{name}");
        }
    }
}
