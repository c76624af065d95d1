//! Building programs with cargo and learning where it put them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{cargo, run};

/// A program that cargo built.
#[derive(Debug)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// Runs a `cargo build` and returns every program that came out, even when others did not compile:
/// cargo's errors are on the terminal, and the caller sees what is missing.
pub(crate) fn build(command: &mut Command) -> Result<Vec<Artifact>> {
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Runs the same command by a program with optimisation, for commands that are themselves a load.
/// `None` when this is that program.
pub(crate) fn run_released() -> Option<Result<()>> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let released = || {
        let built = build(&mut cargo(&["build", "--release", "--package=xtask"]))?;
        let own = built.into_iter().find(|artifact| artifact.name == "xtask");
        let mut command = Command::new(own.context("cargo did not build xtask")?.path);
        run(command.args(std::env::args_os().skip(1)))
    };
    Some(released())
}

fn parse(messages: &str) -> Vec<Artifact> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let path = message["executable"].as_str()?.into();
            Some(Artifact { name: message["target"]["name"].as_str()?.to_owned(), path })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_libraries() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"x"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"arena"},"executable":"target/arena"}
{"reason":"build-finished","success":true}"#;
        let built = parse(messages);
        assert_eq!(built.len(), 1);
        assert_eq!(
            (built[0].name.as_str(), built[0].path.to_str()),
            ("arena", Some("target/arena"))
        );
    }
}
