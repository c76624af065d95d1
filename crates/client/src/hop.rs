//! Fields that concern one connection and are never passed on.

/// What one head keeps from the next hop: the fields that always do, and those that its
/// `Connection` names (RFC 9110 §7.6.1).
pub(crate) struct Hops<'a> {
    named: Vec<&'a [u8]>,
}

impl<'a> Hops<'a> {
    /// From all values of `Connection`.
    pub(crate) fn new(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let options = values.flat_map(|value| value.split(|&byte| byte == b','));
        Self { named: options.map(<[u8]>::trim_ascii).filter(|name| !name.is_empty()).collect() }
    }

    /// Whether the field called `name` stays here.
    pub(crate) fn has(&self, name: &str) -> bool {
        ALWAYS.iter().any(|known| name.eq_ignore_ascii_case(known))
            || self.named.iter().any(|known| known.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Those of RFC 9110 §7.6.1, what old clients send in their place, and `Trailer`, because trailers
/// are not passed on.
const ALWAYS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What this server adds to `Via` (RFC 9110 §7.6.3).
pub(crate) const VIA: &str = "1.1 waterwheel";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_connection_stay_here() {
        let hops = Hops::new([&b"close, X-Secret"[..], b" ,x-other ,"].into_iter());
        for name in ["Connection", "KEEP-ALIVE", "x-secret", "X-Other", "te", "close"] {
            assert!(hops.has(name), "{name}");
        }
        for name in ["", "content-type", "x-secre", "cookie"] {
            assert!(!hops.has(name), "{name}");
        }
    }
}
