//! Adds the rounds of one report to another, so that a long run can be made in short pieces. What
//! only one of them has is kept; what did not work is replaced by what did.

use super::results::{CurveResult, EntryResult, Measured, Outcome, Report};

impl Report {
    /// Both reports are of the same machine and commit; the caller has looked.
    pub(crate) fn add(&mut self, other: Self) {
        self.rounds = self.rounds.max(other.rounds);
        self.seconds_per_round = self.seconds_per_round.max(other.seconds_per_round);
        for row in other.rows {
            match self.rows.iter_mut().find(|kept| kept.name == row.name) {
                Some(kept) => add_entries(&mut kept.entries, row.entries),
                None => self.rows.push(row),
            }
        }
        for curve in other.curves {
            match self.curves.iter_mut().find(|kept| kept.name == curve.name) {
                Some(kept) => add_points(kept, curve),
                None => self.curves.push(curve),
            }
        }
        for parts in other.parts {
            // Counts repeat: the latest say as much as several.
            self.parts.retain(|kept| kept.name != parts.name);
            self.parts.push(parts);
        }
    }
}

fn add_points(kept: &mut CurveResult, other: CurveResult) {
    for point in other.points {
        match kept.points.iter_mut().find(|kept| kept.at.total_cmp(&point.at).is_eq()) {
            Some(kept) => add_entries(&mut kept.entries, point.entries),
            None => kept.points.push(point),
        }
    }
    kept.points.sort_by(|a, b| a.at.total_cmp(&b.at));
}

fn add_entries(kept: &mut Vec<EntryResult>, others: Vec<EntryResult>) {
    for other in others {
        match kept.iter_mut().find(|kept| kept.entry == other.entry) {
            Some(kept) => add_outcome(&mut kept.outcome, other.outcome),
            None => kept.push(other),
        }
    }
}

fn add_outcome(kept: &mut Outcome, other: Outcome) {
    match (kept, other) {
        (Outcome::Measured(kept), Outcome::Measured(other)) => kept.add(other),
        (Outcome::Measured(_), _) => {}
        (kept, other) => *kept = other,
    }
}

impl Measured {
    fn add(&mut self, other: Self) {
        self.figure.add(other.figure);
        self.requests_per_second.add(other.requests_per_second);
        for detail in other.details {
            match self.details.iter_mut().find(|kept| kept.name == detail.name) {
                Some(kept) => kept.samples.add(detail.samples),
                None => self.details.push(detail),
            }
        }
        self.busy = other.busy.or(self.busy);
    }
}
