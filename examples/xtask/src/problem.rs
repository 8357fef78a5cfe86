//! Why a command stopped, in words for a person, and the exit code that goes with it.

use std::fmt;
use std::io;
use std::process::ExitCode;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The command line makes no sense; exit code 2, as is the custom.
    Usage(String),
    /// The machine lacks something, or refused something; exit code 1.
    Machine(String),
}

impl Problem {
    /// `doing` completes the sentence "cannot ...".
    pub(crate) fn io(doing: &str, error: &io::Error) -> Self {
        Self::Machine(format!("cannot {doing}: {error}"))
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Machine(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(words) | Self::Machine(words) => f.write_str(words),
        }
    }
}
