//! The table at the end, and the closing line.

use std::fmt::Write;
use std::time::Duration;

use crate::verify::count::Count;
use crate::verify::step::Step;

#[derive(Debug)]
pub(super) struct Row {
    pub(super) step: Step,
    pub(super) count: Count,
    /// See [`trouble`](super::trouble).
    pub(super) troubles: Vec<String>,
    pub(super) took: Duration,
}

/// What was not well, the table, and the last line, which is exactly `N passed, N failed`.
pub(super) fn draw(rows: &[Row]) -> String {
    let told = |row: &Row| {
        row.troubles.iter().map(|text| format!("── {}: {text}\n\n", row.step)).collect::<String>()
    };
    let troubles: String = rows.iter().map(told).collect();
    let head = format!(
        "{troubles}{:<24} {:<8} {:>7} {:>7} {:>8}\n",
        "step", "result", "passed", "failed", "seconds"
    );
    let mut table = rows.iter().map(line).fold(head, |table, line| table + &line);
    let sum = rows.iter().map(|row| row.count).fold(Count::default(), Count::plus);
    // Writing into a string cannot fail.
    let _ = writeln!(table, "\n{} passed, {} failed", sum.passed, sum.failed);
    table
}

fn line(row: &Row) -> String {
    let result = if row.count.is_failure() { "FAILED" } else { "ok" };
    let Count { passed, failed } = row.count;
    let (step, seconds) = (row.step.to_string(), row.took.as_secs_f64());
    format!("{step:<24} {result:<8} {passed:>7} {failed:>7} {seconds:>8.1}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_sum() {
        let troubles = vec!["FAIL a".to_owned()];
        let row =
            |step, count| Row { step, count, troubles: troubles.clone(), took: Duration::from_millis(1500) };
        let table = draw(&[
            row(Step::Fmt, Count::check(true)),
            row(Step::Tests("rbac"), Count { passed: 40, failed: 2 }),
        ]);
        assert_eq!(table.lines().last().unwrap(), "41 passed, 2 failed");
        assert!(table.contains("── tests rbac: FAIL a\n\n"), "{table}");
        assert!(table.contains("tests rbac               FAILED        40       2      1.5"), "{table}");
    }
}
