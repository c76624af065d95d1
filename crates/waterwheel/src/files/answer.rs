//! From a file that is known and a request's wishes to the reply.

use std::ops::Range;
use std::rc::Rc;

use waterwheel_http::representation::{
    Multipart, Preference, Ranges, Verdict, Wishes, content_range,
};
use waterwheel_http::{HeaderValue, Reply, Request, StatusCode, header};

use super::content::{CODINGS, Content, Found, Variant};
use crate::fs::File;
use crate::{BodyWriter, Cut};

/// What a request asks of a file. A copy, for the request is gone when a lookup that waits ends.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) wishes: Wishes,
    preference: Preference<{ CODINGS.len() }>,
}

impl Asked {
    pub(super) fn of(request: &Request<'_>) -> Self {
        let preference = Preference::of(request.headers(), CODINGS.map(|(name, _)| name));
        Self { wishes: Wishes::of(request), preference }
    }

    /// The version that this client gets.
    pub(super) fn choose<'f>(&self, found: &'f Found) -> Option<&'f Variant> {
        let [own, coded @ ..] = &found.variants;
        let chosen = self.preference.choose(|index| coded[index].is_some());
        chosen.and_then(|index| coded[index].as_ref()).or(own.as_ref())
    }
}

/// The reply that this version is.
pub(super) fn answer(variant: &Variant, asked: &Asked) -> Reply {
    let wishes = &asked.wishes;
    if wishes.is_empty() {
        return with_fields(whole(variant), variant);
    }
    match wishes.judge(&variant.validators) {
        Verdict::NotModified => {
            // The content is not sent, but its length is told.
            return with_fields(whole(variant).with_status(StatusCode::NOT_MODIFIED), variant);
        }
        Verdict::PreconditionFailed => {
            return Reply::new(StatusCode::PRECONDITION_FAILED);
        }
        _ => {}
    }
    match wishes.ranges(&variant.validators, variant.len) {
        Ranges::Parts(parts) => partial(variant, &parts),
        Ranges::Unsatisfiable => {
            let range = field(format!("bytes */{}", variant.len));
            let reply = Reply::new(StatusCode::RANGE_NOT_SATISFIABLE);
            reply.with_header(header::CONTENT_RANGE, range)
        }
        _ => with_fields(whole(variant), variant),
    }
}

fn with_fields(reply: Reply, variant: &Variant) -> Reply {
    let fields = variant.fields.iter().cloned();
    fields.fold(reply, |reply, (name, value)| reply.with_header(name, value))
}

fn whole(variant: &Variant) -> Reply {
    part(variant, 0..variant.len)
}

/// 200 with one part of the content.
fn part(variant: &Variant, part: Range<u64>) -> Reply {
    match &*variant.content.borrow() {
        Content::Kept(bytes) => match in_memory(&part, bytes) {
            Some(part) => Reply::shared(Rc::clone(bytes), part),
            None => Reply::new(StatusCode::INTERNAL_SERVER_ERROR),
        },
        Content::File(file) => {
            let (file, len) = (file.clone(), part.end - part.start);
            Reply::stream(move |mut out| async move { send(&mut out, &file, part).await })
                .with_content_len(len)
        }
    }
}

/// 206.
fn partial(variant: &Variant, parts: &[Range<u64>]) -> Reply {
    if let [only] = parts {
        let reply = part(variant, only.clone()).with_status(StatusCode::PARTIAL_CONTENT);
        let range = field(content_range(only, variant.len));
        return with_fields(reply, variant).with_header(header::CONTENT_RANGE, range);
    }
    let seed = variant.identity.fingerprint();
    let multipart = Multipart::new(parts, variant.len, &variant.content_type, seed);
    let content_type = multipart.content_type();
    let reply = match &*variant.content.borrow() {
        Content::Kept(bytes) => Reply::bytes(assemble(&multipart, bytes)),
        Content::File(file) => {
            let (file, len) = (file.clone(), multipart.content_len());
            let write = move |mut out: BodyWriter| async move {
                for (head, part) in multipart.parts() {
                    out.write(head).await?;
                    send(&mut out, &file, part).await?;
                }
                out.write(multipart.ending()).await?;
                Ok(())
            };
            Reply::stream(write).with_content_len(len)
        }
    };
    let reply = with_fields(reply.with_status(StatusCode::PARTIAL_CONTENT), variant);
    reply.with_header(header::CONTENT_TYPE, content_type)
}

fn assemble(multipart: &Multipart, bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    for (head, part) in multipart.parts() {
        content.extend_from_slice(head.as_bytes());
        content.extend(in_memory(&part, bytes).and_then(|part| bytes.get(part)).unwrap_or(&[]));
    }
    content.extend_from_slice(multipart.ending().as_bytes());
    content
}

fn in_memory(part: &Range<u64>, bytes: &[u8]) -> Option<Range<usize>> {
    let part = usize::try_from(part.start).ok()?..usize::try_from(part.end).ok()?;
    (part.end <= bytes.len()).then_some(part)
}

/// Sends a part of a file, as the client takes it. A file that has become shorter cuts the reply:
/// the client was told how long it is.
async fn send(out: &mut BodyWriter, file: &File, part: Range<u64>) -> Result<(), Cut> {
    let mut at = part.start;
    while at < part.end {
        if out.takes_files() {
            let len = (part.end - at).min(SENT_LEN);
            if file.is_in_memory(at, len) {
                out.send_file(file.part(at, len)).await?;
                at += len;
                continue;
            }
        }
        let wanted = usize::try_from(part.end - at).unwrap_or(usize::MAX).min(READ_LEN);
        let lease = out.reserve(wanted).await?;
        let lease = file.read_at(at, wanted, lease).await?;
        if lease.is_empty() {
            return Err(Cut::new());
        }
        at += lease.len() as u64;
        out.write_lease(lease).await?;
    }
    Ok(())
}

#[expect(clippy::expect_used, reason = "digits and visible text of our own")]
fn field(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("visible ascii is a field value")
}

/// How much of a file is sent by the kernel at a time. Its ends are looked at before.
const SENT_LEN: u64 = 1 << 20;

/// How much of a file is read at a time, as much as a connection reads.
const READ_LEN: usize = 64 << 10;
