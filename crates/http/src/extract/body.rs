//! Bodies copied out of the ring, for handlers that want them so.

use http::StatusCode;

use super::Extract;
use crate::gauges::Gauges;
use crate::rejection::Rejection;
use crate::request::Call;
use crate::traffic::Traffic;

/// A copy of the body; `InPlace<[u8]>` is the body itself.
impl Extract for Vec<u8> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.body().to_vec())
    }
}

/// A copy of the body as UTF-8.
impl Extract for String {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        match std::str::from_utf8(call.body()) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let cause = format!("the body is not utf-8 at byte {}", error.valid_up_to());
                Err(Rejection::new(StatusCode::BAD_REQUEST, cause))
            }
        }
    }
}

impl Extract for Traffic {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.traffic())
    }
}

impl Extract for Gauges {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        Ok(call.gauges())
    }
}
