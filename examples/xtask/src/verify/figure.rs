//! One tiny figure in the dev profile: not to measure anything, but to see that measuring works.

use crate::problem::Problem;
use crate::verify::command;

const NAME: &str = "seckill.win.multiplexed";
/// What every line of the figures holds, beside the name of the figure.
const NUMBERS: [&str; 4] = ["ours", "peer", "ratio", "rounds"];

pub(super) fn run() -> Result<bool, Problem> {
    let mut cargo = command::cargo()?;
    cargo.args([
        "run",
        "--package",
        "benches",
        "--bin",
        "figures",
        "--",
        NAME,
        "--rounds",
        "1",
        "--requests",
        "500",
    ]);
    let ran = command::stream(cargo)?;
    let complete = ran.stdout.lines().any(is_figure);
    if ran.success && !complete {
        eprintln!(
            "no line is the JSON of a figure `{NAME}` with ours, peer, unit, ratio and rounds above zero"
        );
    }
    Ok(ran.success && complete)
}

fn is_figure(line: &str) -> bool {
    let line = line.trim();
    let is_object = line.starts_with('{') && line.ends_with('}');
    let positive = |name: &&str| number(line, name).is_some_and(|value| value.is_finite() && value > 0.0);
    is_object
        && value(line, "figure").is_some_and(|name| name.starts_with(&format!("\"{NAME}\"")))
        && value(line, "unit").is_some_and(|unit| unit.starts_with('"') && !unit.starts_with("\"\""))
        && NUMBERS.iter().all(positive)
}

fn number(line: &str, name: &str) -> Option<f64> {
    value(line, name)?.split([',', '}']).next()?.trim().parse().ok()
}

/// What follows `"name":` in one line of JSON.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\""))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::is_figure;

    const LINE: &str = r#"{"figure":"seckill.win.multiplexed","ours":1250.5,"peer":400,"unit":"wins/s","ratio":3.1,"rounds":1}"#;

    #[test]
    fn a_complete_line_is_taken_with_or_without_blanks() {
        assert!(is_figure(LINE));
        assert!(is_figure(&LINE.replace(':', ": ").replace(',', ", ")));
    }

    #[test]
    fn a_line_that_lacks_a_field_or_measured_nothing_is_not() {
        for name in ["figure", "ours", "peer", "unit", "ratio", "rounds"] {
            assert!(!is_figure(&LINE.replace(&format!("\"{name}\""), "\"other\"")), "{name}");
        }
        assert!(!is_figure(&LINE.replace("1250.5", "0")));
        assert!(!is_figure(&LINE.replace("1250.5", "NaN")));
        assert!(!is_figure(&LINE.replace("multiplexed", "other")));
        assert!(!is_figure("a line about figures"));
    }
}
