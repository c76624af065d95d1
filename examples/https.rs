//! HTTPS beside HTTP, with a certificate that can be exchanged while the server runs.
//!
//! ```sh
//! cargo run --release --example https                      # a certificate made on the spot
//! cargo run --release --example https -- chain.pem key.pem # yours; `kill -HUP` reads it again
//! curl -k https://127.0.0.1:8443/
//! ```

use waterwheel::{App, Tls, TlsInfo};

fn greet(tls: TlsInfo) -> String {
    let name = tls.server_name.as_deref().unwrap_or("whoever you asked for");
    let version = if tls.is_tls13 { "1.3" } else { "1.2" };
    let manner = if tls.is_resumed { "again" } else { "for the first time" };
    format!("{name} by TLS {version}, {manner}\n")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tls = match std::env::args().collect::<Vec<_>>().as_slice() {
        [_, chain, key] => Tls::from_pem_files(chain, key)?,
        _ => Tls::self_signed(&["localhost", "127.0.0.1"])?,
    };
    let bound = App::new()
        .get("/", greet)
        .get("/plain", || "in the clear, or not\n")
        .listen_tls("127.0.0.1:8443", &tls)
        .listen("127.0.0.1:8080")
        .bind()?;
    bound.urls().for_each(|url| println!("listening on {url}"));
    let reload = move || match tls.reload() {
        Ok(()) => println!("certificate reloaded"),
        Err(error) => eprintln!("certificate kept: {error}"),
    };
    bound.on_hangup(reload).run()?;
    Ok(())
}
