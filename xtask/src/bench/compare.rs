//! This run beside a stored one. Ratios to the row's base are compared, because they travel between
//! machines and days; absolute figures only where there is no base and the machine is the same.

use super::results::{Measured, Report, RowResult};
use super::table::number;

/// One line for each figure that both reports have.
pub(crate) fn compare(now: &Report, then: &Report, id: &str) -> String {
    let same_machine = now.machine.is_like(&then.machine);
    let mut text = format!("\ncompared with {id} ({})\n", then.machine.line());
    for row in &now.rows {
        let Some(row_then) = then.rows.iter().find(|other| other.name == row.name) else {
            continue;
        };
        for (entry, measured) in row.measured() {
            let Some(measured_then) = row_then.find(entry) else { continue };
            if let Some(line) = line((row, measured), (row_then, measured_then), same_machine) {
                text.push_str(&format!("  {:<14} {entry:<14} {line}\n", row.name));
            }
        }
    }
    if !same_machine {
        text.push_str("  another machine: figures without a base are left out\n");
    }
    text
}

fn line(
    (row, now): (&RowResult, &Measured),
    (row_then, then): (&RowResult, &Measured),
    same_machine: bool,
) -> Option<String> {
    let is_base = |row: &RowResult, measured: &Measured| {
        row.base
            .as_deref()
            .and_then(|base| row.find(base))
            .is_some_and(|m| std::ptr::eq(m, measured))
    };
    let ratios = row.ratio(now).zip(row_then.ratio(then)).filter(|_| !is_base(row, now));
    if let Some((now, then)) = ratios {
        return Some(format!("{then:.2}× → {now:.2}×  {}", change(now, then)?));
    }
    let (now, then) = (now.figure.median(), then.figure.median());
    let unit = &row.unit;
    let shown = format!("{} → {} {unit}  {}", number(then), number(now), change(now, then)?);
    same_machine.then_some(shown)
}

fn change(now: f64, then: f64) -> Option<String> {
    (then > 0.0).then(|| format!("{:+.1} %", (now / then - 1.0) * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::machine::Machine;
    use crate::bench::results::tests::{measured, row};
    use crate::bench::results::{FORMAT, Outcome};

    fn report(cpu: &str, ours: f64, floor: f64) -> Report {
        let one = |figure| Outcome::Measured(measured(&[figure], 1.0, 0.5));
        Report {
            format: FORMAT,
            machine: Machine {
                cpu: cpu.into(),
                core_count: 2,
                kernel: "6".into(),
                rustc: "rustc 1".into(),
                commit: "c".into(),
                measured_at: 0,
            },
            rounds: 1,
            seconds_per_round: 1.0,
            load_tool: "wrk".into(),
            rows: vec![row(vec![("waterwheel", one(ours)), ("floor", one(floor))])],
            curves: Vec::new(),
            parts: Vec::new(),
        }
    }

    #[test]
    fn ratios_are_compared_across_machines() {
        let text = compare(&report("b", 10.0, 8.0), &report("a", 5.0, 5.0), "old");
        assert!(text.contains("1.00× → 1.25×  +25.0 %"), "{text}");
        assert!(!text.contains("µs"), "{text}");
    }

    #[test]
    fn base_itself_is_compared_on_the_same_machine_only() {
        let text = compare(&report("a", 5.0, 4.0), &report("a", 5.0, 5.0), "old");
        assert!(text.contains("5.00 → 4.00 µs  -20.0 %"), "{text}");
    }
}
