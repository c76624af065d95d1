//! Owns the payload work that every entry of the arena does alike, and the buffers it reuses. Knows
//! nothing of HTTP, sockets or any framework: bytes come in, bytes go out.

mod answer;
mod base64;
mod burn;
mod collect;
mod exchange;
mod pool;
mod zstd;

pub use answer::{INDEX, OK, PLAINTEXT, json, json_into};
pub use base64::{Echo64, add_one_in_place, encode_into, encoded_len};
pub use burn::{burn, mix, mix_burns};
pub use collect::Collect;
pub use exchange::{Exchange, Refused};
pub use pool::Buffer;
pub use zstd::{Zecho64, recode};
