//! An application: routes, per-core values and limits, before it is served.

use std::fmt;
use std::sync::Arc;

use waterwheel_http::{
    Answer, Call, Handler, Inner, IntoRoute, Limits, Locals, Registration, Service, WhenGone,
};
use waterwheel_runtime::{Control, RunError, WorkerConfig};

use crate::error::StartError;
use crate::files::{Caches, Files, Serving};
use crate::listen::ToEndpoints;
use crate::server::Server;

/// Adds one value to those of the worker with this index.
type Maker = Box<dyn Fn(usize, &mut Locals) + Send + Sync>;

/// Makes a core's values when its worker starts.
#[derive(Default)]
pub(crate) struct PerCore {
    makers: Vec<Maker>,
}

impl PerCore {
    /// The values of the worker with this index.
    pub(crate) fn make(&self, worker: usize) -> Locals {
        let mut locals = Locals::default();
        for make in &self.makers {
            make(worker, &mut locals);
        }
        locals
    }
}

impl fmt::Debug for PerCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerCore").field("len", &self.makers.len()).finish()
    }
}

/// Routes, per-core values and limits.
///
/// Paths follow `matchit`: `/users/{id}` has a parameter, `/files/{*path}` takes the rest. Handlers
/// are functions; see [`Handler`](crate::Handler) for their shapes.
///
/// ```
/// # #[cfg(feature = "lab")] {
/// use waterwheel::lab::Lab;
/// use waterwheel::{App, Json, Path};
///
/// let app = App::new()
///     .get("/hello/{name}", |Path(name): Path<String>| format!("hello, {name}\n"))
///     .post("/sum", |Json(numbers): Json<Vec<u32>>| Json(numbers.iter().sum::<u32>()));
///
/// let mut lab = Lab::new(app);
/// assert_eq!(lab.get("/hello/water").send().text(), "hello, water\n");
/// assert_eq!(lab.post("/sum").body("[1, 2, 3]").send().text(), "6");
/// assert_eq!(lab.post("/sum").body("one").send().status(), 400);
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "an application answers nobody unless it is served"]
pub struct App {
    registrations: Vec<Registration>,
    per_core: PerCore,
    limits: Limits,
    /// That of the server which this becomes; its health routes ask it.
    pub(crate) control: Arc<Control>,
    /// How many folders of files it has.
    folder_count: usize,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $function:ident $method:literal)*) => {
        $(
            $(#[$doc])*
            pub fn $function<M>(self, path: &str, route: impl IntoRoute<M>) -> Self {
                self.route(Some($method), path, route.into_route())
            }
        )*
    };
}

impl App {
    /// An application without routes.
    pub fn new() -> Self {
        Self::default()
    }

    methods! {
        /// Answers GET, and HEAD without its content.
        get "GET"
        /// Answers HEAD where GET would not do.
        head "HEAD"
        /// Answers POST.
        post "POST"
        /// Answers PUT.
        put "PUT"
        /// Answers DELETE.
        delete "DELETE"
        /// Answers PATCH.
        patch "PATCH"
        /// Answers OPTIONS.
        options "OPTIONS"
    }

    /// Answers every method that has no route of its own at this path, those that HTTP does not
    /// name included. CONNECT, which asks for a tunnel, is refused.
    pub fn any<M>(self, path: &str, route: impl IntoRoute<M>) -> Self {
        self.route(None, path, route.into_route())
    }

