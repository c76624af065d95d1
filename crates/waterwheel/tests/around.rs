//! Functions around the handlers of several routes, and paths with a common prefix.

mod scratch;

use std::time::Duration;

use scratch::Scratch;
use waterwheel::http::{HeaderName, HeaderValue, StatusCode};
use waterwheel::lab::Lab;
use waterwheel::task::sleep;
use waterwheel::{
    Answer, App, BodyError, BodyReader, Call, Files, Handler, InPlace, Inner, Path, Rejection,
    Reply,
};

/// Notes who passed, outermost last.
fn passed(name: &'static str) -> impl Fn(&mut Call<'_>, Inner<'_>) -> Answer + Send + Sync {
    move |call, inner| {
        inner.answer(call).map(move |reply| {
            let name = HeaderValue::from_static(name);
            reply.with_header(HeaderName::from_static("x-passed"), name)
        })
    }
}

fn keyed(call: &mut Call<'_>, inner: Inner<'_>) -> Answer {
    match call.request().header("x-key") {
        Some(b"42") => inner.answer(call),
        _ => Rejection::new(StatusCode::UNAUTHORIZED, "who are you?").into(),
    }
}

#[test]
fn replies_of_every_kind_pass_through() {
    let app = App::new().around(passed("once"), |app| {
        app.get("/now", || "now")
            .get("/later", async || {
                sleep(Duration::from_millis(5)).await;
                "later"
            })
            .get("/streamed", || {
                Reply::stream(|mut out| async move {
                    out.write("streamed").await?;
                    Ok(())
                })
            })
            .post("/echo", |body: InPlace<[u8]>| body)
            .post("/read", async |mut body: BodyReader| {
                let mut len = 0;
                while let Some(window) = body.next().await {
                    len += window?.len();
                }
                Ok::<_, BodyError>(len.to_string())
            })
    });
    let mut lab = Lab::new(app);
    for path in ["/now", "/later", "/streamed"] {
        let reply = lab.get(path).send();
        assert_eq!((reply.text(), reply.header("x-passed")), (&path[1..], Some("once")));
    }
    for (path, text) in [("/echo", "bytes"), ("/read", "5")] {
        let reply = lab.post(path).body("bytes").send();
        assert_eq!((reply.text(), reply.header("x-passed")), (text, Some("once")));
    }
}

#[test]
fn the_outer_one_is_asked_first_and_sees_the_reply_last() {
    let order = |name: &'static str| {
        move |call: &mut Call<'_>, inner: Inner<'_>| {
            let key = call.request().header("x-stop-at");
            if key == Some(name.as_bytes()) {
                return Reply::text(name).into();
            }
            inner.answer(call).map(move |reply| {
                let field = HeaderName::from_static("x-last");
                reply.with_header(field, HeaderValue::from_static(name))
            })
        }
    };
    let app = App::new().around(order("outer"), |app| {
        app.around(order("inner"), |app| app.get("/", (|| "handler").around(order("innermost"))))
    });
    let mut lab = Lab::new(app);
    let asked = |lab: &mut Lab, name: &str| lab.get("/").header("x-stop-at", name).send();
    for name in ["outer", "inner", "innermost"] {
        assert_eq!(asked(&mut lab, name).text(), name);
    }
    // The outermost added its field to what the others had left.
    assert_eq!(asked(&mut lab, "inner").header("x-last"), Some("outer"));
    assert_eq!(asked(&mut lab, "outer").header("x-last"), None);
}

#[test]
fn what_stands_outside_is_not_guarded() {
    let app = App::new()
        .get("/before", || "open")
        .around(keyed, |app| app.get("/guarded", || "opened"))
        .get("/after", || "open");
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/before").send().status(), 200);
    assert_eq!(lab.get("/after").send().status(), 200);
    assert_eq!(lab.get("/guarded").send().status(), 401);
    assert_eq!(lab.request("HEAD", "/guarded").send().status(), 401);
    assert_eq!(lab.get("/guarded").header("x-key", "42").send().text(), "opened");
    // Nobody handles these, so nobody guards them.
    assert_eq!(lab.post("/guarded").send().status(), 405);
    assert_eq!(lab.get("/nowhere").send().status(), 404);
}

#[test]
fn a_body_that_is_refused_leaves_the_connection_usable() {
    let app = App::new().around(keyed, |app| app.post("/", |body: InPlace<[u8]>| body));
    let mut lab = Lab::new(app);
    for _ in 0..3 {
        assert_eq!(lab.post("/").body(vec![b'a'; 5_000]).send().status(), 401);
        assert_eq!(lab.post("/").header("x-key", "42").body("b").send().text(), "b");
    }
}

#[test]
fn a_panic_around_a_handler_is_a_500() {
    fn torn(_: &mut Call<'_>, _: Inner<'_>) -> Answer {
        panic!("torn")
    }
    fn torn_later(call: &mut Call<'_>, inner: Inner<'_>) -> Answer {
        inner.answer(call).map(|_| panic!("torn later"))
    }
    let app =
        App::new().around(torn, |app| app.get("/now", || "never")).around(torn_later, |app| {
            app.get("/later", async || {
                sleep(Duration::from_millis(5)).await;
                "never"
            })
        });
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/now").send().status(), 500);
    assert_eq!(lab.get("/later").send().status(), 500);
}

#[test]
fn prefixes_add_up() {
    let app = App::new().under("/api/", |app| {
        app.get("", || "api").get("/", || "api, with a slash").under("/{tenant}", |app| {
            app.get("/users/{id}", |Path(tenant): Path<String>, Path(id): Path<u32>| {
                format!("{id} of {tenant}")
            })
        })
    });
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/api").send().text(), "api");
    assert_eq!(lab.get("/api/").send().text(), "api, with a slash");
    assert_eq!(lab.get("/api/mill/users/7").send().text(), "7 of mill");
    assert_eq!(lab.get("/users/7").send().status(), 404);
}

#[test]
fn folders_can_be_guarded_under_a_prefix() {
    let scratch = Scratch::new();
    scratch.file("a.txt", "a file");
    let files = Files::new(scratch.path()).unwrap();
    let app = App::new().under("/shelf", |app| app.around(keyed, |app| app.files("/books", files)));
    let mut lab = Lab::new(app);
    assert_eq!(lab.get("/shelf/books/a.txt").send().status(), 401);
    assert_eq!(lab.get("/shelf/books/a.txt").header("x-key", "42").send().text(), "a file");
    assert_eq!(lab.get("/books/a.txt").header("x-key", "42").send().status(), 404);
}

#[test]
fn a_bad_path_is_named_with_its_prefix() {
    let app = App::new().under("/api", |app| app.get("users", || "").get("/{id", || ""));
    let error = app.plan(&waterwheel::ring::Config::default()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`users`") && text.contains("`/api/{id`"), "{text}");
}
