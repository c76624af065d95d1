//! Idle holders: connections that asked once and then stay, so that their cost can be read.

use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::command::Target;
use super::stream::connect_from;
use crate::reply::exchange;

/// Opens the connections, asks once on each, says so on standard output, and holds them until
/// standard input ends. With `awaits_replies` each reply has come before the next connection is
/// made.
pub(crate) fn run(target: &Target, connection_count: usize, awaits_replies: bool) -> Result<()> {
    let request = target.request();
    let mut held = Vec::with_capacity(connection_count);
    for index in 0..connection_count {
        let source = target.sources.map(|sources| sources.at(index));
        let mut stream = connect_from(source, target.address, target.is_tls, PATIENCE)
            .with_context(|| format!("connection {index}"))?;
        if awaits_replies {
            let answer = exchange(&mut stream, &request)
                .with_context(|| format!("the server leaves connection {index} without a reply"))?;
            ensure!(answer.head.status == 200, "the server answers {}", answer.head.status);
        } else {
            stream.write_all(&request).with_context(|| format!("connection {index}"))?;
        }
        held.push(stream);
    }
    println!("holding {connection_count}");
    io::stdin().read_to_end(&mut Vec::new()).context("standard input cannot be read")?;
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(10);
