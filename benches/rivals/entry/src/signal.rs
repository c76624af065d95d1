//! The end of a server that has no signal handling of its own.

use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Ends the process with success at SIGTERM or SIGINT. A thread of its own waits for them, asleep.
///
/// # Errors
/// When the system refuses the handler or the thread.
pub fn exit_on_signal() -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signal".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            std::process::exit(0);
        }
    })?;
    Ok(())
}
