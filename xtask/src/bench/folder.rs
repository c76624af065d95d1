//! The site that the entries serve: a folder `file` with files of fixed bytes.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::process::target_dir;

/// One file of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServedFile {
    pub(crate) name: &'static str,
    len: usize,
}

/// A piece of JSON or an icon.
pub(crate) const SMALL: ServedFile = ServedFile { name: "1k.bin", len: 1 << 10 };
/// A script or a small picture; more than a segment and less than a socket's buffer.
pub(crate) const MEDIUM: ServedFile = ServedFile { name: "64k.bin", len: 64 << 10 };
/// A package or a short film: more than any buffer.
pub(crate) const LARGE: ServedFile = ServedFile { name: "10m.bin", len: 10 << 20 };

/// Creates what is missing and returns the folder of the files.
pub(crate) fn create() -> Result<PathBuf> {
    let folder = site().join("file");
    fs::create_dir_all(&folder)?;
    for file in [SMALL, MEDIUM, LARGE] {
        let path = folder.join(file.name);
        if !fs::read(&path).is_ok_and(|bytes| bytes == file.content()) {
            fs::write(path, file.content())?;
        }
    }
    Ok(folder)
}

/// The folder around that of the files, for servers that serve paths as they are.
pub(crate) fn site() -> PathBuf {
    target_dir().join("arena-site")
}

impl ServedFile {
    /// The file's bytes, the same in every run.
    pub(crate) fn content(self) -> Vec<u8> {
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut content = vec![0; self.len];
        random.fill(&mut content);
        content
    }
}

/// Any number serves, as long as it stays.
const SEED: u64 = 65;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_holds_the_files() {
        let folder = create().unwrap();
        for file in [SMALL, MEDIUM, LARGE] {
            assert_eq!(fs::read(folder.join(file.name)).unwrap(), file.content());
        }
        assert_eq!(LARGE.content().len(), 10_485_760);
    }
}
