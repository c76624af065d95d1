//! Horizontal bars as inline SVG. Knows lengths and labels, not what they mean; colours come from
//! the page's style sheet, by class.

/// One bar, from top to bottom in the order given.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) label: String,
    /// Ours is drawn so that it is found at once.
    pub(crate) is_ours: bool,
    pub(crate) length: Length,
}

#[derive(Debug)]
pub(crate) enum Length {
    /// The parts are drawn one after the other; the whisker goes from the lowest to the highest
    /// sample of their sum.
    Parts { parts: Vec<f64>, low: f64, high: f64, shown: String },
    /// Words instead of a bar.
    Words(String),
}

/// The chart; `title` is read out where it cannot be seen.
pub(crate) fn bars(title: &str, bars: &[Bar], width: f64) -> String {
    let longest = bars.iter().map(|bar| bar.length.end()).fold(0.0, f64::max);
    let scale = if longest > 0.0 { (width - BESIDE_WIDTH) / longest } else { 0.0 };
    let height = bars.len() * PITCH + MARGIN;
    let mut svg = format!(
        "<svg role=\"img\" viewBox=\"0 0 {width} {height}\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{}</title>\n",
        escape(title)
    );
    for (index, bar) in bars.iter().enumerate() {
        svg.push_str(&row(bar, index * PITCH + MARGIN / 2, scale));
    }
    svg + "</svg>\n"
}

fn row(bar: &Bar, top: usize, scale: f64) -> String {
    let baseline = top + BAR_HEIGHT * 3 / 4;
    let class = if bar.is_ours { "bar ours" } else { "bar" };
    let mut svg = format!(
        "<g class=\"{class}\"><text class=\"label\" x=\"{}\" y=\"{baseline}\">{}</text>",
        PLOT_LEFT - 8.0,
        escape(&bar.label)
    );
    match &bar.length {
        Length::Words(words) => svg.push_str(&text(PLOT_LEFT, baseline, "words", words)),
        Length::Parts { parts, low, high, shown } => {
            let mut left = PLOT_LEFT;
            for (index, part) in parts.iter().enumerate() {
                let width = part * scale;
                svg.push_str(&format!(
                    "<rect class=\"part{index}\" x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" \
                     height=\"{BAR_HEIGHT}\"/>"
                ));
                left += width;
            }
            svg.push_str(&whisker(PLOT_LEFT + low * scale, PLOT_LEFT + high * scale, top));
            let end = PLOT_LEFT + bar.length.end() * scale + 8.0;
            svg.push_str(&text(end, baseline, "value", shown));
        }
    }
    svg + "</g>\n"
}

fn text(x: f64, baseline: usize, class: &str, content: &str) -> String {
    let content = escape(content);
    format!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{baseline}\">{content}</text>")
}

/// A line from the lowest to the highest sample; nothing where they are one.
fn whisker(low: f64, high: f64, top: usize) -> String {
    if high - low < 0.1 {
        return String::new();
    }
    let (middle, upper, lower) =
        (top + BAR_HEIGHT / 2, top + BAR_HEIGHT / 4, top + BAR_HEIGHT * 3 / 4);
    format!(
        "<path class=\"whisker\" d=\"M{low:.1} {middle}H{high:.1}M{low:.1} {upper}V{lower}\
         M{high:.1} {upper}V{lower}\"/>"
    )
}

impl Length {
    fn end(&self) -> f64 {
        match self {
            Self::Parts { parts, high, .. } => parts.iter().sum::<f64>().max(*high),
            Self::Words(_) => 0.0,
        }
    }
}

/// Text that stays text inside SVG and HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The width of the page.
pub(crate) const WIDTH: f64 = 760.0;
const PLOT_LEFT: f64 = 130.0;
/// The labels to the left, and to the right room for a figure of a dozen characters.
const BESIDE_WIDTH: f64 = PLOT_LEFT + 140.0;
const PITCH: usize = 26;
const BAR_HEIGHT: usize = 18;
const MARGIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(parts: &[f64], low: f64, high: f64) -> Bar {
        let length =
            Length::Parts { parts: parts.to_vec(), low, high, shown: "4.0 µs".to_owned() };
        Bar { label: "a<b".into(), is_ours: true, length }
    }

    #[test]
    fn longest_bar_fills_the_plot() {
        let svg = bars("t", &[bar(&[1.0, 3.0], 4.0, 4.0), bar(&[2.0], 2.0, 2.0)], WIDTH);
        assert!(svg.contains("class=\"part0\" x=\"130.0\" y=\"4\" width=\"122.5\""), "{svg}");
        assert!(svg.contains("class=\"part1\" x=\"252.5\" y=\"4\" width=\"367.5\""), "{svg}");
        assert!(svg.contains("y=\"30\" width=\"245.0\""), "{svg}");
        assert!(!svg.contains("whisker"), "{svg}");
    }

    #[test]
    fn spread_becomes_a_whisker_inside_the_plot() {
        let svg = bars("t", &[bar(&[4.0], 2.0, 5.0)], WIDTH);
        assert!(svg.contains("d=\"M326.0 13H620.0"), "{svg}");
    }

    #[test]
    fn nothing_measured_is_still_a_chart() {
        let length = Length::Words("not yet".into());
        let svg = bars("t", &[Bar { label: "a".into(), is_ours: false, length }], WIDTH);
        assert!(svg.contains(">not yet</text>") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn labels_cannot_break_out() {
        assert!(bars("<i>", &[bar(&[1.0], 1.0, 1.0)], WIDTH).contains(">a&lt;b</text>"));
        assert_eq!(escape("\"&"), "&quot;&amp;");
    }
}
