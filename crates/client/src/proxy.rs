//! A backend behind a route: requests are passed on, replies passed back, both while they come.

use http::{HeaderName, HeaderValue, StatusCode, header};
use waterwheel_http::parse::Method;
use waterwheel_http::{
    BodyReader, BorrowedAwaited, Handler, IntoRoute, Local, Reply, Request as Asked, Route,
};

use crate::hop::{Hops, VIA};
use crate::{Client, ClientError, Origin, Request, RequestError, Response};

/// Passes requests on to a backend, and its replies back. It is registered like a handler, best for
/// every method, and each core needs a [`Client`] of its own:
///
/// ```
/// use waterwheel_client::Proxy;
///
/// // App::new().per_core(|_| Client::default()).any("/api/{*rest}", backend)
/// let backend = Proxy::to("http://127.0.0.1:9000")?.without_prefix("/api");
/// # drop(backend);
/// # Ok::<(), waterwheel_client::RequestError>(())
/// ```
///
/// Content is never kept whole, in neither direction: what one side does not take is not read from
/// the other. Fields that concern one connection are removed (RFC 9110 §7.6.1), also those that
/// `Connection` names. The backend sees the client's `Host`, the client's address at the end of
/// `X-Forwarded-For` (`unknown` on a Unix socket), and `Via`. What a client sends itself in these
/// fields stays in front of that, so a backend trusts the last entry alone. `Expect` is answered
/// by this server.
///
/// A backend that cannot be reached or gives no valid reply is a 502, one that is late a 504.
/// When it fails in the middle of a reply, the client's connection ends there. Upgrades, `CONNECT`
/// and trailers are not passed on; `date` and `server` of replies are our own.
#[derive(Clone, Debug)]
pub struct Proxy {
    origin: Origin,
    /// Taken off the front of paths; without a slash at its end.
    prefix: String,
}

impl Proxy {
    /// Passes on to `url`, which is `http://host:port` without a path.
    ///
    /// # Errors
    /// A [`RequestError`] for what is wrong with `url`.
    pub fn to(url: &str) -> Result<Self, RequestError> {
        Origin::parse(url).map(Self::to_origin)
    }

    /// Passes on to an origin, such as a Unix socket.
    #[must_use]
    pub const fn to_origin(origin: Origin) -> Self {
        Self { origin, prefix: String::new() }
    }

    /// Takes `prefix` off the paths that begin with it.
    #[must_use]
    pub fn without_prefix(mut self, prefix: &str) -> Self {
        prefix.trim_end_matches('/').clone_into(&mut self.prefix);
        self
    }

    /// The request to the backend, and whether content follows.
    fn request(&self, asked: &Asked<'_>) -> Result<(Request, bool), Refused> {
        let headers = asked.headers();
        let has_content = headers.get("transfer-encoding").is_some()
            || headers.get("content-length").is_some_and(|digits| number(digits) != Some(0));
        let hops_left = match asked.method() {
            Method::Options | Method::Trace => headers.get("max-forwards").and_then(number),
            _ => None,
        };
        if hops_left == Some(0) {
            return Err(Refused::LastHop);
        }
        let target = self.target(asked.path(), asked.query());
        let request = Request::to(asked.method().as_str(), &self.origin, &target);
        let mut request = request.map_err(|_| Refused::Unsendable)?;
        let hops = Hops::new(headers.get_all("connection"));
        for (name, value) in headers {
            let is_rewritten = REWRITTEN.iter().any(|known| name.eq_ignore_ascii_case(known));
            if !is_rewritten && !hops.has(name) {
                request.push(name, value);
            }
        }
        if let Some(authority) = asked.authority() {
            request.push("host", authority.as_bytes());
        }
        let client = asked.peer().ip().map_or("unknown".to_owned(), |address| address.to_string());
        request.push(FORWARDED_FOR, &extended(headers.get_all(FORWARDED_FOR), &client));
        request.push("via", &extended(headers.get_all("via"), VIA));
        match (hops_left, headers.get("max-forwards")) {
            (Some(left), _) => request.push("max-forwards", (left - 1).to_string().as_bytes()),
            (None, Some(value)) => request.push("max-forwards", value),
            (None, None) => {}
        }
        Ok((request, has_content))
    }

