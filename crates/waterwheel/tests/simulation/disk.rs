//! Handlers that read and write files, which a world delays, shortens and fails. Their replies are
//! those of a disk that does not.

use std::fs;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use waterwheel::fs::{self as files, Access, Folder};
use waterwheel::task::{ring, sleep};
use waterwheel::{Files, Local, Path, Reply, Request};

use super::application::Journal;
use super::waiting::PolledToItsEnd;
use crate::scratch::Scratch;

/// The folders of all runs.
pub(crate) struct Ground {
    scratch: Scratch,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let scratch = Scratch::new();
        for len in SERVED_LENS {
            scratch.file(&format!("site/{len}.bin"), pattern(0, len));
        }
        scratch.file("stored", pattern(0, STORED_LEN));
        fs::create_dir(scratch.path().join("kept")).expect("a folder can be made");
        Self { scratch }
    }

    /// What is served under `/site/`: some of it kept in memory, and most not.
    pub(crate) fn site(&self) -> Files {
        let site = Files::new(self.scratch.path().join("site")).expect("the folder is there");
        site.cache(4000, 2000).open_files(1).revalidate_after(Duration::from_millis(20))
    }

    pub(crate) fn store(&self) -> Store {
        let path = self.scratch.path().join("kept");
        let folder = |path| Folder::open(path).expect("the folder is there");
        let (root, kept) = (folder(self.scratch.path().to_owned()), folder(path.clone()));
        Store { root, kept, path }
    }

    /// Names in the folder where handlers write.
    pub(crate) fn left_behind(&self) -> usize {
        let kept = fs::read_dir(self.scratch.path().join("kept"));
        kept.expect("the folder can be listed").count()
    }
}

/// A worker's folders.
pub(crate) struct Store {
    root: Folder,
    kept: Folder,
    path: PathBuf,
}

/// Bytes of a file from `at` on.
pub(crate) fn pattern(at: usize, len: usize) -> Vec<u8> {
    (at..at + len).map(|at| b'a' + u8::try_from(at % 23).unwrap_or(0)).collect()
}

/// The end of a file, read into a run of the ring, of which the reply is made.
pub(crate) fn stored(
    request: &Request<'_>,
    journal: Local<Journal>,
    store: Local<Store>,
    Path(len): Path<usize>,
) -> impl Future<Output = Reply> + use<> {
    journal.note(request);
    PolledToItsEnd::new(async move {
        let at = STORED_LEN - len;
        let due = pattern(at, len);
        match end_of_stored(&store, at).await {
            Ok(reply) => reply,
            // The disk has failed, or the ring is full.
            Err(_) => Reply::bytes(due),
        }
    })
}

async fn end_of_stored(store: &Store, at: usize) -> io::Result<Reply> {
    let file = files::open(&store.root, "stored", Access::Read).await?;
    // More is asked for than there is.
    let lease = ring().reserve_bytes(STORED_LEN - at + 1).map_err(io::Error::other)?;
    let lease = file.read_at(at as u64, STORED_LEN, lease).await?;
    Ok(Reply::run(lease))
}

/// Writes its body to a file that becomes shorter, longer or vanishes, and answers with the body.
/// What is read back must be what was written.
pub(crate) fn kept(
    request: &Request<'_>,
    journal: Local<Journal>,
    store: Local<Store>,
    body: Vec<u8>,
) -> impl Future<Output = Vec<u8>> + use<> {
    journal.note(request);
    PolledToItsEnd::new(async move {
        match there_and_back(&store, &body).await {
            Ok(true) | Err(_) => body,
            Ok(false) => b"foreign bytes".to_vec(),
        }
    })
}

async fn there_and_back(store: &Store, body: &[u8]) -> io::Result<bool> {
    let name = Name::fresh(store);
    let folder = &store.kept;
    files::write(folder, name.text.as_str(), body).await?;
    let file = files::open(folder, name.text.as_str(), Access::Read).await?;
    let half = body.len() / 2;
    match body.len() % 4 {
        // It becomes shorter while it is open.
        0 => {
            let whole = fs::File::options().write(true).open(&name.path)?;
            whole.set_len(half as u64)?;
            sleep(Duration::from_millis(1)).await;
            Ok(files::read_file(&file, body.len()).await? == body[..half])
        }
        // It vanishes while it is open, and its bytes stay until it is closed.
        1 => {
            fs::remove_file(&name.path)?;
            let is_gone = files::metadata(folder, name.text.as_str()).await.is_err();
            Ok(is_gone && files::read_file(&file, body.len()).await? == body)
        }
        // It becomes longer.
        2 => {
            files::append(folder, name.text.as_str(), &body[..half]).await?;
            let is_longer = file.metadata()?.len == (body.len() + half) as u64;
            let read = files::read(folder, name.text.as_str(), body.len() * 2).await?;
            Ok(is_longer && read[..body.len()] == *body && read[body.len()..] == body[..half])
        }
        // Too long for who reads it.
        _ => match files::read(folder, name.text.as_str(), body.len() - 1).await {
            Ok(_) => Ok(false),
            Err(_) => Ok(files::read_file(&file, body.len()).await? == body),
        },
    }
}

/// The name of a file that is removed with it.
struct Name {
    text: String,
    path: PathBuf,
}

impl Name {
    fn fresh(store: &Store) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let text = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
        let path = store.path.join(&text);
        Self { text, path }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        // It may have vanished, or never been there.
        let _ = fs::remove_file(&self.path);
    }
}

/// Files of the site: kept in memory, and sent from the disk in one piece and in several.
pub(crate) const SERVED_LENS: [usize; 5] = [0, 1, 1500, 5000, 40_000];
/// Of the file whose end is asked for.
pub(crate) const STORED_LEN: usize = 40_000;
