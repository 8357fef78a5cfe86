//! The steps of a verification, their order, and which of them a part means.

use std::fmt;

use crate::problem::Problem;
use crate::workspace::{CRATES, DOCUMENTED, FUZZED, PACKAGES};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Install,
    Fmt,
    Hygiene,
    Purity(&'static str),
    Clippy(&'static str),
    Docs(&'static str),
    Tests(&'static str),
    DocTests(&'static str),
    Fuzz(&'static str),
    Figure,
}

/// The end-to-end tests, by the name people call them.
const E2E: (&str, Step) = ("e2e", Step::Tests("examples"));

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Fmt => "fmt",
            Self::Hygiene => "hygiene",
            Self::Purity(_) => "purity",
            Self::Clippy(_) => "clippy",
            Self::Docs(_) => "docs",
            Self::Tests(_) => "tests",
            Self::DocTests(_) => "doc-tests",
            Self::Fuzz(_) => "fuzz",
            Self::Figure => "figures",
        }
    }

    fn package(self) -> Option<&'static str> {
        match self {
            Self::Purity(package)
            | Self::Clippy(package)
            | Self::Docs(package)
            | Self::Tests(package)
            | Self::DocTests(package)
            | Self::Fuzz(package) => Some(package),
            Self::Figure => Some("benches"),
            Self::Install | Self::Fmt | Self::Hygiene => None,
        }
    }

    fn belongs_to(self, part: &str) -> bool {
        self.name() == part || self.package() == Some(part) || (E2E.0 == part && E2E.1 == self)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.package()) {
            (Self::Figure, _) | (_, None) => f.write_str(self.name()),
            (_, Some(package)) => write!(f, "{} {package}", self.name()),
        }
    }
}

/// All steps, what is quick and needs no build first; the builds in an order in which they share most.
fn all() -> Vec<Step> {
    let mut steps = vec![Step::Install, Step::Fmt, Step::Hygiene];
    steps.extend(CRATES.map(Step::Purity));
    steps.extend(PACKAGES.map(Step::Clippy));
    steps.extend(DOCUMENTED.map(Step::Docs));
    steps.extend(PACKAGES.map(Step::Tests));
    // xtask is a program alone; doc tests are for libraries.
    steps.extend(PACKAGES.into_iter().filter(|package| *package != "xtask").map(Step::DocTests));
    steps.extend(FUZZED.map(Step::Fuzz));
    steps.push(Step::Figure);
    steps
}

/// The steps that belong to one of `parts`; all of them when there is none.
pub(crate) fn chosen(parts: &[String]) -> Vec<Step> {
    let wanted = |step: &Step| parts.is_empty() || parts.iter().any(|part| step.belongs_to(part));
    all().into_iter().filter(wanted).collect()
}

/// Hands a known part back.
pub(crate) fn check_part(part: &str) -> Result<&str, Problem> {
    if all().iter().any(|step| step.belongs_to(part)) {
        return Ok(part);
    }
    Err(Problem::Usage(format!("unknown part `{part}`\n{}", parts())))
}

/// The names that may be given, in two lines.
pub(crate) fn parts() -> String {
    let mut steps: Vec<&str> = all().into_iter().map(Step::name).collect();
    steps.dedup();
    format!("  steps:    {} {}\n  packages: {}", steps.join(" "), E2E.0, PACKAGES.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(parts: &[&str]) -> Vec<String> {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        chosen(&parts).iter().map(Step::to_string).collect()
    }

    #[test]
    fn a_package_means_all_its_steps_and_a_step_all_its_packages() {
        let of_rbac =
            ["purity rbac", "clippy rbac", "docs rbac", "tests rbac", "doc-tests rbac", "fuzz rbac"];
        assert_eq!(labels(&["rbac"]), of_rbac);
        assert_eq!(labels(&["clippy"]).len(), PACKAGES.len());
        assert_eq!(labels(&["e2e"]), ["tests examples"]);
        assert_eq!(labels(&["install", "fmt"]), ["install", "fmt"]);
        assert_eq!(labels(&["fuzz"]), ["fuzz sso-core", "fuzz rbac", "fuzz payments"]);
        assert_eq!(labels(&["sso-core"]).last().unwrap(), "fuzz sso-core");
        assert_eq!(labels(&["benches"]).last().unwrap(), "figures");
    }

    #[test]
    fn without_a_part_everything_runs_and_the_install_comes_first() {
        let all = labels(&[]);
        assert_eq!(all.first().unwrap(), "install");
        assert_eq!(all.len(), 3 + 5 + 3 * PACKAGES.len() - 1 + DOCUMENTED.len() + FUZZED.len() + 1);
    }
}
