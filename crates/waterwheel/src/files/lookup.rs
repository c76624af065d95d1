//! Finding a file on the disk, and whether it still is what it was.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use waterwheel_http::{HeaderValue, header};

use super::answer::Asked;
use super::content::{CODINGS, Content, Found, Variant};
use super::settings::Files;
use crate::fs::{self, Access, File, Kind, Metadata};
use crate::task;

/// What a path leads to.
#[derive(Debug)]
pub(super) enum Target {
    File(Rc<Found>),
    /// A folder that was asked for like a file: the client is sent to its path.
    FolderElsewhere,
    /// A folder without an index, to be listed.
    Folder(File),
    /// A device, a pipe, a socket.
    Other,
}

/// Looks for a path beneath the folder. It is empty for the folder itself and ends with a slash for
/// any other.
pub(super) async fn find(files: &Files, path: &str) -> io::Result<Target> {
    let is_folder = path.is_empty() || path.ends_with('/');
    if !is_folder {
        let (file, metadata) = open(files, path).await?;
        return match metadata.kind {
            Kind::File => load(files, path.to_owned(), file, &metadata).await.map(Target::File),
            Kind::Folder => Ok(Target::FolderElsewhere),
            _ => Ok(Target::Other),
        };
    }
    if let Some(index) = &files.index {
        let path = format!("{path}{index}");
        match open(files, &path).await {
            Ok((file, metadata)) if metadata.kind == Kind::File => {
                return load(files, path, file, &metadata).await.map(Target::File);
            }
            Ok(_) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    if !files.lists {
        return Err(ErrorKind::NotFound.into());
    }
    let path = if path.is_empty() { "." } else { path };
    let (folder, metadata) = open(files, path).await?;
    match metadata.kind {
        Kind::Folder => Ok(Target::Folder(folder)),
        _ => Err(ErrorKind::NotFound.into()),
    }
}

async fn open(files: &Files, path: &str) -> io::Result<(File, Metadata)> {
    let file = fs::open(&files.folder, path, Access::Read).await?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Learns all that is said of a file, and of the precompressed ones beside it.
async fn load(
    files: &Files,
    path: String,
    file: File,
    metadata: &Metadata,
) -> io::Result<Rc<Found>> {
    let now = task::now();
    let is_settled = is_settled(metadata);
    let mut variants = [const { None }; 1 + CODINGS.len()];
    if files.has_siblings {
        for (index, (_, ending)) in CODINGS.iter().enumerate() {
            variants[index + 1] = sibling(files, &path, ending, index, metadata).await?;
        }
    }
    let has_siblings = variants.iter().any(Option::is_some);
    variants[0] = Some(Variant::new(file, metadata, &path, None, is_settled));
    let mut further = Vec::new();
    if has_siblings {
        further.push((header::VARY, HeaderValue::from_static("accept-encoding")));
    }
    if let Some(time) = files.max_age
        && let Ok(value) = HeaderValue::try_from(format!("max-age={}", time.as_secs()))
    {
        further.push((header::CACHE_CONTROL, value));
    }
    for variant in variants.iter_mut().flatten() {
        variant.fields.extend(further.iter().cloned());
    }
    Ok(Rc::new(Found { variants, checked: Cell::new(now), used: Cell::new(now), path, is_settled }))
}

/// The file beside another that holds it compressed, if there is one that is not older.
async fn sibling(
    files: &Files,
    path: &str,
    ending: &str,
    coding: usize,
    original: &Metadata,
) -> io::Result<Option<Variant>> {
    let opened = open(files, &format!("{path}.{ending}")).await;
    let (file, metadata) = match opened {
        Ok(opened) => opened,
        Err(error) if is_shortage(&error) => return Err(error),
        // What cannot be read is as good as not there.
        Err(_) => return Ok(None),
    };
    if metadata.kind != Kind::File || metadata.modified < original.modified {
        return Ok(None);
    }
    Ok(Some(Variant::new(file, &metadata, path, Some(coding), is_settled(&metadata))))
}

/// Whether the file and those beside it are what they were. Opens nothing and reads nothing.
pub(super) async fn is_unchanged(files: &Files, found: &Found) -> bool {
    for (index, variant) in found.variants.iter().enumerate() {
        let looked = match index.checked_sub(1) {
            None => fs::metadata(&files.folder, found.path.as_str()).await,
            Some(_) if !files.has_siblings => continue,
            Some(coding) => {
                let path = format!("{}.{}", found.path, CODINGS[coding].1);
                fs::metadata(&files.folder, path).await
            }
        };
        let is_same = match (variant, looked) {
            (Some(variant), Ok(metadata)) => metadata.identity == variant.identity,
            (None, Err(error)) => is_absent(&error),
            // One that was too old to be used has not got younger unless it has changed.
            (None, Ok(metadata)) => {
                let original = found.variants[0].as_ref().map(|own| own.validators.modified());
                original.flatten().is_some_and(|original| metadata.modified < original)
            }
            (Some(_), Err(_)) => false,
        };
        if !is_same {
            return false;
        }
    }
    found.checked.set(task::now());
    true
}

/// Takes the version that this request gets into memory, if it is short and will be asked for
/// again.
pub(super) async fn keep_content(files: &Files, found: &Found, asked: &Asked) -> io::Result<()> {
    let Some(variant) = asked.choose(found) else { return Ok(()) };
    let Content::File(file) = variant.content.borrow().clone() else { return Ok(()) };
    let Ok(len) = usize::try_from(variant.len) else { return Ok(()) };
    if len > files.cached_file_len_max || !found.is_settled {
        return Ok(());
    }
    let bytes = fs::read_file(&file, len).await?;
    // It may have changed since it was looked at: then it is sent as the stream that it is.
    if bytes.len() == len && file.metadata()?.identity == variant.identity {
        *variant.content.borrow_mut() = Content::Kept(bytes.into());
    }
    Ok(())
}

/// Whether the last change is long enough ago that the next one will show: file systems count time
/// in ticks, and two changes within one look like one (RFC 9110 §8.8.2.2).
fn is_settled(metadata: &Metadata) -> bool {
    let age = task::wall_clock().duration_since(metadata.modified);
    age.unwrap_or(Duration::ZERO) >= SETTLING && metadata.modified > SystemTime::UNIX_EPOCH
}

/// Whether there is nothing, or nothing that may be had, at a path.
pub(super) fn is_absent(error: &io::Error) -> bool {
    match error.raw_os_error() {
        Some(number) => matches!(
            number,
            libc::ENOENT | libc::ENOTDIR | libc::EXDEV | libc::ELOOP | libc::ENAMETOOLONG
        ),
        // It was not even asked for: no name is so.
        None => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput),
    }
}

/// Whether the machine is short of descriptors or memory.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS))
        || error.kind() == ErrorKind::OutOfMemory
}

/// The coarsest clock of a file system that still is in use has two seconds (FAT).
const SETTLING: Duration = Duration::from_secs(2);
