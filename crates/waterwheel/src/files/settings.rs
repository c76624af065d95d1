//! What is served of a folder, and how.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::fs::Folder;

/// A folder whose files are served: see [`App::files`](crate::App::files).
///
/// GET and HEAD, conditional requests, ranges (eight at most), and `.zst`, `.br` and `.gz` files
/// beside a file instead of it, for clients that take them. No path and no symbolic link leads out
/// of the folder, names that begin with a dot are not found, and what is no regular file is
/// refused.
///
/// ```no_run
/// use waterwheel::{App, Files};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = Files::new("public")?.list(true);
/// App::new().files("/static", files).listen("127.0.0.1:8080").run()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    pub(super) folder: Folder,
    pub(super) index: Option<String>,
    pub(super) lists: bool,
    pub(super) shows_hidden: bool,
    pub(super) has_siblings: bool,
    pub(super) revalidate_after: Duration,
    pub(super) max_age: Option<Duration>,
    pub(super) cache_len_max: usize,
    pub(super) cached_file_len_max: usize,
    pub(super) open_files_max: usize,
}

impl Files {
    /// Serves what is in the folder at `path`, which stays open: moving or replacing the folder
    /// changes nothing. Waits for the disk, so it is for start-up.
    ///
    /// # Errors
    /// Those of open(2): [`io::ErrorKind::NotADirectory`] when it is no folder.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self {
            folder: Folder::open(path)?,
            index: Some("index.html".to_owned()),
            lists: false,
            shows_hidden: false,
            has_siblings: true,
            revalidate_after: Duration::from_secs(1),
            max_age: None,
            cache_len_max: 16 << 20,
            cached_file_len_max: 64 << 10,
            open_files_max: 16,
        })
    }

    /// The file that answers for a folder; `index.html` without this. An empty name for none.
    #[must_use]
    pub fn index(mut self, name: impl Into<String>) -> Self {
        self.index = Some(name.into()).filter(|name| !name.is_empty());
        self
    }

    /// Whether a folder without an index is listed. Off without this: 404.
    #[must_use]
    pub fn list(mut self, lists: bool) -> Self {
        self.lists = lists;
        self
    }

    /// Whether names that begin with a dot are served and listed. Off without this.
    #[must_use]
    pub fn hidden(mut self, shows_hidden: bool) -> Self {
        self.shows_hidden = shows_hidden;
        self
    }

    /// Whether `name.zst`, `name.br` or `name.gz` is sent instead of `name`, to clients that accept
    /// it, when it is not older. On without this.
    #[must_use]
    pub fn precompressed(mut self, has_siblings: bool) -> Self {
        self.has_siblings = has_siblings;
        self
    }

    /// How long a file that was looked at is served without looking again; one second without this.
    /// With zero, each request looks.
    #[must_use]
    pub fn revalidate_after(mut self, time: Duration) -> Self {
        self.revalidate_after = time;
        self
    }

    /// How long clients may use what they got without asking (`Cache-Control: max-age`). Nothing is
    /// said without this.
    #[must_use]
    pub fn max_age(mut self, time: Duration) -> Self {
        self.max_age = Some(time);
        self
    }

    /// Most bytes of files that each worker keeps in memory, 16 MiB without this, and the longest
    /// file that is kept, 64 KiB. Longer ones are sent from the system's page cache.
    #[must_use]
    pub fn cache(mut self, len_max: usize, file_len_max: usize) -> Self {
        self.cache_len_max = len_max;
        self.cached_file_len_max = file_len_max.min(len_max);
        self
    }

    /// Most files that each worker keeps open between requests, 16 without this: those that are too
    /// long to keep in memory.
    #[must_use]
    pub fn open_files(mut self, count_max: usize) -> Self {
        self.open_files_max = count_max;
        self
    }
}
