//! The curves: what a request costs over a quantity that grows, and what a user waits over load.
//! Like the rows, but each has many points.

use super::content::Content;
use super::memory::affordable;
use super::rows::{
    BURN, CPU, ECHO_LARGE, ECHO_SMALL, FLOOR, FLOOR_PAYLOAD, LIGHT, PLAINTEXT, Request,
};

/// One quantity that grows, with the same question to every entry at each of its points.
#[derive(Debug)]
pub(crate) struct Curve {
    /// How the curve is called on the command line and in stored results.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The quantity.
    pub(crate) over: &'static str,
    /// The unit of the figure; smaller is better in all of them.
    pub(crate) unit: &'static str,
    pub(crate) base: Option<&'static str>,
    /// What must be known to read the picture right.
    pub(crate) note: &'static str,
    pub(crate) points: Points,
}

/// What is done at the points.
#[derive(Debug)]
pub(crate) enum Points {
    /// Server CPU per request in a closed loop.
    Steady(fn() -> Vec<Steady>),
    /// Latency at shares of what our server can serve at most.
    Load(&'static Rising),
}

/// A closed loop in full swing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady {
    pub(crate) at: f64,
    pub(crate) request: Request,
    pub(crate) connections: u32,
    /// So many workers wherever the kernel puts them; without it one worker on the server's core.
    pub(crate) workers: Option<u32>,
}

/// An open loop that gets faster.
#[derive(Debug)]
pub(crate) struct Rising {
    /// What finds the capacity, in a closed loop.
    pub(crate) blend: Request,
    pub(crate) light: Request,
    pub(crate) heavy: Request,
    pub(crate) heavy_share: f64,
    pub(crate) connections: u32,
}

/// Percent of the capacity.
pub(crate) const LOADS: [u32; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

const CONNECTION_COUNTS: [u32; 6] = [1, 8, 64, 512, 4_096, 18_000];
const BODY_LENS: [usize; 7] = [0, 512, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];

fn over_connections() -> Vec<Steady> {
    let point = |connections: u32| {
        // Where fewer files may be open, the last point says how many there were.
        let connections = connections.min(affordable());
        let at = f64::from(connections);
        Steady { at, request: PLAINTEXT, connections, workers: None }
    };
    CONNECTION_COUNTS.map(point).into()
}

fn over_body_len() -> Vec<Steady> {
    let point = |body_len: usize| Steady {
        at: body_len as f64,
        request: Request { content: Content::Base64(body_len), ..ECHO_LARGE },
        connections: BODY_CONNECTION_COUNT,
        workers: None,
    };
    BODY_LENS.map(point).into()
}

/// Few enough that bodies of 1 MiB fit every server's buffers, and enough that none ever sleeps.
const BODY_CONNECTION_COUNT: u32 = 8;

fn over_workers() -> Vec<Steady> {
    let point = |workers: u32| Steady {
        at: f64::from(workers),
        request: ECHO_SMALL,
        connections: 64,
        workers: Some(workers),
    };
    [1, 2, 3, 4].map(point).into()
}

/// Every curve, in the order of the report.
pub(crate) static CURVES: [Curve; 5] = [
    Curve {
        name: "connections",
        title: "/plaintext, server CPU per request over open connections",
        over: "connections, all of them active",
        unit: CPU,
        base: FLOOR,
        note: "Few connections leave the server waiting for the load tool, and every request then \
               pays for a sleep and a wake-up of its own; many are served in one turn, until their \
               state no longer fits the caches.",
        points: Points::Steady(over_connections),
    },
    Curve {
        name: "bodies",
        title: "/echo64, server CPU per request over the length of the body",
        over: "bytes of body",
        unit: CPU,
        base: FLOOR_PAYLOAD,
        note: "8 connections. A body is received, decoded, changed, encoded and sent back.",
        points: Points::Steady(over_body_len),
    },
    Curve {
        name: "workers",
        title: "/echo64 4 KiB, server CPU per request over workers",
        over: "workers",
        unit: CPU,
        base: FLOOR_PAYLOAD,
        note: "64 connections. Nothing is pinned: workers and load tool, a thread of its own, share \
               all cores of the machine. Where workers and load tool are more than the cores, they \
               take turns, and the figure includes what that costs.",
        points: Points::Steady(over_workers),
    },
    Curve {
        name: "load",
        title: "/echo64 64 KiB, latency over load",
        over: "percent of waterwheel's capacity",
        unit: "ms",
        base: None,
        note: LOAD_NOTE,
        points: Points::Load(&Rising {
            blend: ECHO_LARGE,
            light: ECHO_LARGE,
            heavy: ECHO_LARGE,
            heavy_share: 0.0,
            connections: 64,
        }),
    },
    Curve {
        name: "load-beside",
        title: "/light while 5 % of the requests are a /burn of 2 ms, latency over load",
        over: "percent of waterwheel's capacity",
        unit: "ms",
        base: None,
        note: LOAD_NOTE,
        points: Points::Load(&Rising {
            blend: Request::get("/mix", "ok"),
            light: LIGHT,
            heavy: BURN,
            heavy_share: 0.05,
            connections: 64,
        }),
    },
];

const LOAD_NOTE: &str = "Requests come at random moments, at the same rate for every server, and \
    wait from the moment when they are due. A server that cannot keep up shows waiting times that \
    grow with the length of the run.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    #[test]
    fn names_differ_from_each_other_and_from_rows() {
        let curves = CURVES.iter().map(|curve| curve.name);
        let mut names: Vec<_> = curves.chain(ROWS.iter().map(|row| row.name)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CURVES.len() + ROWS.len());
    }

    #[test]
    fn points_rise() {
        for curve in &CURVES {
            if let Points::Steady(points) = &curve.points {
                // Several may meet at the most connections that fit the file limit.
                assert!(points().is_sorted_by(|a, b| a.at <= b.at), "{}", curve.name);
            }
        }
    }
}
