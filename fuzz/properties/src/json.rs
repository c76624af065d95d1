//! A payload is read as JSON or refused, and what was read is written and read again as the same.

use serde_json::Value;
use waterwheel_stages::json;

use crate::site;

/// See the module.
pub fn json(data: &[u8]) {
    let Ok(value) = json::read::<Value>(data) else { return };
    let mut lease = site::lease(b"", 0, 8 * data.len() + 64);
    json::write(&value, &mut lease).expect("a value is at most that much longer than its text");
    let again = json::read::<Value>(lease.payload()).expect("what was written is JSON");
    assert!(same(&value, &again), "{value} was written, {again} read");
}

/// Equal but for the last bits of fractions, which the parser does not always round to the nearest.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let is_in_other = |(key, one): (&String, &Value)| {
                other.get(key).is_some_and(|other| same(one, other))
            };
            one.len() == other.len() && one.iter().all(is_in_other)
        }
        (Value::Number(one), Value::Number(other)) if one.is_f64() && other.is_f64() => {
            let (one, other) = (one.as_f64().unwrap_or(0.0), other.as_f64().unwrap_or(0.0));
            (one - other).abs() <= one.abs() * 4.0 * f64::EPSILON
        }
        (one, other) => one == other,
    }
}
