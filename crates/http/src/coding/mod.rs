//! Content codings (RFC 9110 §8.4): decoding what a request names in `Content-Encoding`, and
//! compressing replies for those who list a coding in `Accept-Encoding`.
//!
//! A route asks for either. What its own chain does is told in no field and not this file's
//! business.

pub(crate) mod accept;

use http::{HeaderValue, StatusCode, header};
use waterwheel_ring::{Lease, Ring};
use waterwheel_stages::{Chain, StageError};

use crate::parse::Headers;
use crate::rejection::Rejection;
use crate::reply::{Body, Reply};

/// The codings that this build has, for content of a route: a chain of one stage each, the ones
/// that the server would rather use first.
#[derive(Debug)]
pub(crate) struct Codings(Vec<(&'static str, Chain)>);

/// Which one of [`Codings`].
pub(crate) type CodingIndex = u8;

/// Why encoded content cannot be had.
pub(crate) enum DecodeError {
    /// No such coding, or too many of them.
    Refused(Rejection),
    Stage(StageError),
}

impl Codings {
    /// Refuses content that is longer than `content_len_max` bytes when decoded.
    #[cfg_attr(
        not(any(feature = "gzip", feature = "zstd")),
        expect(unused_variables, reason = "a build without codings has nothing to limit")
    )]
    pub(crate) fn new(content_len_max: usize) -> Self {
        Self(vec![
            #[cfg(feature = "zstd")]
            ("zstd", Chain::new().then(waterwheel_stages::zstd::Zstd::new(content_len_max))),
            #[cfg(feature = "gzip")]
            ("gzip", Chain::new().then(waterwheel_stages::gzip::Gzip::new(content_len_max))),
            #[cfg(feature = "gzip")]
            ("deflate", Chain::new().then(waterwheel_stages::gzip::Deflate::new(content_len_max))),
        ])
    }

    /// The chains, one for each coding.
    pub(crate) fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.0.iter().map(|(_, chain)| chain)
    }

    /// The coding called `name` in any case. `x-gzip` is `gzip` (RFC 9110 §8.4.1.3).
    fn position(&self, name: &[u8]) -> Option<usize> {
        let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
        self.0.iter().position(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
    }

    /// Undoes the codings that the fields name, the one applied last first. Content without any
    /// stays as it is.
    ///
    /// # Errors
    /// 415 with the codings that are known, for any other; else the stage's error.
    pub(crate) fn decode(
        &self,
        headers: &Headers<'_>,
        body: &mut Lease,
    ) -> Result<(), DecodeError> {
        for chain in self.named(headers)?.into_iter().flatten() {
            chain.inbound(body).map_err(DecodeError::Stage)?;
        }
        Ok(())
    }

    /// The chains of the codings that the fields name, the one applied last first.
    ///
    /// # Errors
    /// 415 with the codings that are known, for any other.
    pub(crate) fn named(
        &self,
        headers: &Headers<'_>,
    ) -> Result<[Option<&Chain>; CODINGS_MAX], DecodeError> {
        let mut chains = [None; CODINGS_MAX];
        let mut count = 0;
        for value in headers.get_all("content-encoding") {
            for name in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
                    continue;
                }
                let position = self.position(name).ok_or_else(|| self.refusal())?;
                let place = chains.get_mut(count).ok_or_else(|| self.refusal())?;
                *place = Some(&self.0[position].1);
                count += 1;
            }
        }
        chains.reverse();
        Ok(chains)
    }

    /// RFC 9110 §15.5.16: says what would be understood.
    #[cold]
    fn refusal(&self) -> DecodeError {
        let names: Vec<_> = self.0.iter().map(|(name, _)| *name).collect();
        let cause = format!("of content codings at most {CODINGS_MAX} of these are understood: ");
        let list = names.join(", ");
        let rejection = Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, cause + &list);
        DecodeError::Refused(match HeaderValue::from_str(&list) {
            Ok(list) => rejection.with_field(header::ACCEPT_ENCODING, list),
            Err(_) => rejection,
        })
    }

    /// The coding that the peer likes best, if it likes one of them as much as none.
    pub(crate) fn accepted(&self, headers: &Headers<'_>) -> Option<CodingIndex> {
        let names = self.0.iter().map(|(name, _)| *name).take_while(|name| *name != "deflate");
        // Never `deflate`: what it means was in dispute for too long (RFC 9110 §8.4.1.2).
        accept::best(|| headers.get_all("accept-encoding"), names)
    }

    /// The coding for a reply, and its name, if it is of a kind that packs. Says in `Vary` that the
    /// choice was the peer's, compressed or not.
    pub(crate) fn chosen(
        &self,
        coding: Option<CodingIndex>,
        reply: &mut Reply,
    ) -> Option<(&'static str, &Chain)> {
        reply.fields.push(header::VARY, HeaderValue::from_static("accept-encoding"));
        let (name, chain) = self.0.get(usize::from(coding?))?;
        is_worth_it(reply).then_some((name, chain))
    }

    /// Compresses a reply for a peer that accepts `coding`, if it is worth it.
    #[inline(never)]
    pub(crate) fn compress(&self, coding: Option<CodingIndex>, reply: &mut Reply, ring: &Ring) {
        let Some((name, chain)) = self.chosen(coding, reply) else { return };
        if reply.body.len() < COMPRESSED_LEN_MIN || is_event_stream(reply) {
            return;
        }
        if !matches!(reply.body, Body::Run(_)) {
            let Ok(mut lease) = ring.reserve_bytes(reply.body.len()) else { return };
            lease.append(reply.body.bytes()).expect("the run was reserved for these bytes");
            reply.body = Body::Run(lease);
        }
        let Body::Run(lease) = &mut reply.body else { return };
        // The content stays as it is when the ring has no room for the result.
        if chain.outbound(lease).is_ok() {
            reply.fields.push(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
    }
}

/// Whether a reply's content is all there is, and of a type that packs.
fn is_worth_it(reply: &Reply) -> bool {
    let status = reply.status.as_u16();
    // Parts of content are not the content; 204 and 304 have none.
    let is_whole = status >= 200 && !matches!(status, 204 | 205 | 206 | 304);
    let is_encoded = reply.fields.get(&header::CONTENT_ENCODING).is_some();
    is_whole && !is_encoded && packs(media_type(reply))
}

fn media_type(reply: &Reply) -> &str {
    let field = reply.fields.get(&header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let full = reply.content_type.or(field).unwrap_or_default();
    full.split(';').next().unwrap_or_default().trim_ascii()
}

/// Events that are all there before the first is sent: whoever made them so wants them as they are.
fn is_event_stream(reply: &Reply) -> bool {
    media_type(reply).eq_ignore_ascii_case("text/event-stream")
}

/// Text and its relatives. Everything else is packed already or unknown.
fn packs(media_type: &str) -> bool {
    let lower = media_type.to_ascii_lowercase();
    lower.starts_with("text/")
        || lower.ends_with("+json")
        || lower.ends_with("+xml")
        || PACKED_TYPES.contains(&lower.as_str())
}

/// Types outside `text/` that are text.
const PACKED_TYPES: [&str; 4] =
    ["application/json", "application/javascript", "application/xml", "application/wasm"];

/// Most codings over one another: two are rare, and each is a chance for a bomb.
const CODINGS_MAX: usize = 2;
/// Shorter content fits the first packet anyway, with its head.
const COMPRESSED_LEN_MIN: usize = 1024;
