//! The smallest server: `cargo run --release --example hello`, then `curl http://127.0.0.1:8080/`.

use waterwheel::{App, StartError};

fn main() -> Result<(), StartError> {
    App::new().get("/", || "turning\n").listen("127.0.0.1:8080").run()?;
    Ok(())
}
