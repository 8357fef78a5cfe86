//! How many held and how many did not, read from the runners' own summary lines.

/// Checks or tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl Count {
    pub(super) fn check(held: bool) -> Self {
        Self { passed: u64::from(held), failed: u64::from(!held) }
    }

    pub(super) fn is_failure(self) -> bool {
        self.failed > 0
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// The count of a run of tests: a runner that failed without a failed test (it did not compile, say), or
    /// that printed no summary, counts as one failure.
    pub(super) fn of_run(success: bool, summary: Option<Self>) -> Self {
        match summary {
            Some(count) if success || count.failed > 0 => count,
            Some(count) => Self { failed: 1, ..count },
            None => Self::check(false),
        }
    }
}

/// `     Summary [   0.961s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 21 skipped`
pub(super) fn nextest(output: &str) -> Option<Count> {
    let line = output.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, counts) = line.split_once(" run: ")?;
    without_parentheses(counts).split(',').try_fold(Count::default(), |sum, item| {
        let (number, what) = item.trim().split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        Some(match what.trim() {
            "passed" => Count { passed: sum.passed + number, ..sum },
            "skipped" => sum,
            // Failed, timed out, could not be executed: there are several ways not to pass.
            _ => Count { failed: sum.failed + number, ..sum },
        })
    })
}

/// `test result: ok. 9 passed; 0 failed; 0 ignored; ...`, once for each test binary.
pub(super) fn cargo_test(output: &str) -> Option<Count> {
    let results = output.lines().filter_map(|line| line.strip_prefix("test result: "));
    results.map(one_result).reduce(|sum, count| Some(sum?.plus(count?)))?
}

fn one_result(line: &str) -> Option<Count> {
    let (_, counts) = line.split_once(". ")?;
    let number = |name: &str| {
        counts.split(';').find_map(|item| item.trim().strip_suffix(name)?.trim().parse::<u64>().ok())
    };
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    text.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn count(passed: u64, failed: u64) -> Option<Count> {
        Some(Count { passed, failed })
    }

    #[test]
    fn summaries_of_nextest_are_read() {
        let run = |counts| nextest(&format!("  PASS [ 0.1s] a\n     Summary [  63.1s] {counts}\n  FAIL b\n"));
        assert_eq!(run("22 tests run: 20 passed, 2 failed, 0 skipped"), count(20, 2));
        assert_eq!(run("1 test run: 1 passed, 21 skipped"), count(1, 0));
        assert_eq!(
            run("9/9 tests run: 6 passed (1 slow, 2 leaky), 1 failed, 2 timed out, 0 skipped"),
            count(6, 3)
        );
        assert_eq!(run("3 tests run: 2 passed, 1 exec failed, 0 skipped"), count(2, 1));
        assert_eq!(run("0 tests run: 0 skipped"), count(0, 0));
    }

    #[test]
    fn summaries_of_cargo_test_are_added_up() {
        let output = "test result: ok. 9 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 2.20s\n\
                      noise\n\
                      test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(cargo_test(output), count(11, 3));
        let of_a_failed_test = "    test result: FAILED. 0 passed; 7 failed;";
        assert_eq!(cargo_test(of_a_failed_test), None);
    }

    #[test]
    fn output_without_a_readable_summary_has_none() {
        assert_eq!(nextest("error: could not compile `rbac`"), None);
        assert_eq!(nextest("Summary [ 1s] 3 tests run: many passed"), None);
        assert_eq!(cargo_test("test result: ok. many passed; 0 failed"), None);
        assert_eq!(cargo_test(""), None);
    }

    #[test]
    fn a_failed_run_counts_at_least_one_failure() {
        assert_eq!(Count::of_run(true, count(3, 0)), Count { passed: 3, failed: 0 });
        assert_eq!(Count::of_run(false, count(3, 2)), Count { passed: 3, failed: 2 });
        assert_eq!(Count::of_run(false, count(3, 0)), Count { passed: 3, failed: 1 });
        assert_eq!(Count::of_run(false, None), Count { passed: 0, failed: 1 });
        assert_eq!(Count::of_run(true, None), Count { passed: 0, failed: 1 });
    }
}
