//! A folder of files, and a notebook on disk: `cargo run --example files -- DIR`.
//!
//! Reading and writing keep nobody waiting: what is in the page cache is had at once, the rest
//! comes as an event of the same worker.

use std::env;

use waterwheel::fs::{self, Folder};
use waterwheel::http::StatusCode;
use waterwheel::{App, Files, InPlace, Local, Rejection};

/// Where the notes are kept. One per core: a folder is only a descriptor.
struct Notes(Folder);

fn unavailable(error: std::io::Error) -> Rejection {
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, format!("the notes: {error}"))
}

/// Adds a line: `curl -d 'buy milk' 127.0.0.1:8080/notes`. The body goes to the file from the
/// segments that it was received in.
async fn note(notes: Local<Notes>, line: InPlace<[u8]>) -> Result<&'static str, Rejection> {
    fs::append(&notes.0, NOTES, line.into_lease()).await.map_err(unavailable)?;
    fs::append(&notes.0, NOTES, "\n").await.map_err(unavailable)?;
    Ok("noted\n")
}

/// Reads them all: `curl 127.0.0.1:8080/notes`.
async fn read(notes: Local<Notes>) -> Result<String, Rejection> {
    let bytes = fs::read(&notes.0, NOTES, 1 << 20).await.map_err(unavailable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

const NOTES: &str = "waterwheel-notes.txt";

fn main() -> anyhow::Result<()> {
    let folder = env::args_os().nth(1).unwrap_or_else(|| ".".into());
    let files = Files::new(&folder)?.list(true);
    let notes = Folder::open(env::temp_dir())?;
    App::new()
        .per_core(move |_| Notes(notes.clone()))
        .post("/notes", note)
        .get("/notes", read)
        .files("/", files)
        .listen("127.0.0.1:8080")
        .run()?;
    Ok(())
}
