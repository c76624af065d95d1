//! One thread that waits for the disk, so that its worker need not.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::{Finished, Work, perform};
use crate::{Token, Wake};

/// The worker's end of its helper. Dropping it ends the thread, after the work that it has.
#[derive(Debug)]
pub(super) struct Helper {
    to_do: Sender<(Token, Work)>,
    done: Receiver<Finished>,
}

impl Helper {
    /// Starts the thread, which wakes its worker after each work.
    pub(super) fn start(waker: impl Wake) -> io::Result<Self> {
        let (to_do, work) = channel::<(Token, Work)>();
        let (finished, done) = channel();
        // Not joined: work on a disk that hangs must not hold up the end of its worker, and owns
        // all that it touches.
        thread::Builder::new().name("disk".to_owned()).spawn(move || {
            for (token, work) in work {
                if finished.send(Finished { token, result: perform(work, usize::MAX) }).is_err() {
                    return;
                }
                waker.wake();
            }
        })?;
        Ok(Self { to_do, done })
    }

    /// Queues work. When the thread is gone, which only a panic of ours explains, it fails.
    pub(super) fn begin(&self, token: Token, work: Work) -> Result<(), Finished> {
        self.to_do.send((token, work)).map_err(|lost| {
            let (token, work) = lost.0;
            let error = io::Error::other(format!("no helper is left to {work}"));
            Finished { token, result: Err(error) }
        })
    }

    /// What has been done since.
    pub(super) fn finished(&self) -> impl Iterator<Item = Finished> {
        self.done.try_iter()
    }
}
