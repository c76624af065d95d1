//! Results as text, one table a row of the arena.

use super::results::{CurveResult, Measured, Outcome, PartsResult, PointResult, RowResult};
use super::samples::Samples;

/// The table of one row: entries down, figures across.
pub(crate) fn row(row: &RowResult) -> String {
    let first = row.measured().next().map(|(_, measured)| measured);
    let details = first.map_or(&[][..], |measured| &measured.details[..]);
    let has_rates = first.is_some_and(|measured| !measured.requests_per_second.is_empty());
    let shows_rates = has_rates && row.rates_compare();

    let mut header = vec!["entry".to_owned(), row.unit.clone(), "spread".to_owned()];
    header.extend(details.iter().map(|detail| detail.name.clone()));
    header.extend(row.base.iter().map(|base| format!("÷ {base}")));
    if has_rates {
        header.push("saturated".into());
    }
    if shows_rates {
        header.push("req/s".into());
    }
    let lines = row.entries.iter().map(|entry| {
        let mut cells = vec![entry.entry.clone()];
        match &entry.outcome {
            Outcome::NotYet => cells.push("not yet".into()),
            Outcome::NotServed => cells.push("not served".into()),
            Outcome::NotMeasured(reason) => cells.push(format!("– {reason}")),
            Outcome::Failed(error) => cells.push(format!("failed: {error}")),
            Outcome::Measured(measured) => {
                cells.extend(cells_of(row, measured, shows_rates));
            }
        }
        cells
    });
    let mut lines: Vec<_> = lines.collect();
    lines.insert(0, header);
    let note = if has_rates && !shows_rates { note(row) } else { String::new() };
    format!("{} ({})\n{}{note}", row.title, row.name, align(&lines))
}

fn cells_of(row: &RowResult, measured: &Measured, shows_rates: bool) -> Vec<String> {
    let mut cells = vec![number(measured.figure.median()), spread(&measured.figure)];
    cells.extend(measured.details.iter().map(|detail| number(detail.samples.median())));
    if row.base.is_some() {
        cells.push(row.ratio(measured).map_or("–".into(), |ratio| format!("{ratio:.2}×")));
    }
    if let Some(busy) = measured.busy {
        let (server, load) = (busy.server * 100.0, busy.load * 100.0);
        cells.push(format!("{} ({server:.0}/{load:.0} %)", busy.saturated().name()));
    }
    if shows_rates {
        cells.push(number(measured.requests_per_second.median()));
    }
    cells
}

/// The table of one curve: points down, entries across, each with all that is drawn of it.
pub(crate) fn curve(curve: &CurveResult) -> String {
    let entries = curve.entries();
    let panels = curve.panels();
    let mut header = vec![curve.over.clone()];
    for entry in &entries {
        header.extend(panels.iter().map(|panel| match panels.len() {
            1 => format!("{entry} {}", curve.unit),
            _ => format!("{entry} {panel}"),
        }));
    }
    let mut lines = vec![header];
    for point in &curve.points {
        let mut cells = vec![number(point.at)];
        for entry in &entries {
            cells.extend(panels.iter().map(|panel| point_cell(curve, point, entry, panel)));
        }
        lines.push(cells);
    }
    format!("{} ({})\n{}", curve.title, curve.name, align(&lines))
}

/// The median; with its ratio where there is something to divide by, with its spread otherwise.
pub(crate) fn point_cell(
    curve: &CurveResult,
    point: &PointResult,
    entry: &str,
    panel: &str,
) -> String {
    let Some(measured) = point.find(entry) else { return "–".into() };
    let samples = measured.panel(panel);
    let median = number(samples.median());
    match curve.ratio(point, measured) {
        Some(ratio) => format!("{median} {ratio:.2}×"),
        None => median,
    }
}

