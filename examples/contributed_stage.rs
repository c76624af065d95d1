//! A server whose bodies pass a stage of another crate: Ascii85 in, Ascii85 out. How such a stage
//! is written is told in docs/writing-a-stage.md.
//!
//! ```text
//! cargo run --release --example contributed_stage
//! curl --data-binary 'G@>T)EW' http://127.0.0.1:8080/upper
//! ```

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
