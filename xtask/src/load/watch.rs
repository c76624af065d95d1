//! CPU of the load tool and of the server that it loads.

use anyhow::Result;

use super::outcome::CpuUsed;
use crate::bench::proc::{self, Cpu};

/// CPU of both sides at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    server: Cpu,
    own: Cpu,
}

impl Watch {
    /// Without a process to watch the server's share is 0.
    pub(super) fn read(watched: Option<u32>) -> Result<Self> {
        let server = watched.map(proc::cpu).transpose()?.unwrap_or_default();
        Ok(Self { server, own: proc::cpu(std::process::id())? })
    }

    pub(super) fn used_since(self, before: Self) -> CpuUsed {
        let server = self.server - before.server;
        CpuUsed {
            server_user: server.user.as_secs_f64(),
            server_sys: server.sys.as_secs_f64(),
            own: (self.own - before.own).total().as_secs_f64(),
        }
    }
}
