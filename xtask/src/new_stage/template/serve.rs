//! A server whose bodies pass the stage on their way in and out: `cargo run --example serve`.

use waterwheel::{App, Handler, InPlace, StartError};
use waterwheel_stage_new_name::NewName;

fn main() -> Result<(), StartError> {
    let upper = |mut text: InPlace<[u8]>| {
        text.make_ascii_uppercase();
        text
    };
    App::new().post("/upper", upper.through(NewName::new())).listen("127.0.0.1:8080").run()?;
    Ok(())
}
