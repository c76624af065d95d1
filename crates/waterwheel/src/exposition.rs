//! What a server has counted, as the text that Prometheus reads.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.

use std::fmt::Write;

use waterwheel_http::Traffic;
use waterwheel_runtime::{Metric, MetricKind, Metrics};

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Numbers of each worker, and those of all of them together.
pub(crate) fn text(workers: &[Metrics], traffic: &Traffic) -> String {
    let mut text = String::new();
    for metric in Metrics::ALL {
        let series = Series::of(metric);
        series.head(&mut text, metric.help);
        for worker in workers {
            let value = (metric.value)(worker);
            series.sample(&mut text, "worker", &worker.worker.to_string(), value);
        }
    }
    let calls = Series::counter("calls");
    calls.head(&mut text, "Calls of a route's handler.");
    for (route, count) in &traffic.calls {
        calls.sample(&mut text, "route", route, *count);
    }
    let replies = Series::counter("replies");
    replies.head(&mut text, "Replies by the class of their status.");
    for (class, count) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().zip(traffic.replies) {
        replies.sample(&mut text, "status", class, count);
    }
    let shed = Series::counter("shed");
    shed.head(&mut text, "Requests that were refused for want of memory or time.");
    shed.sample(&mut text, "", "", traffic.shed);
    text
}

/// Samples of one name.
struct Series {
    name: String,
    kind: MetricKind,
    /// A sample tells a count of these.
    unit: Unit,
}

enum Unit {
    One,
    Microseconds,
}

impl Series {
    fn counter(name: &str) -> Self {
        let (name, kind) = (format!("waterwheel_{name}_total"), MetricKind::Counter);
        Self { name, kind, unit: Unit::One }
    }

    /// Named as the format's conventions want: base units, and `_total` behind what only grows.
    fn of(metric: &Metric) -> Self {
        let (name, unit) =
            match (metric.name.strip_suffix("_len"), metric.name.strip_suffix("_micros")) {
                (Some(stem), _) => (format!("{stem}_bytes"), Unit::One),
                (_, Some(stem)) => (format!("{stem}_seconds"), Unit::Microseconds),
                _ => (metric.name.to_owned(), Unit::One),
            };
        match metric.kind {
            MetricKind::Counter => Self { unit, ..Self::counter(&name) },
            kind => Self { name: format!("waterwheel_{name}"), kind, unit },
        }
    }

    fn head(&self, text: &mut String, help: &str) {
        let Self { name, kind, .. } = self;
        let kind = match kind {
            MetricKind::Counter => "counter",
            _ => "gauge",
        };
        write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n").expect("a String takes all");
    }

    /// A line with one label, or without when that has no name.
    fn sample(&self, text: &mut String, label: &str, labelled: &str, count: u64) {
        text.push_str(&self.name);
        if !label.is_empty() {
            let labelled = labelled.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            write!(text, "{{{label}=\"{labelled}\"}}").expect("a String takes all");
        }
        match self.unit {
            Unit::One => writeln!(text, " {count}"),
            Unit::Microseconds => writeln!(text, " {}", count as f64 / 1e6),
        }
        .expect("a String takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_in_base_units() {
        let traffic = Traffic::default();
        let mut worker = Metrics::default();
        worker.worker = 3;
        worker.longest_call_micros = 1_500;
        worker.received_len = 7;
        let text = text(&[worker], &traffic);
        assert!(
            text.contains("\nwaterwheel_longest_call_seconds{worker=\"3\"} 0.0015\n"),
            "{text}"
        );
        assert!(text.contains("\nwaterwheel_received_bytes_total{worker=\"3\"} 7\n"), "{text}");
        assert!(text.contains("\n# TYPE waterwheel_open gauge\n"), "{text}");
        assert!(text.contains("\nwaterwheel_shed_total 0\n"), "{text}");
    }

    #[test]
    fn labels_are_escaped() {
        let mut traffic = Traffic::default();
        traffic.calls = vec![("GET /a\"\\\n".to_owned(), 1)];
        let text = text(&[], &traffic);
        assert!(text.contains(r#"{route="GET /a\"\\\n"} 1"#), "{text}");
    }
}
