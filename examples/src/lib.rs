//! Runnable examples of waterwheel. Each is one file beside `src`:
//! `cargo run --release --example hello`.
