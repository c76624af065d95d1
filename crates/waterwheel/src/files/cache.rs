//! What one worker remembers of the files that it has served.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use waterwheel_reactor::Instant;

use super::content::Found;
use super::settings::Files;

/// The caches of one worker, one for each folder that it serves.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    caches: RefCell<Vec<Option<Rc<Cache>>>>,
}

impl Caches {
    /// The cache of the folder with this index, made when it is first asked for.
    pub(super) fn of(&self, index: usize, files: &Files) -> Rc<Cache> {
        let mut caches = self.caches.borrow_mut();
        if caches.len() <= index {
            caches.resize(index + 1, None);
        }
        Rc::clone(caches[index].get_or_insert_with(|| Rc::new(Cache::new(files))))
    }
}

/// Files by their paths, within bounds of memory and open files.
pub(super) struct Cache {
    found: RefCell<HashMap<String, Rc<Found>>>,
    len_max: usize,
    open_files_max: usize,
    revalidate_after: Duration,
    /// Since the last time that everything was counted: bytes and files added, at most.
    weight: Cell<(usize, usize)>,
}

impl Cache {
    fn new(files: &Files) -> Self {
        Self {
            found: RefCell::default(),
            len_max: files.cache_len_max,
            open_files_max: files.open_files_max,
            revalidate_after: files.revalidate_after,
            weight: Cell::default(),
        }
    }

    /// What is known of a path, however old.
    pub(super) fn get(&self, path: &str, now: Instant) -> Option<Rc<Found>> {
        let found = self.found.borrow();
        let found = found.get(path)?;
        found.used.set(now);
        Some(Rc::clone(found))
    }

    /// Whether it was looked at not long ago.
    pub(super) fn is_fresh(&self, found: &Found, now: Instant) -> bool {
        found.checked.get() + self.revalidate_after > now
    }

    /// Remembers a path, at the cost of those that were not asked for longest.
    pub(super) fn keep(&self, path: &str, found: &Rc<Found>) {
        self.found.borrow_mut().insert(path.to_owned(), Rc::clone(found));
        let (mut len, mut files) = self.weight.get();
        for version in found.versions() {
            let (own_len, own_files) = version.weight();
            len += own_len;
            files += own_files;
        }
        self.weight.set((len, files));
        if self.is_over((len, files)) {
            self.shrink();
        }
    }

    /// Forgets a path.
    pub(super) fn forget(&self, path: &str) {
        // Dropped after the borrow has ended.
        let forgotten = self.found.borrow_mut().remove(path);
        drop(forgotten);
    }

    fn is_over(&self, (len, files): (usize, usize)) -> bool {
        len > self.len_max || files > self.open_files_max || self.found.borrow().len() > PATHS_MAX
    }

    /// Counts anew, and forgets the oldest until an eighth of the room is free.
    #[cold]
    fn shrink(&self) {
        let mut found = self.found.borrow_mut();
        let mut by_age: Vec<(Instant, String)> =
            found.iter().map(|(path, found)| (found.used.get(), path.clone())).collect();
        by_age.sort_unstable_by_key(|(used, _)| std::cmp::Reverse(*used));
        let (len_max, files_max) = (self.len_max - self.len_max / 8, self.open_files_max);
        let (mut len, mut files, mut count) = (0, 0, 0);
        for (_, path) in by_age {
            let Some(known) = found.get(&path) else { continue };
            let (own_len, own_files) = known.versions().fold((0, 0), |(len, files), version| {
                let (own_len, own_files) = version.weight();
                (len + own_len, files + own_files)
            });
            let fits = len + own_len <= len_max
                && files + own_files <= files_max
                && count < PATHS_MAX - PATHS_MAX / 8;
            if fits {
                len += own_len;
                files += own_files;
                count += 1;
            } else {
                found.remove(&path);
            }
        }
        self.weight.set((len, files));
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("paths", &self.found.borrow().len()).finish_non_exhaustive()
    }
}

/// Most paths of one cache: what is known of one takes about a kilobyte.
const PATHS_MAX: usize = 4096;
