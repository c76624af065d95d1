//! The page's sections about curves and parts: pictures side by side, a legend, the figures below.

use super::entries::OURS;
use super::plot::{Frame, Line, Mark, picture, scale, short};
use super::results::{CurveResult, FIGURE, Measured, PartsResult, PointResult};
use super::svg::{Bar, Length, WIDTH, bars, escape};
use super::table::{number, point_cell, spread};

/// One curve.
pub(crate) fn curve(curve: &CurveResult) -> String {
    let entries = curve.entries();
    let places: Vec<_> = curve.points.iter().map(|point| place(curve, point)).collect();
    let drawn = |panel: &&str| -> Vec<_> {
        let line = |entry: &&str| Line {
            label: (*entry).to_owned(),
            class: class(entry),
            marks: curve.points.iter().map(|point| mark(point.find(entry)?, panel)).collect(),
        };
        entries.iter().map(line).collect()
    };
    let panels: Vec<_> = curve.panels().iter().map(drawn).collect();
    let scale = scale(panels.iter().flatten());
    let pictures = curve.panels().iter().zip(&panels).map(|(panel, lines)| {
        let frame = Frame {
            title: if *panel == FIGURE { "server CPU per request" } else { panel },
            unit: &curve.unit,
            over: &curve.over,
            width: if panels.len() == 1 { WIDTH } else { NARROW_WIDTH },
        };
        picture(frame, &places, lines, scale.clone())
    });
    let pictures: String = pictures.collect();
    format!(
        "<section id=\"{}\"><h2>{}</h2>\n{}<div class=\"panels\">\n{pictures}</div>\n\
         <p>{}</p>\n<details><summary>figures</summary>{}</details></section>\n",
        escape(&curve.name),
        escape(&curve.title),
        legend(&entries),
        escape(&curve.note),
        table(curve, &entries, &places),
    )
}

/// The parts of all cases, a chart for each.
pub(crate) fn parts(cases: &[PartsResult]) -> String {
    if cases.is_empty() {
        return String::new();
    }
    let charts: String = cases.iter().map(case).collect();
    format!(
        "<section id=\"parts\"><h2>Where the user-space instructions of a request go</h2>\n\
         <div class=\"panels two\">\n{charts}</div>\n\
         <p>Our own server, counted by callgrind and told apart by the source line that each \
         instruction was inlined from. The kernel is not in it: receiving and sending are, as a \
         rule, most of a request's time. <em>wipe</em> is filling released segments with zeros by a \
         string instruction, which valgrind counts once for each byte and a \
         processor does not: its time is less than its length here.</p></section>\n"
    )
}

fn case(case: &PartsResult) -> String {
    let sum: f64 = case.parts.iter().map(|(_, count)| count).sum();
    let bar = |(part, count): &(String, f64)| Bar {
        label: part.clone(),
        is_ours: true,
        length: Length::Parts {
            parts: vec![*count],
            low: *count,
            high: *count,
            shown: format!("{} · {:.0} %", short(count.round()), count / sum * 100.0),
        },
    };
    let shown = case.parts.iter().filter(|(_, count)| *count >= 0.5);
    let chart = bars(&case.title, &shown.map(bar).collect::<Vec<_>>(), HALF_WIDTH);
    let (title, sum) = (escape(&case.title), short(sum.round()));
    format!("<figure><figcaption>{title}: {sum} instructions</figcaption>{chart}</figure>\n")
}

fn mark(measured: &Measured, panel: &str) -> Option<Mark> {
    let samples = measured.panel(panel);
    // A latency of 0 was not measured.
    (samples.median() > 0.0).then(|| Mark {
        value: samples.median(),
        low: samples.low(),
        high: samples.high(),
    })
}

/// The same colour for an entry in every picture.
fn class(entry: &str) -> String {
    match ENTRIES.iter().position(|known| *known == entry) {
        _ if entry == OURS => "ours".into(),
        _ if entry.starts_with("floor") => entry.into(),
        position => format!("c{}", position.unwrap_or(entry.len() % ENTRIES.len())),
    }
}

const ENTRIES: [&str; 8] = ["hyper", "may", "nginx", "h2o", "axum", "actix", "ntex", "xitca"];

fn legend(entries: &[&str]) -> String {
    let key =
        |entry: &&str| format!("<span class=\"key {}\">{}</span>", class(entry), escape(entry));
    format!("<p class=\"legend\">{}</p>\n", entries.iter().map(key).collect::<String>())
}

