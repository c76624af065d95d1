//! The type of a file's content, by its name.

use http::HeaderValue;

/// The media type that the ending of a name stands for; bytes of no known type without one. Text is
/// said to be UTF-8.
#[must_use]
pub fn media_type(name: &str) -> HeaderValue {
    let known = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    if known.starts_with("text/") && !known.contains("charset") {
        // A type of the table with a parameter is a field value.
        if let Ok(value) = HeaderValue::try_from(format!("{known}; charset=utf-8")) {
            return value;
        }
    }
    HeaderValue::from_static(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_tell_the_type() {
        for (name, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a/b.CSS", "text/css; charset=utf-8"),
            ("x.js", "text/javascript; charset=utf-8"),
            ("x.json", "application/json"),
            ("x.svg", "image/svg+xml"),
            ("x.png", "image/png"),
            ("x.wasm", "application/wasm"),
            ("x.woff2", "font/woff2"),
            ("notes", "application/octet-stream"),
            ("x.nothing-known", "application/octet-stream"),
            (".html", "application/octet-stream"),
        ] {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }
}
