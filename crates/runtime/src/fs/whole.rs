//! Whole files by their paths.

use std::io::{self, ErrorKind};

use waterwheel_reactor::disk::{Access, Buffer, Folder, HeapBuffer, Kind, Metadata};

use super::{Bytes, File, open};

/// Reads the whole file at `path` beneath `folder`.
///
/// # Errors
/// As [`open`] and pread(2); [`ErrorKind::FileTooLarge`] when it has more than `len_max` bytes,
/// [`ErrorKind::InvalidInput`] when it is no regular file.
pub async fn read(
    folder: &Folder,
    path: impl Into<Vec<u8>>,
    len_max: usize,
) -> io::Result<Vec<u8>> {
    read_file(&open(folder, path, Access::Read).await?, len_max).await
}

/// Reads a whole file from its start.
///
/// # Errors
/// As [`read`].
pub async fn read_file(file: &File, len_max: usize) -> io::Result<Vec<u8>> {
    let metadata = file.metadata()?;
    if metadata.kind != Kind::File {
        return Err(ErrorKind::InvalidInput.into());
    }
    let too_large = || io::Error::from(ErrorKind::FileTooLarge);
    let len = usize::try_from(metadata.len).map_err(|_| too_large())?;
    if len > len_max {
        return Err(too_large());
    }
    // One byte more than there is, so that the end is seen without another round.
    let mut buffer = HeapBuffer::with_room(len + 1);
    while file.read_more(&mut buffer).await? {
        if buffer.len() > len_max {
            return Err(too_large());
        }
        if buffer.room().is_empty() {
            buffer.make_room(GROWTH_LEN);
        }
    }
    Ok(buffer.into_payload())
}

/// Makes the file at `path` beneath `folder` anew, with these bytes. Whoever reads it meanwhile may
/// see part of them.
///
/// # Errors
/// As [`open`] and [`File::write_at`](super::File::write_at).
pub async fn write(
    folder: &Folder,
    path: impl Into<Vec<u8>>,
    bytes: impl Into<Bytes>,
) -> io::Result<()> {
    open(folder, path, Access::Replace).await?.write_at(0, bytes).await
}

/// Adds these bytes behind the end of the file at `path` beneath `folder`, which is made if there
/// is none.
///
/// # Errors
/// As [`open`] and [`File::append`](super::File::append).
pub async fn append(
    folder: &Folder,
    path: impl Into<Vec<u8>>,
    bytes: impl Into<Bytes>,
) -> io::Result<()> {
    open(folder, path, Access::Append).await?.append(bytes).await
}

/// What is at `path` beneath `folder`.
///
/// # Errors
/// As [`open`].
pub async fn metadata(folder: &Folder, path: impl Into<Vec<u8>>) -> io::Result<Metadata> {
    open(folder, path, Access::Look).await?.metadata()
}

/// For files that grow while they are read.
const GROWTH_LEN: usize = 64 << 10;
