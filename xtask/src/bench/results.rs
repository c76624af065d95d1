//! What a run of the arena found, as it is shown, stored and compared. Knows no way to measure.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::samples::Samples;
use super::saturation::{Busy, Saturated};

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Raised when a field changes its meaning.
    pub(crate) format: u32,
    pub(crate) machine: Machine,
    pub(crate) rounds: u32,
    pub(crate) seconds_per_round: f64,
    pub(crate) load_tool: String,
    pub(crate) rows: Vec<RowResult>,
    /// Empty in older reports.
    #[serde(default)]
    pub(crate) curves: Vec<CurveResult>,
    /// Our own parts, case after case; empty in older reports.
    #[serde(default)]
    pub(crate) parts: Vec<PartsResult>,
}

pub(crate) const FORMAT: u32 = 1;

/// One row with what every entry did.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RowResult {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) unit: String,
    pub(crate) base: Option<String>,
    pub(crate) entries: Vec<EntryResult>,
}

/// One curve with what every entry did at each point.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CurveResult {
    pub(crate) name: String,
    pub(crate) title: String,
    /// The quantity that the points are drawn over.
    pub(crate) over: String,
    pub(crate) unit: String,
    pub(crate) note: String,
    /// Whose figure at the same point the others are divided by.
    pub(crate) base: Option<String>,
    pub(crate) points: Vec<PointResult>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PointResult {
    pub(crate) at: f64,
    pub(crate) entries: Vec<EntryResult>,
}

/// Where the user-space instructions of one kind of request go.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PartsResult {
    pub(crate) name: String,
    pub(crate) title: String,
    /// Instructions per request by part of the server, in the order in which a request meets them.
    pub(crate) parts: Vec<(String, f64)>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EntryResult {
    pub(crate) entry: String,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// Ours does not serve the row.
    NotYet,
    /// A rival does not serve the row.
    NotServed,
    /// It serves the row, but cannot be measured in the row's way.
    NotMeasured(String),
    /// It serves the row, and something went wrong.
    Failed(String),
    Measured(Measured),
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The row's figure, in the row's unit; smaller is better.
    pub(crate) figure: Samples,
    /// What stands beside the figure, and its unit where it is another one.
    pub(crate) details: Vec<Detail>,
    pub(crate) requests_per_second: Samples,
    /// Medians of the rounds; none where saturation says nothing.
    pub(crate) busy: Option<Busy>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) name: String,
    pub(crate) samples: Samples,
}

/// What one round gave for one entry.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) figure: f64,
    pub(crate) details: Vec<(&'static str, f64)>,
    pub(crate) requests_per_second: Option<f64>,
    pub(crate) busy: Option<Busy>,
}

impl Measured {
    pub(crate) fn from_rounds(rounds: &[Round]) -> Self {
        let names = rounds.first().map_or(&[][..], |round| &round.details[..]);
        let details = names.iter().enumerate().map(|(index, (name, _))| Detail {
            name: (*name).to_owned(),
            samples: rounds.iter().filter_map(|round| Some(round.details.get(index)?.1)).collect(),
        });
        let busy: Vec<_> = rounds.iter().filter_map(|round| round.busy).collect();
        let share = |of: fn(&Busy) -> f64| busy.iter().map(of).collect::<Samples>().median();
        Self {
            figure: rounds.iter().map(|round| round.figure).collect(),
            details: details.collect(),
            requests_per_second: rounds.iter().filter_map(|r| r.requests_per_second).collect(),
            busy: (!busy.is_empty())
                .then(|| Busy { server: share(|busy| busy.server), load: share(|busy| busy.load) }),
        }
    }

    pub(crate) fn saturated(&self) -> Option<Saturated> {
        self.busy.map(|busy| busy.saturated())
    }

    /// What a panel of a curve shows.
    pub(crate) fn panel(&self, name: &str) -> &Samples {
        self.detail(name).unwrap_or(&self.figure)
    }

    pub(crate) fn detail(&self, name: &str) -> Option<&Samples> {
        self.details.iter().find(|detail| detail.name == name).map(|detail| &detail.samples)
    }
}

/// The entries that were measured.
pub(crate) fn measured(entries: &[EntryResult]) -> impl Iterator<Item = (&str, &Measured)> {
    entries.iter().filter_map(|entry| match &entry.outcome {
        Outcome::Measured(measured) => Some((entry.entry.as_str(), measured)),
        _ => None,
    })
}

