//! What a server was asked and what it answered, as a handler can see it.

use crate::service::Service;

/// Requests and replies of all workers since the start, each number as it was a moment ago.
///
/// A handler gets it as an argument. Reading it locks the list of workers, which is otherwise
/// locked only when one of them starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Each route's name (`POST /orders`), and how often its handler was called.
    pub calls: Vec<(String, u64)>,
    /// Replies by the first digit of their status, from 1xx to 5xx. Requests that no route or
    /// limit let through are answered, too.
    pub replies: [u64; 5],
    /// Requests that were refused for want of memory or time.
    pub shed: u64,
}

impl Traffic {
    pub(crate) fn read(service: &Service) -> Self {
        let tallies = service.tallies();
        let calls = service.routes.iter().enumerate().map(|(index, route)| {
            (route.name.clone(), tallies.iter().map(|tally| tally.calls(index)).sum())
        });
        Self {
            calls: calls.collect(),
            replies: [1, 2, 3, 4, 5].map(|class| tallies.iter().map(|t| t.replies(class)).sum()),
            shed: tallies.iter().map(|tally| tally.shed()).sum(),
        }
    }
}
