//! `openssl s_client`: suites, versions, resumption, KeyUpdate, and what must be refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use super::command::Site;
use super::verdicts::Verdicts;
use crate::process::Guarded;

pub(crate) fn run(site: &Site<'_>, verdicts: &mut Verdicts) {
    let kind = site.kind;
    let mut note =
        |what: &str, outcome| verdicts.note(&format!("openssl, {kind}: {what}"), outcome);
    for suite in SUITES_13 {
        note(suite, answered(site, &["-tls1_3", "-ciphersuites", suite], suite));
    }
    for suite in SUITES_12.map(|suite| format!("ECDHE-{kind}-{suite}")) {
        note(&suite, answered(site, &["-tls1_2", "-cipher", &suite], &suite));
    }
    for group in ["X25519", "P-256", "P-384"] {
        note(group, answered(site, &["-tls1_3", "-groups", group], "TLSv1.3"));
    }
    note("no compression", answered(site, &["-comp", "-tls1_2"], "Compression: NONE"));
    note(
        "secure renegotiation is told",
        answered(site, &["-tls1_2"], "Renegotiation IS supported"),
    );
    note("-reconnect resumes in TLS 1.2", reconnect(site));
    note("a saved session resumes in TLS 1.3", resume(site));
    note("k: KeyUpdate", key_update(site, "k"));
    note("K: KeyUpdate that asks for one", key_update(site, "K"));
    note("R: renegotiation is refused", renegotiation(site));
    for version in ["-tls1", "-tls1_1"] {
        note(&format!("{version} is refused"), refused(site, &[version, "-cipher", ANY]));
    }
    for suite in WEAK {
        let cipher = format!("{suite}:@SECLEVEL=0");
        let name = format!("{suite} is refused in TLS 1.2");
        note(&name, refused(site, &["-tls1_2", "-cipher", &cipher]));
    }
}

/// Asks for the greeting, and looks for `expected` in what s_client tells of the connection.
fn answered(site: &Site<'_>, flags: &[&str], expected: &str) -> Result<()> {
    let seen = talk(site, flags, LAST_REQUEST)?;
    ensure!(seen.contains("Verify return code: 0 (ok)"), "not verified: {seen}");
    ensure!(seen.contains(expected), "no {expected:?} in {seen}");
    ensure!(seen.contains("Hello, World!"), "no answer: {seen}");
    Ok(())
}

fn refused(site: &Site<'_>, flags: &[&str]) -> Result<()> {
    let seen = talk(site, flags, "")?;
    let is_refused = seen.contains("alert handshake failure") || seen.contains("alert protocol");
    ensure!(is_refused && seen.contains("Cipher is (NONE)"), "not refused: {seen}");
    Ok(())
}

fn reconnect(site: &Site<'_>) -> Result<()> {
    let seen = talk(site, &["-tls1_2", "-reconnect"], "")?;
    let (new, reused) =
        (seen.matches("New, TLSv1.2").count(), seen.matches("Reused, TLSv1.2").count());
    ensure!((new, reused) == (1, 5), "{new} new and {reused} resumed");
    Ok(())
}

fn resume(site: &Site<'_>) -> Result<()> {
    let file = site.folder.join("session");
    let file = file.to_str().context("the folder's name is no UTF-8")?;
    answered(site, &["-tls1_3", "-sess_out", file], "New, TLSv1.3")?;
    answered(site, &["-tls1_3", "-sess_in", file], "Reused, TLSv1.3")
}

fn key_update(site: &Site<'_>, command: &str) -> Result<()> {
    let mut client = Interactive::start(site, &["-tls1_3"])?;
    for _ in 0..3 {
        client.say(&format!("{command}\n"), "KEYUPDATE")?;
        client.say(REQUEST, "Hello, World!")?;
    }
    Ok(())
}

fn renegotiation(site: &Site<'_>) -> Result<()> {
    let mut client = Interactive::start(site, &["-tls1_2"])?;
    client.say(REQUEST, "Hello, World!")?;
    client.say("R\n", "no renegotiation")
}

/// Sends `input`, and returns all that s_client prints before it ends.
fn talk(site: &Site<'_>, flags: &[&str], input: &str) -> Result<String> {
    let mut client = s_client(site, flags);
    // Reads on after the end of the input, as long as an answer is due.
    client.args(if input.is_empty() { &[][..] } else { &["-ign_eof"] });
    let mut client = client.spawn().context("cannot start openssl")?;
    let mut stdin = client.stdin.take().context("a pipe was asked for")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = client.wait_with_output()?;
    let [seen, told] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    Ok(format!("{seen}{told}"))
}

/// An s_client whose commands are single letters.
struct Interactive {
    process: Guarded,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Interactive {
    fn start(site: &Site<'_>, flags: &[&str]) -> Result<Self> {
        let mut process = Guarded::spawn(&mut s_client(site, flags))?;
        let (sender, lines) = std::sync::mpsc::channel();
        let child = process.child_mut();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|out| Box::new(out) as _),
            child.stderr.take().map(|err| Box::new(err) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                // What is printed without an end of line is told with the next one or at the end.
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                }
            });
        }
        Ok(Self { process, lines })
    }

    /// Types `text`, and reads until a line with `expected`.
    fn say(&mut self, text: &str, expected: &str) -> Result<()> {
        let stdin = self.process.child_mut().stdin.as_mut().context("a pipe was asked for")?;
        stdin.write_all(text.as_bytes())?;
        let mut seen = String::new();
        loop {
            match self.lines.recv_timeout(super::command::PATIENCE) {
                Ok(line) if line.contains(expected) => return Ok(()),
                Ok(line) => seen.push_str(&line),
                Err(_) => bail!("no {expected:?} after {text:?}, but {seen:?}"),
            }
        }
    }
}

fn s_client(site: &Site<'_>, flags: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.arg("s_client").arg("-connect").arg(site.address.to_string());
    command.args(["-servername", "localhost", "-CAfile"]).arg(&site.certificate).args(flags);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

const SUITES_13: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/// Behind `ECDHE-ECDSA-` or `ECDHE-RSA-`.
const SUITES_12: [&str; 3] = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"];

const ANY: &str = "ALL:@SECLEVEL=0";

/// No forward secrecy, no authenticated encryption, or neither.
const WEAK: [&str; 6] = ["kRSA", "SHA1", "SHA256", "aNULL", "eNULL", "kDHE"];

/// The line's end behind the body is what the greeting does not have; a second request brings it.
const REQUEST: &str = "GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\nGET /none HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LAST_REQUEST: &str =
    "GET /plaintext HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
