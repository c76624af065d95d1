//! An application as the workers share it: routes, each with its plan, and the limits.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use waterwheel_stages::{Chain, Direction, Plan, PlanError, PlanLimits, StageError};

use crate::coding::Codings;
use crate::encode::REPLY_HEAD_ROOM;
use crate::limits::{Limits, LimitsError};
use crate::parse::Method;
use crate::route::{Endpoint, Route, WhenGone};
use crate::router::{RouteError, Router};
use crate::streaming::WINDOW_LEN_MAX;
use crate::tally::Tally;

/// Routes and limits, immutable once built, and what was counted while they are served.
#[derive(Debug)]
pub struct Service {
    pub(crate) router: Router<usize>,
    pub(crate) routes: Vec<PlannedRoute>,
    pub(crate) limits: Limits,
    /// What each worker counts; locked by a worker that starts, and by who reads them.
    tallies: Mutex<Vec<Arc<Tally>>>,
}

/// A route whose lengths have been computed.
pub(crate) struct PlannedRoute {
    pub(crate) endpoint: Box<dyn Endpoint>,
    pub(crate) chain: Chain,
    pub(crate) plan: Plan,
    pub(crate) body_len_max: usize,
    /// The handler reads the body while it comes.
    pub(crate) is_streamed: bool,
    pub(crate) when_gone: Option<WhenGone>,
    /// Declared by the application.
    pub(crate) is_expensive: bool,
    /// For bodies that name a coding, on a route that decodes them.
    pub(crate) decoding: Option<Codings>,
    /// For replies, on a route that compresses them.
    pub(crate) compression: Option<Codings>,
    /// What each coding needs before the route's own plan begins.
    coding_plans: Vec<(String, Plan)>,
    pub(crate) name: String,
    /// The path may have parameters, so that a request must be looked up to know them.
    pub(crate) may_have_params: bool,
    /// Answered when others are refused for want of memory.
    pub(crate) is_vital: bool,
}

impl PlannedRoute {
    fn plan(
        name: String,
        route: Route,
        limits: &Limits,
        segment_len: usize,
        segment_count: usize,
    ) -> Result<Self, ServiceError> {
        let is_streamed = route.is_streamed;
        let default_len = match is_streamed {
            true => usize::MAX,
            false => usize::try_from(limits.body_len_max).unwrap_or(usize::MAX),
        };
        let body_len_max = route.body_len_max.unwrap_or(default_len);
        let plan = |chain: &Chain, body_len_max| {
            let limits = PlanLimits {
                head_len_max: limits.head_len_max,
                body_len_max,
                segment_len,
                reply_head_len_max: REPLY_HEAD_ROOM,
            };
            let plan = Plan::new(chain, limits);
            // Of a streamed body a window is here at a time, whatever the stages make of a whole
            // one.
            let plan = match is_streamed {
                true => plan,
                false => plan.and_then(|plan| plan.within(segment_count)),
            };
            plan.map_err(|source| ServiceError::Plan { route: name.clone(), source })
        };
        let (is_vital, is_expensive) = (route.is_vital, route.is_expensive);
        let Route { endpoint, chain, when_gone, decoded_len_max, is_compressed, .. } = route;
        let decoding = decoded_len_max.map(Codings::new);
        let mut coding_plans = Vec::new();
        for coding in decoding.iter().flat_map(Codings::chains).filter(|_| !is_streamed) {
            let names: Vec<_> = coding.names().collect();
            let coded = format!("{name} (content-encoding: {})", names.join(", "));
            coding_plans.push((coded, plan(coding, body_len_max)?));
        }
        let handled_len_max = match is_streamed {
            true => WINDOW_LEN_MAX,
            false => decoded_len_max.unwrap_or(0).max(body_len_max),
        };
        if is_streamed && let Err(source) = chain.flows(Direction::Inbound) {
            return Err(ServiceError::Stream { route: name, source });
        }
        Ok(Self {
            plan: plan(&chain, handled_len_max)?,
            compression: is_compressed.then(|| Codings::new(usize::MAX)),
            endpoint,
            chain,
            body_len_max,
            is_streamed,
            when_gone,
            is_expensive,
            decoding,
            is_vital,
            coding_plans,
            may_have_params: name.contains('{'),
            name,
        })
    }
}

impl fmt::Debug for PlannedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedRoute").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why an application cannot be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceError {
    /// A path or method cannot be routed.
    Route(RouteError),
    /// The limits contradict each other.
    Limits(LimitsError),
    /// A route's largest request does not fit the ring.
    Plan {
        /// Method and path.
        route: String,
        /// What does not fit.
        source: PlanError,
    },
    /// A route's handler reads its body while it comes, and a stage of the route cannot work so.
    Stream {
        /// Method and path.
        route: String,
        /// Which stage, and why.
        source: StageError,
    },
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Route(source) => source.fmt(f),
            Self::Limits(source) => source.fmt(f),
            Self::Plan { route, source } => write!(f, "route {route}: {source}"),
            Self::Stream { route, source } => {
                write!(f, "route {route} reads its body while it comes: {source}")
            }
        }
    }
}

impl std::error::Error for ServiceError {}

/// A route as it was registered: for some methods, at a path.
#[derive(Debug)]
pub struct Registration {
    /// The method by name, or none for all that have no route of their own.
    pub method: Option<&'static str>,
    /// The path, with parameters in braces.
    pub path: String,
    /// What answers.
    pub route: Route,
}

impl Service {
    /// Plans every route for rings of `segment_count` segments of `segment_len` bytes.
    ///
    /// # Errors
    /// All that is wrong with the registrations, not only the first.
    pub fn build(
        registrations: Vec<Registration>,
        limits: Limits,
        segment_len: usize,
        segment_count: usize,
    ) -> Result<Self, Vec<ServiceError>> {
        let mut errors = Vec::new();
        if let Err(error) = limits.validate() {
            errors.push(ServiceError::Limits(error));
        }
        let mut routes = Vec::with_capacity(registrations.len());
        let mut router = Router::new();
        for Registration { method, path, route } in registrations {
            let name = format!("{} {path}", method.unwrap_or("*"));
            match PlannedRoute::plan(name, route, &limits, segment_len, segment_count) {
                Ok(planned) => routes.push(planned),
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            }
            let index = routes.len() - 1;
            let inserted = match method {
                Some(method) => router.insert(Method::from_name(method), &path, index),
                None => router.insert_any(&path, index),
            };
            errors.extend(inserted.err().map(ServiceError::Route));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self { router, routes, limits, tallies: Mutex::default() })
    }

    /// Adds a worker, which counts what it is asked and answers.
    pub(crate) fn enlist(&self) -> Arc<Tally> {
        let tally = Arc::new(Tally::new(self.routes.len()));
        self.tallies().push(Arc::clone(&tally));
        tally
    }

    /// What the workers count.
    pub(crate) fn tallies(&self) -> MutexGuard<'_, Vec<Arc<Tally>>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits in force.
    #[inline]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Each route's name (`POST /orders`) and plan; behind it, for a route that decodes content
    /// codings, the plan of each coding, whose result the route's own plan then starts with.
    pub fn plans(&self) -> impl Iterator<Item = (&str, &Plan)> {
        self.routes.iter().flat_map(|route| {
            let coded = route.coding_plans.iter().map(|(name, plan)| (name.as_str(), plan));
            std::iter::once((route.name.as_str(), &route.plan)).chain(coded)
        })
    }
}
