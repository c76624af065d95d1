//! From names to addresses without blocking a worker. Owns what one worker remembers of names.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use waterwheel_reactor::Instant;

use crate::task::Local;

/// The addresses of `host`, at least one. An address stands for itself, at once and without a
/// thread. Everything else is asked of the system's resolver (`getaddrinfo`: the hosts file, DNS)
/// on a helper thread, and remembered by this worker for 30 s; that there is no such name, for 1 s.
/// Futures that ask for the same name at the same time ask together.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when `host` cannot be a name: empty, longer than 253 bytes, or with
/// a byte that is not visible ASCII. [`ErrorKind::ResourceBusy`] when 256 names wait already.
/// Otherwise what the resolver says, most often that there is no such name.
///
/// # Panics
/// On a thread that runs no worker.
pub async fn lookup(host: &str) -> io::Result<Rc<[IpAddr]>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(Rc::from([address]));
    }
    let is_name = (1..=NAME_LEN_MAX).contains(&host.len())
        && host.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name {
        return Err(ErrorKind::InvalidInput.into());
    }
    let local = Local::current();
    let question = match local.names().borrow_mut().find(host, local.now()) {
        Some(Known::Answer(answer)) => return answer.map_err(io::Error::from),
        Some(Known::Question(question)) => Some(question),
        None => None,
    };
    let question = match question {
        Some(question) => question,
        None => ask(&local, host)?,
    };
    let answer = poll_fn(|context| question.poll(context)).await;
    let answer = answer.map(Rc::from);
    local.names().borrow_mut().keep(host, &question, &answer, local.now());
    answer.map_err(io::Error::from)
}

/// Has the driver look the name up.
fn ask(local: &Local, host: &str) -> io::Result<Arc<Question>> {
    let question = Arc::new(Question::default());
    let asked = Arc::clone(&question);
    let answer = Box::new(move |answer: io::Result<Vec<IpAddr>>| {
        asked.answer(answer.map_err(|error| error.kind()));
    });
    local.driver_sources().look_up(host, answer)?;
    local.names().borrow_mut().insert(host, Known::Question(Arc::clone(&question)), local.now());
    Ok(question)
}

/// What one worker knows of names.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<Box<str>, (Known, Instant)>,
}

#[derive(Clone)]
enum Known {
    Answer(Result<Rc<[IpAddr]>, ErrorKind>),
    /// Asked, and not answered when somebody last looked.
    Question(Arc<Question>),
}

impl Names {
    fn find(&self, host: &str, now: Instant) -> Option<Known> {
        let (known, until) = self.known.get(host)?;
        (*until > now).then(|| known.clone())
    }

    /// Remembers the answer to `question`, unless another was asked since.
    fn keep(
        &mut self,
        host: &str,
        question: &Arc<Question>,
        answer: &Result<Rc<[IpAddr]>, ErrorKind>,
        now: Instant,
    ) {
        if let Some((Known::Question(asked), _)) = self.known.get(host)
            && Arc::ptr_eq(asked, question)
        {
            self.insert(host, Known::Answer(answer.clone()), now);
        }
    }

    fn insert(&mut self, host: &str, known: Known, now: Instant) {
        if self.known.len() >= NAMES_MAX && !self.known.contains_key(host) {
            self.known.retain(|_, (_, until)| *until > now);
            if self.known.len() >= NAMES_MAX {
                // So many in use at the same time: none of them gains from being remembered.
                self.known.clear();
            }
        }
        let lifetime = match &known {
            Known::Answer(Ok(_)) => LIFETIME,
            Known::Answer(Err(_)) => LIFETIME_OF_ERRORS,
            Known::Question(_) => LIFETIME_OF_QUESTIONS,
        };
        self.known.insert(host.into(), (known, now + lifetime));
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("len", &self.known.len()).finish_non_exhaustive()
    }
}

/// A name that is being looked up, between the helper and those who wait.
#[derive(Default)]
struct Question(Mutex<Asked>);

#[derive(Default)]
struct Asked {
    /// Written by the helper.
    answer: Option<Result<Vec<IpAddr>, ErrorKind>>,
    /// Written by the futures of one worker, taken by the helper.
    waiters: Vec<Waker>,
}

impl Question {
    fn answer(&self, answer: Result<Vec<IpAddr>, ErrorKind>) {
        let waiters = self.with(|asked| {
            asked.answer = Some(answer);
            std::mem::take(&mut asked.waiters)
        });
        waiters.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Result<Vec<IpAddr>, ErrorKind>> {
        self.with(|asked| match &asked.answer {
            Some(answer) => Poll::Ready(answer.clone()),
            None => {
                let waker = context.waker();
                if !asked.waiters.iter().any(|waiter| waiter.will_wake(waker)) {
                    asked.waiters.push(waker.clone());
                }
                Poll::Pending
            }
        })
    }

    fn with<R>(&self, change: impl FnOnce(&mut Asked) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// RFC 1035 §2.3.4, without the dots' overhead.
const NAME_LEN_MAX: usize = 253;
/// Names that a worker remembers: more than a server has backends.
const NAMES_MAX: usize = 256;
/// The resolver tells no lifetimes; half a minute is what many resolvers themselves round up to.
const LIFETIME: Duration = Duration::from_secs(30);
const LIFETIME_OF_ERRORS: Duration = Duration::from_secs(1);
/// A question that nobody waits for any more is asked again after this time.
const LIFETIME_OF_QUESTIONS: Duration = Duration::from_secs(60);
