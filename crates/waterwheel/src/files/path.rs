//! From a decoded URL path to a path beneath the folder.

/// Whether a path, decoded and without its leading slash, may name a file. It is empty for the
/// folder itself and ends with a slash for any other.
///
/// The kernel lets nothing out of the folder whatever the path; this is about names that are not to
/// be found, and about each file having one path only.
pub(super) fn is_servable(path: &str, shows_hidden: bool) -> bool {
    if path.is_empty() {
        return true;
    }
    if path.len() > PATH_LEN_MAX || path.contains('\0') {
        return false;
    }
    let parts = path.strip_suffix('/').unwrap_or(path).split('/');
    let is_fine =
        |part: &str| !matches!(part, "" | "." | "..") && (shows_hidden || !part.starts_with('.'));
    parts.into_iter().all(is_fine)
}

/// `PATH_MAX` less room for the name of an index.
const PATH_LEN_MAX: usize = 3_840;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_one_path_and_hidden_ones_none() {
        for path in ["", "a", "a/", "a/b.html", "a b/ü", "..a/x", "a/b../"] {
            assert!(is_servable(path, true), "{path}");
        }
        for path in ["/", "/a", "a//b", "a//", "..", "a/..", "../a", "a/../b", ".", "./a", "a/./b"]
        {
            assert!(!is_servable(path, true), "{path}");
        }
        for path in [".git/config", "a/.env", ".a/", "..a/x"] {
            assert!(!is_servable(path, false), "{path}");
        }
        assert!(!is_servable("a\0b", true));
        assert!(!is_servable(&"a".repeat(5000), true));
    }
}
