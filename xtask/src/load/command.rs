//! What to load, and in which way.

use std::net::SocketAddr;

use anyhow::Result;

use super::attack::{self, Attack};
use super::closed::{self, Window};
use super::dial::Sources;
use super::open::{self, Open};
use super::outcome::Outcome;
use super::{hold, priority};
use crate::bench;

/// One load.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) target: Target,
    pub(crate) connections: usize,
    /// The core to run on.
    pub(crate) pin: Option<usize>,
    pub(crate) way: Way,
}

/// Where requests go and what they carry.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// Where connections come from; the kernel's choice without.
    pub(crate) sources: Option<Sources>,
    pub(crate) is_tls: bool,
    pub(crate) path: String,
    /// Fields as they stand in the head, without line ends.
    pub(crate) fields: Vec<String>,
    /// With a body the method is POST, without GET.
    pub(crate) body: Option<Vec<u8>>,
}

/// How requests are timed.
#[derive(Debug)]
pub(crate) enum Way {
    /// The next batch of `depth` requests follows the replies to the one before.
    Closed { depth: usize, window: Window },
    /// Requests are due at random moments, so many a second on average, whatever the server does.
    Open { open: Open, wants_realtime: bool },
    /// One request on each connection, which is then held until standard input ends.
    Hold { awaits_replies: bool },
    /// Hostile clients.
    Attack(Attack),
}

/// A second kind of request among the first.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) path: String,
    /// From 0 to 1.
    pub(crate) share: f64,
}

impl Target {
    /// `GET /` in the clear.
    #[cfg(test)]
    pub(crate) fn root_of(address: SocketAddr) -> Self {
        let (path, fields) = ("/".into(), Vec::new());
        Self { address, sources: None, is_tls: false, path, fields, body: None }
    }

    /// The request as it goes over the wire.
    pub(crate) fn request(&self) -> Vec<u8> {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let mut head = format!("{method} {} HTTP/1.1\r\nhost: {}\r\n", self.path, self.address);
        for field in &self.fields {
            head.push_str(&format!("{field}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), self.body.as_deref().unwrap_or_default()].concat()
    }

    /// The request for another path, without a body.
    pub(crate) fn request_for(&self, path: &str) -> Vec<u8> {
        Self { path: path.to_owned(), body: None, ..self.clone() }.request()
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    bench::raise_file_limit();
    options.target.sources.map_or(Ok(()), Sources::check)?;
    if let Some(core) = options.pin {
        bench::pin(core)?;
    }
    let Options { target, connections, .. } = options;
    let outcome = match &options.way {
        Way::Closed { depth, window } => closed::run(target, *connections, *depth, *window)?,
        Way::Open { open, wants_realtime } => {
            let is_realtime = *wants_realtime && priority::raise();
            Outcome { is_realtime, ..open::run(target, *connections, open)? }
        }
        Way::Hold { awaits_replies } => {
            return hold::run(target, *connections, *awaits_replies);
        }
        Way::Attack(attack) => {
            let fates = attack::run(target, *connections, attack)?;
            println!("{}", serde_json::to_string(&fates)?);
            return Ok(());
        }
    };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_makes_it_a_post() {
        let mut target = Target {
            path: "/a".into(),
            fields: vec!["content-type: text/plain".into()],
            ..Target::root_of("127.0.0.1:80".parse().unwrap())
        };
        let head = "GET /a HTTP/1.1\r\nhost: 127.0.0.1:80\r\ncontent-type: text/plain\r\n\r\n";
        assert_eq!(target.request(), head.as_bytes());
        target.body = Some(b"abc".to_vec());
        assert!(target.request().starts_with(b"POST /a "));
        assert!(target.request().ends_with(b"content-length: 3\r\n\r\nabc"));
        assert!(target.request_for("/b").starts_with(b"GET /b "));
    }
}
