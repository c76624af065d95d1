//! A closure that borrows from where it was made.

use waterwheel_http::IntoRoute;

fn main() {
    let greeting = String::from("hello");
    register(|| greeting.as_str().len().to_string());
}

/// As `App::get` does.
fn register<M>(route: impl IntoRoute<M>) {
    drop(route.into_route());
}
