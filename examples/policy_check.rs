//! Asks a policy who may what, and says where it answers otherwise than a file of cases.
//!
//! `cargo run -p examples --bin policy_check -- policy.json cases.txt`
//!
//! The policy is the JSON of `PolicyRows::to_json`, or the table of `export::csv`. It ends with 1 if a case fails.

use std::error::Error;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use rbac::{Policy, PolicyCases, PolicyRows, UnixMillis, import};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the person who runs it")]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [policy, cases] = args.as_slice() else {
        eprintln!("usage: policy_check POLICY.{{json,csv}} CASES");
        return Ok(ExitCode::from(2));
    };
    let rows = rows(policy, &fs::read_to_string(policy)?)?;
    let compiled = Policy::compile(&rows)?;
    for problem in compiled.problems() {
        eprintln!("{policy}: {problem}");
    }
    let cases = PolicyCases::parse(&fs::read_to_string(cases)?)?;
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    if let Err(failures) = cases.check(&compiled, UnixMillis::new(now)?) {
        println!("{failures}");
        return Ok(ExitCode::FAILURE);
    }
    println!("{} cases hold", cases.len());
    Ok(ExitCode::SUCCESS)
}

/// A table with a line that cannot be taken is refused: a policy is checked as a whole.
fn rows(name: &str, text: &str) -> Result<PolicyRows, Box<dyn Error>> {
    if !name.ends_with(".csv") {
        return Ok(PolicyRows::from_json(text)?);
    }
    let imported = import::csv(text)?;
    match imported.left_out.first() {
        Some(first) => Err(format!("{name}: {first}").into()),
        None => Ok(imported.rows),
    }
}