    /// Serves the files of a folder beneath `path`: `/static` and `/` are such paths. GET and HEAD;
    /// routes with other text win over files of the same path.
    pub fn files(mut self, path: &str, files: Files) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        let (files, index) = (Arc::new(files), self.folder_count);
        if index == 0 {
            self = self.per_core(|_| Caches::default());
        }
        self.folder_count += 1;
        // Who says that no further request comes waits for the reply, and files are soon read.
        let serving = || Serving::new(&files, index).when_gone(WhenGone::Finish);
        self.get(&format!("{path}/"), serving()).get(&format!("{path}/{{*path}}"), serving())
    }

    /// Puts `prefix` before the paths of all that `routes` adds: `/api`, and `/{tenant}` with a
    /// parameter, are such prefixes. A route at `""` is at the prefix itself.
    ///
    /// ```
    /// # #[cfg(feature = "lab")] {
    /// use waterwheel::lab::Lab;
    /// use waterwheel::{App, Path};
    ///
    /// fn users(app: App) -> App {
    ///     app.get("", || "all").get("/{id}", |Path(id): Path<u32>| format!("only {id}"))
    /// }
    ///
    /// let mut lab = Lab::new(App::new().under("/users", users));
    /// assert_eq!(lab.get("/users").send().text(), "all");
    /// assert_eq!(lab.get("/users/7").send().text(), "only 7");
    /// # }
    /// ```
    pub fn under(self, prefix: &str, routes: impl FnOnce(Self) -> Self) -> Self {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        self.each_of(routes, |registration| {
            let path = match registration.path.as_str() {
                path if path.is_empty() || path.starts_with('/') => format!("{prefix}{path}"),
                // Refused for its beginning when all routes are checked.
                path => path.to_owned(),
            };
            Registration { path, ..registration }
        })
    }

    /// Puts a function around the handlers of all that `routes` adds, outside of what they have
    /// around them already. [`Handler::around`] says what it can do.
    ///
    /// ```
    /// # #[cfg(feature = "lab")] {
    /// use waterwheel::http::StatusCode;
    /// use waterwheel::lab::Lab;
    /// use waterwheel::{Answer, App, Call, Inner, Rejection};
    ///
    /// fn known_only(call: &mut Call<'_>, inner: Inner<'_>) -> Answer {
    ///     match call.request().header("authorization") {
    ///         Some(b"Bearer 42") => inner.answer(call),
    ///         _ => Rejection::new(StatusCode::UNAUTHORIZED, "who are you?").into(),
    ///     }
    /// }
    ///
    /// let app = App::new()
    ///     .get("/", || "for all")
    ///     .around(known_only, |app| app.get("/orders", || "for few").post("/orders", || "done"));
    ///
    /// let mut lab = Lab::new(app);
    /// assert_eq!(lab.get("/").send().status(), 200);
    /// assert_eq!(lab.get("/orders").send().status(), 401);
    /// let asked = lab.get("/orders").header("authorization", "Bearer 42");
    /// assert_eq!(asked.send().text(), "for few");
    /// # }
    /// ```
    pub fn around(
        self,
        wrapper: impl Fn(&mut Call<'_>, Inner<'_>) -> Answer + Send + Sync + 'static,
        routes: impl FnOnce(Self) -> Self,
    ) -> Self {
        let wrapper = Arc::new(wrapper);
        self.each_of(routes, |registration| {
            let wrapper = Arc::clone(&wrapper);
            let route = registration.route.around(move |call, inner| wrapper(call, inner));
            Registration { route, ..registration }
        })
    }

    /// Lets `routes` add some, and changes each of them.
    fn each_of(
        self,
        routes: impl FnOnce(Self) -> Self,
        change: impl FnMut(Registration) -> Registration,
    ) -> Self {
        let known = self.registrations.len();
        let mut app = routes(self);
        let added = app.registrations.split_off(known.min(app.registrations.len()));
        app.registrations.extend(added.into_iter().map(change));
        app
    }

    fn route(
        mut self,
        method: Option<&'static str>,
        path: &str,
        route: waterwheel_http::Route,
    ) -> Self {
        self.registrations.push(Registration { method, path: path.to_owned(), route });
        self
    }

    /// Gives each core a value of its own, made on its thread by `make` from the worker's index.
    /// Handlers take it as [`Local<T>`](crate::Local); it needs neither `Send` nor locks.
    pub fn per_core<T: 'static>(
        mut self,
        make: impl Fn(usize) -> T + Send + Sync + 'static,
    ) -> Self {
        self.per_core.makers.push(Box::new(move |worker, locals| locals.insert(make(worker))));
        self
    }

    /// Replaces the limits and timeouts.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Serves on `endpoint`: see [`Server::listen`]. Further ones and settings are the server's.
    pub fn listen(self, endpoint: impl ToEndpoints) -> Server {
        Server::new(self).listen(endpoint)
    }

    /// Serves on `address` over TLS.
    #[cfg(feature = "tls")]
    pub fn listen_tls(self, endpoint: impl ToEndpoints, tls: &crate::Tls) -> Server {
        Server::new(self).listen_tls(endpoint, tls)
    }

    /// Plans every route for rings of this size, and binds nothing: what each needs of the ring,
    /// how its stages use it, what is copied and how much memory a request holds at worst. Each
    /// plan prints for people; `cargo xtask explain` does so for the ready-made server.
    ///
    /// ```
    /// use waterwheel::stages::base64::Base64;
    /// use waterwheel::{App, Handler, InPlace};
    ///
    /// let app = App::new().post("/echo", (|body: InPlace<[u8]>| body).through(Base64::STANDARD));
    /// let service = app.plan(&waterwheel::ring::Config::default())?;
    /// for (route, plan) in service.plans() {
    ///     println!("{route}\n{plan}");
    ///     assert_eq!((route, plan.copies()), ("POST /echo", 0));
    ///     // A text of 1 MiB, what it decodes to and what is sent, in the run that received it.
    ///     assert!(plan.memory_max() < 1_100_000);
    /// }
    /// # Ok::<(), waterwheel::StartError>(())
    /// ```
    ///
    /// # Errors
    /// [`StartError::App`](crate::StartError::App) with all that is wrong with the routes, or
    /// [`StartError::Run`](crate::StartError::Run) when there can be no such ring.
    pub fn plan(self, ring: &waterwheel_ring::Config) -> Result<Arc<Service>, StartError> {
        self.build(ring).map(|(service, _)| service)
    }

    /// Passes on the limits that a worker enforces whatever its protocol.
    pub(crate) fn limit_worker(&self, worker: &mut WorkerConfig) {
        worker.send_timeout = self.limits.send_timeout;
        worker.send_grace = self.limits.send_grace;
        worker.send_rate_min = self.limits.send_rate_min;
        worker.linger_timeout = self.limits.linger_timeout;
        worker.linger_len_max = self.limits.linger_len_max;
        worker.lag_max = self.limits.lag_max;
    }

    /// Plans every route for rings of this size.
    pub(crate) fn build(
        self,
        ring: &waterwheel_ring::Config,
    ) -> Result<(Arc<Service>, PerCore), StartError> {
        ring.capacity().map_err(|error| StartError::Run(RunError::Ring(error)))?;
        let (len, count) = (ring.segment_len, ring.segment_count);
        let service = Service::build(self.registrations, self.limits, len, count);
        let service = service.map_err(StartError::App)?;
        Ok((Arc::new(service), self.per_core))
    }
}
