//! Threads for what cannot wait in a poll: looking names up, and code of others that blocks. None
//! runs before the first job comes. Owns the queue and the threads; knows nothing of what they do.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Work for a helper thread. It tells its own result; a panic in it stays in it.
pub type Job = Box<dyn FnOnce() + Send>;

/// The helper threads of a process's workers, shared by all of them.
///
/// Make it before workers are pinned: helpers run wherever the thread might that made this, and not
/// on the core of the worker that happened to need them first.
#[derive(Clone, Debug)]
pub struct Helpers {
    pub(crate) offload: Pool,
    pub(crate) names: Pool,
}

impl Helpers {
    /// Up to `threads_max` threads for [`offload`](crate::Sources::offload), with up to `queue_max`
    /// jobs waiting for them; both at least 1. Names have [`NAME_THREADS_MAX`] of their own, so
    /// that neither holds the other up.
    #[must_use]
    pub fn new(threads_max: usize, queue_max: usize) -> Self {
        let offload = Pool::new("offload", threads_max.max(1), queue_max.max(1));
        Self { offload, names: Pool::new("names", NAME_THREADS_MAX, NAME_QUEUE_MAX) }
    }
}

impl Default for Helpers {
    fn default() -> Self {
        Self::new(Self::OFFLOAD_THREADS_MAX, Self::OFFLOAD_QUEUE_MAX)
    }
}

impl Helpers {
    /// Threads for code that blocks, unless set otherwise. They mostly sleep.
    pub const OFFLOAD_THREADS_MAX: usize = 4;
    /// Jobs that may wait for those threads, unless set otherwise.
    pub const OFFLOAD_QUEUE_MAX: usize = 1024;
}

/// A bounded queue and the threads that work it off. The threads end when the last handle is
/// dropped and the queue is empty; nobody waits for them.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Handle>);

impl Pool {
    fn new(name: &'static str, threads_max: usize, queue_max: usize) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), news: Condvar::new() });
        let cores = Cores::of_this_thread();
        Self(Arc::new(Handle { shared, name, threads_max, queue_max, cores }))
    }

    /// Queues `job`, and starts a thread where all are busy and more are allowed.
    ///
    /// # Errors
    /// [`io::ErrorKind::ResourceBusy`] when the queue is full; the kernel's when not even one
    /// thread can be started. The job is dropped then.
    pub(crate) fn run(&self, job: Job) -> io::Result<()> {
        let handle = &*self.0;
        let mut state = handle.shared.lock();
        if state.queue.len() >= handle.queue_max {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        state.queue.push_back(job);
        if state.queue.len() <= state.idle || state.threads >= handle.threads_max {
            handle.shared.news.notify_one();
            return Ok(());
        }
        match handle.start_thread() {
            Ok(()) => state.threads += 1,
            Err(error) if state.threads == 0 => {
                state.queue.pop_back();
                return Err(error);
            }
            // Those that run will come to it.
            Err(_) => {}
        }
        Ok(())
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Handle { shared, name, threads_max, queue_max, .. } = &*self.0;
        let threads = shared.lock().threads;
        f.debug_struct("Pool")
            .field("name", name)
            .field("threads", &threads)
            .field("threads_max", threads_max)
            .field("queue_max", queue_max)
            .finish_non_exhaustive()
    }
}

struct Handle {
    shared: Arc<Shared>,
    name: &'static str,
    threads_max: usize,
    queue_max: usize,
    cores: Cores,
}

impl Handle {
    fn start_thread(&self) -> io::Result<()> {
        let (shared, cores) = (Arc::clone(&self.shared), self.cores.clone());
        thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            cores.apply();
            shared.work();
        })?;
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.news.notify_all();
    }
}

struct Shared {
    state: Mutex<State>,
    /// A job came, or the pool was closed.
    news: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    /// Threads that wait for a job.
    idle: usize,
    is_closed: bool,
}

impl Shared {
    fn work(&self) {
        while let Some(job) = self.next_job() {
            // What a panic leaves torn is the job's own. The hook has told of it.
            drop(catch_unwind(AssertUnwindSafe(job)));
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            state.idle += 1;
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The cores on which a thread may run: a new thread inherits them from the one that starts it,
/// which is a pinned worker here.
#[derive(Clone)]
struct Cores {
    #[cfg(target_os = "linux")]
    set: Option<rustix::thread::CpuSet>,
}

impl Cores {
    fn of_this_thread() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            set: rustix::thread::sched_getaffinity(None).ok(),
        }
    }

    fn apply(&self) {
        #[cfg(target_os = "linux")]
        if let Some(set) = &self.set {
            // When it fails the helper shares the worker's core, which is slower and not wrong.
            let _ = rustix::thread::sched_setaffinity(None, set);
        }
    }
}

/// A name server that does not answer takes a thread for as long as the resolver waits, 5 s or
/// more: four such names at a time before others have to wait.
pub const NAME_THREADS_MAX: usize = 4;
/// Names that may wait to be looked up.
const NAME_QUEUE_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn no_thread_runs_before_the_first_job_and_no_more_than_allowed() {
        let pool = Pool::new("test", 2, 100);
        assert_eq!(pool.0.shared.lock().threads, 0);
        let (done, jobs_done) = channel();
        for number in 0..50 {
            let done = done.clone();
            pool.run(Box::new(move || done.send(number).unwrap())).unwrap();
        }
        let mut numbers: Vec<i32> = jobs_done.iter().take(50).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..50).collect::<Vec<_>>());
        assert!((1..=2).contains(&pool.0.shared.lock().threads));
    }

    #[test]
    fn panic_ends_its_job_and_no_thread() {
        let pool = Pool::new("test", 1, 10);
        let (done, jobs_done) = channel();
        pool.run(Box::new(|| std::panic::resume_unwind(Box::new("a job's own fault")))).unwrap();
        pool.run(Box::new(move || done.send(()).unwrap())).unwrap();
        jobs_done.recv().unwrap();
        assert_eq!(pool.0.shared.lock().threads, 1);
    }

    #[test]
    fn full_queue_refuses() {
        let pool = Pool::new("test", 1, 2);
        let (release, released) = channel::<()>();
        let (began, begun) = channel();
        pool.run(Box::new(move || {
            began.send(()).unwrap();
            released.recv().unwrap_err();
        }))
        .unwrap();
        begun.recv().unwrap();
        pool.run(Box::new(|| {})).unwrap();
        pool.run(Box::new(|| {})).unwrap();
        let refused = pool.run(Box::new(|| {})).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        drop(release);
    }

    #[test]
    fn threads_end_with_the_last_handle() {
        let pool = Pool::new("test", 1, 2);
        let shared = Arc::downgrade(&pool.0.shared);
        let (done, jobs_done) = channel();
        pool.run(Box::new(move || done.send(()).unwrap())).unwrap();
        jobs_done.recv().unwrap();
        drop(pool);
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while shared.strong_count() > 0 {
            assert!(std::time::Instant::now() < deadline, "the thread goes on");
            thread::yield_now();
        }
    }
}
