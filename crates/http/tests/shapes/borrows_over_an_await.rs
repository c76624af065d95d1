//! An async function that would keep the request while it waits.

use waterwheel_http::{IntoRoute, Request};

async fn awaited(request: &Request<'_>) -> String {
    std::future::ready(()).await;
    request.path().to_owned()
}

fn main() {
    register(awaited);
}

/// As `App::get` does.
fn register<M>(route: impl IntoRoute<M>) {
    drop(route.into_route());
}
