//! What backends read from a dial: checked, and with times and sizes that make sense.

use std::convert::Infallible;
use std::time::Duration;

use super::dial::{ConnectOptions, Connected, Dial, WEEK_SECS};
use super::{Program, Shell};
use crate::error::{Error, Inner, quoted};
use crate::files::{FileLimits, Files};

/// The longest name of a terminal type, in bytes.
const TERM_BYTES_MAX: usize = 64;

/// The longest command, in bytes.
const COMMAND_BYTES_MAX: usize = 32 * 1024;

/// The bounds of a receive window: the largest packet, and what OpenSSH uses.
const WINDOW_BYTES: (u32, u32) = (32 * 1024, 2 * 1024 * 1024);

impl Dial<'_> {
    /// # Errors
    /// `InvalidInput` for options that cannot be used, `Misuse` for a chain that is too long.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let chain = std::iter::successors(Some(self), |dial| dial.jump);
        for (hop, dial) in chain.enumerate() {
            if hop > Self::JUMPS_MAX {
                return Err(Inner::TooManyJumps { jumps_max: Self::JUMPS_MAX }.into());
            }
            dial.options.check()?;
        }
        Ok(())
    }
}

impl Connected<Infallible> {
    /// The same refusal, of anything that might have been opened.
    pub(crate) fn of_any<T>(self) -> Connected<T> {
        match self {
            Self::Open(never) => match never {},
            Self::HostRefused(verdict) => Connected::HostRefused(verdict),
            Self::LoginRefused { tried, offered } => Connected::LoginRefused { tried, offered },
            Self::JumpRefused { target, refusal } => Connected::JumpRefused { target, refusal },
        }
    }
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The program of the options, which shows standard error as well.
    Terminal,
    /// The subsystem `sftp`, whose packets nothing may come between.
    Files,
}

impl Purpose {
    /// What goes on while such a channel is opened, for messages.
    pub(crate) fn doing(self) -> &'static str {
        match self {
            Self::Terminal => "opening a shell",
            Self::Files => "starting sftp",
        }
    }
}

impl Connected<Shell> {
    /// Greets the SFTP server at the far end of a channel that was opened for [`Purpose::Files`].
    pub(crate) async fn with_files(self, limits: &FileLimits) -> Result<Connected<Files>, Error> {
        match self.open() {
            Ok(channel) => Files::open(channel, limits).await.map(Connected::Open),
            Err(refused) => Ok(refused.of_any()),
        }
    }
}

impl Program {
    fn check(&self) -> Result<(), Error> {
        let usable = self.command().is_none_or(|command| {
            (1..=COMMAND_BYTES_MAX).contains(&command.len()) && !command.bytes().any(|byte| byte == 0)
        });
        if usable { Ok(()) } else { Err(Inner::Command { bytes_max: COMMAND_BYTES_MAX }.into()) }
    }

    pub(crate) fn has_terminal(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// The command, unless it is the login shell.
    pub(crate) fn command(&self) -> Option<&str> {
        match self {
            Self::Shell => None,
            Self::OnTerminal(command) | Self::Plain(command) => Some(command),
        }
    }
}

impl ConnectOptions {
    /// The same for files: nobody waits for a Ctrl-C, so the server may send as much ahead as it can.
    pub(crate) fn for_files(&self) -> Self {
        Self { window_bytes: WINDOW_BYTES.1, ..self.clone() }
    }

    fn check(&self) -> Result<(), Error> {
        let usable = (1..=TERM_BYTES_MAX).contains(&self.term.len())
            && self.term.bytes().all(|byte| byte.is_ascii_graphic());
        if usable { self.program.check() } else { Err(Inner::Term { term: quoted(&self.term) }.into()) }
    }

    /// The window to open a channel with.
    pub(crate) fn window(&self) -> u32 {
        self.window_bytes.clamp(WINDOW_BYTES.0, WINDOW_BYTES.1)
    }

    /// The silence before a probe.
    pub(crate) fn probe_after(&self) -> Duration {
        secs(self.probe_secs.clamp(1, WEEK_SECS))
    }

    /// How long a probe may stay unanswered, and bytes unacknowledged.
    pub(crate) fn unanswered_max(&self) -> Duration {
        secs(self.unanswered_secs_max.clamp(1, WEEK_SECS))
    }

    /// How long a session may last.
    pub(crate) fn session_max(&self) -> Duration {
        secs(self.session_secs_max)
    }

    /// How long a channel may take to close.
    pub(crate) fn close_max(&self) -> Duration {
        secs(self.close_secs_max)
    }
}

pub(crate) fn secs(number: u32) -> Duration {
    Duration::from_secs(number.into())
}
