//! `cargo verify`: runs the chosen steps, shows a table, and closes with `N passed, N failed`.

mod command;
mod count;
mod figure;
mod fuzz;
mod hygiene;
mod install;
mod purity;
pub(crate) mod step;
mod table;
mod tests_of;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use crate::problem::Problem;
use crate::verify::command::cargo_succeeds;
use crate::verify::count::Count;
use crate::verify::step::Step;
use crate::verify::table::Row;

const SKIP: &str = "TESTKIT_SKIP";
/// The servers that may be left out, by the names that the tests use.
const SERVERS: [&str; 6] = ["redis", "sshd", "nginx", "chromium", "postgres", "mariadb"];

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The step ran: so many checks or tests held, so many did not.
    Ran(Count),
    /// The step needs a server that `TESTKIT_SKIP` leaves out.
    LeftOut,
}

impl Outcome {
    fn check(held: bool) -> Self {
        Self::Ran(Count::check(held))
    }

    fn is_failure(self) -> bool {
        matches!(self, Self::Ran(count) if count.failed > 0)
    }
}

pub(crate) fn run(parts: &[String], install: bool) -> Result<ExitCode, Problem> {
    let skip = skipped_servers(&env::var(SKIP).unwrap_or_default())?;
    let mut rows = Vec::new();
    for step in step::chosen(parts) {
        println!("\n── {step}");
        let started = Instant::now();
        let outcome = run_step(step, parts, install, &skip).unwrap_or_else(|problem| {
            eprintln!("error: {problem}");
            Outcome::check(false)
        });
        rows.push(Row { step, outcome, took: started.elapsed() });
        if step == Step::Install && outcome.is_failure() {
            break;
        }
    }
    print!("\n{}", table::draw(&rows));
    let failed = rows.iter().any(|row| row.outcome.is_failure());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run_step(step: Step, parts: &[String], install: bool, skip: &[String]) -> Result<Outcome, Problem> {
    let held = match step {
        Step::Install => install::run(install, skip)?,
        Step::Fmt => cargo_succeeds(&["fmt", "--all", "--check", "--", "--files-with-diff"])?,
        Step::Hygiene => hygiene::run()?,
        Step::Purity(package) => purity::run(package)?,
        Step::Clippy(package) => clippy(package)?,
        Step::Docs(package) => docs(package)?,
        Step::Tests(package) => return tests_of::run(package).map(Outcome::Ran),
        Step::DocTests(package) => return tests_of::run_docs(package).map(Outcome::Ran),
        Step::Fuzz(package) => return fuzz::run(package, parts).map(Outcome::Ran),
        Step::Figure if skip.iter().any(|server| server == "redis") => return Ok(Outcome::LeftOut),
        Step::Figure => figure::run()?,
    };
    Ok(Outcome::check(held))
}

/// With all features and without any: unification would hide what one of them misses. Clippy looks on while everything
/// is built, see [`command::cargo`].
fn clippy(package: &str) -> Result<bool, Problem> {
    let mut held = true;
    for features in ["--all-features", "--no-default-features"] {
        held &= cargo_succeeds(&["test", "--no-run", "--package", package, features, "--all-targets"])?;
    }
    Ok(held)
}

fn docs(package: &str) -> Result<bool, Problem> {
    let mut cargo = command::cargo()?;
    cargo
        .args(["doc", "--package", package, "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings");
    Ok(command::stream(cargo)?.success)
}

/// A misspelt name would otherwise leave nothing out and not say so.
fn skipped_servers(list: &str) -> Result<Vec<String>, Problem> {
    let names = list.split([',', ' ']).filter(|name| !name.is_empty());
    names
        .map(|name| match SERVERS.contains(&name) {
            true => Ok(name.to_owned()),
            false => {
                let known = SERVERS.join(", ");
                Err(Problem::Usage(format!("{SKIP} names `{name}`; the servers are {known}")))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_servers_can_be_left_out() {
        assert_eq!(skipped_servers("redis, mariadb").unwrap(), ["redis", "mariadb"]);
        assert!(skipped_servers("").unwrap().is_empty());
        assert!(matches!(skipped_servers("reddis"), Err(Problem::Usage(_))));
    }
}
