//! From a method and a path to the value registered for them.
//!
//! The router knows nothing of handlers: it keeps one value per method and path. Paths without
//! parameters are found in a table of their own, others in a matchit tree. A path is decoded once,
//! for routing only; the target keeps its escapes.

mod error;
mod escape;
mod params;
mod resource;
mod table;

use std::collections::HashMap;
use std::fmt;

pub use error::RouteError;
pub use params::{Params, ParamsIter};

use crate::parse::{METHOD_LEN_MAX, Method, charset};
use resource::Resource;
use table::Table;

/// Finds the value of a method and a path. Built at start-up, then only read.
///
/// A path is literal text with parameters: `{name}` stands for one part without `/`, `{*name}` for
/// the rest of the path, at least one byte. Literal text wins over a parameter, a parameter over
/// the rest. `{{` and `}}` stand for braces. Paths are written decoded: `/café`, not `/caf%C3%A9`.
pub struct Router<T> {
    /// Every path; the value is an index into `resources`.
    tree: matchit::Router<usize>,
    /// The paths without parameters.
    table: Table,
    resources: Vec<Resource<T>>,
    /// Only used by `insert`.
    index_of: HashMap<String, usize>,
}

/// What [`Router::find`] found.
#[derive(Debug)]
#[non_exhaustive]
pub enum Found<'a, T> {
    /// A value for this method and path.
    Route {
        /// The value.
        value: &'a T,
        /// The parameters in the path.
        params: Params<'a>,
        /// The path as it was registered.
        template: &'a str,
        /// Whether the value was registered for GET and the method is HEAD: the reply's content
        /// must not be sent (RFC 9110 §9.3.2).
        is_head_of_get: bool,
    },
    /// No value for this path: 404.
    NotFound,
    /// Values for this path, but none for this method: 405.
    MethodNotAllowed {
        /// The value of the `Allow` field (RFC 9110 §15.5.6).
        allow: &'a str,
    },
    /// The path has a broken escape, an escaped NUL, escapes that are not UTF-8, or an escaped `/`
    /// where it would end up among real ones: 400.
    BadPath,
}

impl<T> Router<T> {
    /// A router that finds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tree: matchit::Router::new(),
            table: Table::new(),
            resources: Vec::new(),
            index_of: HashMap::new(),
        }
    }

    /// Registers `value` for `method` and `path`.
    ///
    /// # Errors
    /// A [`RouteError`] that names the path; the router is unchanged.
    pub fn insert(&mut self, method: Method<'_>, path: &str, value: T) -> Result<(), RouteError> {
        check_method(method, path)?;
        self.resource(path)?.insert(method, value)
    }

    /// Registers `value` for `path` and every method that has no value of its own there, unknown
    /// ones included. CONNECT, which asks for a tunnel, must be registered by name.
    ///
    /// # Errors
    /// A [`RouteError`] that names the path; the router is unchanged.
    pub fn insert_any(&mut self, path: &str, value: T) -> Result<(), RouteError> {
        self.resource(path)?.insert_any(value)
    }

    fn resource(&mut self, path: &str) -> Result<&mut Resource<T>, RouteError> {
        check_path(path)?;
        let index = match self.index_of.get(path) {
            Some(&index) => index,
            None => self.insert_resource(path)?,
        };
        Ok(&mut self.resources[index])
    }

    fn insert_resource(&mut self, path: &str) -> Result<usize, RouteError> {
        let index = self.resources.len();
        self.tree.insert(path, index).map_err(|error| RouteError::from_tree(path, error))?;
        if !path.contains(['{', '}']) {
            self.table.insert(path, index);
        }
        self.resources.push(Resource::new(path));
        self.index_of.insert(path.to_owned(), index);
        Ok(index)
    }

    /// Finds the value for `method` and `path`, the path of a target with its escapes, as text or
    /// as bytes. A HEAD that has no value of its own gets the one of GET.
    ///
    /// Does not allocate unless `path` holds an escape or more than three parameters.
    // Inlined: what is found is taken apart at once, so that most of it need not be written down.
    #[inline(always)]
    pub fn find<'a, P>(&'a self, method: Method<'_>, path: &'a P) -> Found<'a, T>
    where
        P: AsRef<[u8]> + ?Sized,
    {
        let path = path.as_ref();
        if let Some(index) = self.table.find(path)
            && let Some(resource) = self.resources.get(index)
        {
            return resource.find(method, Params::none());
        }
        self.find_in_tree(method, path)
    }

    #[inline(never)]
    fn find_in_tree<'a>(&'a self, method: Method<'_>, path: &'a [u8]) -> Found<'a, T> {
        let Ok(path) = std::str::from_utf8(path) else { return Found::BadPath };
        if path.as_bytes().contains(&b'%') {
            return self.find_escaped(method, path);
        }
        let Ok(found) = self.tree.at(path) else { return Found::NotFound };
        self.resources[*found.value].find(method, Params::borrowed(found.params))
    }

    #[cold]
    fn find_escaped<'a>(&'a self, method: Method<'_>, path: &str) -> Found<'a, T> {
        let Some(text) = escape::decode_for_routing(path) else { return Found::BadPath };
        let Ok(found) = self.tree.at(&text) else { return Found::NotFound };
        let resource = &self.resources[*found.value];
        let mut values = Vec::with_capacity(found.params.len());
        for (name, value) in found.params.iter() {
            let Some((name, is_rest)) = resource.param(name) else { return Found::NotFound };
            // The rest of a path is read as a path again, where a decoded slash would become a real
            // one.
            if is_rest && escape::holds_slash(value) {
                return Found::BadPath;
            }
            values.push((name, escape::decode_kept(value)));
        }
        resource.find(method, Params::owned(values))
    }
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Router<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.resources.iter().map(|resource| (resource.allow(), resource.template())))
            .finish()
    }
}

fn check_method(method: Method<'_>, path: &str) -> Result<(), RouteError> {
    let name = method.as_str();
    let is_token = charset::run_len(name.as_bytes(), charset::TOKEN) == name.len();
    if name.is_empty() || name.len() > METHOD_LEN_MAX || !is_token {
        return Err(RouteError::Method { path: path.to_owned() });
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), RouteError> {
    if !path.starts_with('/') {
        return Err(RouteError::PathStart { path: path.to_owned() });
    }
    match path.chars().find(|&char| matches!(char, '%' | '?' | '#') || char.is_control()) {
        Some(_) => Err(RouteError::PathText { path: path.to_owned() }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
