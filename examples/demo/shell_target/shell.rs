//! One shell on one terminal, from its start to its last process.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pty_process::Pty;
use russh::server::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use rustix::fs::{Gid, Uid, fchown};
use rustix::process::Pid;
use tokio::process::Child;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::carry::{INPUT_BYTES_MAX, InputEnd, carry_input, carry_output};
use super::jail::Jail;
use super::lab::{Unprivileged, unprivileged};
use super::sftp;
use super::stragglers::kill_session;
use super::terminal::Terminal;

/// After the hang-up (SIGHUP), a shell has this long before it is killed (SIGKILL).
const HANGUP_MAX: Duration = Duration::from_secs(1);
/// An ended shell's last output is carried for so long, however much there is.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// The client has this long to take the exit status.
const FAREWELL_MAX: Duration = Duration::from_secs(1);
/// Exit status that stands in where a shell has none of its own.
const FAILED_STATUS: u32 = 1;

/// Sets the limits, one a line since some shells take no more at once. Units: seconds, blocks of 512
/// bytes, files, KiB. A limit that the system refuses is one that it already holds tighter.
const STARTUP: &str = r#"
ulimit -t 120 2>/dev/null
ulimit -f 20480 2>/dev/null
ulimit -n 128 2>/dev/null
ulimit -v 4194304 2>/dev/null
ulimit -c 0 2>/dev/null
export PS1='learner@lab:\w\$ '
command -v bash >/dev/null && exec bash --noprofile --norc -i
PS1='learner@lab$ '
exec sh -i
"#;

/// A shell that runs on a terminal of its own.
pub(super) struct Shell {
    child: Child,
    /// The shell's process, which leads the session of all that it starts.
    leader: Pid,
    pty: Pty,
}

/// What a channel is for.
pub(super) enum Program {
    Shell(Box<Shell>),
    /// The files of a home.
    Files(Jail),
}

/// How a shell's time ended.
enum End {
    /// The shell ended.
    Exited(ExitStatus),
    /// The client left, or the target stops.
    HungUp,
    /// The client sent more than the shell read.
    Flooded,
}

impl From<InputEnd> for End {
    fn from(end: InputEnd) -> Self {
        match end {
            InputEnd::Closed => Self::HungUp,
            InputEnd::Flooded => Self::Flooded,
        }
    }
}

impl Shell {
    /// Starts a shell in `home`, with nothing of the demo's environment.
    ///
    /// # Errors
    /// When the system has no terminal or no process left.
    pub(super) fn spawn(terminal: &Terminal, home: &Path) -> io::Result<Self> {
        // INVARIANT: no shell is forked while another's terminal is being opened, or it would inherit it:
        // the terminal is marked close-on-exec only in a second step.
        static OPENING: Mutex<()> = Mutex::new(());
        let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);

        let (pty, pts) = pty_process::open().map_err(io::Error::other)?;
        pty.resize(terminal.size).map_err(io::Error::other)?;
        let mut command = pty_process::Command::new("/bin/sh");
        if let Some(Unprivileged { user, group }) = unprivileged() {
            fchown(&pts, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
            command = command.uid(user).gid(group);
        }
        let child = command
            .args(["-c", STARTUP])
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("TERM", &terminal.kind)
            .current_dir(home)
            .kill_on_drop(true)
            .spawn(pts)
            .map_err(io::Error::other)?;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("the shell has no process id"))?;
        Ok(Self { child, leader, pty })
    }

    /// Carries bytes until the shell, the client or the target ends, then says good-bye to the client.
    async fn run(
        self,
        receiver: ChannelReadHalf,
        sender: ChannelWriteHalf<Msg>,
        stopped: watch::Receiver<()>,
    ) -> io::Result<()> {
        let Self { mut child, leader, pty } = self;
        let end = live(&mut child, leader, pty, receiver, &sender, stopped).await;
        // The terminal is closed by now: the system has hung up on the shell, and bash on its jobs. Nor does
        // anybody wait for input, so that russh drops what still comes instead of waiting to hand it over.
        let reaped = reap(&mut child, leader).await;
        let said = timeout(FAREWELL_MAX, farewell(&sender, end.as_ref().unwrap_or(&End::HungUp))).await;
        if !matches!(said, Ok(Ok(()))) {
            tracing::debug!("a client left before its shell's last message");
        }
        end.and(reaped)
    }
}

