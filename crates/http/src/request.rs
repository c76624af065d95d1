//! The request as handlers see it: a borrowed head, and the body as a lease that may be taken.

use std::any::{Any, TypeId};
use std::fmt;
use std::rc::Rc;

use waterwheel_ring::{Lease, Ring};

use crate::core::Core;
use crate::exchange::PeerAddress;
use crate::gauges::Gauges;
use crate::parse::{Head, Headers, Method, Version};
use crate::router::Params;
use crate::streaming::SharedInflow;
use crate::traffic::Traffic;

/// A request's head, read where it was received. No map of headers is built; nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    head: &'a Head<'a>,
    params: &'a Params<'a>,
    peer: &'a PeerAddress,
}

impl<'a> Request<'a> {
    pub(crate) fn new(head: &'a Head<'a>, params: &'a Params<'a>, peer: &'a PeerAddress) -> Self {
        Self { head, params, peer }
    }

    /// The method.
    pub fn method(&self) -> Method<'a> {
        self.head.method
    }

    /// HTTP/1.1 or HTTP/1.0.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The request target as it was received, neither decoded nor normalised.
    pub fn target(&self) -> &'a str {
        self.head.target.raw()
    }

    /// The target's path, still percent-encoded.
    pub fn path(&self) -> &'a str {
        self.head.target.path()
    }

    /// The host, and the port if one is stated, that the request is for: the one in an absolute
    /// target, else that of `Host` (RFC 9112 §3.2.2). `None` when neither states one.
    pub fn authority(&self) -> Option<&'a str> {
        self.head.authority()
    }

    /// The target's query, still percent-encoded, without the question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.head.target.query()
    }

    /// The first field of this name, compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.head.headers.get(name)
    }

    /// All fields in the order in which they came.
    pub fn headers(&self) -> Headers<'a> {
        self.head.headers
    }

    /// A path parameter, percent-decoded once; `None` when the route has no such parameter.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        self.params.get(name)
    }

    /// All path parameters in the order of the path.
    pub fn params(&self) -> &'a Params<'a> {
        self.params
    }

    /// The address that the connection came from.
    pub fn peer(&self) -> PeerAddress {
        *self.peer
    }
}

/// One call of a handler: the request, its body, and what the worker lends.
///
/// Extractors take from it; replies may reserve runs from its ring.
#[derive(Debug)]
pub struct Call<'a> {
    request: Request<'a>,
    body: Option<Lease>,
    /// The body while it comes, on a route that wants it so.
    stream: Option<&'a SharedInflow>,
    ring: &'a Ring,
    core: &'a Core,
    connections: usize,
    layer: Option<&'a dyn Any>,
    /// How many path parameters have been taken in order.
    params_taken: usize,
}

impl<'a> Call<'a> {
    pub(crate) fn new(
        request: Request<'a>,
        body: Option<Lease>,
        ring: &'a Ring,
        core: &'a Core,
        connections: usize,
        layer: Option<&'a dyn Any>,
    ) -> Self {
        Self { request, body, stream: None, ring, core, connections, layer, params_taken: 0 }
    }

    pub(crate) fn with_stream(mut self, stream: &'a SharedInflow) -> Self {
        self.stream = Some(stream);
        self
    }

    pub(crate) fn take_stream(&mut self) -> Option<SharedInflow> {
        self.stream.take().map(Rc::clone)
    }

    /// The request's head.
    pub fn request(&self) -> &Request<'a> {
        &self.request
    }

    /// The body after the route's chain, or `None` when the request has none or it was taken.
    pub fn take_body(&mut self) -> Option<Lease> {
        self.body.take()
    }

    /// The body's bytes, without taking them.
    pub fn body(&self) -> &[u8] {
        self.body.as_ref().map_or(&[], |body| body.payload())
    }

    /// The next path parameter that was not taken yet: its name and its value, decoded once.
    pub fn next_param(&mut self) -> Option<(&'a str, &'a str)> {
        let param = self.request.params.iter().nth(self.params_taken)?;
        self.params_taken += 1;
        Some(param)
    }

    /// The worker's ring.
    pub fn ring(&self) -> &'a Ring {
        self.ring
    }

    /// This core's value of type `T`, if the application has one.
    pub fn local<T: 'static>(&self) -> Option<Rc<T>> {
        self.core.shared.locals.get()
    }

    /// What lies between the socket and HTTP, if it is a `T`: the session of a connection over TLS,
    /// for example.
    pub fn layer<T: Any>(&self) -> Option<&'a T> {
        self.layer?.downcast_ref()
    }

    /// What the worker has counted.
    pub fn gauges(&self) -> Gauges {
        Gauges::read(self.core, self.connections, self.ring)
    }

    /// What all workers were asked and have answered.
    pub fn traffic(&self) -> Traffic {
        Traffic::read(self.core.service())
    }
}

/// The per-core values of one worker, by type.
#[derive(Default)]
pub struct Locals {
    values: Vec<(TypeId, Rc<dyn Any>)>,
}

impl Locals {
    /// Adds a value, or replaces the one of the same type.
    pub fn insert<T: 'static>(&mut self, value: T) {
        let id = TypeId::of::<T>();
        self.values.retain(|(known, _)| *known != id);
        self.values.push((id, Rc::new(value)));
    }

    fn get<T: 'static>(&self) -> Option<Rc<T>> {
        let id = TypeId::of::<T>();
        // Few values and one integer compare each: a scan beats hashing.
        let (_, value) = self.values.iter().find(|(known, _)| *known == id)?;
        Rc::clone(value).downcast().ok()
    }
}

impl fmt::Debug for Locals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locals").field("len", &self.values.len()).finish()
    }
}