/// Where the instructions of our own server go, a column for each kind of request.
pub(crate) fn parts(cases: &[PartsResult]) -> String {
    let Some(first) = cases.first() else { return String::new() };
    let mut header = vec!["part".to_owned()];
    header.extend(cases.iter().map(|case| case.title.clone()));
    let mut lines = vec![header];
    for (index, (name, _)) in first.parts.iter().enumerate() {
        let mut cells = vec![name.clone()];
        let count = |case: &PartsResult| case.parts.get(index).map_or(0.0, |(_, count)| *count);
        cells.extend(cases.iter().map(|case| number(count(case).round())));
        lines.push(cells);
    }
    let mut sums = vec!["all".to_owned()];
    let sum = |case: &PartsResult| case.parts.iter().map(|(_, count)| count).sum::<f64>();
    sums.extend(cases.iter().map(|case| number(sum(case).round())));
    lines.push(sums);
    format!("user-space instructions of waterwheel by part (parts)\n{}", align(&lines))
}

/// Rates that may not be compared stand apart, with the reason.
fn note(row: &RowResult) -> String {
    let rates: Vec<_> = row
        .measured()
        .map(|(entry, measured)| {
            let rate = number(measured.requests_per_second.median());
            let saturated = measured.saturated().map_or("", |saturated| saturated.name());
            format!("{entry} {rate} ({saturated})")
        })
        .collect();
    format!(
        "  req/s say nothing here, because the server was not always the only bottleneck: {}\n",
        rates.join(", ")
    )
}

pub(crate) fn spread(samples: &Samples) -> String {
    if samples.is_single() {
        return "–".into();
    }
    format!("{}–{}", number(samples.low()), number(samples.high()))
}

/// Three or four digits that mean something; thousands apart.
pub(crate) fn number(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    let digits = text.find('.').unwrap_or(text.len());
    let mut grouped = String::new();
    for (index, character) in text.chars().enumerate() {
        let is_boundary = index > 0 && index < digits && (digits - index) % 3 == 0;
        if is_boundary && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(character);
    }
    grouped
}

/// Names to the left, figures to the right. A line shorter than the header ends in free text, which
/// widens no column.
pub(crate) fn align(lines: &[Vec<String>]) -> String {
    let column_count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter(|cells| cells.len() == column_count || column == 0);
        cells.filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<_> = (0..column_count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for cells in lines {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column == 0 || cells.len() < column_count {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        let line = padded.collect::<Vec<_>>().join("  ");
        text.push_str(&format!("  {}\n", line.trim_end()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::tests::{measured, row as example};

    #[test]
    fn numbers_keep_what_means_something() {
        let shown = [0.114, 4.01, 33.96, 199.9, 156_314.1].map(number);
        assert_eq!(shown, ["0.11", "4.01", "34.0", "200", "156,314"]);
    }

    #[test]
    fn saturated_servers_are_compared_by_rate_too() {
        let row = example(vec![
            ("waterwheel", Outcome::Measured(measured(&[4.5, 5.0, 4.0], 1.0, 0.5))),
            ("floor", Outcome::Measured(measured(&[3.0], 1.0, 0.5))),
            ("nginx", Outcome::NotServed),
            ("may", Outcome::NotMeasured("it does not run".into())),
        ]);
        let text = super::row(&row);
        assert!(text.contains("4.00–5.00"), "{text}");
        assert!(text.contains("1.50×"), "{text}");
        assert!(text.contains("222,222"), "{text}");
        assert!(text.contains("nginx       not served"), "{text}");
        assert!(text.contains("may         – it does not run"), "{text}");
        assert!(!text.contains("req/s say nothing"), "{text}");
    }

    #[test]
    fn rates_of_a_saturated_load_tool_are_a_note_only() {
        let row = example(vec![
            ("waterwheel", Outcome::Measured(measured(&[4.0], 0.8, 1.0))),
            ("floor", Outcome::Measured(measured(&[3.0], 0.7, 1.0))),
        ]);
        let text = super::row(&row);
        let (table, note) = text.split_once("req/s say nothing").unwrap();
        assert!(!table.contains("req/s"), "{text}");
        assert!(note.contains("waterwheel 250,000 (load tool)"), "{text}");
    }
}
