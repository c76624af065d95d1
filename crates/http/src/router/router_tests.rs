//! Tests of the router.

use super::*;

fn router() -> Router<&'static str> {
    let mut router = Router::new();
    for (method, path, value) in [
        (Method::Get, "/", "root"),
        (Method::Get, "/users", "list"),
        (Method::Post, "/users", "create"),
        (Method::Get, "/users/{id}", "show"),
        (Method::Get, "/users/me", "me"),
        (Method::Get, "/files/{*rest}", "file"),
        (Method::Get, "/caf\u{e9}", "drink"),
        (Method::Head, "/own", "own head"),
        (Method::Get, "/own", "own"),
        (Method::Other("PURGE"), "/cache", "purge"),
        (Method::Get, "/{{literal}}", "braces"),
        (Method::Get, "/a/{b}/c/{d}/{e}/{f}/{g}", "many"),
    ] {
        router.insert(method, path, value).unwrap();
    }
    router
}

/// The value found and its parameters.
fn route(method: Method<'_>, path: &str) -> (&'static str, Vec<(String, String)>, bool) {
    match router().find(method, path) {
        Found::Route { value, params, is_head_of_get, .. } => {
            let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            (*value, params.collect(), is_head_of_get)
        }
        other => panic!("{other:?} for {path}"),
    }
}

