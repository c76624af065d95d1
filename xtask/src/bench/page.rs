//! A report as one HTML page that needs nothing else: no script, no font, no image from elsewhere.

use super::entries::OURS;
use super::machine::Machine;
use super::results::{Measured, Outcome, Report, RowResult};
use super::svg::{Bar, Length, WIDTH, bars, escape};
use super::table::{number, spread};
use super::{sections, strip};

/// The page of a report that is kept under the name `id`.
pub(crate) fn page(report: &Report, id: &str) -> String {
    let rows: String = report.rows.iter().map(section).collect();
    let curves: String = report.curves.iter().map(sections::curve).collect();
    include_str!("page.html")
        .replace("{id}", &escape(id))
        .replace("{machine}", &machine(report))
        .replace("{contents}", &contents(report))
        .replace("{glance}", &glance(&report.rows))
        .replace("{rows}", &rows)
        .replace("{curves}", &curves)
        .replace("{parts}", &sections::parts(&report.parts))
}

fn contents(report: &Report) -> String {
    let rows = report.rows.iter().map(|row| row.name.as_str());
    let curves = report.curves.iter().map(|curve| curve.name.as_str());
    let parts = (!report.parts.is_empty()).then_some("parts");
    let link = |name: &str| format!("<a href=\"#{0}\">{0}</a>\n", escape(name));
    rows.chain(curves).chain(parts).map(link).collect()
}

fn glance(rows: &[RowResult]) -> String {
    let strip = strip::strip(rows);
    if strip.is_empty() {
        return strip;
    }
    format!(
        "<section><h2>At a glance</h2>\n<p>Each line is a row, each dot a server. At 1× stands the \
         best rival of the row; where the large dot, which is ours, lies to the right of it, we \
         lose. Grey dots are floors: servers that do not parse.</p>\n{strip}</section>\n"
    )
}

fn machine(report: &Report) -> String {
    let Machine { cpu, core_count, kernel, rustc, commit, .. } = &report.machine;
    let facts = [
        ("processor", format!("{cpu}, {core_count} cores")),
        ("kernel", format!("Linux {kernel}")),
        ("compiler", rustc.clone()),
        ("commit", commit.clone()),
        ("load", report.load_tool.clone()),
        ("rounds", format!("{} of {} s", report.rounds, report.seconds_per_round)),
    ];
    let fact =
        |(name, value): (&str, String)| format!("<dt>{name}</dt><dd>{}</dd>\n", escape(&value));
    format!("<dl>\n{}</dl>", facts.into_iter().map(fact).collect::<String>())
}

fn section(row: &RowResult) -> String {
    let chart: Vec<_> =
        row.entries.iter().map(|entry| bar(row, &entry.entry, &entry.outcome)).collect();
    let title = escape(&row.title);
    let chart = bars(&row.title, &chart, WIDTH);
    let (name, table) = (escape(&row.name), table(row));
    format!(
        "<section id=\"{name}\"><h2>{title}</h2>\n{chart}\
         <details><summary>figures</summary>{table}</details></section>\n"
    )
}

fn bar(row: &RowResult, entry: &str, outcome: &Outcome) -> Bar {
    let length = match outcome {
        Outcome::NotYet => Length::Words("not yet".into()),
        Outcome::NotServed => Length::Words("not served".into()),
        Outcome::NotMeasured(reason) => Length::Words(format!("– {reason}")),
        Outcome::Failed(_) => Length::Words("failed".into()),
        Outcome::Measured(measured) => {
            let ratio =
                row.ratio(measured).map_or(String::new(), |ratio| format!(" · {ratio:.2}×"));
            let median = measured.figure.median();
            Length::Parts {
                parts: parts(measured),
                low: measured.figure.low(),
                high: measured.figure.high(),
                shown: format!("{} {}{ratio}", number(median), row.unit),
            }
        }
    };
    Bar { label: entry.to_owned(), is_ours: entry == OURS, length }
}

/// User and system time where both are known, the whole figure otherwise. Their medians need not
/// add up to the median of the sum, so the sum is divided as they are.
fn parts(measured: &Measured) -> Vec<f64> {
    let whole = measured.figure.median();
    let (Some(user), Some(sys)) = (measured.detail("user"), measured.detail("sys")) else {
        return vec![whole];
    };
    let (user, sys) = (user.median(), sys.median());
    if user + sys <= 0.0 {
        return vec![whole];
    }
    let user = whole * user / (user + sys);
    vec![user, whole - user]
}

fn table(row: &RowResult) -> String {
    let Some((_, first)) = row.measured().next() else { return String::new() };
    let mut head = vec!["entry".to_owned(), row.unit.clone(), "spread".to_owned()];
    head.extend(first.details.iter().map(|detail| detail.name.clone()));
    head.extend(row.base.iter().map(|base| format!("÷ {base}")));
    if first.busy.is_some() {
        head.push("server busy %".into());
        head.push("load tool busy %".into());
    }
    let shows_rates = !first.requests_per_second.is_empty() && row.rates_compare();
    head.extend(shows_rates.then(|| "req/s".to_owned()));

    let mut lines = line("th", &head);
    for (entry, measured) in row.measured() {
        let figure = &measured.figure;
        let mut cells = vec![entry.to_owned(), number(figure.median()), spread(figure)];
        cells.extend(measured.details.iter().map(|detail| number(detail.samples.median())));
        if row.base.is_some() {
            cells.push(row.ratio(measured).map_or("–".into(), |ratio| format!("{ratio:.2}×")));
        }
        if let Some(busy) = measured.busy {
            cells.extend([busy.server, busy.load].map(|share| format!("{:.0}", share * 100.0)));
        }
        cells.extend(shows_rates.then(|| number(measured.requests_per_second.median())));
        lines.push_str(&line("td", &cells));
    }
    format!("<div class=\"wide\"><table>\n{lines}</table></div>")
}

fn line(tag: &str, cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::FORMAT;
    use crate::bench::results::tests::{measured, row};

    fn example() -> String {
        let row = row(vec![
            ("waterwheel", Outcome::Measured(measured(&[5.0, 6.0, 4.0], 1.0, 0.5))),
            ("floor", Outcome::Measured(measured(&[4.0], 1.0, 0.5))),
            ("nginx", Outcome::Failed("<b>".into())),
        ]);
        let report = Report {
            format: FORMAT,
            machine: Machine {
                cpu: "A & B".into(),
                core_count: 2,
                kernel: "6".into(),
                rustc: "rustc 1".into(),
                commit: "c".into(),
                measured_at: 0,
            },
            rounds: 3,
            seconds_per_round: 1.0,
            load_tool: "wrk".into(),
            rows: vec![row],
            curves: Vec::new(),
            parts: Vec::new(),
        };
        page(&report, "today")
    }

    #[test]
    fn page_is_whole_and_needs_nothing_else() {
        let page = example();
        assert!(page.contains("<title>waterwheel arena: today</title>"));
        assert!(page.contains("A &amp; B, 2 cores"));
        assert!(!page.contains("{id}") && !page.contains("{rows}") && !page.contains("{glance}"));
        assert!(!page.contains("src=") && !page.contains("<script") && !page.contains("<link"));
        assert_eq!(page.matches("href=").count(), page.matches("href=\"#").count());
    }

    #[test]
    fn bars_show_median_ratio_and_both_kinds_of_time() {
        let page = example();
        assert!(page.contains("5.00 µs · 1.25×"), "{page}");
        assert_eq!(page.matches("class=\"part1\"").count(), 2);
        assert!(page.contains(">failed</text>"));
    }
}
