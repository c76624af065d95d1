//! What the binary says when it is asked for what it cannot do, and when nobody listens.
#![allow(clippy::unwrap_used, reason = "only tests call this, and a panic is how they fail")]

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn waterwheel(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waterwheel"));
    command.args(arguments);
    command
}

/// What is said of arguments that are refused.
fn refusal(arguments: &[&str]) -> String {
    let output = waterwheel(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn address_that_is_none_is_told() {
    let told = refusal(&["--listen", "nowhere"]);
    let start = "waterwheel: bad address to listen on: `nowhere`: invalid socket address\n";
    assert!(told.starts_with(start) && told.contains("--listen takes ADDRESS:PORT"), "{told}");
}

#[test]
fn port_in_use_is_told_with_what_to_do() {
    // Its workers share the port, and nobody else shall.
    let first = waterwheel::App::new().listen("127.0.0.1:0").bind().unwrap();
    let address = first.addresses()[0].to_string();
    let told = refusal(&["--listen", &address]);
    assert!(told.contains(&format!("cannot listen on {address}: ")), "{told}");
    assert!(told.ends_with("try another address with --listen\n"), "{told}");
}

#[test]
fn ring_that_is_too_small_is_told_with_what_to_do() {
    let told = refusal(&["--listen", "127.0.0.1:0", "--memory", "1M"]);
    assert!(told.contains("POST /demo/orders: a request can need"), "{told}");
    assert!(told.contains("--memory"), "{told}");
}

#[test]
fn ring_that_cannot_be_is_refused_before_the_start() {
    let told = refusal(&["--check", "--listen", "127.0.0.1:0", "--ring-size", "4G"]);
    assert!(told.contains("larger than 2 GiB") && told.contains("--ring-size"), "{told}");
    let arguments = ["--check", "--listen", "127.0.0.1:0", "--workers", "1", "--memory", "64G"];
    let output = waterwheel(&arguments).output().unwrap();
    assert!(output.status.success(), "much memory is no fault: {output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("1 x 2048 MiB of ring"));
}

#[test]
fn core_past_the_last_number_is_told() {
    let told = refusal(&["--listen", "127.0.0.1:0", "--pin", &usize::MAX.to_string()]);
    assert!(told.contains("is not in the affinity mask"), "{told}");
}

#[test]
fn grace_that_takes_the_whole_drain_is_refused() {
    let told = refusal(&["--listen", "127.0.0.1:0", "--drain-grace", "25"]);
    assert_eq!(told, "waterwheel: a drain grace of 25s leaves nothing of 25s for the drain\n");
}

#[test]
fn settings_may_stand_behind_the_command() {
    let arguments = ["serve", ".", "--memory", "64M", "--check", "--listen", "127.0.0.1:0"];
    let output = waterwheel(&arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("budget"));
}

#[test]
fn closed_output_does_not_end_the_server_in_disorder() {
    let arguments = ["--listen", "127.0.0.1:0", "--workers", "1"];
    let mut child = waterwheel(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let started: Vec<String> = lines.take_while(|line| !line.starts_with("at worst")).collect();
    let address = started.iter().find_map(|line| line.strip_prefix("listening on http://"));
    // Nobody reads what it says from now on. Who answers also waits for signals.
    let mut client = TcpStream::connect(address.unwrap()).unwrap();
    client.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    assert!(io::read_to_string(client).unwrap().starts_with("HTTP/1.1 200 "));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
