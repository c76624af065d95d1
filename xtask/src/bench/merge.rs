//! Adds the rounds of one report to another, so that a long run can be made in short pieces. What
//! only one of them has is kept; what did not work is replaced by what did.

use super::results::{CurveResult, EntryResult, Measured, Outcome, Report, measured};

impl Report {
    /// Both reports are of the same machine and commit; the caller has looked.
    pub(crate) fn add(&mut self, other: Self) {
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
        self.rounds = self.most_rounds().max(1);
    }

    /// The rounds of whatever has most of them.
    fn most_rounds(&self) -> u32 {
        let points = self.curves.iter().flat_map(|curve| &curve.points);
        let of_curves = points.flat_map(|point| measured(&point.entries));
        let of_rows = self.rows.iter().flat_map(|row| measured(&row.entries));
        let counts = of_rows.chain(of_curves).map(|(_, measured)| measured.figure.count());
        counts.max().map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Machine;
    use crate::bench::results::FORMAT;
    use crate::bench::results::tests::{measured, row};
    use crate::bench::sections::tests::example as curve;

    fn report(entries: Vec<(&str, Outcome)>) -> Report {
        Report {
            format: FORMAT,
            machine: Machine::read(),
            rounds: 1,
            seconds_per_round: 1.0,
            load_tool: "wrk".into(),
            rows: vec![row(entries)],
            curves: vec![curve()],
            parts: Vec::new(),
        }
    }

    fn one(figure: f64) -> Outcome {
        Outcome::Measured(measured(&[figure], 1.0, 0.5))
    }

    #[test]
    fn rounds_of_both_count() {
        let mut kept = report(vec![("waterwheel", one(4.0)), ("floor", one(3.0))]);
        kept.add(report(vec![("waterwheel", one(6.0)), ("hyper", one(9.0))]));
        let [row] = &kept.rows[..] else { panic!("one row became two") };
        assert_eq!(row.find("waterwheel").unwrap().figure.median(), 5.0);
        assert_eq!(row.find("waterwheel").unwrap().detail("user").unwrap().count(), 2);
        assert_eq!(row.measured().count(), 3);
        let points = &kept.curves[0].points;
        assert_eq!(points.len(), 4);
        assert_eq!(points[0].find("floor").unwrap().figure.count(), 4);
        assert_eq!(kept.rounds, 4);
    }

    #[test]
    fn failure_does_not_replace_a_figure() {
        let mut kept = report(vec![("waterwheel", one(4.0)), ("floor", Outcome::NotServed)]);
        kept.add(report(vec![("waterwheel", Outcome::Failed("x".into())), ("floor", one(3.0))]));
        assert_eq!(kept.rows[0].measured().count(), 2);
    }
}
