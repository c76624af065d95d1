//! Per-core state.

use std::ops::Deref;
use std::rc::Rc;

use http::StatusCode;

use super::Extract;
use crate::rejection::Rejection;
use crate::request::Call;

/// This core's value of type `T`. It belongs to one thread, so `Cell` and `RefCell` are enough.
/// Without such a value the request is answered with 500.
///
/// ```
/// use std::cell::Cell;
/// use waterwheel_http::Local;
///
/// #[derive(Default)]
/// struct Count(Cell<u64>);
///
/// // Registered beside `App::per_core(|_worker| Count::default())`.
/// fn count(count: Local<Count>) -> String {
///     count.0.set(count.0.get() + 1);
///     format!("{} on this core\n", count.0.get())
/// }
/// # let _ = waterwheel_http::IntoRoute::into_route(count);
/// ```
#[derive(Debug)]
pub struct Local<T>(Rc<T>);

impl<T> Clone for Local<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Deref for Local<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: 'static> Extract for Local<T> {
    fn extract(call: &mut Call<'_>) -> Result<Self, Rejection> {
        call.local().map(Self).ok_or_else(|| {
            let cause = format!("the application has no per-core `{}`", std::any::type_name::<T>());
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, cause)
        })
    }
}
