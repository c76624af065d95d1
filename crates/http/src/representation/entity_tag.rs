//! Entity tags: opaque names for versions (RFC 9110 §8.8.3).

use std::fmt::Display;

use http::HeaderValue;

/// The name of one version of some content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// As it goes on the wire, without the mark of weakness.
    quoted: String,
    is_weak: bool,
}

impl EntityTag {
    /// A tag that changes with every change of a single byte.
    ///
    /// # Panics
    /// When `name` holds anything but visible ASCII, or a quote.
    #[must_use]
    pub fn strong(name: impl Display) -> Self {
        let quoted = format!("\"{name}\"");
        let inner = &quoted.as_bytes()[1..quoted.len() - 1];
        let is_visible = inner.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'"');
        assert!(is_visible, "an entity tag is visible ascii without quotes");
        Self { quoted, is_weak: false }
    }

    /// The same name for a version that may change without it.
    #[must_use]
    pub fn into_weak(self) -> Self {
        Self { is_weak: true, ..self }
    }

    /// Whether it may stay the same over a change.
    #[must_use]
    pub const fn is_weak(&self) -> bool {
        self.is_weak
    }

    /// The value of an `ETag` field.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "checked when it was made")]
    pub fn to_value(&self) -> HeaderValue {
        let text = if self.is_weak { format!("W/{}", self.quoted) } else { self.quoted.clone() };
        HeaderValue::try_from(text).expect("visible ascii is a field value")
    }

    /// Whether a list of tags names this one. A strong comparison finds no weak ones (§8.8.3.2).
    pub(super) fn is_in(&self, list: &[u8], strongly: bool) -> bool {
        if strongly && self.is_weak {
            return false;
        }
        let own = self.quoted.as_bytes();
        Tags { rest: list }.any(|(tag, is_weak)| tag == own && !(strongly && is_weak))
    }
}

/// The tags of a list. It ends where the list is malformed: what is behind that is not matched.
struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tags<'a> {
    type Item = (&'a [u8], bool);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
        let rest = &self.rest[start..];
        let (rest, is_weak) = match rest.strip_prefix(b"W/") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let inner = rest.strip_prefix(b"\"")?;
        let len = inner.iter().position(|byte| *byte == b'"')?;
        let (tag, rest) = rest.split_at(len + 2);
        self.rest = rest;
        Some((tag, is_weak))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_among_others_and_by_their_strength() {
        let strong = EntityTag::strong("a,b");
        let weak = strong.clone().into_weak();
        for (list, weakly, strongly) in [
            (r#""a,b""#, true, true),
            (r#"W/"a,b""#, true, false),
            (r#""x", W/"y" ,"a,b""#, true, true),
            (r#""x""a,b""#, true, true),
            (r#""a"#, false, false),
            (r#"a,b"#, false, false),
            (r#""x", a, "a,b""#, false, false),
            (r#"w/"a,b""#, false, false),
            ("", false, false),
        ] {
            assert_eq!(strong.is_in(list.as_bytes(), false), weakly, "{list}");
            assert_eq!(strong.is_in(list.as_bytes(), true), strongly, "{list}");
            assert_eq!(weak.is_in(list.as_bytes(), false), weakly, "{list}");
            assert!(!weak.is_in(list.as_bytes(), true), "{list}");
        }
        assert_eq!(weak.to_value(), r#"W/"a,b""#);
    }
}
