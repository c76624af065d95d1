//! An argument that nothing can be extracted into.

use waterwheel_http::IntoRoute;

struct Session;

fn sync(_: Session) -> &'static str {
    "never"
}

async fn awaited(_: Session) -> &'static str {
    "never"
}

fn main() {
    register(sync);
    register(awaited);
}

/// As `App::get` does.
fn register<M>(route: impl IntoRoute<M>) {
    drop(route.into_route());
}
