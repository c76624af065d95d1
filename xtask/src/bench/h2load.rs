//! h2load, the load tool of nghttp2, made to speak HTTP/1.1: its command and what it prints.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::body_file::BodyFile;
use super::origin::Origin;
use super::rows::Closed;
use super::tool::Loaded;
use crate::process::output;

/// What h2load calls itself, or nothing where it is missing.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("h2load").arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// Loads the server for so many seconds; the caller has chosen the core.
pub(crate) fn load(origin: Origin, asked: &Closed, seconds: u32) -> Result<Loaded> {
    let Closed { request, connections, depth } = asked;
    let body = BodyFile::write(request)?;
    let mut command = Command::new("h2load");
    command.args(["--h1", "--threads=1", &format!("--clients={connections}")]);
    // For HTTP/1.1 this is how many requests are pipelined.
    command.args([&format!("--max-concurrent-streams={depth}"), &format!("--duration={seconds}")]);
    command
        .args(request.content.fields().iter().map(|(n, value)| format!("--header={n}: {value}")));
    command.args(body.path().map(|path| format!("--data={}", path.display())));
    command.arg(format!("{origin}{}", request.path));
    let loaded =
        parse(&output(&mut command)?).context("h2load printed something else than usual")?;
    ensure!(loaded.errors == 0, "h2load met {} errors", loaded.errors);
    Ok(loaded)
}

/// Reads the lines `finished in 2.00s, …`, `requests: …` and `status codes: …`.
fn parse(printed: &str) -> Option<Loaded> {
    let after = |mark: &str| printed.lines().find_map(|line| line.strip_prefix(mark));
    let count = |line: &str, what: &str| -> Option<u64> {
        let mut parts = line.split(',').filter_map(|part| part.trim().split_once(' '));
        parts.find(|(_, name)| *name == what)?.0.parse().ok()
    };
    let requests = after("requests: ")?;
    let statuses = after("status codes: ")?;
    let (seconds, _) = after("finished in ")?.split_once("s,")?;
    let failed = count(requests, "failed")?;
    let others = ["3xx", "4xx", "5xx"].iter().map(|class| count(statuses, class));
    Some(Loaded {
        requests: count(statuses, "2xx")?,
        seconds: seconds.parse().ok()?,
        errors: failed + others.sum::<Option<u64>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "starting benchmark...
Main benchmark duration is over for thread #0. Stopping all clients.

finished in 1.01s, 59835.00 req/s, 240.81MB/s
requests: 59835 total, 59839 started, 59835 done, 59835 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 59835 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 240.81MB (252503700) total, 5.08MB (5325671) headers (space savings 0.00%)
";

    #[test]
    fn requests_and_time_are_read() {
        let loaded = parse(PRINTED).unwrap();
        assert_eq!((loaded.requests, loaded.errors), (59_835, 0));
        assert!((loaded.seconds - 1.01).abs() < 1e-9);
    }

    #[test]
    fn failures_and_other_statuses_are_errors() {
        let failed = PRINTED.replace("0 failed", "3 failed").replace("0 5xx", "2 5xx");
        assert_eq!(parse(&failed).unwrap().errors, 5);
    }

    #[test]
    fn other_output_is_refused() {
        assert!(parse("Could not connect to the host\n").is_none());
    }
}
