//! A body seen as Rust types where it was received, changed there, and sent back from there.
//!
//! ```text
//! cargo run --release --example typed_body
//! head -c 32 /dev/zero | tr '\0' '\377' | base64 -w0 | curl --data-binary @- http://127.0.0.1:8080/orders
//! ```

use waterwheel::stages::base64::Base64;
use waterwheel::zerocopy::little_endian::{U32, U64};
use waterwheel::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
use waterwheel::{App, Handler, InPlace, StartError};

/// One record of 16 bytes. Little-endian and unaligned, so that it can lie anywhere in a segment.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[zerocopy(crate = "waterwheel::zerocopy")]
#[repr(C)]
struct Order {
    id: U64,
    quantity: U32,
    price: U32,
}

/// The argument and the result are the same bytes: nothing is allocated and nothing is copied.
fn clamp(mut orders: InPlace<[Order]>) -> InPlace<[Order]> {
    for order in orders.iter_mut() {
        order.quantity.set(order.quantity.get().min(100));
    }
    orders
}

fn main() -> Result<(), StartError> {
    App::new()
        // Base64 in, Base64 out: decoded before the handler sees the body, encoded after it.
        .post("/orders", clamp.through(Base64::STANDARD))
        .listen("127.0.0.1:8080")
        .run()?;
    Ok(())
}
