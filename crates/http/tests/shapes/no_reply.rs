//! A result that is no reply.

use waterwheel_http::IntoRoute;

struct Session;

fn sync() -> Session {
    Session
}

async fn awaited() -> Session {
    Session
}

fn main() {
    register(sync);
    register(awaited);
}

/// As `App::get` does.
fn register<M>(route: impl IntoRoute<M>) {
    drop(route.into_route());
}
