//! The command line, as a value.

use std::ffi::OsString;

use crate::problem::Problem;
use crate::verify::step::check_part;

pub(crate) const USAGE: &str = "\
cargo demo [ARGS..]                   builds and runs the demo
cargo verify [PART..] [--no-install]  everything that has to hold before a change goes in
cargo figures [ARGS..]                measures the figures, in release mode
";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    /// The arguments go to the demo as they are.
    Demo(Vec<OsString>),
    /// The arguments go to the figures as they are.
    Figures(Vec<OsString>),
    /// No part means all of them. `install` is false when missing packages are only to be listed.
    Verify {
        parts: Vec<String>,
        install: bool,
    },
}

pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Task, Problem> {
    let Some(name) = args.next() else {
        return Ok(Task::Help);
    };
    match name.to_str() {
        Some("demo") => Ok(Task::Demo(args.collect())),
        Some("figures") => Ok(Task::Figures(args.collect())),
        Some("verify") => verify(args),
        Some("help" | "--help" | "-h") => Ok(Task::Help),
        _ => Err(Problem::Usage(format!("unknown command `{}`; the commands are:\n{USAGE}", name.display()))),
    }
}

fn verify(args: impl Iterator<Item = OsString>) -> Result<Task, Problem> {
    let mut parts = Vec::new();
    let mut install = true;
    for arg in args {
        match arg.to_str() {
            Some("--help" | "-h") => return Ok(Task::Help),
            Some("--no-install") => install = false,
            Some(part) => parts.push(check_part(part)?.to_owned()),
            None => return Err(Problem::Usage(format!("unknown part `{}`", arg.display()))),
        }
    }
    Ok(Task::Verify { parts, install })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Task, Problem> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_of_the_demo_and_the_figures_pass_through() {
        assert_eq!(parsed("demo --help -x").unwrap(), Task::Demo(vec!["--help".into(), "-x".into()]));
        assert_eq!(parsed("figures --list").unwrap(), Task::Figures(vec!["--list".into()]));
    }

    #[test]
    fn verify_takes_parts_and_its_flag_in_any_order() {
        let wanted = Task::Verify { parts: vec!["fmt".to_owned(), "seckill".to_owned()], install: false };
        assert_eq!(parsed("verify fmt --no-install seckill").unwrap(), wanted);
        assert_eq!(parsed("verify").unwrap(), Task::Verify { parts: vec![], install: true });
    }

    #[test]
    fn an_unknown_part_or_command_is_told_what_there_is() {
        let Err(Problem::Usage(words)) = parsed("verify secil") else { panic!("accepted") };
        assert!(
            words.contains("`secil`") && words.contains("seckill") && words.contains("clippy"),
            "{words}"
        );
        assert!(matches!(parsed("verify --fast"), Err(Problem::Usage(_))));
        assert!(matches!(parsed("deploy"), Err(Problem::Usage(_))));
        assert_eq!(parsed("").unwrap(), Task::Help);
    }
}
