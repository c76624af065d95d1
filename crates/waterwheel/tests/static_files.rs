//! A folder of files over HTTP: what is sent, what is not, and to whom.

mod running;
mod scratch;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use running::Running;
use scratch::{IN_2020, Scratch};
use waterwheel::lab::{Lab, LabConfig, LabReply};
use waterwheel::reactor::sim::{Fault, Faults};
use waterwheel::{App, Files};

const TEXT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn site() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("index.html", "<p>home");
    scratch.file("text.txt", TEXT);
    scratch.file("large.bin", pattern(300_000));
    scratch.file("folder/index.html", "<p>folder");
    scratch.file("folder/ü b.txt", "umlaut");
    scratch.file("bare/one.txt", "1");
    scratch.file(".secret", "hidden");
    scratch.file("bare/.hidden", "hidden");
    scratch
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 253).unwrap_or(0)).collect()
}

fn files(scratch: &Scratch) -> Files {
    Files::new(scratch.path()).expect("the folder is there")
}

fn lab(files: Files) -> Lab {
    Lab::new(App::new().get("/api", || "api").files("/", files))
}

/// First from the disk, then from the cache: both must be the same.
fn twice(lab: &mut Lab, target: &str, fields: &[(&str, &str)]) -> LabReply {
    let mut ask = || {
        let request = lab.get(target);
        fields.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let (first, second) = (ask(), ask());
    assert_eq!((first.status(), first.body()), (second.status(), second.body()), "{target}");
    second
}

#[test]
fn files_are_sent_with_what_is_known_of_them() {
    let scratch = site();
    let mut lab = lab(files(&scratch));
    let reply = twice(&mut lab, "/text.txt", &[]);
    assert_eq!((reply.status(), reply.text()), (200, TEXT));
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(reply.header("last-modified"), Some("Wed, 01 Jan 2020 00:00:00 GMT"));
    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
    assert_eq!(reply.header("vary"), None);
    let tag = reply.header("etag").unwrap();
    assert!(tag.starts_with('"') && tag.ends_with("-24\""), "{tag}");

    let head = lab.request("HEAD", "/text.txt").send();
    assert_eq!((head.status(), head.body().len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("36"));
    let head = lab.request("HEAD", "/large.bin").send();
    assert_eq!(head.header("content-length"), Some("300000"));

    assert_eq!(twice(&mut lab, "/large.bin", &[]).body(), pattern(300_000));
    assert_eq!(twice(&mut lab, "/", &[]).text(), "<p>home");
    assert_eq!(twice(&mut lab, "/folder/", &[]).text(), "<p>folder");
    assert_eq!(twice(&mut lab, "/folder/%C3%BC%20b.txt", &[]).text(), "umlaut");
    assert_eq!(twice(&mut lab, "/text.txt?x=1", &[]).text(), TEXT);
    assert_eq!(twice(&mut lab, "/api", &[]).text(), "api");
    let post = lab.post("/text.txt").body("x").send();
    assert_eq!((post.status(), post.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn what_is_not_to_be_found_is_not_found() {
    let scratch = site();
    let outside = Scratch::new();
    outside.file("secret", "outside");
    symlink(outside.path().join("secret"), scratch.path().join("absolute")).unwrap();
    let up = format!("../{}/secret", outside.path().file_name().unwrap().to_str().unwrap());
    symlink(&up, scratch.path().join("relative")).unwrap();
    symlink("text.txt", scratch.path().join("inside")).unwrap();
    let mut lab = lab(files(&scratch));
    let up = format!("/{up}");
    for target in [
        "/none",
        "/.secret",
        "/bare/.hidden",
        "/bare/",
        "/text.txt/",
        "//text.txt",
        "/folder//",
        "/../etc/passwd",
        "/folder/../text.txt",
        "/./text.txt",
        "/%2e%2e/etc/passwd",
        "/absolute",
        "/relative",
        &up,
        "/folder/%2E%2E/text.txt",
        "/text.txt%20",
        "/bare/..",
    ] {
        assert_eq!(twice(&mut lab, target, &[]).status(), 404, "{target}");
    }
    for target in ["/..%2fetc%2fpasswd", "/a%00b", "/%ff", "/%"] {
        assert_eq!(twice(&mut lab, target, &[]).status(), 400, "{target}");
    }
    assert_eq!(
        twice(&mut lab, "/inside", &[]).text(),
        TEXT,
        "a link that stays inside is followed"
    );
    let mut lab = Lab::new(App::new().files("/", files(&scratch).hidden(true)));
    assert_eq!(twice(&mut lab, "/.secret", &[]).text(), "hidden");
}

#[test]
fn a_folder_asked_for_like_a_file_is_elsewhere() {
    let scratch = site();
    let mut lab = lab(files(&scratch));
    let reply = twice(&mut lab, "/folder?a=b", &[]);
    assert_eq!((reply.status(), reply.header("location")), (301, Some("/folder/?a=b")));
    assert_eq!(twice(&mut lab, "//folder", &[]).status(), 404, "no other host is named");
    let mut below = Lab::new(App::new().files("/static", files(&scratch)));
    assert_eq!(twice(&mut below, "/static/text.txt", &[]).text(), TEXT);
    assert_eq!(twice(&mut below, "/static/", &[]).text(), "<p>home");
    let reply = twice(&mut below, "/static/folder", &[]);
    assert_eq!(reply.header("location"), Some("/static/folder/"));
}

#[test]
fn folders_are_listed_only_when_asked_for() {
    let scratch = site();
    scratch.file("bare/<b>&\".txt", "22");
    scratch.file("bare/sub/x", "");
    let mut lab = lab(files(&scratch).list(true));
    let reply = twice(&mut lab, "/bare/", &[]);
    let page = reply.text();
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.contains("<title>/bare/</title>"), "{page}");
    assert!(page.contains("<a href=\"./sub/\">sub/</a>"), "{page}");
    assert!(
        page.contains("<a href=\"./%3Cb%3E%26%22.txt\">&lt;b&gt;&amp;&quot;.txt</a><td>2"),
        "{page}"
    );
    assert!(!page.contains(".hidden"), "{page}");
    assert_eq!(twice(&mut lab, "/", &[]).text(), "<p>home", "an index goes before");
    let mut lab = Lab::new(App::new().files("/", files(&scratch).list(true).index("")));
    assert!(twice(&mut lab, "/", &[]).text().contains("\"./text.txt\""));
}

#[test]
fn conditions_are_judged_against_the_file() {
    let scratch = site();
    let mut lab = lab(files(&scratch));
    let tag = lab.get("/text.txt").send().header("etag").unwrap().to_owned();
    for target in ["/text.txt", "/large.bin"] {
        let tag = lab.get(target).send().header("etag").unwrap().to_owned();
        let known = twice(&mut lab, target, &[("if-none-match", &tag)]);
        assert_eq!((known.status(), known.body().len()), (304, 0));
        assert_eq!(known.header("etag"), Some(tag.as_str()));
        let date = "Wed, 01 Jan 2020 00:00:00 GMT";
        assert_eq!(twice(&mut lab, target, &[("if-modified-since", date)]).status(), 304);
        let both = [("if-modified-since", date), ("if-none-match", "\"other\"")];
        assert_eq!(twice(&mut lab, target, &both).status(), 200);
        assert_eq!(twice(&mut lab, target, &[("if-match", "\"other\"")]).status(), 412);
        let before = [("if-unmodified-since", "Tue, 31 Dec 2019 23:59:59 GMT")];
        assert_eq!(twice(&mut lab, target, &before).status(), 412);
    }
    scratch.file("text.txt", "changed");
    scratch.age(&scratch.path().join("text.txt"), IN_2020 + 5);
    lab.advance(Duration::from_secs(2));
    let changed = lab.get("/text.txt").header("if-none-match", &tag).send();
    assert_eq!((changed.status(), changed.text()), (200, "changed"));
}

#[test]
fn ranges_are_cut_out_of_short_and_long_files() {
    let scratch = site();
    let mut lab = lab(files(&scratch));
    for (target, content) in
        [("/text.txt", TEXT.as_bytes().to_vec()), ("/large.bin", pattern(300_000))]
    {
        let len = content.len();
        let one = twice(&mut lab, target, &[("range", "bytes=3-9")]);
        assert_eq!((one.status(), one.body()), (206, &content[3..10]));
        assert_eq!(one.header("content-range"), Some(format!("bytes 3-9/{len}").as_str()));
        let last = twice(&mut lab, target, &[("range", "bytes=-5")]);
        assert_eq!((last.status(), last.body()), (206, &content[len - 5..]));
        let none = twice(&mut lab, target, &[("range", "bytes=400000-")]);
        assert_eq!(none.status(), 416);
        assert_eq!(none.header("content-range"), Some(format!("bytes */{len}").as_str()));
        let many = twice(&mut lab, target, &[("range", "bytes=0-1,4-4,3-3,-2")]);
        assert_eq!(many.status(), 206);
        let content_type = many.header("content-type").unwrap();
        let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
        let body = String::from_utf8_lossy(many.body()).into_owned();
        let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
        assert_eq!((parts.len(), parts[4]), (5, "--\r\n"), "{body}");
        assert!(parts[2].contains(&format!("content-range: bytes 3-4/{len}\r\n\r\n")), "{body}");
        let old = [("range", "bytes=3-9"), ("if-range", "\"old\"")];
        assert_eq!(twice(&mut lab, target, &old).body(), content);
        assert_eq!(lab.request("HEAD", target).header("range", "bytes=3-9").send().status(), 200);
    }
}

#[test]
fn compressed_files_are_sent_instead_of_their_originals() {
    let scratch = site();
    scratch.file("app.js", "let original;");
    scratch.file("app.js.gz", "gz");
    scratch.file("app.js.zst", "zst");
    scratch.file("app.js.br", "too old");
    scratch.age(&scratch.path().join("app.js.br"), IN_2020 - 1);
    let mut lab = lab(files(&scratch));
    let mut seen = Vec::new();
    for (accepts, expected) in [
        ("gzip, br", ("gz", Some("gzip"))),
        ("gzip, zstd;q=0.9", ("gz", Some("gzip"))),
        ("zstd, gzip", ("zst", Some("zstd"))),
        ("br", ("let original;", None)),
        ("identity", ("let original;", None)),
    ] {
        let reply = twice(&mut lab, "/app.js", &[("accept-encoding", accepts)]);
        assert_eq!((reply.text(), reply.header("content-encoding")), expected, "{accepts}");
        assert_eq!(reply.header("vary"), Some("accept-encoding"));
        assert_eq!(reply.header("content-type"), Some("text/javascript; charset=utf-8"));
        seen.push(reply.header("etag").unwrap().to_owned());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 3, "each coding has a tag of its own");
    fs::remove_file(scratch.path().join("app.js.zst")).unwrap();
    lab.advance(Duration::from_secs(2));
    let reply = twice(&mut lab, "/app.js", &[("accept-encoding", "zstd, gzip")]);
    assert_eq!(reply.text(), "gz", "what has vanished is not sent");
    let mut lab = Lab::new(App::new().files("/", files(&scratch).precompressed(false)));
    let reply = twice(&mut lab, "/app.js", &[("accept-encoding", "gzip")]);
    assert_eq!((reply.text(), reply.header("vary")), ("let original;", None));
}

#[test]
fn a_file_that_has_just_changed_is_told_apart_weakly_and_not_kept() {
    let scratch = site();
    // The world's civil time is past this, by one second.
    let mut lab = lab(files(&scratch));
    let path = scratch.path().join("text.txt");
    let world_start = 1_767_225_600;
    scratch.age(&path, world_start - 1);
    let reply = lab.get("/text.txt").send();
    assert!(reply.header("etag").unwrap().starts_with("W/"), "{:?}", reply.header("etag"));
    fs::write(&path, TEXT.to_uppercase()).unwrap();
    scratch.age(&path, world_start - 1);
    assert_eq!(lab.get("/text.txt").send().text(), TEXT.to_uppercase());
    lab.advance(Duration::from_secs(3));
    let reply = lab.get("/text.txt").send();
    assert!(reply.header("etag").unwrap().starts_with('"'));
}

#[test]
fn no_file_that_is_none_keeps_anyone_waiting() {
    let scratch = site();
    let pipe = scratch.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path().join("socket")).unwrap();
    symlink("/dev/zero", scratch.path().join("device")).unwrap();
    let locked = scratch.path().join("locked");
    fs::write(&locked, "x").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let mut lab = lab(files(&scratch));
    assert_eq!(twice(&mut lab, "/pipe", &[]).status(), 403);
    assert_eq!(twice(&mut lab, "/socket", &[]).status(), 403);
    assert_eq!(twice(&mut lab, "/device", &[]).status(), 404);
    // Who may read everything reads this too.
    assert!([200, 403].contains(&twice(&mut lab, "/locked", &[]).status()));
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_is_cut_visibly() {
    let scratch = site();
    let mut faults = Faults::none();
    faults.set(Fault::ColdFile, 1.0);
    let mut config = LabConfig::default();
    config.faults = faults;
    let mut lab = Lab::with(App::new().files("/", files(&scratch)), config);
    let client = lab.connect();
    client.send(b"GET /large.bin HTTP/1.1\r\nhost: h\r\n\r\n");
    let mut received = Vec::new();
    for _ in 0..1000 {
        lab.turn();
        received.extend(client.received());
        if !received.is_empty() {
            break;
        }
    }
    let file = fs::File::options().write(true).open(scratch.path().join("large.bin")).unwrap();
    file.set_len(70_000).unwrap();
    lab.settle();
    received.extend(client.received());
    assert!(received.starts_with(b"HTTP/1.1 200 OK") && received.len() < 300_000);
    assert!(client.end().is_some(), "the connection ends before its content");
    assert_eq!((lab.leased_segments(), lab.worker().file_work_count()), (0, 0));
}

#[test]
fn a_world_of_faults_sends_the_file_or_an_error() {
    let scratch = site();
    scratch.file("text.txt.gz", "gz");
    let (mut whole, mut failed) = (0, 0);
    for seed in 0..100 {
        let mut faults = Faults::none();
        faults.set(Fault::ColdFile, 0.3);
        faults.set(Fault::ShortFile, 0.3);
        faults.set(Fault::ShortWrite, 0.2);
        faults.set(Fault::RefusedWrite, 0.2);
        faults.set(Fault::FileError, if seed % 2 == 0 { 0.05 } else { 0.0 });
        let mut config = LabConfig::default();
        (config.seed, config.faults) = (seed, faults);
        let app = App::new().files("/", files(&scratch).revalidate_after(Duration::ZERO));
        let mut lab = Lab::with(app, config);
        for (target, content) in
            [("/text.txt", TEXT.as_bytes().to_vec()), ("/large.bin", pattern(300_000))]
        {
            let client = lab.connect();
            client.send(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes());
            lab.settle();
            let received = client.received();
            match LabReply::parse(&received, false, client.end().is_some()) {
                Some(reply) if reply.status() == 200 => {
                    assert_eq!(reply.body(), content, "seed {seed}");
                    whole += 1;
                }
                Some(reply) => {
                    assert!([403, 500, 503].contains(&reply.status()), "{}", reply.status());
                    failed += 1;
                }
                None => {
                    assert!(client.end().is_some(), "seed {seed}: {target} hangs");
                    failed += 1;
                }
            }
        }
        lab.settle();
        assert_eq!((lab.leased_segments(), lab.worker().file_work_count()), (0, 0), "seed {seed}");
    }
    assert!(whole > 120 && failed > 5, "{whole} {failed}");
}

#[test]
fn memory_and_open_files_stay_within_their_bounds() {
    let scratch = site();
    for number in 0..60 {
        scratch.file(&format!("short/{number}"), pattern(1000 + number));
        scratch.file(&format!("long/{number}"), pattern(9000 + number));
    }
    let open = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let files = files(&scratch).cache(10_000, 2_000).open_files(4);
    let mut lab = lab(files);
    lab.get("/short/0").send();
    let before = open();
    for round in 0..3 {
        for number in 0..60 {
            let reply = lab.get(&format!("/short/{number}")).send();
            assert_eq!(reply.body(), pattern(1000 + number), "{round}");
            let reply = lab.get(&format!("/long/{number}")).send();
            assert_eq!(reply.body(), pattern(9000 + number), "{round}");
        }
    }
    lab.settle();
    // Other tests of this process open files as well, though none as many as would be kept.
    assert!(open() < before + 40, "{} files are open, {before} were", open());
}

#[test]
fn a_long_file_is_sent_by_the_kernel_over_a_real_connection() {
    let scratch = site();
    let content = pattern(5_000_000);
    scratch.file("huge.bin", &content);
    let running = Running::start(App::new().files("/", files(&scratch)));
    let get = |target: &str, range: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nhost: h\r\nrange: {range}\r\n\r\n");
        running.ask(head.as_bytes())
    };
    for _ in 0..3 {
        assert_eq!(get("/huge.bin", "none").body(), content);
        assert_eq!(get("/large.bin", "none").body(), pattern(300_000));
        assert_eq!(get("/huge.bin", "bytes=999999-2999999").body(), &content[999_999..3_000_000]);
    }
    let many = get("/huge.bin", "bytes=1-700000,800000-1600000,-5");
    assert_eq!(many.status(), 206);
    for part in [1..700_001, 800_000..1_600_001, 4_999_995..5_000_000] {
        let part = &content[part];
        assert!(many.body().windows(part.len().min(99)).any(|window| part.starts_with(window)));
    }
    // Two at once on one connection: the second begins where the first has ended.
    let mut stream = running.connect();
    let request = b"GET /huge.bin HTTP/1.1\r\nhost: h\r\n\r\n";
    stream
        .write_all(
            &[&request[..], &b"GET /text.txt HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"[..]]
                .concat(),
        )
        .unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    let first = LabReply::parse(&received, false, false).unwrap();
    assert_eq!(first.body(), content);
    let second = LabReply::parse(&received[first.wire_len()..], false, true).unwrap();
    assert_eq!(second.text(), TEXT);
    let report = running.stop();
    assert_eq!(report.cut, 0);
}

#[test]
fn a_client_that_stops_reading_a_file_is_cut_by_the_drain_and_holds_nothing() {
    let scratch = site();
    scratch.file("huge.bin", pattern(3_000_000));
    let mut lab = lab(files(&scratch));
    let client = lab.connect();
    client.set_auto_read(false);
    client.send(b"GET /huge.bin HTTP/1.1\r\nhost: h\r\n\r\n");
    lab.settle();
    assert_eq!((lab.leased_segments(), lab.open_connections()), (0, 1), "the kernel has the pages");
    lab.advance(Duration::from_secs(40));
    assert_eq!(lab.open_connections(), 0, "it took nothing for longer than the send timeout");
}
