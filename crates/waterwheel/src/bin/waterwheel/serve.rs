//! `waterwheel serve`: a folder instead of the welcome site.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use waterwheel::reactor::disk::probe;
use waterwheel::{App, Files};

use crate::flags::parse_size;

/// What is served instead of the welcome site.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the files of a folder.
    ///
    /// GET and HEAD, ranges, conditional requests, and FILE.zst, FILE.br or FILE.gz instead of FILE
    /// for clients that accept it. Nothing outside the folder is ever sent, whatever the path or
    /// the symbolic links in it.
    Serve(Serve),
}

/// How a folder is served.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The file that answers for a folder; an empty name for none.
    #[arg(long, value_name = "NAME", default_value = "index.html")]
    index: String,

    /// List folders that have no index.
    #[arg(long)]
    list: bool,

    /// Serve names that begin with a dot, too.
    #[arg(long)]
    hidden: bool,

    /// Never send FILE.zst, FILE.br or FILE.gz instead of FILE.
    #[arg(long)]
    no_precompressed: bool,

    /// How long clients may use a file without asking again.
    #[arg(long, value_name = "SECONDS")]
    max_age: Option<u64>,

    /// Answer GET at this path with what the workers have counted, for Prometheus.
    #[arg(long, value_name = "PATH")]
    metrics: Option<String>,

    /// How much of the files each worker keeps in memory, in bytes or with K, M or G.
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size)]
    cache: usize,
}

impl Serve {
    /// The application that serves the folder.
    pub(crate) fn app(&self) -> Result<App, String> {
        let files = Files::new(&self.folder)
            .map_err(|error| format!("cannot serve {}: {error}", self.folder.display()))?
            .index(self.index.as_str())
            .list(self.list)
            .hidden(self.hidden)
            .precompressed(!self.no_precompressed)
            .cache(self.cache, CACHED_FILE_LEN_MAX);
        let files = match self.max_age {
            Some(seconds) => files.max_age(Duration::from_secs(seconds)),
            None => files,
        };
        let app = App::new().liveness("/livez").readiness("/readyz").files("/", files);
        Ok(match &self.metrics {
            Some(path) => app.metrics(path),
            None => app,
        })
    }

    /// What is served, and how it is read, for people.
    pub(crate) fn report(&self) -> String {
        format!("files        {}; from the {}\n", self.folder.display(), probe())
    }
}

/// As in the library: longer files are sent from the system's page cache.
const CACHED_FILE_LEN_MAX: usize = 64 << 10;
