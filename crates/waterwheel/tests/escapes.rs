//! Attempts to leave a served folder, by paths and by links that change while they are followed.
//! 20,000 unless `WATERWHEEL_ESCAPE_ATTEMPTS` says otherwise.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

mod scratch;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use scratch::Scratch;
use waterwheel::lab::Lab;
use waterwheel::{App, Files};

const INSIDE: &str = "what may be seen";
const OUTSIDE: &str = "what nobody may see";

fn attempts() -> usize {
    let wanted = std::env::var("WATERWHEEL_ESCAPE_ATTEMPTS").ok();
    wanted.and_then(|count| count.parse().ok()).unwrap_or(20_000)
}

/// A folder with every kind of link out of it, and what lies outside.
fn scene() -> (Scratch, Scratch) {
    let (inside, outside) = (Scratch::new(), Scratch::new());
    outside.file("secret", OUTSIDE);
    outside.file("folder/secret", OUTSIDE);
    inside.file("secret", INSIDE);
    inside.file("folder/secret", INSIDE);
    inside.file("folder/deep/secret", INSIDE);
    let to = |path: &str| outside.path().join(path);
    symlink(to("secret"), inside.path().join("absolute")).unwrap();
    symlink(outside.path(), inside.path().join("root")).unwrap();
    let name = outside.path().file_name().unwrap();
    let up = PathBuf::from("..").join(name);
    symlink(up.join("secret"), inside.path().join("relative")).unwrap();
    symlink(PathBuf::from("../..").join(&up), inside.path().join("folder/up")).unwrap();
    symlink("/proc/self/root", inside.path().join("magic")).unwrap();
    symlink("/proc/self/cwd", inside.path().join("folder/cwd")).unwrap();
    (inside, outside)
}

fn lab(inside: &Scratch) -> Lab {
    let files = Files::new(inside.path()).expect("the folder is there");
    let files = files.hidden(true).list(true).revalidate_after(Duration::ZERO);
    Lab::new(App::new().files("/", files))
}

#[test]
fn no_path_leads_out() {
    let (inside, outside) = scene();
    let outside_path = outside.path().to_str().expect("a path of ours is text").to_owned();
    let pieces = [
        "..",
        ".",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "..%00",
        "%c0%ae%c0%ae",
        "..;",
        "...",
        "/",
        "/",
        "/",
        "//",
        "%2f",
        "%5c",
        "\\",
        "%2F..%2F",
        "secret",
        "folder",
        "deep",
        "absolute",
        "relative",
        "root",
        "up",
        "magic",
        "cwd",
        "etc/passwd",
        "tmp",
        "",
        "?",
        "~",
        " ",
        outside_path.as_str(),
    ];
    let mut rng = fastrand::Rng::with_seed(7);
    let mut lab = lab(&inside);
    let (mut found, mut refused) = (0, 0);
    for _ in 0..attempts() / 2 {
        let mut target = String::from("/");
        for _ in 0..rng.usize(1..10) {
            target.push_str(pieces[rng.usize(..pieces.len())]);
        }
        let target = target.replace(' ', "%20");
        let (received, _) = lab.raw(format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes());
        let received = String::from_utf8_lossy(&received);
        assert!(!received.contains(OUTSIDE) && !received.contains("root:"), "{target}: {received}");
        match received.get(9..12) {
            Some("200" | "301") => found += 1,
            _ => refused += 1,
        }
    }
    assert!(found > 0 && refused > found, "{found} found, {refused} refused");
}

#[test]
fn no_link_that_changes_while_it_is_followed_leads_out() {
    let (inside, outside) = scene();
    // `swap` is a folder, and then a link out, and then a folder …
    inside.file("swap/secret", INSIDE);
    symlink(outside.path(), inside.path().join("other")).unwrap();
    let (swap, other) = (inside.path().join("swap"), inside.path().join("other"));
    let is_over = Arc::new(AtomicBool::new(false));
    let racer = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let mut swaps = 0u64;
            while !is_over.load(Ordering::Relaxed) {
                renameat_with(CWD, &swap, CWD, &other, RenameFlags::EXCHANGE).unwrap();
                swaps += 1;
            }
            swaps
        }
    });
    let mut lab = lab(&inside);
    let (mut inner, mut none) = (0u64, 0u64);
    let targets = ["/swap/secret", "/other/secret", "/swap/", "/swap/folder/secret"];
    for attempt in 0..attempts() / 2 {
        let reply = lab.get(targets[attempt % targets.len()]).send();
        let text = reply.text();
        assert!(!text.contains(OUTSIDE) && !text.contains("folder"), "{text}");
        match reply.status() {
            200 => inner += 1,
            404 => none += 1,
            // A walk that sees the folder move is told to try again.
            status => assert!(status >= 500, "{status}"),
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let swaps = racer.join().expect("the folder and the link change places");
    assert!(swaps > 10 && inner > 0 && none > 0, "{swaps} swaps, {inner} inside, {none} refused");
    fs::remove_dir_all(inside.path()).unwrap();
    fs::create_dir(inside.path()).unwrap();
}
