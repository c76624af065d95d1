//! Bodies of any length, handled while they come: `cargo run --release --example stream_upload`.
//!
//! ```sh
//! curl -T big.iso 127.0.0.1:8080/files/big.iso      # to the disk, a window at a time
//! curl -T big.iso 127.0.0.1:8080/count              # how much it was
//! curl -T big.iso 127.0.0.1:8080/echo | cmp big.iso # back to where it came from
//! ```
//!
//! However long they are, each connection has a few windows of 64 KiB in memory. Nothing is read
//! from a client before the last window is where it should be.

use std::io;

use anyhow::Context;
use waterwheel::fs::{self, Access, Folder};
use waterwheel::http::StatusCode;
use waterwheel::{App, BodyError, BodyReader, Handler, Local, Path, Rejection, Reply};

/// Writes the body to a file beneath the folder; no name leads out of it.
async fn store(
    Path(name): Path<String>,
    mut body: BodyReader,
    folder: Local<Folder>,
) -> Result<String, Rejection> {
    let file = fs::open(&folder, name, Access::Replace).await.map_err(refused)?;
    let mut len = 0;
    while let Some(window) = body.next().await {
        let window = window?;
        let window_len = window.len() as u64;
        // From the segments into which the kernel received it.
        file.write_at(len, window).await.map_err(refused)?;
        len += window_len;
    }
    Ok(format!("{len} bytes are on the disk\n"))
}

fn refused(error: io::Error) -> Rejection {
    Rejection::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("the file cannot be written: {error}"),
    )
}

/// Counts bytes, after decoding: `curl -T logs.zst -H 'content-encoding: zstd' …`.
async fn count(mut body: BodyReader) -> Result<String, BodyError> {
    let mut len = 0;
    while let Some(window) = body.next().await {
        len += window?.len();
    }
    Ok(format!("{len} bytes\n"))
}

/// Sends every window back while the next one comes.
fn echo(mut body: BodyReader) -> Reply {
    Reply::stream(|mut out| async move {
        while let Some(window) = body.next().await {
            out.write_lease(window?).await?;
        }
        Ok(())
    })
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Folder::open(&path).context(path)?;
    let app = App::new()
        .per_core(move |_| folder.clone())
        .put("/files/{*name}", store.body_len_max(10 << 30))
        .put("/count", count.decoded(1 << 40))
        .put("/echo", echo);
    app.listen("127.0.0.1:8080").run()?;
    Ok(())
}
