//! A stage of one's own between the network and a handler: here a mask as WebSocket frames have it
//! (RFC 6455 §5.3), with the key in front of the body.
//!
//! ```text
//! cargo run --release --example custom_stage
//! printf 'key!\x03\x00\x15' | curl -s --data-binary @- http://127.0.0.1:8080/upper | xxd
//! ```

use waterwheel::stages::{Direction, Growth, Stage, StageError, Window};
use waterwheel::{App, Handler, InPlace, StartError};

/// Four bytes of key, then the payload with each byte XORed with the key's, over and over.
#[derive(Debug)]
struct Mask;

const KEY_LEN: usize = 4;
/// What replies are masked with. A real protocol would agree on one.
const REPLY_KEY: [u8; KEY_LEN] = *b"rely";

impl Stage for Mask {
    fn name(&self) -> &'static str {
        "mask"
    }

    /// The planner reserves room for the key before a byte of the request is read.
    fn growth(&self, direction: Direction) -> Growth {
        match direction {
            Direction::Inbound => Growth::Shrinks,
            Direction::Outbound => Growth::fixed(KEY_LEN, 0),
        }
    }

    fn inbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        let Some(&key) = window.payload().first_chunk::<KEY_LEN>() else {
            return Err(StageError::Malformed {
                stage: "mask",
                at: None,
                cause: "there is no key",
            });
        };
        window.advance(KEY_LEN);
        mask(window.payload_mut(), key);
        Ok(())
    }

    fn outbound(&self, window: &mut Window<'_>) -> Result<(), StageError> {
        mask(window.payload_mut(), REPLY_KEY);
        let room = window.grow_front(KEY_LEN);
        room.map_err(|source| StageError::NoRoom { stage: "mask", source })?;
        window.payload_mut()[..KEY_LEN].copy_from_slice(&REPLY_KEY);
        Ok(())
    }
}

fn mask(bytes: &mut [u8], key: [u8; KEY_LEN]) {
    for (byte, key) in bytes.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

fn main() -> Result<(), StartError> {
    let upper = |mut text: InPlace<[u8]>| {
        text.make_ascii_uppercase();
        text
    };
    App::new().post("/upper", upper.through(Mask)).listen("127.0.0.1:8080").run()?;
    Ok(())
}
