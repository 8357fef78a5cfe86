//! A small fuzzer on the standard library alone: it mutates inputs by their structure, keeps those that make a
//! parser answer in a new way, and shrinks those that make it panic.
//!
//! It sees no coverage of code. What it sees is the answer: an input with an answer that was not given before
//! becomes a seed of further ones.
//!
//! A test binary without a harness hands its targets to [`main`]. Every target runs for a fixed number of inputs from a
//! fixed seed; `FUZZ_SECS=60` runs each for a minute from a fresh seed, which is printed, and `FUZZ_SEED=N` takes that
//! one again. Arguments choose targets by parts of their names.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a fuzzer is a test: a fault of its own has to stop it"
)]

mod case;
mod mutate;
mod random;
mod shrink;

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::case::{attempt, watch_panics};
use self::mutate::mutated;
use self::random::Random;
use self::shrink::shrunk;

/// How many inputs a target gets when no time is given.
const EXECUTIONS_DEFAULT: u64 = 2000;
/// How many inputs are kept for further mutation.
const CORPUS_MAX: usize = 512;

/// Something that reads bytes.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "six fields, all of them needed; a new one must break targets")]
pub struct Target {
    /// Said in reports, and chosen by.
    pub name: &'static str,
    /// Inputs to begin with, good and bad.
    pub seeds: Vec<Vec<u8>>,
    /// What is worth writing into an input: keywords, numbers, delimiters.
    pub words: &'static [&'static str],
    /// The longest input.
    pub bytes_max: usize,
    /// Reads an input and names the answer. It panics if the answer is wrong.
    pub run: fn(&[u8]) -> String,
    /// Answers that the seeds alone must give: a target that never gets past the first check tests nothing.
    pub reaches: &'static [&'static str],
}

/// How long a target runs.
#[derive(Clone, Copy)]
enum Budget {
    Executions(u64),
    Time(Duration),
}

impl Budget {
    fn lasts(self, executions: u64, started: Instant) -> bool {
        match self {
            Self::Executions(most) => executions < most,
            Self::Time(most) => started.elapsed() < most,
        }
    }
}

/// Runs the targets that the arguments name, and speaks to cargo and nextest as a test binary does.
///
/// # Panics
/// If `FUZZ_SECS` or `FUZZ_SEED` is no number.
#[must_use]
pub fn main(targets: &[Target]) -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    if flag("--list") {
        // No test is ignored.
        for target in targets.iter().filter(|_| !flag("--ignored")) {
            println!("{}: test", target.name);
        }
        return ExitCode::SUCCESS;
    }
    let names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |target: &&Target| {
        let named = |name: &&&String| {
            if flag("--exact") { target.name == **name } else { target.name.contains(name.as_str()) }
        };
        names.is_empty() || names.iter().any(|name| named(&name))
    };
    let chosen: Vec<&Target> = targets.iter().filter(wanted).collect();
    run_all(&chosen, targets.len())
}

fn run_all(chosen: &[&Target], of: usize) -> ExitCode {
    let secs = number("FUZZ_SECS");
    let budget =
        secs.map_or(Budget::Executions(EXECUTIONS_DEFAULT), |secs| Budget::Time(Duration::from_secs(secs)));
    // The same inputs in every plain run of the tests; others whenever time is given.
    let seed = number("FUZZ_SEED").unwrap_or_else(|| secs.map_or(1, |_| nanos()));
    watch_panics();
    println!("running {} fuzz targets with FUZZ_SEED={seed}", chosen.len());
    let started = Instant::now();
    let held = chosen.iter().filter(|target| run(target, budget, seed)).count();
    let (verdict, failed) = if held == chosen.len() { ("ok", 0) } else { ("FAILED", chosen.len() - held) };
    println!(
        "\ntest result: {verdict}. {held} passed; {failed} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s",
        of - chosen.len(),
        started.elapsed().as_secs_f64(),
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

/// Whether a target stood every input.
fn run(target: &Target, budget: Budget, seed: u64) -> bool {
    let mut random = Random::new(seed);
    let mut corpus = target.seeds.clone();
    let mut answers: BTreeMap<String, u64> = BTreeMap::new();
    let (mut executions, mut slowest) = (0_u64, Duration::ZERO);
    let started = Instant::now();
    let mut seeds = corpus.clone().into_iter();
    let mut of_seeds = seeds.len();
    while of_seeds > 0 || budget.lasts(executions, started) {
        let input = seeds.next().unwrap_or_else(|| mutated(&corpus, target, &mut random));
        let begun = Instant::now();
        let answer = match attempt(target, &input) {
            Ok(answer) => answer,
            Err(words) => {
                report(target, &shrunk(target, input), &words);
                return false;
            }
        };
        slowest = slowest.max(begun.elapsed());
        executions += 1;
        let seen = answers.entry(answer).or_default();
        *seen += 1;
        if of_seeds > 0 {
            of_seeds -= 1;
            if of_seeds == 0 && !reached(target, &answers) {
                return false;
            }
        } else if *seen == 1 && corpus.len() < CORPUS_MAX {
            corpus.push(input);
        }
    }
    tell(target, executions, started.elapsed(), slowest, &answers);
    true
}

/// Whether the seeds gave the answers that they are there for.
fn reached(target: &Target, answers: &BTreeMap<String, u64>) -> bool {
    let missed: Vec<_> = target.reaches.iter().filter(|answer| !answers.contains_key(**answer)).collect();
    if !missed.is_empty() {
        println!("test {} ... FAILED\n  no seed gave {missed:?}; they gave {answers:?}", target.name);
    }
    missed.is_empty()
}

fn tell(
    target: &Target,
    executions: u64,
    took: Duration,
    slowest: Duration,
    answers: &BTreeMap<String, u64>,
) {
    let rate = u128::from(executions) * 1000 / took.as_millis().max(1);
    println!(
        "test {} ... ok ({executions} inputs, {rate}/s, slowest {} us, {} answers)",
        target.name,
        slowest.as_micros(),
        answers.len()
    );
    for (answer, count) in answers {
        println!("  {count:>9}  {answer}");
    }
}

fn report(target: &Target, input: &[u8], words: &str) {
    println!("test {} ... FAILED\n  {words}\n  by the {} bytes", target.name, input.len());
    println!("  b\"{}\"", input.escape_ascii());
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, not a number")))
}

fn nanos() -> u64 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    u64::try_from(nanos % u128::from(u64::MAX)).unwrap()
}
