//! The handler behind a folder's routes.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use waterwheel_http::{
    Answer, Call, Handler, HeaderValue, Pending, Rejection, Reply, Request, StatusCode, header,
};

use super::answer::{Asked, answer};
use super::cache::{Cache, Caches};
use super::listing;
use super::lookup::{Target, find, is_absent, is_shortage, is_unchanged, keep_content};
use super::path::is_servable;
use super::settings::Files;
use crate::task;

/// Serves one folder.
pub(crate) struct Serving {
    files: Arc<Files>,
    /// Of its cache among the worker's.
    index: usize,
}

/// Marks it among the shapes of handlers.
#[derive(Debug)]
pub(crate) enum ServesFiles {}

impl Serving {
    /// The `index`-th folder of an application.
    pub(crate) fn new(files: &Arc<Files>, index: usize) -> Self {
        Self { files: Arc::clone(files), index }
    }
}

impl Handler<ServesFiles> for Serving {
    fn call(&self, call: &mut Call<'_>) -> Answer {
        let request = *call.request();
        let path = request.params().iter().last().map_or("", |(_, rest)| rest);
        if !is_servable(path, self.files.shows_hidden) {
            return Answer::Now(refused(StatusCode::NOT_FOUND, "not found"));
        }
        let Some(caches) = call.local::<Caches>() else {
            let cause = "the application's caches are gone";
            return Answer::Now(refused(StatusCode::INTERNAL_SERVER_ERROR, cause));
        };
        let cache = caches.of(self.index, &self.files);
        let asked = Asked::of(&request);
        let now = task::now();
        if let Some(found) = cache.get(path, now)
            && cache.is_fresh(&found, now)
            && let Some(variant) = asked.choose(&found)
        {
            return Answer::Now(answer(variant, &asked));
        }
        let lookup = Lookup {
            files: Arc::clone(&self.files),
            cache,
            asked,
            path: path.to_owned(),
            canonical: canonical(&request),
        };
        Answer::Later(Pending::new(lookup.reply()))
    }
}

/// A request whose file must be looked at.
struct Lookup {
    files: Arc<Files>,
    cache: Rc<Cache>,
    asked: Asked,
    path: String,
    /// Where the client is sent for a folder that it asked for like a file.
    canonical: String,
}

impl Lookup {
    async fn reply(self) -> Reply {
        match self.look().await {
            Ok(reply) => reply,
            Err(error) => failed(&error),
        }
    }

    async fn look(&self) -> io::Result<Reply> {
        if let Some(found) = self.cache.get(&self.path, task::now())
            && is_unchanged(&self.files, &found).await
        {
            keep_content(&self.files, &found, &self.asked).await?;
            if let Some(variant) = self.asked.choose(&found) {
                return Ok(answer(variant, &self.asked));
            }
        }
        let target = find(&self.files, &self.path).await;
        if target.is_err() {
            self.cache.forget(&self.path);
        }
        match target? {
            Target::File(found) => {
                keep_content(&self.files, &found, &self.asked).await?;
                if found.is_settled {
                    self.cache.keep(&self.path, &found);
                }
                match self.asked.choose(&found) {
                    Some(variant) => Ok(answer(variant, &self.asked)),
                    None => Err(io::ErrorKind::NotFound.into()),
                }
            }
            Target::FolderElsewhere => Ok(self.redirect()),
            Target::Folder(folder) => {
                let entries = folder.list(listing::ENTRIES_MAX).await?;
                Ok(listing::page(&self.path, entries, self.files.shows_hidden))
            }
            Target::Other => Ok(refused(StatusCode::FORBIDDEN, "not a regular file")),
        }
    }

    fn redirect(&self) -> Reply {
        match HeaderValue::try_from(&self.canonical) {
            Ok(location) => {
                let reply = Reply::new(StatusCode::MOVED_PERMANENTLY);
                reply.with_header(header::LOCATION, location)
            }
            Err(_) => refused(StatusCode::NOT_FOUND, "not found"),
        }
    }
}

/// The request's target with a slash behind the path. It cannot name another host: a path that
/// begins with two slashes is not served.
fn canonical(request: &Request<'_>) -> String {
    match request.query() {
        Some(query) => format!("{}/?{query}", request.path()),
        None => format!("{}/", request.path()),
    }
}

#[cold]
fn refused(status: StatusCode, cause: &'static str) -> Reply {
    Rejection::new(status, cause).into()
}

#[cold]
fn failed(error: &io::Error) -> Reply {
    if is_absent(error) {
        return refused(StatusCode::NOT_FOUND, "not found");
    }
    if is_shortage(error) {
        return refused(StatusCode::SERVICE_UNAVAILABLE, "the server is short of descriptors");
    }
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => refused(StatusCode::FORBIDDEN, "not readable"),
        Some(libc::ENXIO) => refused(StatusCode::FORBIDDEN, "not a regular file"),
        _ => refused(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read"),
    }
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("files", &self.files).finish_non_exhaustive()
    }
}
