//! Running a command so that a person sees its output at once and the step can read it afterwards.

use std::env;
use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use crate::problem::Problem;
use crate::workspace;

/// What a command that has ended left.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) success: bool,
    /// Standard output, without colours.
    pub(super) stdout: String,
    /// Standard error, without colours.
    pub(super) stderr: String,
}

/// A cargo for the steps: the system's OpenSSL even with all features, colours when a person looks on, and Clippy.
///
/// `cargo clippy` checks all dependencies once more, beside what the tests build of them: a third of a cold run. So
/// Clippy's compiler builds our own packages here, in every step, and a warning fails the build. Cargo calls it as
/// `cargo clippy` does, and keeps what it builds apart from what rustc builds.
pub(super) fn cargo() -> Result<Command, Problem> {
    let mut command = workspace::cargo();
    command.env("OPENSSL_NO_VENDOR", "1");
    command.env("RUSTC_WORKSPACE_WRAPPER", clippy_driver()?).env("CLIPPY_ARGS", "-Dwarnings");
    if io::stderr().is_terminal() && env::var_os("CARGO_TERM_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    Ok(command)
}

/// The same for some packages together.
pub(super) fn cargo_of(packages: &[&str], args: &[&str]) -> Result<Command, Problem> {
    let mut command = cargo()?;
    command.args(args);
    for package in packages {
        command.args(["--package", package]);
    }
    Ok(command)
}

/// It stands beside rustc, and asking rustc works with and without rustup.
fn clippy_driver() -> Result<PathBuf, Problem> {
    let failed = |e: io::Error| Problem::io("ask rustc for its folder", &e);
    let asked = Command::new("rustc").args(["--print", "sysroot"]).current_dir(workspace::root()).output();
    let sysroot = String::from_utf8_lossy(&asked.map_err(failed)?.stdout).trim_end().to_owned();
    let driver = PathBuf::from(sysroot).join("bin/clippy-driver");
    if driver.is_file() {
        return Ok(driver);
    }
    Err(Problem::Machine(format!("there is no `{}`; run `rustup component add clippy`", driver.display())))
}

pub(super) fn cargo_succeeds(args: &[&str]) -> Result<bool, Problem> {
    let mut command = cargo()?;
    command.args(args);
    Ok(stream(command)?.success)
}

/// Runs `command` to its end, copying its output through.
pub(super) fn stream(mut command: Command) -> Result<Ran, Problem> {
    let program = command.get_program().display().to_string();
    let failed = |e: io::Error| Problem::io(&format!("run `{program}`"), &e);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = thread::scope(|scope| {
        let err = scope.spawn(|| tee(err, io::stderr()));
        let out = tee(out, io::stdout());
        (out, err.join())
    });
    let lost = |_| io::Error::other("the reader of its errors failed");
    let stderr = stderr.map_err(lost).and_then(|copied| copied).map_err(failed)?;
    let success = child.wait().map_err(failed)?.success();
    Ok(Ran { success, stdout: stdout.map_err(failed)?, stderr })
}

/// Copies `from` to `to` as it comes, and returns all of it without colours.
fn tee(from: Option<impl Read>, mut to: impl Write) -> io::Result<String> {
    let mut all = Vec::new();
    let Some(mut from) = from else {
        return Ok(String::new());
    };
    let mut buffer = [0; 8192];
    loop {
        let length = match from.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let read = buffer.get(..length).unwrap_or_default();
        if read.is_empty() {
            return Ok(without_colours(&String::from_utf8_lossy(&all)));
        }
        to.write_all(read)?;
        to.flush()?;
        all.extend_from_slice(read);
    }
}

/// Drops the escape sequences that set colours: ESC `[` ... `m`.
fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let parameters = piece.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(piece.len());
        let (_, rest) = piece.split_at(parameters);
        plain.push_str(rest.strip_prefix('m').unwrap_or(rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_dropped_and_the_words_stay() {
        assert_eq!(without_colours("\u{1b}[32;1m  Summary\u{1b}[0m [x]"), "  Summary [x]");
        assert_eq!(without_colours("plain [1m] ü"), "plain [1m] ü");
    }

    #[test]
    fn both_outputs_and_the_verdict_come_back() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let ran = stream(command).unwrap();
        assert_eq!((ran.success, ran.stdout.as_str(), ran.stderr.as_str()), (false, "out\n", "err\n"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let Err(Problem::Machine(words)) = stream(Command::new("/nowhere/cargo")) else { panic!("it ran") };
        assert!(words.contains("`/nowhere/cargo`"), "{words}");
    }
}
