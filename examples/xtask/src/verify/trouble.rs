//! What the runners said of the tests that failed, or that passed only at a further try. It is repeated at the very
//! end: of a long log, often only the end is seen.

/// So many lines of one test's output are repeated: its first and its last.
const LINES_MAX: usize = 40;
/// So many tests of one step are repeated.
const TESTS_MAX: usize = 8;
/// The words that nextest puts before a test that is well, or that goes on.
const WELL: [&str; 7] = ["PASS", "SLOW", "LEAK", "SKIP", "START", "FLAKY", "DELAY"];

/// The line `        FAIL [   0.003s] (1/9) rbac::it a::b`, or `  TRY 1 FAIL [ ...`, and the output beneath it.
///
/// The summary names the failed tests once more, with nothing beneath; it is not read.
pub(super) fn of_nextest(output: &str) -> Vec<String> {
    let run = output.lines().take_while(|line| !line.trim_start().starts_with("Summary ["));
    let mut found: Vec<Vec<&str>> = Vec::new();
    let mut is_inside = false;
    for line in run.filter(|line| !line.trim().is_empty()) {
        if let Some(word) = status(line) {
            is_inside = !WELL.contains(&word);
            if is_inside {
                found.push(vec![line.trim()]);
            }
        } else if let Some(test) = found.last_mut().filter(|_| is_inside) {
            test.push(line);
        }
    }
    found.iter().take(TESTS_MAX).map(|lines| shortened(lines)).collect()
}

/// The part from `failures:` to the names beneath the second `failures:`, of each test binary.
pub(super) fn of_cargo_test(output: &str) -> Vec<String> {
    let binaries = output.split("test result: ");
    let parts = binaries.filter_map(|binary| binary.split_once("\nfailures:\n").map(|(_, part)| part));
    let lines =
        |part: &str| shortened(&part.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>());
    parts.take(TESTS_MAX).map(lines).collect()
}

/// `FAIL` of `  TRY 2 FAIL [   0.003s] (1/9) rbac::it a::b`.
fn status(line: &str) -> Option<&str> {
    let (words, rest) = line.split_once('[')?;
    let time = rest.trim_start_matches(['>', ' ']);
    let is_timed = time.starts_with(|c: char| c.is_ascii_digit()) && words.ends_with(' ');
    let is_loud = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || " +-".contains(c);
    let word = words.split_whitespace().rfind(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))?;
    (is_timed && words.chars().all(is_loud)).then_some(word)
}

fn shortened(lines: &[&str]) -> String {
    let (half, cut) = (LINES_MAX / 2, lines.len().saturating_sub(LINES_MAX));
    if cut == 0 {
        return lines.join("\n");
    }
    let (head, rest) = lines.split_at(half);
    let (_, tail) = rest.split_at(cut);
    format!("{}\n    [{cut} lines]\n{}", head.join("\n"), tail.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXTEST: &str = "\
        PASS [   0.035s] (1/4) rbac::it a::well\n\
    \x20 TRY 1 FAIL [   0.003s] (2/4) rbac::it a::unsure\n\
    \x20 stderr ───\n\n    thread 'a::unsure' panicked at x.rs:1:2:\n    odd [1] PASS\n\
    \x20 TRY 2 PASS [   0.003s] (2/4) rbac::it a::unsure\n    more\n\
    \x20       FAIL [  60.003s] (3/4) rbac::it a::red\n  stdout ───\n    words\n\
    \x20    TIMEOUT [> 180.000s] (4/4) rbac::it a::slow\n\
    ────────────\n\
    \x20    Summary [  63.1s] 4 tests run: 2 passed (1 flaky), 1 failed, 1 timed out, 0 skipped\n\
    \x20       FAIL [  60.003s] (3/4) rbac::it a::red\n";

    #[test]
    fn each_test_that_was_not_well_is_told_with_its_output() {
        let told = of_nextest(NEXTEST);
        let heads: Vec<_> = told.iter().filter_map(|test| test.lines().next()).collect();
        assert_eq!(
            heads,
            [
                "TRY 1 FAIL [   0.003s] (2/4) rbac::it a::unsure",
                "FAIL [  60.003s] (3/4) rbac::it a::red",
                "TIMEOUT [> 180.000s] (4/4) rbac::it a::slow",
            ]
        );
        let unsure = told.first().unwrap();
        assert!(unsure.contains("panicked at x.rs:1:2") && !unsure.contains("more"), "{unsure}");
        assert!(of_nextest("error: could not compile `rbac`").is_empty());
    }

    #[test]
    fn a_long_output_keeps_its_first_and_its_last_lines() {
        let lines: Vec<String> = (0..100).map(|at| format!("    line {at}")).collect();
        let told = of_nextest(&format!("  FAIL [ 0.1s] rbac::it a\n{}\n", lines.join("\n")));
        let told = told.first().unwrap();
        assert_eq!(told.lines().count(), LINES_MAX + 1, "{told}");
        assert!(
            told.contains("line 0\n") && told.ends_with("line 99") && told.contains("[61 lines]"),
            "{told}"
        );
    }

    #[test]
    fn failures_of_cargo_test_are_told() {
        let output = "test a ... FAILED\n\nfailures:\n\n---- a stdout ----\nwords\n\nfailures:\n    a\n\n\
                      test result: FAILED. 0 passed; 1 failed;\n\ntest b ... ok\n\ntest result: ok. 1 passed; 0 failed;\n";
        assert_eq!(of_cargo_test(output), ["---- a stdout ----\nwords\nfailures:\n    a"]);
    }
}
