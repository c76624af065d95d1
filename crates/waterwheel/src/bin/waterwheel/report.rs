//! What the server says of itself: at its start, and when asked to explain its routes.

use std::fmt::{self, Write as _};

use waterwheel::Bound;
use waterwheel::runtime::Endpoint;

/// Addresses, workers, memory and routes, for people.
pub(crate) fn start(bound: &Bound) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_start(bound, &mut text);
    text
}

fn write_start(bound: &Bound, text: &mut String) -> fmt::Result {
    let runtime = bound.runtime();
    for url in bound.urls() {
        writeln!(text, "listening on {url}")?;
    }
    for endpoint in runtime.endpoints().iter().filter(|one| matches!(one, Endpoint::Unix(_))) {
        writeln!(text, "listening on {endpoint}")?;
    }
    if let Some(process) = runtime.predecessor() {
        writeln!(text, "taking over  from process {process}, which drains once this one accepts")?;
    }
    let workers = runtime.worker_count();
    let cores: Option<Vec<String>> =
        runtime.cores().map(|core| core.map(|core| core.to_string())).collect();
    match cores {
        Some(cores) => {
            writeln!(text, "workers      {workers}, pinned to core {}", cores.join(", "))?
        }
        None => writeln!(text, "workers      {workers}, placed by the kernel")?,
    }
    let ring = bound.ring_bytes() / workers;
    writeln!(
        text,
        "memory       {workers} x {} of ring at most, taken as it is used",
        Bytes(ring)
    )?;
    writeln!(
        text,
        "connections  up to {} per worker; an idle one owns no segment",
        runtime.connections_max()
    )?;
    if let Some(budget) = bound.budget() {
        writeln!(
            text,
            "budget       {} parked outside the ring, {} in the kernel for each direction of a \
             connection",
            Bytes(budget.parked_len_max),
            Bytes(budget.socket_buffer_len)
        )?;
    }
    let largest = bound.service().plans().max_by_key(|(_, plan)| plan.memory_max());
    if let Some((route, plan)) = largest {
        writeln!(text, "at worst     {} for one request, at {route}", Bytes(plan.memory_max()))?;
    }
    Ok(())
}

/// The plans of the routes whose name contains `wanted`.
///
/// # Errors
/// The names of all routes, when there is none.
pub(crate) fn explain(bound: &Bound, wanted: &str) -> Result<String, String> {
    let plans = || bound.service().plans();
    let found: String = plans()
        .filter(|(route, _)| route.contains(wanted))
        .map(|(route, plan)| format!("{route}\n  {}\n\n", plan.to_string().replace('\n', "\n  ")))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let routes: String = plans().map(|(route, _)| format!("\n  {route}")).collect();
    Err(format!("no route contains `{wanted}`; the routes are:{routes}"))
}

/// A byte count as people read it.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            len if len >= 1 << 20 && len % (1 << 20) == 0 => write!(f, "{} MiB", len >> 20),
            len if len >= 1 << 20 => write!(f, "{:.1} MiB", len as f64 / f64::from(1 << 20)),
            len if len >= 1 << 10 => write!(f, "{} KiB", len >> 10),
            len => write!(f, "{len} B"),
        }
    }
}