/// The words under a point.
fn place(curve: &CurveResult, point: &PointResult) -> String {
    let (mut value, mut unit) = (point.at, "");
    if curve.over.starts_with("bytes") {
        for (next, size) in [(" B", 1.0), (" KiB", 1024.0), (" MiB", 1024.0)] {
            if value >= size && value > 0.0 {
                (value, unit) = (value / size, next);
            }
        }
    }
    format!("{}{unit}", short(value))
}

fn table(curve: &CurveResult, entries: &[&str], places: &[String]) -> String {
    let mut head = vec![curve.over.clone()];
    for entry in entries {
        head.extend(curve.panels().iter().map(|panel| match *panel {
            FIGURE => format!("{entry}, {}", curve.unit),
            _ => format!("{entry} {panel}"),
        }));
        head.extend(extra(curve).iter().map(|(title, _)| (*title).to_owned()));
    }
    let mut text = row("th", &head);
    for (place, point) in places.iter().zip(&curve.points) {
        let mut cells = vec![place.clone()];
        for entry in entries {
            let panels = curve.panels().iter();
            cells.extend(panels.map(|panel| point_cell(curve, point, entry, panel)));
            let measured = point.find(entry);
            let cell = |of: Extra| measured.and_then(of).unwrap_or_else(|| "–".into());
            cells.extend(extra(curve).iter().map(|(_, of)| cell(*of)));
        }
        text.push_str(&row("td", &cells));
    }
    format!("<div class=\"wide\"><table>\n{text}</table></div>")
}

/// What a table says beside what is drawn.
type Extra = fn(&Measured) -> Option<String>;

fn extra(curve: &CurveResult) -> &'static [(&'static str, Extra)] {
    const BUSY: Extra = |measured| {
        let busy = measured.busy?;
        Some(format!("{:.0}/{:.0}", busy.server * 100.0, busy.load * 100.0))
    };
    if curve.unit == "ms" {
        &[
            ("req/s", |measured| Some(number(measured.detail("req/s")?.median()))),
            ("tool late", |measured| Some(number(measured.detail("tool late p99")?.median()))),
        ]
    } else {
        &[
            ("spread", |measured| Some(spread(&measured.figure))),
            ("user", |measured| Some(number(measured.detail("user")?.median()))),
            ("busy %", BUSY),
        ]
    }
}

fn row(tag: &str, cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

/// Three of them stand side by side.
const NARROW_WIDTH: f64 = 290.0;
const HALF_WIDTH: f64 = 470.0;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::results::tests::measured;
    use crate::bench::results::{EntryResult, Outcome};

    pub(crate) fn example() -> CurveResult {
        let point = |at: f64| PointResult {
            at,
            entries: ["waterwheel", "floor"]
                .map(|entry| EntryResult {
                    entry: entry.into(),
                    outcome: Outcome::Measured(measured(&[at + 3.0, at + 4.0], 1.0, 0.5)),
                })
                .into(),
        };
        CurveResult {
            name: "bodies".into(),
            title: "a & b".into(),
            over: "bytes of body".into(),
            unit: "µs".into(),
            note: "8 connections".into(),
            base: Some("floor".into()),
            points: [0.0, 512.0, 4_096.0, 1_048_576.0].map(point).into(),
        }
    }

    #[test]
    fn lengths_are_told_in_their_unit() {
        let example = example();
        let places: Vec<_> = example.points.iter().map(|point| place(&example, point)).collect();
        assert_eq!(places, ["0", "512 B", "4 KiB", "1 MiB"]);
    }

    #[test]
    fn curve_has_lines_legend_and_figures() {
        let section = curve(&example());
        assert!(section.contains("<h2>a &amp; b</h2>"), "{section}");
        assert!(section.contains("<span class=\"key ours\">waterwheel</span>"), "{section}");
        assert_eq!(section.matches("class=\"stroke\"").count(), 2, "{section}");
        assert!(section.contains("1.00×"), "{section}");
    }

    #[test]
    fn parts_are_shares_of_their_sum() {
        let parts = parts(&[PartsResult {
            name: "p".into(),
            title: "/p".into(),
            parts: vec![("parse head".into(), 750.0), ("none".into(), 0.0), ("ring".into(), 250.0)],
        }]);
        assert!(parts.contains(">750 · 75 %</text>"), "{parts}");
        assert!(parts.contains("/p: 1,000 instructions") && !parts.contains("none"), "{parts}");
    }
}
