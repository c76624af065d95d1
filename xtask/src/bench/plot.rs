//! Lines over a quantity as inline SVG. The points of all lines stand at the same distances,
//! whatever the quantity is, so that a body of 0 bytes has a place beside one of 1 MiB. Colours
//! come from the page's style sheet, by class.

use super::scale::Scale;
use super::svg::escape;
use super::table::number;

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) class: String,
    /// Without a mark where there is nothing to show.
    pub(crate) marks: Vec<Option<Mark>>,
}

/// What a line has at one point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// What a picture is drawn in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) title: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) over: &'a str,
    pub(crate) width: f64,
}

/// A scale for all that is drawn of some lines; pictures side by side share one.
pub(crate) fn scale<'a>(lines: impl Iterator<Item = &'a Line>) -> Scale {
    let marks = lines.flat_map(|line| line.marks.iter().flatten());
    Scale::over(marks.flat_map(|mark| [mark.value, mark.low, mark.high]))
}

/// The picture; `places` are the words under the points.
pub(crate) fn picture(frame: Frame<'_>, places: &[String], lines: &[Line], scale: Scale) -> String {
    let plot = Plot { width: frame.width - LEFT - RIGHT, place_count: places.len(), scale };
    let Frame { title, unit, over, width } = frame;
    let middle = LEFT + plot.width / 2.0;
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 {width} {HEIGHT}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{title}</title>\n\
         <text class=\"head\" x=\"{LEFT}\" y=\"14\">{title}, {unit}</text>\n\
         <text class=\"over\" x=\"{middle:.1}\" y=\"{}\">{over}</text>\n",
        HEIGHT - 4.0,
        title = escape(title),
        unit = escape(unit),
        over = escape(over),
    );
    svg.push_str(&plot.grid(places));
    for line in lines {
        svg.push_str(&plot.line(line, places, unit));
    }
    svg + "</svg>\n"
}

/// The rectangle inside the axes.
struct Plot {
    width: f64,
    place_count: usize,
    scale: Scale,
}

impl Plot {
    fn x(&self, index: usize) -> f64 {
        // Half a step of room on either side keeps the words of the outer points inside.
        LEFT + self.width * (index as f64 + 0.5) / self.place_count as f64
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * self.scale.share(value)
    }

    fn grid(&self, places: &[String]) -> String {
        let mut svg = String::new();
        let right = LEFT + self.width;
        for tick in &self.scale.ticks {
            let y = self.y(*tick);
            svg.push_str(&format!(
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right:.1}\"/>\
                 <text class=\"tick y\" x=\"{}\" y=\"{:.1}\">{}</text>\n",
                LEFT - 7.0,
                y + 4.0,
                short(*tick),
            ));
        }
        for (index, place) in places.iter().enumerate() {
            let x = self.x(index);
            svg.push_str(&format!(
                "<path class=\"grid\" d=\"M{x:.1} {BOTTOM}v5\"/>\
                 <text class=\"tick x\" x=\"{x:.1}\" y=\"{}\">{}</text>\n",
                BOTTOM + 18.0,
                escape(place),
            ));
        }
        svg
    }

    /// The spread behind, the line over it, and a dot that tells its figures to the pointer.
    fn line(&self, line: &Line, places: &[String], unit: &str) -> String {
        let class = escape(&line.class);
        let mut svg = format!("<g class=\"line {class}\">");
        for run in runs(&line.marks) {
            let along = |value: fn(&Mark) -> f64| {
                run.iter()
                    .map(move |(index, mark)| (self.x(*index), self.y(value(mark))))
                    .map(|(x, y)| format!("{x:.1} {y:.1}"))
            };
            let upper = along(|mark| mark.high);
            let lower: Vec<_> = along(|mark| mark.low).collect();
            let band: Vec<_> = upper.chain(lower.into_iter().rev()).collect();
            let path: Vec<_> = along(|mark| mark.value).collect();
            svg.push_str(&format!(
                "<path class=\"band\" d=\"M{}Z\"/><path class=\"stroke\" d=\"M{}\"/>",
                band.join("L"),
                path.join("L")
            ));
        }
        for (index, mark) in line.marks.iter().enumerate() {
            let Some(Mark { value, low, high }) = *mark else { continue };
            svg.push_str(&format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{}, {}: {} {} ({}–{})</title>\
                 </circle>",
                self.x(index),
                self.y(value),
                escape(&line.label),
                escape(&places[index]),
                number(value),
                escape(unit),
                number(low),
                number(high),
            ));
        }
        svg + "</g>\n"
    }
}

/// Marks without a gap between them: over a gap nothing is known, so no line is drawn.
fn runs(marks: &[Option<Mark>]) -> Vec<Vec<(usize, Mark)>> {
    let mut runs = vec![Vec::new()];
    for (index, mark) in marks.iter().enumerate() {
        match (mark, runs.last_mut()) {
            (Some(mark), Some(run)) => run.push((index, *mark)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// A number without the noughts at the end that a measured one keeps.
pub(crate) fn short(value: f64) -> String {
    let text = number(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

const HEIGHT: f64 = 300.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 250.0;
/// Room for five digits beside the axis.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(value: f64) -> Option<Mark> {
        Some(Mark { value, low: value * 0.9, high: value * 1.1 })
    }

    fn drawn(marks: Vec<Option<Mark>>) -> String {
        let places: Vec<_> = (0..marks.len()).map(|index| index.to_string()).collect();
        let frame = Frame { title: "a<b", unit: "µs", over: "connections", width: 468.0 };
        let lines = [Line { label: "x&y".into(), class: "ours".into(), marks }];
        picture(frame, &places, &lines, scale(lines.iter()))
    }

    #[test]
    fn gap_breaks_the_line() {
        let svg = drawn(vec![mark(1.0), mark(2.0), None, mark(3.0)]);
        assert_eq!(svg.matches("class=\"stroke\"").count(), 2, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 3, "{svg}");
    }

    #[test]
    fn points_lie_on_the_scale() {
        // From 0 to 10 over 220 units of height, four places over 400 of width.
        let svg = drawn(vec![mark(5.0), mark(9.0), None, None]);
        assert!(svg.contains("cx=\"108.0\" cy=\"140.0\""), "{svg}");
    }

    #[test]
    fn nothing_measured_is_still_a_picture() {
        let svg = drawn(vec![None, None]);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(svg.contains("a&lt;b"), "{svg}");
    }

    #[test]
    fn ticks_are_short() {
        assert_eq!([0.0, 0.2, 2.0, 20.0, 2_000.0].map(short), ["0", "0.2", "2", "20", "2,000"]);
    }
}
