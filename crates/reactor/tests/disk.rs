//! Files by every way that a disk has: the same calls, and the same results.

#![expect(clippy::unwrap_used, reason = "what fails in a test's helper fails the test")]

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use waterwheel_reactor::disk::{
    Access, Backend, Disk, DiskConfig, Done, File, Finished, Folder, HeapBuffer, Kind, Work, probe,
};
use waterwheel_reactor::sim::{Fault, Faults, World};
use waterwheel_reactor::{Driver, MioDriver, Token};

/// A folder of its own for each test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("waterwheel-disk-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn folder(&self) -> Folder {
        Folder::open(&self.0).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A driver with its disk, asked one thing at a time.
struct Asker<D: Driver> {
    driver: D,
    disk: Rc<dyn Disk>,
    asked: u32,
    /// Whether to ask for what is in memory first.
    at_once: bool,
}

impl<D: Driver> Asker<D> {
    fn new(driver: D, at_once: bool) -> Self {
        let disk = driver.disk();
        Self { driver, disk, asked: 0, at_once }
    }

    fn next_token(&mut self) -> Token {
        self.asked += 1;
        Token { index: self.asked, generation: 0 }
    }

    fn collect(&mut self, count: usize) -> Vec<Finished> {
        let mut finished = Vec::new();
        for _ in 0..100_000 {
            let again = self.disk.turn(&mut finished);
            if finished.len() >= count {
                return finished;
            }
            let wait = if again { Duration::ZERO } else { Duration::from_secs(30) };
            match self.driver.poll(Some(wait), &mut Vec::new()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => panic!("{error}"),
                _ => {}
            }
        }
        panic!("{} of {count} came back", finished.len());
    }

    fn work(&mut self, work: Work) -> io::Result<Done> {
        let token = self.next_token();
        self.disk.start(token, work);
        let finished = self.collect(1).pop().unwrap();
        assert_eq!(finished.token, token);
        finished.result
    }

    fn open(&mut self, folder: &Folder, path: &CStr, access: Access) -> io::Result<File> {
        if self.at_once {
            match self.disk.open_now(folder, path, access) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                opened => return opened,
            }
        }
        let work = Work::Open { folder: folder.clone(), path: path.to_owned(), access };
        match self.work(work)? {
            Done::Opened(file) => Ok(file),
            other => panic!("{other:?}"),
        }
    }

    /// One read of at most `len` bytes.
    fn read_once(&mut self, file: &File, at: u64, len: usize) -> io::Result<Vec<u8>> {
        if self.at_once {
            let mut room = vec![0; len];
            match self.disk.read_now(file, at, &mut room) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                count => {
                    room.truncate(count?);
                    return Ok(room);
                }
            }
        }
        let buffer = Box::new(HeapBuffer::with_room(len));
        match self.work(Work::Read { file: file.clone(), at, buffer })? {
            Done::Read(count, buffer) => {
                assert_eq!(buffer.payload().len(), count);
                Ok(buffer.payload().to_vec())
            }
            other => panic!("{other:?}"),
        }
    }

    fn read(&mut self, file: &File, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            let part = self.read_once(file, at + bytes.len() as u64, len - bytes.len()).unwrap();
            if part.is_empty() {
                break;
            }
            bytes.extend(part);
        }
        bytes
    }

    fn write(&mut self, file: &File, at: Option<u64>, bytes: &[u8]) {
        let mut from = 0;
        while from < bytes.len() {
            let at = at.map(|at| at + from as u64);
            if self.at_once {
                match self.disk.write_now(file, at, &bytes[from..]) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    count => {
                        from += count.unwrap();
                        continue;
                    }
                }
            }
            let buffer = Box::new(HeapBuffer::holding(bytes.to_vec()));
            match self.work(Work::Write { file: file.clone(), at, buffer, from }).unwrap() {
                Done::Written(count, _) => from += count,
                other => panic!("{other:?}"),
            }
        }
    }

    fn error(&mut self, folder: &Folder, path: &str) -> i32 {
        let path = CString::new(path).unwrap();
        self.open(folder, &path, Access::Read).unwrap_err().raw_os_error().unwrap()
    }
}