/// The life of a channel: waits for its program, meanwhile draining what comes, then runs it.
pub(super) async fn attend(
    mut channel: Channel<Msg>,
    mut start: oneshot::Receiver<Program>,
    mut stopped: watch::Receiver<()>,
) {
    let program = loop {
        tokio::select! {
            // The start comes before any input that follows the request for it.
            biased;
            program = &mut start => break program,
            _ = stopped.changed() => return,
            message = channel.wait() => if matches!(message, None | Some(ChannelMsg::Close)) {
                return;
            },
        }
    };
    let Ok(program) = program else {
        if channel.close().await.is_err() {
            tracing::debug!("a client left before its channel was closed");
        }
        return;
    };
    let shell = match program {
        Program::Shell(shell) => shell,
        Program::Files(jail) => return sftp::serve(channel, jail, stopped).await,
    };
    let (receiver, sender) = channel.split();
    if let Err(error) = shell.run(receiver, sender, stopped).await {
        tracing::warn!(%error, "a shell of the shell target did not end cleanly");
    }
}

async fn live(
    child: &mut Child,
    leader: Pid,
    pty: Pty,
    mut receiver: ChannelReadHalf,
    sender: &ChannelWriteHalf<Msg>,
    mut stopped: watch::Receiver<()>,
) -> io::Result<End> {
    let (reader, writer) = pty.into_split();
    let (exited, exit_seen) = watch::channel(false);
    let mut input = pin!(carry_input(&mut receiver, writer));
    let mut output = pin!(carry_output(reader, sender, exit_seen));
    let mut drained = false;
    let status = loop {
        tokio::select! {
            end = &mut input => return Ok(end.into()),
            _ = stopped.changed() => return Ok(End::HungUp),
            () = &mut output, if !drained => drained = true,
            status = child.wait() => break status?,
        }
    };
    let ending = async {
        // Background jobs hold the terminal open; without them its output has an end.
        kill_session(leader).await?;
        exited.send_replace(true);
        if !drained && timeout(DRAIN_MAX, output).await.is_err() {
            tracing::debug!("a client was too slow for the last output of its shell");
        }
        Ok::<(), io::Error>(())
    };
    tokio::select! {
        end = &mut input => return Ok(end.into()),
        _ = stopped.changed() => {}
        ended = ending => ended?,
    }
    Ok(End::Exited(status))
}

/// Sees to it that neither the shell nor anything of its session is left.
async fn reap(child: &mut Child, leader: Pid) -> io::Result<()> {
    match timeout(HANGUP_MAX, child.wait()).await {
        Ok(status) => drop(status?),
        Err(_) => child.kill().await?,
    }
    kill_session(leader).await
}

async fn farewell(sender: &ChannelWriteHalf<Msg>, end: &End) -> Result<(), russh::Error> {
    match end {
        End::Exited(status) => sender.exit_status(exit_code(*status)).await?,
        End::HungUp => {}
        End::Flooded => {
            let words = format!(
                "\r\nclosed: more than {INPUT_BYTES_MAX} bytes of input waited for a program that reads none\r\n"
            );
            sender.data_bytes(words).await?;
            sender.exit_status(FAILED_STATUS).await?;
        }
    }
    sender.eof().await?;
    sender.close().await
}

/// The status of the shell; 128 and the signal's number when a signal ended it, as shells count.
fn exit_code(status: ExitStatus) -> u32 {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u32::try_from(code).ok()).unwrap_or(FAILED_STATUS)
}
