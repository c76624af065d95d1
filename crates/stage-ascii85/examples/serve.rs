//! A server whose bodies pass the stage on their way in and out: `cargo run --example serve`.

use waterwheel::{App, Handler, InPlace, StartError};
use waterwheel_stage_ascii85::Ascii85;

fn main() -> Result<(), StartError> {
    let upper = |mut text: InPlace<[u8]>| {
        text.make_ascii_uppercase();
        text
    };
    App::new().post("/upper", upper.through(Ascii85::new())).listen("127.0.0.1:8080").run()?;
    Ok(())
}