/// Every way in turn; what the machine lacks is left out, and said.
fn every_way(claim: impl Fn(&str, &mut dyn FnMut() -> AnyAsker)) {
    let mut ways: Vec<(&str, Backend)> = vec![("helper", Backend::Helper)];
    match probe().uring {
        Ok(()) => ways.push(("uring", Backend::Uring)),
        Err(error) => eprintln!("io_uring is left out: {error}"),
    }
    for (name, backend) in ways {
        for at_once in [false, true] {
            let mut config = DiskConfig::default();
            config.backend = backend;
            config.inline = at_once;
            let name = format!("{name}, memory first: {at_once}");
            claim(&name, &mut || {
                let driver = MioDriver::new(Vec::new()).unwrap().with_disk(config);
                AnyAsker::Kernel(Asker::new(driver, at_once))
            });
        }
    }
    for seed in 0..20 {
        let mut faults = Faults::from_seed(seed);
        faults.set(Fault::FileError, 0.0);
        claim(&format!("world {seed}"), &mut || {
            AnyAsker::World(Asker::new(World::new(seed, faults.clone()).driver(), true))
        });
    }
}

enum AnyAsker {
    Kernel(Asker<MioDriver>),
    World(Asker<waterwheel_reactor::sim::SimDriver>),
}