fn value(method: Method<'_>, path: &str) -> &'static str {
    route(method, path).0
}

fn param(path: &str) -> String {
    route(Method::Get, path).1.remove(0).1
}

#[test]
fn methods_and_paths_are_told_apart() {
    assert_eq!(value(Method::Get, "/"), "root");
    assert_eq!(value(Method::Get, "/users"), "list");
    assert_eq!(value(Method::Post, "/users"), "create");
    assert_eq!(value(Method::Get, "/users/me"), "me");
    assert_eq!(value(Method::Get, "/users/you"), "show");
    assert_eq!(value(Method::Other("PURGE"), "/cache"), "purge");
    assert_eq!(value(Method::Get, "/{literal}"), "braces");
    assert_eq!(route(Method::Get, "/a/1/c/2/3/4/5").1.len(), 5);
}

#[test]
fn unknown_paths_are_not_found() {
    let router = router();
    for path in ["", "*", "/user", "/users/", "/users/1/2", "/files", "/files/", "//", "/Users"] {
        assert!(matches!(router.find(Method::Get, path), Found::NotFound), "{path}");
    }
    assert!(matches!(Router::<()>::new().find(Method::Get, "/"), Found::NotFound));
}

#[test]
fn other_method_gets_the_sorted_allow_list() {
    let router = router();
    let allow = |path| match router.find(Method::Delete, path) {
        Found::MethodNotAllowed { allow } => allow,
        other => panic!("{other:?}"),
    };
    assert_eq!(allow("/users"), "GET, HEAD, POST");
    assert_eq!(allow("/own"), "GET, HEAD");
    assert_eq!(allow("/cache"), "PURGE");
    assert_eq!(allow("/users/1"), "GET, HEAD");
    assert!(matches!(
        router.find(Method::Other("purge"), "/cache"),
        Found::MethodNotAllowed { .. }
    ));
}

#[test]
fn head_falls_back_to_get() {
    assert_eq!(route(Method::Head, "/users"), ("list", vec![], true));
    assert_eq!(route(Method::Head, "/own"), ("own head", vec![], false));
    assert!(matches!(router().find(Method::Head, "/cache"), Found::MethodNotAllowed { .. }));
}

#[test]
fn a20_escapes_are_decoded_once() {
    assert_eq!(value(Method::Get, "/%75sers"), "list");
    assert_eq!(value(Method::Get, "/caf%C3%A9"), "drink");
    assert_eq!(value(Method::Get, "/%7bliteral%7D"), "braces");
    assert_eq!(param("/users/a%20b"), "a b");
    assert_eq!(param("/users/%2525"), "%25");
    assert_eq!(param("/users/%252F"), "%2F");
    assert_eq!(param("/users/%25zz"), "%zz");
    assert_eq!(param("/files/a%25/b%20c"), "a%/b c");
}

#[test]
fn a20_escaped_slash_never_separates() {
    assert_eq!(param("/users/a%2Fb"), "a/b");
    assert_eq!(param("/users/a%2fb"), "a/b");
    let router = router();
    assert!(matches!(router.find(Method::Get, "/users%2Fme"), Found::NotFound));
    assert!(matches!(router.find(Method::Get, "/files/a%2F..%2Fb"), Found::BadPath));
}

#[test]
fn a20_every_escape_is_decoded_or_refused() {
    let router = router();
    for high in 0x20..0x7fu8 {
        for low in 0x20..0x7fu8 {
            if [high, low].iter().any(|byte| matches!(byte, b'/' | b'%')) {
                continue;
            }
            let path = format!("/users/x%{}{}", char::from(high), char::from(low));
            let text = format!("{}{}", char::from(high), char::from(low));
            let byte = u8::from_str_radix(&text, 16).ok().filter(|_| high.is_ascii_hexdigit());
            let expected = byte.filter(|byte| (1..0x80).contains(byte));
            match (router.find(Method::Get, &path), expected) {
                (Found::Route { params, .. }, Some(byte)) => {
                    assert_eq!(params.get("id"), Some(format!("x{}", char::from(byte)).as_str()));
                }
                (Found::BadPath, None) => {}
                (found, _) => panic!("{path}: {found:?}"),
            }
        }
    }
    for path in
        ["/users/%", "/users/%2", "/users/%u0041", "/users/%C0%AF", "/users/%FF", "/users/%00"]
    {
        assert!(matches!(router.find(Method::Get, path), Found::BadPath), "{path}");
    }
}

#[test]
fn refused_routes_name_their_path() {
    let mut router = router();
    let mut refused =
        |method: Method<'_>, path: &str| router.insert(method, path, "x").unwrap_err();
    let path = |path: &str| path.to_owned();
    assert_eq!(refused(Method::Get, "users"), RouteError::PathStart { path: path("users") });
    assert_eq!(refused(Method::Get, "/a%20b"), RouteError::PathText { path: path("/a%20b") });
    assert_eq!(refused(Method::Get, "/{}"), RouteError::Param { path: path("/{}") });
    assert_eq!(refused(Method::Get, "/{*a}/b"), RouteError::Param { path: path("/{*a}/b") });
    assert_eq!(
        refused(Method::Put, "/users/{name}"),
        RouteError::Conflict { path: path("/users/{name}"), with: path("/users/{id}") }
    );
    assert_eq!(
        refused(Method::Get, "/users"),
        RouteError::Duplicate { method: "GET".to_owned(), path: path("/users") }
    );
    assert_eq!(refused(Method::Other("a b"), "/x"), RouteError::Method { path: path("/x") });
}

#[test]
fn paths_alike_at_both_ends_are_told_apart() {
    let mut router = Router::new();
    for number in 0..500 {
        router.insert(Method::Get, &format!("/api/v1/{number:03}/things/list"), number).unwrap();
    }
    for number in 0..500 {
        match router.find(Method::Get, &format!("/api/v1/{number:03}/things/list")) {
            Found::Route { value, .. } => assert_eq!(*value, number),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_has_no_value_of_its_own_goes_to_any() {
    let mut router = Router::new();
    router.insert_any("/any", "any").unwrap();
    router.insert(Method::Get, "/any", "get").unwrap();
    let find = |method| match router.find(method, "/any") {
        Found::Route { value, is_head_of_get, .. } => Ok((*value, is_head_of_get)),
        Found::MethodNotAllowed { allow } => Err(allow.to_owned()),
        other => panic!("{other:?}"),
    };
    assert_eq!(find(Method::Get), Ok(("get", false)));
    assert_eq!(find(Method::Head), Ok(("get", true)));
    assert_eq!(find(Method::Put), Ok(("any", false)));
    assert_eq!(find(Method::Other("PROPFIND")), Ok(("any", false)));
    let named = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE";
    assert_eq!(find(Method::Connect), Err(named.to_owned()));
    assert!(matches!(router.insert_any("/any", "again"), Err(RouteError::Duplicate { .. })));
}
