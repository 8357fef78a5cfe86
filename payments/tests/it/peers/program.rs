//! A child process that answers questions, a line of JSON each.

use super::install;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub(super) struct Peer {
    language: Language,
    pipes: RefCell<Pipes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Js,
    Py,
}

struct Pipes {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// The kits of npm; none if npm is left out on purpose.
    pub(super) fn js() -> Option<Self> {
        (!testkit::skipped("npm")).then(|| Self::start(Language::Js, &mut install::js()))
    }

    /// The kits of Python; none if Python is left out on purpose.
    pub(super) fn py() -> Option<Self> {
        (!testkit::skipped("python3")).then(|| Self::start(Language::Py, &mut install::py()))
    }

    fn start(language: Language, command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let pipes = Pipes { child, input, output: BufReader::new(output) };
        Self { language, pipes: RefCell::new(pipes) }
    }

    pub(super) fn language(&self) -> Language {
        self.language
    }

    /// Asks by name; a question that the peer cannot answer fails the test.
    pub(super) fn ask(&self, name: &str, mut question: Value) -> Value {
        question["ask"] = json!(name);
        let mut pipes = self.pipes.borrow_mut();
        writeln!(pipes.input, "{question}").unwrap();
        pipes.input.flush().unwrap();
        let mut line = String::new();
        pipes.output.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the peer ended at `{question}`");
        let reply: Value = serde_json::from_str(&line).unwrap();
        match reply.get("answer") {
            Some(answer) => answer.clone(),
            None => panic!("{question}: {}", reply["error"]),
        }
    }

    pub(super) fn ask_text(&self, name: &str, question: Value) -> String {
        let answer = self.ask(name, question);
        answer.as_str().unwrap_or_else(|| panic!("{name}: {answer}")).to_owned()
    }

    /// A yes or no; anything else fails the test.
    pub(super) fn agrees(&self, name: &str, question: Value) -> bool {
        let answer = self.ask(name, question);
        answer.as_bool().unwrap_or_else(|| panic!("{name}: {answer}"))
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // It keeps nothing that could be lost.
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("process {} of a peer may still run: {error}", self.child.id());
        }
    }
}
