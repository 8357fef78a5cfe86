//! What a backend is asked for and what it answers: one connection to one checked destination.

use std::convert::Infallible;
use std::fmt;

use super::{Program, Shell};
use crate::error::{Error, quoted};
use crate::files::{FileLimits, Files};
use crate::pump::BoxFuture;
use crate::{Destination, Dialogue, HostKeys, HostVerdict, Login, Target, WinSize};

/// The longest time that makes sense.
pub(super) const WEEK_SECS: u32 = 7 * 24 * 60 * 60;

/// One connection to make. All of it has to be said, so the fields are open and there is no default.
///
/// ```
/// use webssh_core::ssh::{Backend, Connected, ConnectOptions, Dial, Shell};
/// use webssh_core::{Destination, Error, HostKeys, Login, NoDialogue};
///
/// async fn open(
///     backend: &dyn Backend,
///     destination: &Destination,
///     login: &Login,
///     hosts: &HostKeys,
/// ) -> Result<Option<Shell>, Error> {
///     let options = ConnectOptions::default();
///     let dial = Dial { destination, login, hosts, dialogue: &NoDialogue, options: &options, jump: None };
///     match backend.shell(&dial).await? {
///         Connected::Open(shell) => Ok(Some(shell)),
///         refused => {
///             println!("{refused}");
///             Ok(None)
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Dial<'a> {
    /// Where to: an address that a [`TargetPolicy`](crate::TargetPolicy) has checked.
    pub destination: &'a Destination,
    /// What to show to the server, in this order.
    pub login: &'a Login,
    /// Which host key is accepted. It is judged before any credential is sent.
    pub hosts: &'a HostKeys,
    /// Whom to ask when the server or `hosts` has a question.
    pub dialogue: &'a dyn Dialogue,
    /// The terminal, the limits and the times.
    pub options: &'a ConnectOptions,
    /// The host to connect through (ProxyJump): its destination is dialled, and from there a `direct-tcpip`
    /// channel (RFC 4254, section 7.2) goes to the address of ours. Hosts may be chained; a chain has at
    /// most [`JUMPS_MAX`](Self::JUMPS_MAX) of them.
    pub jump: Option<&'a Self>,
}

impl Dial<'_> {
    /// The longest chain of hosts to jump through.
    pub const JUMPS_MAX: usize = 4;
}

/// Without the one who is asked.
impl fmt::Debug for Dial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial")
            .field("destination", self.destination)
            .field("login", self.login)
            .field("hosts", self.hosts)
            .field("options", self.options)
            .field("jump", &self.jump)
            .finish_non_exhaustive()
    }
}

/// A way to speak SSH.
///
/// Every implementation gives the same answers: `tests/it/contract.rs` is run against each.
pub trait Backend: fmt::Debug + Send + Sync {
    /// Connects, verifies the host, logs in and starts the program of the options. The shell lives in a task of
    /// the tokio runtime of the caller, which needs I/O and time. Dropping the future ends the attempt.
    ///
    /// # Errors
    /// `InvalidInput` for options or a private key that cannot be used; `PeerMisbehaved` when the server
    /// breaks the protocol or has no safe algorithm; `Unavailable` when it cannot be reached in time;
    /// `Misuse` when the library behind the backend is not safe to use.
    fn shell<'a>(&'a self, dial: &'a Dial<'a>) -> BoxFuture<'a, Result<Connected<Shell>, Error>>;

    /// Connects, verifies the host, logs in and opens the server's files, on a connection of their own: a
    /// transfer never stands in the way of a terminal. The window is 2 MiB, whatever the options say; their
    /// terminal and program are not used. The SFTP server has `answer_secs_max` of the limits to greet.
    ///
    /// # Errors
    /// As [`shell`](Self::shell); and `PeerMisbehaved` when the server has no SFTP of version 3.
    fn files<'a>(
        &'a self,
        dial: &'a Dial<'a>,
        limits: &'a FileLimits,
    ) -> BoxFuture<'a, Result<Connected<Files>, Error>>;
}

/// What became of a connection attempt. Each answer needs its own words for the user, so none can be added
/// without a new version.
#[derive(Debug)]
#[must_use]
pub enum Connected<T> {
    /// What was asked for is open.
    Open(T),
    /// The host key was not accepted; no credential was sent. Show the fingerprint.
    HostRefused(HostVerdict),
    /// The server did not accept the credentials. Ask the user again.
    LoginRefused {
        /// The methods of RFC 4252 that were tried, in order: `publickey`, `password` or
        /// `keyboard-interactive`.
        tried: Vec<&'static str>,
        /// The methods that the server would go on with, by its own words. Empty when it named none.
        offered: Vec<String>,
    },
    /// A host on the way said no; the one that was asked for was not reached.
    JumpRefused {
        /// The host on the way.
        target: Target,
        /// Its answer, which is never `Open`.
        refusal: Box<Connected<Infallible>>,
    },
}

