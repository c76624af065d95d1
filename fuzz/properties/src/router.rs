//! A path leads where a plain model leads it, which splits first and decodes each part once.
//!
//! First byte: the method. The rest: the path as it stood in the target.

use std::sync::LazyLock;

use waterwheel_http::parse::Method;
use waterwheel_http::router::{Found, Router};

use crate::{plain::digit, split_choice};

/// See the module.
pub fn router(data: &[u8]) {
    let (choice, path) = split_choice(data);
    let method =
        [Method::Get, Method::Head, Method::Post, Method::Other("PURGE")][usize::from(choice) % 4];
    let expected = expect(path);
    match ROUTER.find(method, path) {
        Found::Route { value, params, template, is_head_of_get } => {
            assert_eq!(template, TEMPLATES[*value]);
            assert_eq!(is_head_of_get, method == Method::Head);
            assert!(matches!(method, Method::Get | Method::Head));
            let params: Vec<_> = params.iter().map(|(_, value)| value.to_owned()).collect();
            assert_eq!(expected, Expected::Route { index: *value, params });
        }
        Found::MethodNotAllowed { allow } => {
            assert_eq!(allow, "GET, HEAD");
            assert!(!matches!(method, Method::Get | Method::Head));
            assert!(matches!(expected, Expected::Route { .. }), "{expected:?}");
        }
        Found::NotFound => assert_eq!(expected, Expected::NotFound),
        Found::BadPath => assert_eq!(expected, Expected::BadPath),
        other => panic!("{other:?} is unknown here"),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Route { index: usize, params: Vec<String> },
    NotFound,
    BadPath,
}

/// One part of a path, decoded, and whether a slash was escaped in it.
struct Part {
    text: String,
    holds_slash: bool,
}

fn expect(path: &[u8]) -> Expected {
    let parts = path.split(|byte| *byte == b'/').map(decode).collect::<Option<Vec<_>>>();
    let Some(parts) = parts.filter(|_| std::str::from_utf8(path).is_ok()) else {
        return Expected::BadPath;
    };
    let matched = TEMPLATES
        .iter()
        .enumerate()
        .find_map(|(index, template)| Some((index, match_template(template, &parts)?)));
    let Some((index, rest_len)) = matched else { return Expected::NotFound };
    // A decoded slash would become a separator there.
    if parts[parts.len() - rest_len..].iter().any(|part| part.holds_slash) {
        return Expected::BadPath;
    }
    Expected::Route { index, params: params(TEMPLATES[index], &parts) }
}

/// How many parts the rest of the path takes, when the path fits the template.
fn match_template(template: &str, parts: &[Part]) -> Option<usize> {
    let mut parts = parts.iter();
    for wanted in template.split('/') {
        if wanted.starts_with("{*") {
            let rest: Vec<_> = parts.by_ref().collect();
            let is_empty = rest.is_empty() || (rest.len() == 1 && rest[0].text.is_empty());
            return (!is_empty).then_some(rest.len());
        }
        let part = parts.next()?;
        let is_param = wanted.starts_with('{');
        let fits = if is_param { !part.text.is_empty() } else { part.text == wanted };
        if !fits {
            return None;
        }
    }
    parts.next().is_none().then_some(0)
}

fn params(template: &str, parts: &[Part]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, wanted) in template.split('/').enumerate() {
        if wanted.starts_with("{*") {
            let rest: Vec<_> = parts[index..].iter().map(|part| part.text.as_str()).collect();
            found.push(rest.join("/"));
        } else if wanted.starts_with('{') {
            found.push(parts[index].text.clone());
        }
    }
    found
}

/// `None`: a broken escape, an escaped NUL, or text that is not UTF-8.
fn decode(part: &[u8]) -> Option<Part> {
    let (mut text, mut holds_slash) = (Vec::new(), false);
    let mut bytes = part.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            text.push(byte);
            continue;
        }
        let decoded = digit(bytes.next()?)? << 4 | digit(bytes.next()?)?;
        if decoded == 0 {
            return None;
        }
        holds_slash |= decoded == b'/';
        text.push(decoded);
    }
    Some(Part { text: String::from_utf8(text).ok()?, holds_slash })
}

/// What goes first wins: literal text before a parameter, a parameter before the rest.
const TEMPLATES: [&str; 9] = [
    "/",
    "/a",
    "/a/b",
    "/café",
    "/a/{id}",
    "/users/{id}",
    "/users/{id}/posts/{post}",
    "/files/{*rest}",
    "/{only}/of/{*rest}",
];

static ROUTER: LazyLock<Router<usize>> = LazyLock::new(|| {
    let mut router = Router::new();
    for (index, template) in TEMPLATES.iter().enumerate() {
        router.insert(Method::Get, template, index).expect("the templates differ");
    }
    router
});
