//! wrk, the load tool that others use too: its command, its script, what it prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::body_file::BodyFile;
use super::origin::Origin;
use super::rows::{Closed, Request};
use super::tool::Loaded;
use crate::process::{output, target_dir};

/// What wrk calls itself, or nothing where it is missing.
pub(crate) fn version() -> Option<String> {
    // It prints its version and then fails, because it was given nothing to load.
    let output = Command::new("wrk").arg("-v").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next()?;
    Some(line.split(" Copyright").next()?.trim().to_owned())
}

/// Loads the server for so many seconds; the caller has chosen the core.
pub(crate) fn load(origin: Origin, asked: &Closed, seconds: u32) -> Result<Loaded> {
    let Closed { request, connections, depth } = asked;
    let body = BodyFile::write(request)?;
    let script = Script::write(&script(request, *depth, body.path()))?;
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", &connections.to_string()]);
    command.args(["--duration", &format!("{seconds}s"), "--timeout", "10s"]);
    command.arg("--script").arg(&script.0);
    command.arg(format!("{origin}{}", request.path));
    let loaded = parse(&output(&mut command)?).context("wrk printed something else than usual")?;
    ensure!(loaded.errors == 0, "wrk met {} errors", loaded.errors);
    Ok(loaded)
}

/// The script on disk, removed when this is dropped.
struct Script(PathBuf);

impl Script {
    fn write(text: &str) -> Result<Self> {
        let path = target_dir().join(format!("arena-{}.lua", std::process::id()));
        fs::write(&path, text)?;
        Ok(Self(path))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // A file left behind in the build folder does no harm.
        let _ = fs::remove_file(&self.0);
    }
}

fn script(request: &Request, depth: u32, body: Option<&Path>) -> String {
    let mut script = format!("wrk.method = {:?}\n", request.method);
    if let Some(body) = body {
        script.push_str(&format!("wrk.body = io.open({body:?}, \"rb\"):read(\"*a\")\n"));
    }
    for (name, value) in request.content.fields() {
        script.push_str(&format!("wrk.headers[{name:?}] = {value:?}\n"));
    }
    if depth > 1 {
        script.push_str(&format!(
            "init = function()\n  requests = string.rep(wrk.format(), {depth})\nend\n\
             request = function()\n  return requests\nend\n"
        ));
    }
    script
}

fn parse(printed: &str) -> Option<Loaded> {
    let line = printed.lines().find(|line| line.contains(" requests in "))?;
    let (requests, rest) = line.trim().split_once(" requests in ")?;
    let (time, _) = rest.split_once(',')?;
    let numbers_after = |mark: &str| -> u64 {
        let line = printed.lines().find_map(|line| line.trim().strip_prefix(mark));
        let words = line.unwrap_or("").split(|c: char| !c.is_ascii_digit());
        words.filter_map(|word| word.parse::<u64>().ok()).sum()
    };
    let errors = numbers_after("Socket errors:") + numbers_after("Non-2xx or 3xx responses:");
    Some(Loaded { requests: requests.parse().ok()?, seconds: parse_time(time)?, errors })
}

/// A time with wrk's units: `2.00s`, `1.10m`, `999.00ms`.
fn parse_time(time: &str) -> Option<f64> {
    let unit_at = time.find(|c: char| c.is_ascii_alphabetic())?;
    let value: f64 = time[..unit_at].parse().ok()?;
    let unit = match &time[unit_at..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    Some(value * unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::content::{Content, Expected};

    const PRINTED: &str = "Running 2s test @ http://127.0.0.1:8080/plaintext
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   401.21us  106.97us   3.96ms   89.51%
    Req/Sec   157.13k     3.98k  162.71k    76.19%
  328255 requests in 2.10s, 44.76MB read
Requests/sec: 156314.10
Transfer/sec:     21.32MB
";

    #[test]
    fn requests_and_time_are_read() {
        let loaded = parse(PRINTED).unwrap();
        assert_eq!((loaded.requests, loaded.errors), (328_255, 0));
        assert!((loaded.seconds - 2.1).abs() < 1e-9);
    }

    #[test]
    fn errors_are_summed() {
        let errors = "  Socket errors: connect 0, read 3, write 0, timeout 2\n  \
            Non-2xx or 3xx responses: 10\n";
        assert_eq!(parse(&format!("{PRINTED}{errors}")).unwrap().errors, 15);
    }

    #[test]
    fn other_output_is_refused() {
        assert!(parse("unable to connect to 127.0.0.1:1 Connection refused\n").is_none());
    }

    #[test]
    fn units_of_time_are_known() {
        assert_eq!(parse_time("1.50m"), Some(90.0));
        assert_eq!(parse_time("2.00x"), None);
        assert_eq!(parse_time("2"), None);
    }

    #[test]
    fn script_carries_method_body_and_depth() {
        let content = Content::Base64(8);
        let expected = Expected::PlusOne;
        let request = Request { method: "POST", path: "/echo64", content, expected };
        let text = script(&request, 1, Some(Path::new("b")));
        assert!(text.contains("wrk.method = \"POST\""));
        assert!(text.contains("wrk.body = io.open(\"b\", \"rb\")"));
        assert!(text.contains("wrk.headers[\"content-type\"] = \"text/plain\""));
        assert!(!text.contains("string.rep"));
        assert!(script(&request, 16, None).contains("string.rep(wrk.format(), 16)"));
    }
}