macro_rules! with {
    ($asker:expr, $name:ident => $body:expr) => {
        match &mut $asker {
            AnyAsker::Kernel($name) => $body,
            AnyAsker::World($name) => $body,
        }
    };
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

#[test]
fn bytes_are_read_where_they_lie_and_end_with_the_file() {
    let scratch = Scratch::new();
    let bytes = pattern(100_003);
    fs::write(scratch.0.join("file"), &bytes).unwrap();
    every_way(|name, make| {
        let mut asker = make();
        with!(asker, asker => {
            let file = asker.open(&scratch.folder(), c"file", Access::Read).unwrap();
            assert_eq!(file.metadata().unwrap().len, 100_003, "{name}");
            assert_eq!(asker.read(&file, 0, 200_000), bytes, "{name}");
            assert_eq!(asker.read(&file, 70_001, 5), bytes[70_001..70_006], "{name}");
            assert_eq!(asker.read(&file, 100_000, 50), bytes[100_000..], "{name}");
            assert!(asker.read_once(&file, 100_003, 50).unwrap().is_empty(), "{name}");
            assert!(asker.read_once(&file, 1 << 40, 50).unwrap().is_empty(), "{name}");
            let past = asker.read_once(&file, u64::MAX, 50).unwrap_err();
            assert_eq!(past.raw_os_error(), Some(libc::EINVAL), "{name}");
        });
    });
}

#[test]
fn bytes_are_written_over_behind_and_anew() {
    every_way(|name, make| {
        let scratch = Scratch::new();
        let (folder, mut asker) = (scratch.folder(), make());
        let content = || fs::read(scratch.0.join("file")).unwrap();
        with!(asker, asker => {
            let file = asker.open(&folder, c"file", Access::Write).unwrap();
            asker.write(&file, Some(0), &pattern(50_000));
            assert_eq!(content(), pattern(50_000), "{name}");
            asker.write(&file, Some(3), b"over");
            assert_eq!(content()[..8], [0, 7, 14, b'o', b'v', b'e', b'r', 49], "{name}");
            let file = asker.open(&folder, c"file", Access::Replace).unwrap();
            assert!(content().is_empty(), "{name}");
            let behind = asker.open(&folder, c"file", Access::Append).unwrap();
            asker.write(&behind, None, b"one ");
            asker.write(&file, Some(4), b"two ");
            asker.write(&behind, None, b"three");
            assert_eq!(content(), b"one two three", "{name}");
        });
    });
}

#[test]
fn nothing_outside_the_folder_is_opened() {
    let scratch = Scratch::new();
    let outside = Scratch::new();
    fs::write(outside.0.join("secret"), "s").unwrap();
    fs::create_dir_all(scratch.0.join("inner/deep")).unwrap();
    fs::write(scratch.0.join("inner/file"), "in").unwrap();
    symlink(outside.0.join("secret"), scratch.0.join("absolute")).unwrap();
    let up = Path::new("..").join(outside.0.file_name().unwrap()).join("secret");
    symlink(&up, scratch.0.join("relative")).unwrap();
    symlink("../file", scratch.0.join("inner/deep/inside")).unwrap();
    symlink("/proc/self/fd/0", scratch.0.join("magic")).unwrap();
    symlink("around", scratch.0.join("around")).unwrap();
    every_way(|name, make| {
        let (folder, mut asker) = (scratch.folder(), make());
        let up = up.to_str().unwrap();
        with!(asker, asker => {
            for path in [up, "/etc/passwd", "absolute", "relative", "magic", "inner/../../x", ".."] {
                assert_eq!(asker.error(&folder, path), libc::EXDEV, "{name}: {path}");
            }
            assert_eq!(asker.error(&folder, "around"), libc::ELOOP, "{name}");
            assert_eq!(asker.error(&folder, "none"), libc::ENOENT, "{name}");
            assert_eq!(asker.error(&folder, "inner/file/"), libc::ENOTDIR, "{name}");
            let inside = asker.open(&folder, c"inner/deep/inside", Access::Read).unwrap();
            assert_eq!(asker.read(&inside, 0, 9), b"in", "{name}");
            let back = asker.open(&folder, c"inner/../inner/file", Access::Read).unwrap();
            assert_eq!(asker.read(&back, 0, 9), b"in", "{name}");
        });
    });
}

#[test]
fn a_pipe_is_opened_without_its_other_end_and_told_from_a_file() {
    let scratch = Scratch::new();
    let pipe = scratch.0.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    every_way(|name, make| {
        let mut asker = make();
        with!(asker, asker => {
            let pipe = asker.open(&scratch.folder(), c"pipe", Access::Read).unwrap();
            assert_eq!(pipe.metadata().unwrap().kind, Kind::Other, "{name}");
            let folder = asker.open(&scratch.folder(), c".", Access::Read).unwrap();
            assert_eq!(folder.metadata().unwrap().kind, Kind::Folder, "{name}");
            let read = asker.read_once(&folder, 0, 10).unwrap_err();
            assert_eq!(read.raw_os_error(), Some(libc::EISDIR), "{name}");
        });
    });
}

#[test]
fn a_folder_is_listed_up_to_a_count() {
    let scratch = Scratch::new();
    for number in 0..20 {
        fs::write(scratch.0.join(format!("file {number}")), "four").unwrap();
    }
    fs::create_dir(scratch.0.join("folder")).unwrap();
    every_way(|name, make| {
        let mut asker = make();
        with!(asker, asker => {
            let folder = asker.open(&scratch.folder(), c".", Access::Read).unwrap();
            let mut list = |count_max| {
                match asker.work(Work::List { folder: folder.clone(), count_max }).unwrap() {
                    Done::Listed(entries) => entries,
                    other => panic!("{other:?}"),
                }
            };
            let entries = list(100);
            assert_eq!(entries.len(), 21, "{name}");
            let lengths: u64 = entries
                .iter()
                .filter(|entry| entry.metadata.kind == Kind::File && entry.name.starts_with(b"file"))
                .map(|entry| entry.metadata.len)
                .sum();
            assert_eq!((lengths, list(7).len()), (80, 7), "{name}");
        });
    });
}

#[test]
fn many_works_at_a_time_all_come_back_and_forgotten_ones_do_not() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("file"), pattern(1 << 20)).unwrap();
    every_way(|name, make| {
        let mut asker = make();
        with!(asker, asker => {
            let file = asker.open(&scratch.folder(), c"file", Access::Read).unwrap();
            let tokens: Vec<Token> = (0..500)
                .map(|number| {
                    let token = asker.next_token();
                    let buffer = Box::new(HeapBuffer::with_room(2000));
                    asker.disk.start(token, Work::Read { file: file.clone(), at: number * 2000, buffer });
                    token
                })
                .collect();
            let mut left: Vec<Token> = asker.collect(500).iter().map(|done| done.token).collect();
            left.sort_unstable();
            assert_eq!(left, tokens, "{name}");
            if name.starts_with("world") {
                return;
            }
            let buffer = Box::new(HeapBuffer::with_room(2000));
            let forgotten = asker.next_token();
            asker.disk.start(forgotten, Work::Read { file: file.clone(), at: 0, buffer });
            asker.disk.forget(forgotten);
            let mut finished = Vec::new();
            assert!(!asker.disk.turn(&mut finished) && finished.is_empty(), "{name}");
        });
    });
}

#[test]
fn a_disk_that_goes_away_waits_for_what_the_kernel_still_writes() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("file"), pattern(1 << 20)).unwrap();
    every_way(|_, make| {
        let mut asker = make();
        with!(asker, asker => {
            let file = asker.open(&scratch.folder(), c"file", Access::Read).unwrap();
            let cold = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
            cold.unwrap();
            for number in 0..10 {
                let (token, buffer) = (asker.next_token(), Box::new(HeapBuffer::with_room(1 << 16)));
                asker.disk.start(token, Work::Read { file: file.clone(), at: number << 16, buffer });
            }
            asker.disk.turn(&mut Vec::new());
        });
        // Dropped with work under way: a buffer freed too early is what AddressSanitizer would see.
        drop(asker);
    });
}

#[test]
fn failures_of_a_world_are_told() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("file"), "x").unwrap();
    let faults = Faults::none().with(Fault::FileError, 1.0).with(Fault::ColdFile, 1.0);
    let mut asker = Asker::new(World::new(1, faults).driver(), true);
    let error = asker.error(&scratch.folder(), "file");
    assert!([libc::EIO, libc::EMFILE, libc::ENFILE, libc::EACCES].contains(&error));
}
