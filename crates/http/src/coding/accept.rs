//! What a peer accepts (RFC 9110 §12.5.3).

use super::CodingIndex;

/// The index of the name that the field values give the greatest weight, the first one of several.
/// `None` when the peer accepts none of them, or would rather have the content as it is.
pub(super) fn best<'v, V: Iterator<Item = &'v [u8]>>(
    values: impl Fn() -> V,
    names: impl Iterator<Item = &'static str>,
) -> Option<CodingIndex> {
    let weight = |name: &str| weight_of(name, values());
    // Content as it is has the least weight when it is not named: whoever lists codings wants one.
    let mut best = (weight("identity").unwrap_or(1), None);
    for (index, name) in names.enumerate() {
        let weight = weight(name).or_else(|| weight("*")).unwrap_or(0);
        if weight > best.0 || (weight == best.0 && weight > 0 && best.1.is_none()) {
            best = (weight, CodingIndex::try_from(index).ok());
        }
    }
    best.1
}

/// The weight of a coding in thousandths; `None` when it is not listed.
pub(crate) fn weight_of<'v>(name: &str, values: impl Iterator<Item = &'v [u8]>) -> Option<u16> {
    values.flat_map(|value| value.split(|&byte| byte == b',')).find_map(|element| {
        let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next()?;
        let is_named = coding.eq_ignore_ascii_case(name.as_bytes())
            || (name == "gzip" && coding.eq_ignore_ascii_case(b"x-gzip"));
        is_named.then(|| parts.find_map(weight_parameter).unwrap_or(FULL_WEIGHT))
    })
}

/// A parameter `q=0.5`. One that is malformed counts as zero: the coding is then not used, which is
/// always right.
fn weight_parameter(parameter: &[u8]) -> Option<u16> {
    let [b'q' | b'Q', b'=', value @ ..] = parameter else { return None };
    Some(match value {
        [b'1'] | [b'1', b'.', ..] => FULL_WEIGHT,
        [b'0'] => 0,
        [b'0', b'.', digits @ ..] if digits.len() <= 3 => digits
            .iter()
            .zip([100, 10, 1])
            .try_fold(0, |sum, (digit, place)| {
                digit.is_ascii_digit().then(|| sum + u16::from(digit - b'0') * place)
            })
            .unwrap_or(0),
        _ => 0,
    })
}

const FULL_WEIGHT: u16 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&str]) -> Option<&'static str> {
        let names = ["zstd", "gzip"];
        let index = best(|| values.iter().map(|value| value.as_bytes()), names.into_iter())?;
        Some(names[usize::from(index)])
    }

    #[test]
    fn greatest_weight_wins_and_then_our_own_order() {
        assert_eq!(chosen(&["gzip, zstd"]), Some("zstd"));
        assert_eq!(chosen(&["gzip", "zstd;q=0.9"]), Some("gzip"));
        assert_eq!(chosen(&["gzip;q=0.5, ZSTD;q=0.501"]), Some("zstd"));
        assert_eq!(chosen(&["x-gzip"]), Some("gzip"));
        assert_eq!(chosen(&["br, gzip ; q=0.1"]), Some("gzip"));
    }

    #[test]
    fn star_stands_for_what_is_not_named() {
        assert_eq!(chosen(&["*"]), Some("zstd"));
        assert_eq!(chosen(&["zstd;q=0, *"]), Some("gzip"));
        assert_eq!(chosen(&["gzip, *;q=0"]), Some("gzip"));
    }

    #[test]
    fn content_stays_as_it_is_when_the_peer_wants_that() {
        for value in ["", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0.5, identity"] {
            assert_eq!(chosen(&[value]), None, "{value}");
        }
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn malformed_weight_is_no_weight() {
        for value in ["gzip;q=", "gzip;q=x", "gzip;q=0.1234", "gzip;q=0.x", "gzip;q=2", "gzip;q=-1"]
        {
            assert_eq!(chosen(&[value]), None, "{value}");
        }
        assert_eq!(chosen(&["gzip;q=1.000"]), Some("gzip"));
        assert_eq!(chosen(&["gzip;level=9"]), Some("gzip"));
    }
}
