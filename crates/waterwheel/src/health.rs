//! Routes by which a balancer, a supervisor or a monitor asks how the server is. Off unless
//! mounted.

use std::sync::Arc;

use waterwheel_http::{Handler, Reply, StatusCode, Traffic};

use crate::app::App;
use crate::exposition;

impl App {
    /// Answers GET at `path` with 200 while new clients are welcome, and with 503 as soon as the
    /// server begins to drain.
    ///
    /// With [`Server::drain_grace`](crate::Server::drain_grace) a balancer has time to see it
    /// before the listeners close.
    ///
    /// ```
    /// use waterwheel::{App, lab::Lab};
    ///
    /// let mut lab = Lab::new(App::new().readiness("/readyz"));
    /// assert_eq!(lab.get("/readyz").send().text(), "ready\n");
    /// ```
    pub fn readiness(self, path: &str) -> Self {
        let control = Arc::clone(&self.control);
        let handler = move || match control.is_ready() {
            true => Reply::text("ready\n"),
            false => Reply::text("not ready\n").with_status(StatusCode::SERVICE_UNAVAILABLE),
        };
        self.get(path, handler.vital())
    }

    /// Answers GET at `path` with 200 for as long as a worker turns at all: a supervisor that gets
    /// no answer should start the server anew. The worker that answers is the one that accepted the
    /// supervisor's connection.
    ///
    /// ```
    /// use waterwheel::{App, lab::Lab};
    ///
    /// let mut lab = Lab::new(App::new().liveness("/livez"));
    /// assert_eq!(lab.get("/livez").send().text(), "alive\n");
    /// ```
    pub fn liveness(self, path: &str) -> Self {
        self.get(path, (|| "alive\n").vital())
    }

    /// Answers GET at `path` with what all workers have counted since the start, in the text format
    /// of Prometheus, version 0.0.4: connections, bytes, timeouts and refusals of each worker;
    /// calls of each route; replies by class of status.
    ///
    /// Whoever reaches the path may read it, unless it is put inside [`around`](Self::around) a
    /// function that asks for a key.
    ///
    /// ```
    /// use waterwheel::{App, lab::Lab};
    ///
    /// let mut lab = Lab::new(App::new().metrics("/metrics"));
    /// let text = lab.get("/metrics").send().text().to_owned();
    /// assert!(text.contains("waterwheel_open{worker=\"0\"} 1\n"));
    /// ```
    pub fn metrics(self, path: &str) -> Self {
        let control = Arc::clone(&self.control);
        let handler = move |traffic: Traffic| {
            let text = exposition::text(&control.metrics(), &traffic);
            Reply::bytes(text).with_content_type(exposition::CONTENT_TYPE)
        };
        self.get(path, handler.vital())
    }
}
