//! The folder that the entries serve under /file/: one file with fixed bytes.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::process::target_dir;

/// The file's name; its length is [`FILE_LEN`].
pub(crate) const FILE_NAME: &str = "64k.bin";
/// A script or a small picture; more than a segment and less than a socket's buffer.
pub(crate) const FILE_LEN: usize = 64 << 10;

/// Creates what is missing and returns the folder.
pub(crate) fn create() -> Result<PathBuf> {
    let folder = target_dir().join("arena-files");
    let file = folder.join(FILE_NAME);
    if fs::read(&file).is_ok_and(|bytes| bytes == content()) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    fs::write(file, content())?;
    Ok(folder)
}

/// The file's bytes, the same in every run.
pub(crate) fn content() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(SEED);
    (0..FILE_LEN).map(|_| random.u8(..)).collect()
}

/// Any number serves, as long as it stays.
const SEED: u64 = 65;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_holds_the_file() {
        let folder = create().unwrap();
        assert_eq!(fs::read(folder.join(FILE_NAME)).unwrap(), content());
        assert_eq!(content().len(), FILE_LEN);
    }
}
