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

    pub(crate) fn detail(&self, name: &str) -> Option<&Samples> {
        self.details.iter().find(|detail| detail.name == name).map(|detail| &detail.samples)
    }
}

impl RowResult {
    pub(crate) fn measured(&self) -> impl Iterator<Item = (&str, &Measured)> {
        self.entries.iter().filter_map(|entry| match &entry.outcome {
            Outcome::Measured(measured) => Some((entry.entry.as_str(), measured)),
            _ => None,
        })
    }

    pub(crate) fn find(&self, entry: &str) -> Option<&Measured> {
        self.measured().find(|(name, _)| *name == entry).map(|(_, measured)| measured)
    }

    /// The figure divided by that of the row's base; none without a base, or where it measured 0.
    pub(crate) fn ratio(&self, measured: &Measured) -> Option<f64> {
        let base = self.find(self.base.as_deref()?)?.figure.median();
        (base > 0.0).then(|| measured.figure.median() / base)
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
