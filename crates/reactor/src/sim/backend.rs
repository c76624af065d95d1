//! What workers connect to, for tests to answer through.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use super::Client;
use super::connection::Making;
use super::state::State;
use crate::{Remote, Token};

/// A listener outside the workers, in a [`World`](super::World); from
/// [`World::backend`](super::World::backend). Dropping it refuses what comes and resets what waits;
/// connections that were accepted live on.
///
/// Nothing answers by itself: between two turns of a worker the harness accepts, looks at what was
/// received, and sends.
pub struct Backend {
    state: Rc<RefCell<State>>,
    remote: Remote,
}

impl Backend {
    pub(super) fn new(state: Rc<RefCell<State>>, remote: Remote) -> Self {
        {
            let backends = &mut state.borrow_mut().backends;
            let is_taken = backends.iter().any(|backlog| backlog.remote == remote);
            assert!(!is_taken, "a backend listens at {remote} already");
            backends.push(Backlog { remote: remote.clone(), waiting: VecDeque::new() });
        }
        Self { state, remote }
    }

    /// The far end of the next connection that was made; `None` when there is none.
    #[must_use]
    pub fn accept(&self) -> Option<Client> {
        let mut state = self.state.borrow_mut();
        let State { backends, connections, .. } = &mut *state;
        let backlog = backends.iter_mut().find(|backlog| backlog.remote == self.remote)?;
        let id = *backlog.waiting.front()?;
        if connections.get(id).is_some_and(|connection| connection.making != Making::Made) {
            return None;
        }
        backlog.waiting.pop_front();
        Some(Client::new(Rc::clone(&self.state), id))
    }

    /// Where it listens.
    #[must_use]
    pub const fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        let place = state.backends.iter().position(|backlog| backlog.remote == self.remote);
        let Some(place) = place else { return };
        for id in state.backends.swap_remove(place).waiting {
            let connection = state.connection(id);
            connection.break_off(Some(libc::ECONNRESET));
            connection.client_dropped = true;
            state.touch(id);
            state.forget_if_over(id);
        }
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Backend").field("remote", &self.remote).finish_non_exhaustive()
    }
}

/// A backend as its world sees it.
pub(super) struct Backlog {
    pub(super) remote: Remote,
    /// Connections that nobody has accepted, made or under way.
    pub(super) waiting: VecDeque<Token>,
}
