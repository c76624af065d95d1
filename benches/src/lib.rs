//! Benchmarks of waterwheel. Each file in `benches/` answers one question: `cargo xtask bench`.
