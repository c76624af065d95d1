//! One line for each case, and how many have failed.

use anyhow::{Result, ensure};

#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    failed_count: usize,
}

impl Verdicts {
    /// Notes how a case went.
    pub(crate) fn note(&mut self, name: &str, outcome: Result<()>) {
        match outcome {
            Ok(()) => println!("ok     {name}"),
            Err(fault) => {
                self.failed_count += 1;
                println!("FAILED {name}: {fault:#}");
            }
        }
    }

    pub(crate) fn judge(self) -> Result<()> {
        ensure!(self.failed_count == 0, "{} cases failed; see above", self.failed_count);
        Ok(())
    }
}
