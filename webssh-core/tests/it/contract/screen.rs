//! A shell as a person sees it: what was typed, what is shown, and how it ended.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use webssh_core::ChannelEnd;
use webssh_core::ssh::{Output, Shell, ShellInput, ShellOutput};

/// How long anything may take; generous, because test machines are busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for something that happens outside of this process.
pub(crate) fn wait(what: &str, condition: impl FnMut() -> bool) {
    testkit::until(DEADLINE, what, condition).unwrap();
}

pub(crate) struct Screen {
    pub(crate) input: ShellInput,
    pub(crate) output: ShellOutput,
    pub(crate) shown: Vec<u8>,
    /// Up to here what is shown was expected.
    seen: usize,
}

impl Screen {
    pub(crate) fn new(shell: Shell) -> Self {
        let (input, output) = shell.split();
        Self { input, output, shown: Vec::new(), seen: 0 }
    }

    /// A shell with a plain prompt that runs no startup files.
    pub(crate) async fn ready(shell: Shell) -> Self {
        let mut screen = Self::new(shell);
        screen.type_in("exec env -i TERM=$TERM PATH=$PATH PS1='> ' bash --norc --noprofile -i\r").await;
        screen.run("echo rea''dy", "ready").await;
        screen
    }

    pub(crate) async fn type_in(&mut self, keys: &str) {
        self.input.send(Bytes::copy_from_slice(keys.as_bytes())).await.unwrap();
    }

    /// Types a command and waits for its words. They must not stand in the command itself.
    pub(crate) async fn run(&mut self, command: &str, words: &str) {
        self.type_in(&format!("{command}\r")).await;
        self.expect(words).await;
    }

    /// Waits until something is shown, after what was shown before.
    pub(crate) async fn expect(&mut self, words: &str) {
        loop {
            let new = &self.shown[self.seen..];
            if let Some(at) = new.windows(words.len()).position(|window| window == words.as_bytes()) {
                self.seen += at + words.len();
                return;
            }
            if let Err(end) = self.read().await {
                panic!("{end:?} before `{words}`: {}", String::from_utf8_lossy(&self.shown));
            }
        }
    }

    /// Reads once.
    pub(crate) async fn read(&mut self) -> Result<(), ChannelEnd> {
        match timeout(DEADLINE, self.output.recv()).await.expect("output within the deadline") {
            Output::Bytes(bytes) => {
                self.shown.extend_from_slice(&bytes);
                Ok(())
            }
            Output::Ended(end) => Err(end),
        }
    }

    /// Reads to the end.
    pub(crate) async fn end(&mut self) -> ChannelEnd {
        loop {
            if let Err(end) = self.read().await {
                return end;
            }
        }
    }
}
