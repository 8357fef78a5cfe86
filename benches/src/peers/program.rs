//! A program of its own: a child process that is given jobs and answers each with a line of JSON.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Error;

/// A process on the callers' core. It lives as long as the figure, so that only the first round warms it up.
pub(crate) struct Program {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What the child says about one job.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Reply<T> {
    Done(T),
    Failed { error: String },
}

impl Program {
    /// Starts the command. Errors call it by the name.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self, Error> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the peer has no input or no output").into());
        };
        Ok(Self { name, child, input, output: BufReader::new(output) })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What errors call it.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Gives it a job, and waits for the answer.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, job: &str) -> Result<T, Error> {
        // The child has said why on standard error when it ended early.
        let sent = self.input.write_all(job.as_bytes()).and_then(|()| self.input.flush());
        sent.map_err(|error| self.failed(format!("it took no job: {error}")))?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        if line.is_empty() {
            return Err(self.failed("it ended without an answer".to_owned()));
        }
        match serde_json::from_str(&line)? {
            Reply::Failed { error } => Err(self.failed(error)),
            Reply::Done(done) => Ok(done),
        }
    }

    /// It did not do its work.
    pub(crate) fn failed(&self, said: String) -> Error {
        Error::Foreign { name: self.name, said }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It keeps nothing that could be lost.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("figures: process {} of a peer may still run: {error}", self.child.id());
        }
    }
}

/// The command that runs another program of this package, which Cargo builds beside this one; one folder above for tests.
pub(crate) fn beside(name: &str) -> Result<Command, Error> {
    let own = std::env::current_exe()?;
    let found =
        own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|program| program.is_file());
    let missing = || {
        let how = "run `cargo build -p benches`, with `--release` for figures";
        io::Error::other(format!("the program `{name}` is not built; {how}"))
    };
    Ok(Command::new(found.ok_or_else(missing)?))
}
