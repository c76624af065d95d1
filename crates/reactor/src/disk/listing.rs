//! What is in a folder.

use std::io;

use rustix::fs::{AtFlags, Dir, statat};

use super::{File, Kind, Metadata};

/// One thing in a folder.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its name, in the bytes that the file system has.
    pub name: Vec<u8>,
    /// What it is. A link counts as what it leads to only where it is opened, not here.
    pub metadata: Metadata,
}

/// Lists at most `count_max` things of a folder, without `.` and `..`, in no order. Waits for the
/// disk.
pub(super) fn list(folder: &File, count_max: usize) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entries.len() == count_max {
            break;
        }
        // What is gone by now is not in the folder.
        let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let metadata = Metadata::of(&stat);
        if metadata.kind != Kind::Other {
            entries.push(Entry { name: name.to_bytes().to_vec(), metadata });
        }
    }
    Ok(entries)
}
