//! The welcome site: one page, and the live demos that it calls.

use std::fmt::Write as _;

use waterwheel::stages::base64::Base64;
use waterwheel::zerocopy::little_endian::{U32, U64};
use waterwheel::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use waterwheel::{App, Gauges, Handler, InPlace, Json, Reply, Request};

/// The site's routes.
pub(crate) fn app() -> App {
    App::new()
        .get("/", || Reply::html(PAGE))
        .post("/demo/orders", clamp.through(Base64::STANDARD))
        .any("/demo/mirror", mirror)
        .get("/demo/wheel", Json::<Gauges>)
        .liveness("/livez")
        .readiness("/readyz")
        .metrics("/metrics")
}

/// One order as it travels: 16 bytes, little-endian.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Order {
    id: U64,
    quantity: U32,
    price: U32,
}

/// Caps each quantity. The records are changed where they were received and decoded, and leave from
/// there.
fn clamp(mut orders: InPlace<[Order]>) -> Reply {
    for order in orders.iter_mut() {
        order.quantity.set(order.quantity.get().min(QUANTITY_MAX));
    }
    Reply::run(orders.into_lease()).with_content_type("text/plain")
}

/// Tells what the server saw of a request.
fn mirror(request: &Request<'_>) -> String {
    let mut text =
        format!("{} {} from {}\n", request.method().as_str(), request.target(), request.peer());
    for (name, value) in request.headers() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {}", value.escape_ascii());
    }
    text
}

const PAGE: &str = include_str!("../../../site/index.html");

/// The most that anyone may order of one thing.
const QUANTITY_MAX: u32 = 100;
