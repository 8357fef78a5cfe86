//! The steps of a verification, their order, and which of them a part means.

use std::fmt;

use crate::problem::Problem;
use crate::workspace::{CRATES, DOCUMENTED, FUZZED, LIBRARIES, PACKAGES};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Install,
    Fmt,
    Hygiene,
    Purity(&'static str),
    /// All chosen packages at once, see [`chosen_packages`].
    Clippy,
    Alone(&'static str),
    Docs(&'static str),
    Tests(&'static str),
    DocTests,
    Fuzz,
}

/// The end-to-end tests, by the name people call them, and their package.
const E2E: (&str, &str) = ("e2e", "examples");

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Fmt => "fmt",
            Self::Hygiene => "hygiene",
            Self::Purity(_) => "purity",
            Self::Clippy => "clippy",
            Self::Alone(_) => "alone",
            Self::Docs(_) => "docs",
            Self::Tests(_) => "tests",
            Self::DocTests => "doc-tests",
            Self::Fuzz => "fuzz",
        }
    }

    /// What the step looks at.
    pub(crate) fn packages(self) -> &'static [&'static str] {
        match &self {
            Self::Install | Self::Fmt | Self::Hygiene => &[],
            Self::Purity(package) | Self::Alone(package) => one(&CRATES, package),
            Self::Docs(package) => one(&DOCUMENTED, package),
            Self::Tests(package) => one(&PACKAGES, package),
            Self::Clippy => &PACKAGES,
            Self::DocTests => &LIBRARIES,
            Self::Fuzz => &FUZZED,
        }
    }

    fn belongs_to(self, part: &str) -> bool {
        let end_to_end = E2E.0 == part && self == Self::Tests(E2E.1);
        self.name() == part || self.packages().contains(&part) || end_to_end
    }
}

fn one(all: &'static [&'static str], package: &str) -> &'static [&'static str] {
    let at = all.iter().position(|name| *name == package);
    at.and_then(|at| all.get(at..=at)).unwrap_or_default()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packages() {
            [package] => write!(f, "{} {package}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

/// All steps, what is quick and needs no build first.
fn all() -> Vec<Step> {
    let mut steps = vec![Step::Install, Step::Fmt, Step::Hygiene];
    steps.extend(CRATES.map(Step::Purity));
    steps.push(Step::Clippy);
    steps.extend(CRATES.map(Step::Alone));
    steps.extend(DOCUMENTED.map(Step::Docs));
    steps.extend(PACKAGES.map(Step::Tests));
    steps.extend([Step::DocTests, Step::Fuzz]);
    steps
}

/// The steps that belong to one of `parts`; all of them when there is none.
pub(crate) fn chosen(parts: &[String]) -> Vec<Step> {
    let wanted = |step: &Step| parts.is_empty() || parts.iter().any(|part| step.belongs_to(part));
    all().into_iter().filter(wanted).collect()
}

/// The packages that `parts` name; all of them when a step is named, or nothing.
///
/// They are built together, in every step: each dependency once, with all the features that somebody among them
/// asks for. What that hides, [`Step::Alone`] finds.
pub(crate) fn chosen_packages(parts: &[String]) -> Vec<&'static str> {
    let named =
        |package: &&str| parts.iter().any(|part| part == package || (part == E2E.0 && *package == E2E.1));
    let all_named = parts.iter().all(|part| part == E2E.0 || PACKAGES.contains(&part.as_str()));
    let named: Vec<_> = PACKAGES.into_iter().filter(named).collect();
    if named.is_empty() || !all_named { PACKAGES.to_vec() } else { named }
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
        let of_rbac = ["purity rbac", "clippy", "alone rbac", "docs rbac", "tests rbac", "doc-tests", "fuzz"];
        assert_eq!(labels(&["rbac"]), of_rbac);
        assert_eq!(labels(&["alone"]).len(), CRATES.len());
        assert_eq!(labels(&["e2e"]), ["tests examples"]);
        assert_eq!(labels(&["install", "fmt"]), ["install", "fmt"]);
        assert_eq!(labels(&["seckill"]).last().unwrap(), "doc-tests");
        assert_eq!(labels(&["xtask"]), ["clippy", "tests xtask"]);
    }

    #[test]
    fn without_a_part_everything_runs_and_the_install_comes_first() {
        let all = labels(&[]);
        assert_eq!(all.first().unwrap(), "install");
        assert_eq!(all.len(), 3 + 2 * CRATES.len() + DOCUMENTED.len() + PACKAGES.len() + 3);
    }

    #[test]
    fn packages_are_built_together_with_those_that_are_asked_for() {
        let packages = |parts: &[&str]| {
            chosen_packages(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(packages(&[]), PACKAGES);
        assert_eq!(packages(&["clippy"]), PACKAGES);
        assert_eq!(packages(&["rbac", "fuzz"]), PACKAGES);
        assert_eq!(packages(&["e2e", "rbac"]), ["rbac", "examples"]);
    }
}
