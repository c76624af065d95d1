//! Who worked to capacity in a run: only when that was the server does a rate say something of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much of its core each side used, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Busy {
    pub(crate) server: f64,
    pub(crate) load: f64,
}

impl Busy {
    pub(crate) fn new(server: Duration, load: Duration, wall: Duration) -> Self {
        let share = |cpu: Duration| cpu.as_secs_f64() / wall.as_secs_f64();
        Self { server: share(server), load: share(load) }
    }

    pub(crate) fn saturated(&self) -> Saturated {
        match (self.server >= BUSY_SHARE_MIN, self.load >= BUSY_SHARE_MIN) {
            (true, false) => Saturated::Server,
            (false, true) => Saturated::LoadTool,
            (true, true) => Saturated::Both,
            (false, false) => Saturated::Neither,
        }
    }
}

/// Which side had no time left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Saturated {
    Server,
    LoadTool,
    Both,
    Neither,
}

impl Saturated {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::LoadTool => "load tool",
            Self::Both => "both",
            Self::Neither => "neither",
        }
    }
}

/// A side that waits for the other sleeps between turns, which shows well below this; starting and
/// ending a run takes the rest.
const BUSY_SHARE_MIN: f64 = 0.93;

#[cfg(test)]
mod tests {
    use super::*;

    fn saturated(server: u64, load: u64) -> Saturated {
        let busy = Busy::new(
            Duration::from_millis(server),
            Duration::from_millis(load),
            Duration::from_secs(1),
        );
        busy.saturated()
    }

    #[test]
    fn side_without_time_left_is_named() {
        assert_eq!(saturated(990, 500), Saturated::Server);
        assert_eq!(saturated(700, 990), Saturated::LoadTool);
        assert_eq!(saturated(990, 990), Saturated::Both);
        assert_eq!(saturated(500, 500), Saturated::Neither);
    }
}
