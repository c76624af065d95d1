//! The application that the simulated clients talk to, and the journal of its handlers' calls.

use std::future::pending;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use waterwheel::stages::base64::Base64;
use waterwheel::task::sleep;
use waterwheel::zerocopy::little_endian::{U32, U64};
use waterwheel::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use waterwheel::{
    App, BodyError, BodyReader, Handler, InPlace, Json, Limits, Local, Path, Reply, Request,
    WhenGone,
};

use super::disk::{Ground, kept, stored};
use super::waiting::{asked, held, waited};

/// What a handler was called for: the number of the connection, and of the request on it.
pub(crate) type CallId = (usize, usize);

/// The calls of all handlers, in order. Each core has a handle on the same one.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<CallId>>>);

impl Journal {
    pub(crate) fn calls(&self) -> Vec<CallId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn note(&self, request: &Request<'_>) {
        let id = request.header("x-id").and_then(|text| std::str::from_utf8(text).ok());
        let id = id.and_then(|text| {
            let (connection, number) = text.split_once('.')?;
            Some((connection.parse().ok()?, number.parse().ok()?))
        });
        let id = id.unwrap_or((usize::MAX, usize::MAX));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[zerocopy(crate = "waterwheel::zerocopy")]
#[repr(C)]
struct Order {
    id: U64,
    quantity: U32,
    price: U32,
}

/// Routes of every shape: content in the program, on the heap, in the ring; bodies taken in place,
/// copied, decoded, and left alone; handlers that wait.
pub(crate) fn application(limits: Limits, journal: &Journal, ground: &Arc<Ground>) -> App {
    let (journal, at) = (journal.clone(), Arc::clone(ground));
    App::new()
        .limits(limits)
        .per_core(move |_| journal.clone())
        .per_core(move |_| at.store())
        .files("/site", ground.site())
        .get("/stored/{len}", stored.when_gone(WhenGone::Finish))
        .post("/kept", kept)
        .get("/plain", plain)
        .get("/big", big)
        .get("/heap/{len}", heap)
        .get("/mirror/{word}", mirror)
        .get("/json/{word}", json)
        .get("/waited/{word}", waited.when_gone(WhenGone::Finish))
        .get("/asked/{word}", asked.when_gone(WhenGone::Finish))
        .get("/panic", fail)
        .post("/panic", fail)
        .post("/orders", clamp.through(Base64::STANDARD))
        .post("/sum", sum.through(Base64::STANDARD))
        .post("/echo", echo)
        .post("/same", same)
        .post("/held", held)
        .post("/small", same.body_len_max(SMALL_LEN_MAX))
        .post("/ignore", plain)
        .get("/pour/{len}", pour.when_gone(WhenGone::Finish))
        .get("/later/{len}", later.when_gone(WhenGone::Finish))
        .post("/relay", relay)
        .post("/count", count.when_gone(WhenGone::Cancel))
}

fn plain(request: &Request<'_>, journal: Local<Journal>) -> &'static str {
    journal.note(request);
    PLAIN
}

fn big(request: &Request<'_>, journal: Local<Journal>) -> &'static [u8] {
    journal.note(request);
    &BIG
}

fn heap(request: &Request<'_>, journal: Local<Journal>, len: Path<usize>) -> Vec<u8> {
    journal.note(request);
    let tag = request.header("x-tag").unwrap_or(b"-");
    tag.iter().copied().cycle().take(len.0).collect()
}

fn mirror(request: &Request<'_>, journal: Local<Journal>, word: Path<String>) -> String {
    journal.note(request);
    mirrored(request, &word.0)
}

pub(crate) fn mirrored(request: &Request<'_>, word: &str) -> String {
    let tag = request.header("x-tag").unwrap_or(b"-");
    let tag = String::from_utf8_lossy(tag);
    format!("{word} {} {tag}\n", request.query().unwrap_or("-"))
}

fn json(request: &Request<'_>, journal: Local<Journal>, word: Path<String>) -> Json<Vec<String>> {
    journal.note(request);
    Json(vec![word.0; JSON_WORDS])
}

fn fail(request: &Request<'_>, journal: Local<Journal>) -> &'static str {
    journal.note(request);
    panic!("{PLANNED_PANIC}")
}

fn clamp(
    request: &Request<'_>,
    journal: Local<Journal>,
    mut orders: InPlace<[Order]>,
) -> InPlace<[Order]> {
    journal.note(request);
    for order in orders.iter_mut() {
        order.quantity.set(order.quantity.get().min(100));
        order.price.set(order.price.get().wrapping_add(1));
    }
    orders
}

fn sum(request: &Request<'_>, journal: Local<Journal>, orders: InPlace<[Order]>) -> String {
    journal.note(request);
    let ids = orders.iter().fold(0, |ids, order| ids ^ order.id.get());
    let quantity: u64 = orders.iter().map(|order| u64::from(order.quantity.get())).sum();
    format!("{} orders, {quantity} pieces, {ids:016x}\n", orders.len())
}

fn echo(request: &Request<'_>, journal: Local<Journal>, body: Vec<u8>) -> Vec<u8> {
    journal.note(request);
    body
}

fn same(request: &Request<'_>, journal: Local<Journal>, body: InPlace<[u8]>) -> InPlace<[u8]> {
    journal.note(request);
    body
}

/// The tag over and over, as it is in `heap`.
fn tagged(request: &Request<'_>, len: usize) -> Vec<u8> {
    let tag = request.header("x-tag").unwrap_or(b"-");
    tag.iter().copied().cycle().take(len).collect()
}

/// Written while it is sent: a piece, a moment, a piece.
fn pour(request: &Request<'_>, journal: Local<Journal>, len: Path<usize>) -> Reply {
    journal.note(request);
    let content = tagged(request, len.0);
    Reply::stream(|mut out| async move {
        for (number, piece) in content.chunks(POURED_LEN).enumerate() {
            out.write(piece).await?;
            if number % 4 == 3 {
                sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    })
}

/// Of a length that is known, by a handler that waits.
fn later(
    request: &Request<'_>,
    journal: Local<Journal>,
    len: Path<usize>,
) -> impl Future<Output = Reply> + use<> {
    journal.note(request);
    let content = tagged(request, len.0);
    async move {
        sleep(Duration::from_micros(500)).await;
        let len = content.len() as u64;
        let write = |mut out: waterwheel::BodyWriter| async move { Ok(out.write(content).await?) };
        Reply::stream(write).with_content_len(len)
    }
}

/// Sends back what comes, while it comes.
fn relay(request: &Request<'_>, journal: Local<Journal>, mut body: BodyReader) -> Reply {
    journal.note(request);
    Reply::stream(|mut out| async move {
        while let Some(window) = body.next().await {
            out.write_lease(window?).await?;
        }
        Ok(())
    })
}

/// Tells how much came.
fn count(
    request: &Request<'_>,
    journal: Local<Journal>,
    mut body: BodyReader,
) -> impl Future<Output = Result<String, BodyError>> + use<> {
    journal.note(request);
    async move {
        let (mut len, mut sum) = (0, 0_u64);
        while let Some(window) = body.next().await {
            match window {
                Ok(window) => {
                    len += window.len();
                    sum += window.payload().iter().map(|byte| u64::from(*byte)).sum::<u64>();
                }
                // Its client has left: nobody is there to be told.
                Err(BodyError::Truncated) => pending().await,
                Err(error) => return Err(error),
            }
        }
        Ok(format!("{len} bytes, {sum}\n"))
    }
}

/// Keeps the planned panic of a handler off the terminal, and no other.
pub(crate) fn silence_planned_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let shown = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<&str>().copied();
            let text = text.or_else(|| info.payload().downcast_ref().map(String::as_str));
            if text != Some(PLANNED_PANIC) {
                shown(info);
            }
        }));
    });
}

/// One piece of what is poured.
const POURED_LEN: usize = 700;
pub(crate) const PLAIN: &str = "turning\n";
/// Sent from where it is, in a piece of its own.
pub(crate) const BIG: [u8; 5000] = [b'w'; 5000];
pub(crate) const SMALL_LEN_MAX: usize = 64;
pub(crate) const ORDER_LEN: usize = size_of::<Order>();
pub(crate) const JSON_WORDS: usize = 12;
const PLANNED_PANIC: &str = "planned: the handler fails";