impl<T> Connected<T> {
    /// What was opened, or the refusal.
    ///
    /// # Errors
    /// The refusal, which cannot be `Open`.
    pub fn open(self) -> Result<T, Connected<Infallible>> {
        match self {
            Self::Open(open) => Ok(open),
            Self::HostRefused(verdict) => Err(Connected::HostRefused(verdict)),
            Self::LoginRefused { tried, offered } => Err(Connected::LoginRefused { tried, offered }),
            Self::JumpRefused { target, refusal } => Err(Connected::JumpRefused { target, refusal }),
        }
    }
}

/// A line for a log. Words of the server are escaped.
impl<T> fmt::Display for Connected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(_) => f.write_str("connected"),
            Self::HostRefused(verdict) => write!(f, "the host key was refused: {verdict:?}"),
            Self::LoginRefused { tried, offered } => {
                let offered: Vec<String> = offered.iter().map(|name| quoted(name)).collect();
                let (tried, offered) = (tried.join(", "), offered.join(", "));
                write!(f, "the login was refused after {tried}; the server offers {offered}")
            }
            Self::JumpRefused { target, refusal } => write!(f, "at {target}: {refusal}"),
        }
    }
}

/// What to do about a server without strict key exchange (CVE-2023-48795, "Terrapin"): somebody in between
/// can drop the first packets after the key exchange unseen, when ChaCha20-Poly1305 or CBC with
/// encrypt-then-MAC is agreed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Terrapin {
    /// Agree only on AES-GCM or counter mode with such a server, and refuse it if it has neither.
    #[default]
    Demand,
    /// Offer strict key exchange and go on without it.
    Offer,
}

/// How to connect, and the limits of what is opened. Times and sizes that make no sense count as the
/// nearest that do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Seconds for everything from the TCP connection to the open shell. The time in which a person is
    /// asked does not count.
    pub connect_secs_max: u32,
    /// Seconds in which a person has to answer, for all questions of one connection together.
    pub dialogue_secs_max: u32,
    /// Seconds of silence after which the server is asked for a sign of life; less than 1 counts as 1.
    pub probe_secs: u32,
    /// Seconds after which the connection is lost, when the server has not answered a probe or its kernel
    /// has not acknowledged bytes (TCP_USER_TIMEOUT; Linux only). Less than 1 counts as 1, more than a week
    /// as a week.
    pub unanswered_secs_max: u32,
    /// Seconds for a polite end of the channel; after them the connection is cut.
    pub close_secs_max: u32,
    /// Bytes that the server may send ahead: 32 KiB to 2 MiB. Over a long line the throughput is this much in
    /// each round-trip time. With what is on its way to the browser it is what can still be shown after a
    /// Ctrl-C.
    pub window_bytes: u32,
    /// Bytes of output and input together after which the session is ended. OpenSSH changes its keys at
    /// least every 2^31 packets by itself; this is for servers that never do, and bounds what a hostile one can
    /// make `GuardedLibssh2` keep.
    pub session_bytes_max: u64,
    /// Seconds after which the session is ended.
    pub session_secs_max: u32,
    /// What to do about a server without strict key exchange.
    pub terrapin: Terrapin,
    /// What the server starts.
    pub program: Program,
    /// The type of the terminal (TERM): 1 to 64 visible ASCII characters.
    pub term: String,
    /// The first size of the terminal.
    pub size: WinSize,
}

/// 15 seconds to connect, 120 for questions, a probe after 20 of silence, 40 unanswered, 2 to close; a window of
/// 192 KiB; a session of at most 1 TiB and a week; strict key exchange demanded; the login shell on an `xterm-256color`, 80x24.
impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            connect_secs_max: 15,
            dialogue_secs_max: 120,
            probe_secs: 20,
            unanswered_secs_max: 40,
            close_secs_max: 2,
            window_bytes: 192 * 1024,
            session_bytes_max: 1 << 40,
            session_secs_max: WEEK_SECS,
            terrapin: Terrapin::Demand,
            program: Program::Shell,
            term: "xterm-256color".to_owned(),
            size: WinSize::default(),
        }
    }
}
