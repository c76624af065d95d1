//! Server-sent events: a reply without an end, of which each piece is sent at once.
//!
//! The format is that of the HTML standard, "server-sent events". What it cannot carry is left out
//! rather than sent as something else.

use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderValue, header};

use super::writer::{BodyWriter, WriteError};
use super::{Cut, StreamBody};
use crate::extract::Extract;
use crate::rejection::Rejection;
use crate::reply::Reply;
use crate::request::Call;

/// One event, or a comment.
///
/// ```
/// use waterwheel_http::Event;
///
/// let event = Event::data("two\nlines").named("news").id("7");
/// assert_eq!(event.to_string(), "event: news\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    name: Option<&'a str>,
    id: Option<&'a str>,
    retry: Option<Duration>,
    data: Option<&'a str>,
    comment: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// An event with this data. Its lines may end as they like; they arrive with line feeds.
    #[must_use]
    pub fn data(data: &'a str) -> Self {
        Self { data: Some(data), ..Self::default() }
    }

    /// A comment, which clients pass over.
    #[must_use]
    pub fn comment(comment: &'a str) -> Self {
        Self { comment: Some(comment), ..Self::default() }
    }

    /// With a type other than `message`. Line ends in it are left out.
    #[must_use]
    pub fn named(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// With an id, which a client that comes back tells as [`LastEventId`]. Line ends and zero
    /// bytes in it are left out.
    #[must_use]
    pub fn id(mut self, id: &'a str) -> Self {
        self.id = Some(id);
        self
    }

    /// With the time after which a client that lost its connection comes back, in whole
    /// milliseconds.
    #[must_use]
    pub fn retry(mut self, time: Duration) -> Self {
        self.retry = Some(time);
        self
    }
}

/// As it goes over the wire.
impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.comment.into_iter().flat_map(lines) {
            writeln!(f, ": {line}")?;
        }
        if let Some(name) = self.name {
            writeln!(f, "event: {}", OneLine(name))?;
        }
        if let Some(id) = self.id {
            writeln!(f, "id: {}", OneLine(id))?;
        }
        if let Some(time) = self.retry {
            writeln!(f, "retry: {}", time.as_millis())?;
        }
        for line in self.data.into_iter().flat_map(lines) {
            writeln!(f, "data: {line}")?;
        }
        f.write_char('\n')
    }
}

/// The lines of a text, whichever of the format's three ends they have.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else { return rest.take() };
        let end_len = if text[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&text[end + end_len..]);
        Some(&text[..end])
    })
}

/// A text without what would end its line, and without zero bytes, for which clients drop an id.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split(['\r', '\n', '\0']).try_for_each(|piece| f.write_str(piece))
    }
}

/// Sends the events of a [`Reply::events`].
#[derive(Debug)]
pub struct EventWriter {
    out: BodyWriter,
    text: String,
}

impl EventWriter {
    /// Sends one event. It leaves at the next await that waits, through a compressor too; if more
    /// is under way than [`queued_output_max`](crate::Limits::queued_output_max), this waits.
    ///
    /// # Errors
    /// [`WriteError::Closed`] when the connection is over, which only a writer on another task
    /// lives to see; [`WriteError::Encode`] when a stage of the route fails.
    pub async fn send(&mut self, event: Event<'_>) -> Result<(), WriteError> {
        self.text.clear();
        write!(self.text, "{event}").expect("a string takes all text");
        self.out.write(&self.text).await?;
        self.out.push().await
    }

    /// Waits until everything sent so far was taken by the kernel.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), WriteError> {
        self.out.flush().await
    }
}

impl Reply {
    /// 200 with a stream of events for a browser's `EventSource`. Terms are those of
    /// [`stream`](Self::stream). When nothing was sent for 15 seconds, or as long as
    /// [`with_keep_alive`](Self::with_keep_alive) says, a comment is, so that neither the client
    /// nor a proxy takes the connection for dead. When the server drains, the reply ends in good
    /// order.
    ///
    /// ```
    /// use waterwheel_http::{Event, Reply};
    ///
    /// fn greet() -> Reply {
    ///     Reply::events(|mut events| async move {
    ///         for name in ["one", "two"] {
    ///             events.send(Event::data(name)).await?;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// # greet();
    /// ```
    pub fn events<F>(send: impl FnOnce(EventWriter) -> F + 'static) -> Self
    where
        F: Future<Output = Result<(), Cut>> + 'static,
    {
        let mut stream = StreamBody::new(move |out| send(EventWriter { out, text: String::new() }));
        stream.keep_alive = Some(KEEP_ALIVE_INTERVAL);
        Self::of_stream(stream)
            .with_content_type("text/event-stream")
            .with_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
    }

    /// With another time of silence after which a stream of [events](Self::events) sends a comment;
    /// zero for never. Other replies stay as they are.
    pub fn with_keep_alive(mut self, interval: Duration) -> Self {
        if let Some(StreamBody { keep_alive: Some(time), .. }) = self.stream_mut() {
            *time = interval;
        }
        self
    }
}

/// The id of the last event that the client has seen, when it comes back for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastEventId(pub Option<String>);

impl Extract for LastEventId {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        let field = call.request().header("last-event-id");
        Ok(Self(field.map(|id| String::from_utf8_lossy(id).into_owned())))
    }
}

/// As the HTML standard proposes.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_data_is_a_field() {
        for (data, expected) in [
            ("", "data: \n\n"),
            ("one", "data: one\n\n"),
            (" one", "data:  one\n\n"),
            ("one\ntwo", "data: one\ndata: two\n\n"),
            ("one\r\ntwo\rthree\n", "data: one\ndata: two\ndata: three\ndata: \n\n"),
            ("\n\n", "data: \ndata: \ndata: \n\n"),
            ("id: 7\n\ndata: x", "data: id: 7\ndata: \ndata: data: x\n\n"),
        ] {
            assert_eq!(Event::data(data).to_string(), expected, "{data:?}");
        }
    }

    #[test]
    fn no_text_gets_out_of_its_field() {
        let event = Event::data("d").named("a\ndata: x").id("1\r\n\n2\0").retry(Duration::ZERO);
        let text = "event: adata: x\nid: 12\nretry: 0\ndata: d\n\n";
        assert_eq!(event.to_string(), text);
        assert_eq!(Event::comment("a\rdata: b").to_string(), ": a\n: data: b\n\n");
    }
}
