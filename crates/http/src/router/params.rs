//! The parameters found in a path.

use std::fmt;

/// The parameters found in a path, decoded, in the order of the path.
#[derive(Clone)]
pub struct Params<'a> {
    kind: Kind<'a>,
}

#[derive(Clone)]
enum Kind<'a> {
    None,
    /// Cut from the path itself, which holds no escapes.
    Borrowed(matchit::Params<'a, 'a>),
    /// Decoded from a path that holds escapes.
    Owned(Vec<(&'a str, String)>),
}

impl<'a> Params<'a> {
    /// No parameters.
    #[inline]
    #[must_use]
    pub const fn none() -> Self {
        Self { kind: Kind::None }
    }

    #[inline]
    pub(super) fn borrowed(params: matchit::Params<'a, 'a>) -> Self {
        Self { kind: Kind::Borrowed(params) }
    }

    pub(super) fn owned(values: Vec<(&'a str, String)>) -> Self {
        Self { kind: Kind::Owned(values) }
    }

    /// The value of the parameter called `name`.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match &self.kind {
            Kind::None => None,
            Kind::Borrowed(params) => params.get(name),
            Kind::Owned(values) => {
                values.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
            }
        }
    }

    /// How many parameters there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::None => 0,
            Kind::Borrowed(params) => params.len(),
            Kind::Owned(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names and values in the order of the path.
    #[must_use]
    pub fn iter(&self) -> ParamsIter<'_> {
        ParamsIter {
            kind: match &self.kind {
                Kind::None => IterKind::Owned([].iter()),
                Kind::Borrowed(params) => IterKind::Borrowed(params.iter()),
                Kind::Owned(values) => IterKind::Owned(values.iter()),
            },
        }
    }
}

impl<'p> IntoIterator for &'p Params<'_> {
    type Item = (&'p str, &'p str);
    type IntoIter = ParamsIter<'p>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Iterates over names and values of [`Params`].
pub struct ParamsIter<'p> {
    kind: IterKind<'p>,
}

enum IterKind<'p> {
    Borrowed(matchit::ParamsIter<'p, 'p, 'p>),
    Owned(std::slice::Iter<'p, (&'p str, String)>),
}

impl<'p> Iterator for ParamsIter<'p> {
    type Item = (&'p str, &'p str);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.kind {
            IterKind::Borrowed(params) => params.next(),
            IterKind::Owned(values) => values.next().map(|(name, value)| (*name, value.as_str())),
        }
    }
}

impl fmt::Debug for ParamsIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParamsIter").finish_non_exhaustive()
    }
}