/// The figure divided by that of the base; none without a base, or where it measured 0.
fn ratio(entries: &[EntryResult], base: Option<&str>, figure: f64) -> Option<f64> {
    let base = base?;
    let (_, base) = measured(entries).find(|(name, _)| *name == base)?;
    let base = base.figure.median();
    (base > 0.0).then(|| figure / base)
}

impl CurveResult {
    /// Every entry that was measured anywhere, in the order of the first point.
    pub(crate) fn entries(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, _) in self.points.iter().flat_map(|point| measured(&point.entries)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    pub(crate) fn ratio(&self, point: &PointResult, measured: &Measured) -> Option<f64> {
        ratio(&point.entries, self.base.as_deref(), measured.figure.median())
    }

    /// What is drawn: the figure alone, or quantiles side by side where the figure is a latency.
    pub(crate) fn panels(&self) -> &'static [&'static str] {
        if self.unit == "ms" { &["p50", "p99", "p99.9"] } else { &[FIGURE] }
    }
}

/// The panel that shows the figure itself; `p99` is the figure where it is a latency.
pub(crate) const FIGURE: &str = "figure";

impl PointResult {
    pub(crate) fn find(&self, entry: &str) -> Option<&Measured> {
        measured(&self.entries).find(|(name, _)| *name == entry).map(|(_, measured)| measured)
    }
}

impl RowResult {
    pub(crate) fn measured(&self) -> impl Iterator<Item = (&str, &Measured)> {
        measured(&self.entries)
    }

    pub(crate) fn find(&self, entry: &str) -> Option<&Measured> {
        self.measured().find(|(name, _)| *name == entry).map(|(_, measured)| measured)
    }

    pub(crate) fn ratio(&self, measured: &Measured) -> Option<f64> {
        ratio(&self.entries, self.base.as_deref(), measured.figure.median())
    }

    /// Whether rates may be compared: every entry's server was at its limit and the load tool at
    /// none of them.
    pub(crate) fn rates_compare(&self) -> bool {
        self.measured().all(|(_, measured)| measured.saturated() == Some(Saturated::Server))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn measured(figure: &[f64], server: f64, load: f64) -> Measured {
        let round = |figure: &f64| Round {
            figure: *figure,
            details: vec![("user", figure / 4.0), ("sys", figure * 0.75)],
            requests_per_second: Some(1_000_000.0 / figure),
            busy: Some(Busy { server, load }),
        };
        Measured::from_rounds(&figure.iter().map(round).collect::<Vec<_>>())
    }

    pub(crate) fn row(entries: Vec<(&str, Outcome)>) -> RowResult {
        let entries = entries
            .into_iter()
            .map(|(entry, outcome)| EntryResult { entry: entry.to_owned(), outcome });
        RowResult {
            name: "plaintext".into(),
            title: "/plaintext".into(),
            unit: "µs".into(),
            base: Some("floor".into()),
            entries: entries.collect(),
        }
    }

    #[test]
    fn rounds_become_samples() {
        let measured = measured(&[4.0, 5.0, 8.0], 1.0, 0.5);
        assert_eq!(measured.figure.median(), 5.0);
        assert_eq!(measured.detail("user").unwrap().high(), 2.0);
        assert_eq!(measured.saturated(), Some(Saturated::Server));
    }

    #[test]
    fn ratio_needs_its_base() {
        let ours = measured(&[6.0], 1.0, 0.5);
        let floor = Outcome::Measured(measured(&[4.0], 1.0, 0.5));
        assert_eq!(row(vec![("floor", floor)]).ratio(&ours), Some(1.5));
        assert_eq!(row(vec![("floor", Outcome::NotServed)]).ratio(&ours), None);
    }

    #[test]
    fn one_saturated_load_tool_spoils_the_rates() {
        let fine = || Outcome::Measured(measured(&[4.0], 1.0, 0.5));
        let spoilt = Outcome::Measured(measured(&[4.0], 0.7, 1.0));
        assert!(row(vec![("a", fine()), ("b", fine())]).rates_compare());
        assert!(!row(vec![("a", fine()), ("b", spoilt)]).rates_compare());
    }
}
