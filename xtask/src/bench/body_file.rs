//! The file in which a request's body is handed to a load tool.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::content::Content;
use super::rows::Request;
use crate::process::target_dir;

/// A body on disk, removed when this is dropped; nothing for a request without one.
#[derive(Debug)]
pub(crate) struct BodyFile(Option<PathBuf>);

impl BodyFile {
    pub(crate) fn write(request: &Request) -> Result<Self> {
        if request.content == Content::Empty {
            return Ok(Self(None));
        }
        let path = target_dir().join(format!("arena-{}.body", std::process::id()));
        fs::write(&path, request.content.body())?;
        Ok(Self(Some(path)))
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }
}

impl Drop for BodyFile {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // A file left behind in the build folder does no harm.
            let _ = fs::remove_file(path);
        }
    }
}
