//! Real-time priority for the load tool: one that has to wait for other programs is late, and
//! measures itself.

use std::process::{Command, Stdio};

/// Asks for real-time priority (SCHED_FIFO) for the calling program's first thread; whether it was
/// granted. By chrt, which Linux systems have: the call itself needs unsafe code.
pub(crate) fn raise() -> bool {
    let own = std::process::id().to_string();
    let raised = Command::new("chrt")
        .args(["--fifo", "--pid", PRIORITY, &own])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let is_raised = raised.is_ok_and(|status| status.success());
    if !is_raised {
        eprintln!("real-time priority is refused, or there is no chrt: the load tool may be late");
    }
    is_raised
}

/// In the middle of 1 to 99: above every usual program, below what the kernel runs for itself.
const PRIORITY: &str = "50";
