//! One registered path and its values by method.

use super::{Found, Params, RouteError};
use crate::parse::Method;

/// One registered path and its values by method.
pub(super) struct Resource<T> {
    template: String,
    /// The names of the parameters; the last may stand for the rest of the path.
    params: Vec<(String, bool)>,
    values: Vec<T>,
    /// Indices into `values` of the methods with an enum variant of their own.
    known: [Option<u8>; KNOWN_COUNT],
    /// Names of other methods, with indices into `values`.
    others: Vec<(String, usize)>,
    /// For every method without a value of its own but CONNECT.
    any: Option<T>,
    /// The value of the `Allow` field.
    allow: String,
}

impl<T> Resource<T> {
    pub(super) fn new(template: &str) -> Self {
        Self {
            template: template.to_owned(),
            params: params_of(template),
            values: Vec::new(),
            known: [None; KNOWN_COUNT],
            others: Vec::new(),
            any: None,
            allow: String::new(),
        }
    }

    pub(super) fn template(&self) -> &str {
        &self.template
    }

    pub(super) fn allow(&self) -> &str {
        &self.allow
    }

    /// The name of a parameter as this resource owns it, and whether it stands for the rest.
    pub(super) fn param(&self, name: &str) -> Option<(&str, bool)> {
        self.params
            .iter()
            .find(|(own, _)| own == name)
            .map(|(own, is_rest)| (own.as_str(), *is_rest))
    }

    pub(super) fn insert(&mut self, method: Method<'_>, value: T) -> Result<(), RouteError> {
        if self.position(method).is_some() {
            return Err(RouteError::Duplicate {
                method: method.as_str().to_owned(),
                path: self.template.clone(),
            });
        }
        let position = self.values.len();
        self.values.push(value);
        match known_index(method) {
            Some(index) => self.known[index] = u8::try_from(position).ok(),
            None => self.others.push((method.as_str().to_owned(), position)),
        }
        self.allow = self.render_allow();
        Ok(())
    }

    pub(super) fn insert_any(&mut self, value: T) -> Result<(), RouteError> {
        if self.any.is_some() {
            let (method, path) = ("*".to_owned(), self.template.clone());
            return Err(RouteError::Duplicate { method, path });
        }
        self.any = Some(value);
        self.allow = self.render_allow();
        Ok(())
    }

    #[inline]
    pub(super) fn find<'a>(&'a self, method: Method<'_>, params: Params<'a>) -> Found<'a, T> {
        let (position, is_head_of_get) = match self.position(method) {
            None if method == Method::Head => (self.position(Method::Get), true),
            position => (position, false),
        };
        match position.and_then(|position| self.values.get(position)) {
            Some(value) => Found::Route { value, params, template: &self.template, is_head_of_get },
            None => self.find_any(method, params),
        }
    }

    #[cold]
    fn find_any<'a>(&'a self, method: Method<'_>, params: Params<'a>) -> Found<'a, T> {
        match &self.any {
            // That would be a tunnel (RFC 9110 §9.3.6), which must be meant.
            Some(value) if method != Method::Connect => {
                Found::Route { value, params, template: &self.template, is_head_of_get: false }
            }
            _ => Found::MethodNotAllowed { allow: &self.allow },
        }
    }

    #[inline]
    fn position(&self, method: Method<'_>) -> Option<usize> {
        match known_index(method) {
            Some(index) => self.known[index].map(usize::from),
            None => {
                let name = method.as_str();
                self.others.iter().find(|(other, _)| other == name).map(|(_, position)| *position)
            }
        }
    }

    fn render_allow(&self) -> String {
        let mut names: Vec<&str> = KNOWN
            .iter()
            .filter(|&&method| {
                let is_any = self.any.is_some() && method != Method::Connect;
                is_any || self.position(method).is_some()
            })
            .map(Method::as_str)
            .chain(self.others.iter().map(|(name, _)| name.as_str()))
            .collect();
        let head = Method::Head.as_str();
        if self.position(Method::Get).is_some() && !names.contains(&head) {
            names.push(head);
        }
        names.sort_unstable();
        names.join(", ")
    }
}

/// The parameters of a path that the tree has accepted.
fn params_of(template: &str) -> Vec<(String, bool)> {
    let literal = template.replace("{{", "").replace("}}", "");
    let opened = literal.split('{').skip(1);
    opened
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| match name.strip_prefix('*') {
            Some(name) => (name.to_owned(), true),
            None => (name.to_owned(), false),
        })
        .collect()
}

/// Where a method's index is kept, if it has a variant of its own.
#[inline]
fn known_index(method: Method<'_>) -> Option<usize> {
    Some(match method {
        Method::Get => 0,
        Method::Head => 1,
        Method::Post => 2,
        Method::Put => 3,
        Method::Delete => 4,
        Method::Patch => 5,
        Method::Options => 6,
        Method::Trace => 7,
        Method::Connect => 8,
        Method::Other(_) => return None,
    })
}

const KNOWN_COUNT: usize = 9;
const KNOWN: [Method<'static>; KNOWN_COUNT] = [
    Method::Get,
    Method::Head,
    Method::Post,
    Method::Put,
    Method::Delete,
    Method::Patch,
    Method::Options,
    Method::Trace,
    Method::Connect,
];
