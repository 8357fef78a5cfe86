//! One way from here to the program behind the sshd: a bare backend, the whole pump, or the OpenSSH client.

use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::{sleep, timeout};
use webssh_core::frame::Hello;
use webssh_core::pump::{self, Session, SessionOptions};
use webssh_core::record::{FileSink, RecordOptions, Recorder};
use webssh_core::ssh::{Backend, Libssh2, Output, Russh, ShellInput, ShellOutput};
use webssh_core::{Bridge, Limits, LimitsConfig, WinSize};

use super::browser::{Browser, Typist};
use super::{Dialer, Place, wrong};
use crate::{Error, versions};

/// The longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(60);

/// An SSH library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Library {
    Libssh2,
    Russh,
}

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A backend of ours alone.
    Raw(Library),
    /// Backend, bridge, frames and a browser in memory.
    Pumped(Library),
    /// The same with a recording into a file.
    Recorded(Library),
    /// The OpenSSH client.
    Client,
}

/// An open way.
pub(crate) enum Line {
    Raw(ShellInput, ShellOutput),
    Pumped(Browser, Session),
    Client { input: ChildStdin, output: ChildStdout, child: Box<Child> },
}

impl Library {
    pub(super) fn backend(self) -> &'static dyn Backend {
        match self {
            Self::Libssh2 => &Libssh2,
            Self::Russh => &Russh,
        }
    }

    pub(super) fn about(self) -> String {
        let name = match self {
            Self::Libssh2 => "ssh2",
            Self::Russh => "russh",
        };
        format!("{name} {}", versions::locked(name))
    }
}

impl Kind {
    pub(crate) fn about(self) -> String {
        match self {
            Self::Raw(library) => format!("webssh-core, {} alone", library.about()),
            Self::Pumped(library) => format!("webssh-core, {} and the pump", library.about()),
            Self::Recorded(library) => format!("webssh-core, {}, the pump and a recording", library.about()),
            Self::Client => format!("the OpenSSH client, {}", client_version()),
        }
    }
}

/// What `ssh -V` says, or nothing.
pub(super) fn client_version() -> String {
    let said = std::process::Command::new("ssh").arg("-V").output().map(|output| output.stderr);
    said.map(|said| String::from_utf8_lossy(&said).trim().to_owned()).unwrap_or_default()
}

impl Line {
    /// Opens it and waits until the program is ready.
    pub(crate) async fn open(kind: Kind, place: &Place, limits: LimitsConfig) -> Result<Self, Error> {
        let mut line = match kind {
            Kind::Raw(library) => {
                let (input, output) = place.dialer().shell(library.backend()).await?.split();
                Self::Raw(input, output)
            }
            Kind::Pumped(library) => Self::pumped(library, place.dialer(), limits, None).await?,
            Kind::Recorded(library) => {
                let path = tempfile::Builder::new().prefix("cast").tempdir_in(place.folder())?.keep();
                let sink = FileSink::create(path.join("session.cast")).await?;
                let mut options = RecordOptions::default();
                // All rounds go into one recording, and a moment without a free core must not end it.
                (options.recording_bytes_max, options.queue_bytes_max) = (1 << 36, 1 << 28);
                let (recorder, task) = Recorder::start(sink, options);
                tokio::spawn(task.run());
                Self::pumped(library, place.dialer(), limits, Some(recorder)).await?
            }
            Kind::Client => {
                let mut command = tokio::process::Command::from(place.client(limits.heartbeat_secs));
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
                let mut child = command.spawn()?;
                let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                    return Err(wrong("a client without pipes", "both"));
                };
                Self::Client { input, output, child: Box::new(child) }
            }
        };
        line.expect("ready").await?;
        Ok(line)
    }

    /// Opens one through the pump without a place at hand.
    pub(crate) async fn dial(library: Library, dialer: &Dialer, limits: LimitsConfig) -> Result<Self, Error> {
        let mut line = Self::pumped(library, dialer, limits, None).await?;
        line.expect("ready").await?;
        Ok(line)
    }

    async fn pumped(
        library: Library,
        dialer: &Dialer,
        limits: LimitsConfig,
        recorder: Option<Recorder>,
    ) -> Result<Self, Error> {
        let shell = dialer.shell(library.backend()).await?;
        let mut options = SessionOptions::default();
        options.recorder = recorder;
        let bridge = Bridge::new(Limits::new(limits)?, Duration::ZERO);
        let (session, driver) = pump::session(bridge, shell, options);
        tokio::spawn(driver);
        let browser = Browser::attach(&session, Hello::plain(WinSize::default()), 0);
        Ok(Self::Pumped(browser, session))
    }

    /// The process of a client.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self {
            Self::Client { child, .. } => child.id(),
            _ => None,
        }
    }

    /// Somebody else to type at the same browser.
    pub(crate) fn typist(&self) -> Option<Typist> {
        match self {
            Self::Pumped(browser, _) => Some(browser.typist()),
            _ => None,
        }
    }

    /// Types.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Raw(input, _) => Ok(input.send(Bytes::copy_from_slice(bytes)).await?),
            Self::Pumped(browser, _) => browser.send(bytes).await,
            Self::Client { input, .. } => {
                input.write_all(bytes).await?;
                Ok(input.flush().await?)
            }
        }
    }

    /// The next output, taken and acknowledged, in a minute at most.
    pub(crate) async fn recv(&mut self) -> Result<Bytes, Error> {
        let next = timeout(DEADLINE, self.recv_ever()).await;
        next.unwrap_or_else(|_| Err(wrong("nothing", "output in a minute")))
    }

    /// The next output, whenever it comes.
    pub(crate) async fn recv_ever(&mut self) -> Result<Bytes, Error> {
        match self {
            Self::Raw(_, output) => match output.recv().await {
                Output::Bytes(bytes) => Ok(bytes),
                Output::Ended(end) => Err(wrong(end.to_string(), "output")),
            },
            Self::Pumped(browser, _) => {
                let bytes = browser.recv().await?;
                browser.ack_soon().await?;
                Ok(bytes)
            }
            Self::Client { output, .. } => {
                let mut buffer = vec![0; 64 * 1024];
                let read = output.read(&mut buffer).await?;
                if read == 0 {
                    return Err(wrong("the end of the client", "output"));
                }
                buffer.truncate(read);
                Ok(Bytes::from(buffer))
            }
        }
    }

    /// Takes no output, or does not acknowledge any, until nothing has moved for so long. Gives the number of bytes
    /// that a browser holds by then: they came, but it has not shown them.
    pub(crate) async fn stall(&mut self, still: Duration) -> Result<usize, Error> {
        let mut held = 0;
        match self {
            Self::Pumped(browser, _) => {
                while let Ok(bytes) = timeout(still, browser.recv()).await {
                    held += bytes?.len();
                }
            }
            _ => sleep(still).await,
        }
        Ok(held)
    }

    /// Ends a stall.
    pub(crate) async fn go_on(&mut self) -> Result<(), Error> {
        match self {
            Self::Pumped(browser, _) => browser.ack().await,
            _ => Ok(()),
        }
    }

    /// Reads until this text has come, and gives the number of bytes up to there.
    pub(crate) async fn expect(&mut self, text: &str) -> Result<usize, Error> {
        let (mut tail, mut count) = (Vec::new(), 0);
        loop {
            let more = self.recv().await?;
            count += more.len();
            tail.extend_from_slice(&more);
            if tail.windows(text.len()).any(|window| window == text.as_bytes()) {
                return Ok(count);
            }
            let keep = tail.len().saturating_sub(text.len());
            tail.drain(..keep);
        }
    }
}
