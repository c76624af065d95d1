//! The further fields of a reply.

use http::{HeaderName, HeaderValue};

/// Fields that a handler adds. Most replies have none: then this is one word, and nothing to drop.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    #[expect(clippy::box_collection, reason = "a vector would be three words, and a loop to drop")]
    list: Option<Box<Vec<(HeaderName, HeaderValue)>>>,
}

impl Fields {
    pub(crate) fn push(&mut self, name: HeaderName, value: HeaderValue) {
        self.list.get_or_insert_default().push((name, value));
    }

    pub(crate) fn remove(&mut self, name: &HeaderName) {
        if let Some(list) = &mut self.list {
            list.retain(|(known, _)| known != name);
        }
    }

    pub(crate) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.as_slice().iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[(HeaderName, HeaderValue)] {
        self.list.as_ref().map_or(&[], |list| list.as_slice())
    }
}