    fn target(&self, path: &str, query: Option<&str>) -> String {
        let rest = path.strip_prefix(&self.prefix);
        let path = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path);
        let mut target = path.to_owned();
        if let Some(query) = query {
            target.extend(["?", query]);
        }
        target
    }
}

/// Why a request is not passed on.
enum Refused {
    /// It is meant for this server (RFC 9110 §7.6.2).
    LastHop,
    /// By its method or the form of its target; the rest was judged when it was received.
    Unsendable,
}

/// Marks [`Proxy`] among the shapes of handlers.
#[derive(Debug)]
#[non_exhaustive]
pub enum PassedOn {}

impl IntoRoute<PassedOn> for Proxy {
    fn into_route(self) -> Route {
        route(move |asked: &Asked<'_>, client: Local<Client>, body: BodyReader| {
            let request = self.request(asked);
            async move {
                match request {
                    Ok((request, false)) => client.send(request).await.map(passed_back),
                    Ok((request, true)) => pass_on(&client, request, body).await,
                    Err(Refused::LastHop) => Ok(Reply::new(StatusCode::OK)),
                    Err(Refused::Unsendable) => Ok(Reply::new(StatusCode::NOT_IMPLEMENTED)),
                }
            }
        })
    }
}

/// Names the handler's shape, which the compiler cannot tell from a closure.
fn route<H>(handler: H) -> Route
where
    H: Handler<(BorrowedAwaited, Local<Client>, BodyReader)>,
{
    handler.into_route()
}

async fn pass_on(
    client: &Client,
    request: Request,
    mut body: BodyReader,
) -> Result<Reply, ClientError> {
    let request = request.with_stream(body.content_len(), async move |mut upload| {
        while let Some(window) = body.next().await {
            let window = window.map_err(|_| ClientError::Content)?;
            upload.write(window.payload()).await?;
        }
        Ok(())
    });
    client.send(request).await.map(passed_back)
}

/// The reply as our client gets it.
fn passed_back(response: Response) -> Reply {
    let Response { status, fields, mut body } = response;
    let all = |name: HeaderName| {
        let found = fields.iter().filter(move |(known, _)| *known == name);
        found.map(|(_, value)| value.as_bytes())
    };
    let hops = Hops::new(all(header::CONNECTION));
    let via = extended(all(header::VIA), VIA);
    // What has come with the head already is sent with the head; so is the answer to HEAD, whose
    // fields may state a length that nothing follows.
    let stated = all(header::CONTENT_LENGTH).next().and_then(number);
    let mut reply = match (body.take_whole(), stated) {
        (Some(Some(lease)), _) => Reply::run(lease),
        (Some(None), Some(len)) if len > 0 => streamed(body).with_content_len(len),
        (Some(None), _) => Reply::new(status),
        (None, Some(len)) => streamed(body).with_content_len(len),
        (None, None) => streamed(body),
    };
    reply = reply.with_status(status);
    for (name, value) in &fields {
        if *name != header::VIA && !hops.has(name.as_str()) {
            reply = reply.with_header(name.clone(), value.clone());
        }
    }
    match HeaderValue::from_bytes(&via) {
        Ok(via) => reply.with_header(header::VIA, via),
        Err(_) => reply,
    }
}

fn streamed(mut body: crate::Body) -> Reply {
    Reply::stream(async move |mut out| {
        while let Some(piece) = body.next().await? {
            out.write_lease(piece).await?;
        }
        Ok(())
    })
}

/// The values of a list field, and one more behind them.
fn extended<'a>(values: impl Iterator<Item = &'a [u8]>, last: &str) -> Vec<u8> {
    let mut list = Vec::new();
    for value in values.filter(|value| !value.is_empty()) {
        list.extend_from_slice(value);
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(last.as_bytes());
    list
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Fields of a request that are passed on in another form. `Expect` is not: this server asks for
/// the content when the backend takes it.
const REWRITTEN: [&str; 5] = ["expect", "host", "max-forwards", "via", FORWARDED_FOR];
