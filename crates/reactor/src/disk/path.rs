//! Paths beneath a folder, walked part by part where the kernel does not do it.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::OFlags;

use super::calls::open_part;
use super::{File, Folder};

/// Opens `path` beneath `folder` without following any link: each part but the last must be a
/// folder, and none may be `..`.
///
/// # Errors
/// `EXDEV` for a path that leads out, as openat2(2) says; `ELOOP` or `ENOTDIR` for a link.
pub(super) fn walk(folder: &Folder, path: &CStr, flags: OFlags) -> io::Result<File> {
    let bytes = path.to_bytes();
    if bytes.is_empty() {
        return Err(io::Error::from_raw_os_error(libc::ENOENT));
    }
    if bytes.starts_with(b"/") || bytes.split(|byte| *byte == b'/').any(|part| part == b"..") {
        return Err(io::Error::from_raw_os_error(libc::EXDEV));
    }
    let mut at: Arc<OwnedFd> = Arc::clone(&folder.0);
    let parts = bytes.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let mut parts: Vec<CString> = parts.map(CString::new).collect::<Result<_, _>>()?;
    let must_be_folder = bytes.ends_with(b"/");
    let last = parts.pop().unwrap_or_else(|| c".".to_owned());
    for part in &parts {
        at = open_part(&at, part, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)?.into();
    }
    let further = if must_be_folder { OFlags::DIRECTORY } else { OFlags::empty() };
    Ok(open_part(&at, &last, flags | further)?.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::calls::open_flags;
    use super::super::{Access, Kind};
    use super::*;

    #[test]
    fn walk_follows_no_link_and_leaves_no_folder() {
        let root = std::env::temp_dir().join(format!("waterwheel-walk-{}", std::process::id()));
        fs::create_dir_all(root.join("inner/deep")).unwrap();
        fs::write(root.join("inner/deep/file"), "in").unwrap();
        symlink("inner", root.join("link")).unwrap();
        symlink("/etc/passwd", root.join("inner/out")).unwrap();
        let folder = Folder::open(&root).unwrap();
        let walk = |path: &CStr| {
            let opened = walk(&folder, path, open_flags(Access::Read));
            opened.map(|file| file.metadata().unwrap().kind)
        };
        assert_eq!(walk(c"inner//./deep/file").unwrap(), Kind::File);
        assert_eq!(walk(c"inner/deep/").unwrap(), Kind::Folder);
        assert_eq!(walk(c".").unwrap(), Kind::Folder);
        let number = |path| walk(path).unwrap_err().raw_os_error().unwrap();
        assert_eq!(number(c"inner/../inner/deep/file"), libc::EXDEV);
        assert_eq!(number(c"/etc/passwd"), libc::EXDEV);
        assert_eq!(number(c"inner/out"), libc::ELOOP);
        assert_eq!(number(c"link/deep/file"), libc::ENOTDIR);
        assert_eq!(number(c"inner/deep/file/"), libc::ENOTDIR);
        assert_eq!(number(c""), libc::ENOENT);
        fs::remove_dir_all(root).unwrap();
    }
}
