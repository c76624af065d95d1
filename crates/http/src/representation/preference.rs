//! Which of several codings of the same content a client would rather have (RFC 9110 §12.5.3).

use crate::coding::accept::weight_of;
use crate::parse::Headers;

/// How much a client likes each of `N` codings. A copy of what its `Accept-Encoding` says of them.
#[derive(Clone, Copy, Debug)]
pub struct Preference<const N: usize> {
    /// In thousandths.
    weights: [u16; N],
    identity: u16,
}

impl<const N: usize> Preference<N> {
    /// Of the client that sent these fields.
    #[must_use]
    pub fn of(headers: Headers<'_>, names: [&str; N]) -> Self {
        Self::of_values(|| headers.get_all("accept-encoding"), names)
    }

    fn of_values<'v, V: Iterator<Item = &'v [u8]>>(
        values: impl Fn() -> V,
        names: [&str; N],
    ) -> Self {
        let rest = weight_of("*", values());
        let weights = names.map(|name| weight_of(name, values()).or(rest).unwrap_or(0));
        // Content as it is has the least weight when it is not named: whoever lists codings wants
        // one.
        Self { weights, identity: weight_of("identity", values()).unwrap_or(1) }
    }

    /// The one of those that are there that the client likes best, the first of several. `None` for
    /// content as it is.
    pub fn choose(&self, is_there: impl Fn(usize) -> bool) -> Option<usize> {
        let mut best = (self.identity, None);
        for (index, weight) in self.weights.into_iter().enumerate().filter(|(at, _)| is_there(*at))
        {
            if weight > best.0 || (weight == best.0 && weight > 0 && best.1.is_none()) {
                best = (weight, Some(index));
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(value: &str, there: [bool; 3]) -> Option<usize> {
        let values = || std::iter::once(value.as_bytes());
        Preference::of_values(values, ["zstd", "br", "gzip"]).choose(|index| there[index])
    }

    #[test]
    fn the_best_of_what_is_there_is_chosen() {
        assert_eq!(chosen("gzip, br, zstd", [true; 3]), Some(0));
        assert_eq!(chosen("gzip, br, zstd", [false, true, true]), Some(1));
        assert_eq!(chosen("gzip, br;q=0.5", [false, true, true]), Some(2));
        assert_eq!(chosen("br", [true, false, true]), None);
        assert_eq!(chosen("*", [false, false, true]), Some(2));
        assert_eq!(chosen("gzip;q=0", [false, false, true]), None);
        assert_eq!(chosen("identity, gzip;q=0.5", [true; 3]), None);
    }
}
