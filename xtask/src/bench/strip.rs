//! All rows at a glance as inline SVG: a line for each row, a dot for each server, placed by how
//! its figure compares with the best rival's.

use super::entries::OURS;
use super::results::{Measured, RowResult};
use super::scale::Scale;
use super::svg::escape;

/// The picture; empty where no row has both us and a rival.
pub(crate) fn strip(rows: &[RowResult]) -> String {
    let lanes: Vec<_> = rows.iter().filter_map(lane).collect();
    if lanes.is_empty() {
        return String::new();
    }
    let ratios = lanes.iter().flat_map(|(_, dots)| dots.iter().map(|(_, ratio)| *ratio));
    let (low, high) = ratios.fold((0.9, 1.1), |(low, high), r| (r.min(low), r.max(high)));
    let scale = Scale::log(low.max(1.0 / RATIO_MAX), high.min(RATIO_MAX));
    let height = TOP + PITCH * lanes.len() as f64 + 10.0;
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>Every row, relative to the best rival</title>\n"
    );
    let x = |ratio: f64| LEFT + (WIDTH - LEFT - RIGHT) * scale.share(ratio);
    let bottom = height - 6.0;
    for tick in &scale.ticks {
        let (x, class) = (x(*tick), if (*tick - 1.0).abs() < 1e-9 { "grid one" } else { "grid" });
        svg.push_str(&format!(
            "<path class=\"{class}\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
             <text class=\"tick x\" x=\"{x:.1}\" y=\"{}\">{tick}×</text>\n",
            TOP - 8.0
        ));
    }
    for (index, (row, dots)) in lanes.iter().enumerate() {
        let y = TOP + PITCH * (index as f64 + 0.5);
        svg.push_str(&format!(
            "<text class=\"label\" x=\"{}\" y=\"{:.1}\">{}</text>",
            LEFT - 10.0,
            y + 4.5,
            escape(&row.name)
        ));
        for (entry, ratio) in dots {
            let (class, radius) = match *entry {
                OURS => ("dot ours", 7.0),
                entry if is_floor(entry) => ("dot floor", 4.5),
                _ => ("dot", 4.5),
            };
            let cx = x(*ratio);
            svg.push_str(&format!(
                "<circle class=\"{class}\" cx=\"{cx:.1}\" cy=\"{y:.1}\" r=\"{radius}\">\
                 <title>{}: {ratio:.2}× the best rival</title></circle>",
                escape(entry)
            ));
        }
        svg.push('\n');
    }
    svg + "</svg>\n"
}

/// Whether an entry shows what the kernel alone costs, and is no rival.
pub(crate) fn is_floor(entry: &str) -> bool {
    entry.starts_with("floor")
}

/// The row's dots, ours last so that it lies on top.
fn lane(row: &RowResult) -> Option<(&RowResult, Vec<(&str, f64)>)> {
    row.find(OURS)?;
    let is_rival = |entry: &str| !entry.starts_with(OURS) && !is_floor(entry);
    let figure = |measured: &Measured| measured.figure.median();
    let rivals = row.measured().filter(|(entry, _)| is_rival(entry));
    let best = rivals.map(|(_, measured)| figure(measured)).min_by(f64::total_cmp)?;
    let dots = row.measured().map(|(entry, measured)| (entry, figure(measured) / best));
    let mut dots: Vec<_> = dots.filter(|(_, ratio)| ratio.is_finite()).collect();
    dots.sort_by_key(|(entry, _)| *entry == OURS);
    Some((row, dots))
}

/// Dots further away lie on the border; the tables have their figures.
const RATIO_MAX: f64 = 20.0;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 140.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 28.0;
const PITCH: f64 = 26.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::results::Outcome;
    use crate::bench::results::tests::{measured, row};

    fn example(entries: &[(&'static str, f64)]) -> RowResult {
        let one = |figure| Outcome::Measured(measured(&[figure], 1.0, 0.5));
        row(entries.iter().map(|(entry, figure)| (*entry, one(*figure))).collect())
    }

    #[test]
    fn best_rival_is_one_and_no_floor() {
        let row = example(&[("waterwheel", 4.0), ("floor", 2.0), ("hyper", 5.0), ("may", 8.0)]);
        let (_, dots) = lane(&row).unwrap();
        assert_eq!(dots, [("floor", 0.4), ("hyper", 1.0), ("may", 1.6), ("waterwheel", 0.8)]);
        let svg = strip(&[row]);
        assert!(svg.contains("<circle class=\"dot ours\""), "{svg}");
    }

    #[test]
    fn row_without_us_or_rivals_is_left_out() {
        assert_eq!(strip(&[example(&[("hyper", 5.0)]), example(&[("waterwheel", 5.0)])]), "");
    }
}
