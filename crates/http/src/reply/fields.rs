//! The further fields of a reply, and what else only a few replies have.

use http::{HeaderName, HeaderValue};

use crate::streaming::StreamBody;

/// Fields that a handler adds, and the content of a streamed reply. Most replies have neither: then
/// this is one word, and nothing to drop.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Default)]
struct Rare {
    list: Vec<(HeaderName, HeaderValue)>,
    stream: Option<StreamBody>,
}

impl Fields {
    pub(crate) fn of_stream(stream: StreamBody) -> Self {
        Self { rare: Some(Box::new(Rare { list: Vec::new(), stream: Some(stream) })) }
    }

    pub(crate) fn push(&mut self, name: HeaderName, value: HeaderValue) {
        self.rare.get_or_insert_default().list.push((name, value));
    }

    pub(crate) fn remove(&mut self, name: &HeaderName) {
        if let Some(rare) = &mut self.rare {
            rare.list.retain(|(known, _)| known != name);
        }
    }

    pub(crate) fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.as_slice().iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[(HeaderName, HeaderValue)] {
        self.rare.as_ref().map_or(&[], |rare| rare.list.as_slice())
    }

    #[inline]
    pub(crate) fn has_stream(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.stream.is_some())
    }

    pub(crate) fn stream(&mut self) -> &mut Option<StreamBody> {
        &mut self.rare.get_or_insert_default().stream
    }
}
