//! The one task that owns a channel to an SFTP server: it sends calls and hands answers back.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::FileLimits;
use super::caller::{Answered, Command, Desk, OpenHandle};
use super::fault::Fault;
use super::mux::{Mux, Said};
use super::packet::{Answer, Call};
use crate::ChannelEnd;
use crate::error::{Error, Inner};
use crate::ssh::{Output, Shell, ShellInput, ShellOutput};

/// Calls that are open at the server; more wait in the queue.
const OPEN_CALLS_MAX: usize = 256;

/// Bytes on their way to the server beyond which no call is taken on.
const OUT_BYTES_MAX: usize = 64 * 1024;

/// The longest piece that the channel takes.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// The extension that tells the lengths.
const LIMITS: &[u8] = b"limits@openssh.com";
/// The extension that renames over a file in one step.
pub(super) const POSIX_RENAME: &[u8] = b"posix-rename@openssh.com";
/// The extension that waits until a file is on the disk.
pub(super) const FSYNC: &[u8] = b"fsync@openssh.com";

/// What every server takes in one call (section 3 of the draft).
const PIECE_BYTES: u32 = 32 * 1024;
/// What is asked of a server that says it can do more. Longer ones gain nothing.
const PIECE_BYTES_LONG: u32 = 64 * 1024;

/// What a server can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) read_bytes: u32,
    pub(super) write_bytes: u32,
    pub(super) renames_over: bool,
    pub(super) syncs: bool,
}

/// The channel, the calls that are open, and who waits for them.
pub(super) struct Owner {
    mux: Mux<Waits>,
    input: ShellInput,
    output: ShellOutput,
    /// When something last moved.
    moved_at: Instant,
    answer_max: Duration,
    idle_max: Duration,
}

/// Who waits for an answer.
pub(super) enum Waits {
    Caller(oneshot::Sender<Answered>),
    /// The owner itself, for how it went: it only closes what nobody needs.
    Nobody,
    /// The owner itself, for the lengths of the server.
    Limits,
}

/// Why the owner stops.
enum Stop {
    /// Nobody is left to make calls.
    Hangup,
    Failed(Arc<Error>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}

impl From<Arc<Error>> for Stop {
    fn from(error: Arc<Error>) -> Self {
        Self::Failed(error)
    }
}

impl Owner {
    pub(super) fn new(channel: Shell, limits: &FileLimits) -> Self {
        let (input, output) = channel.split();
        Self {
            mux: Mux::new(),
            input,
            output,
            moved_at: Instant::now(),
            answer_max: limits.answer_max(),
            idle_max: limits.idle_max(),
        }
    }

    /// Finds out what the server is, before any other call.
    pub(super) async fn greet(&mut self) -> Result<Server, Error> {
        let Said::Hello(extensions) = self.hear().await? else { return Err(fault(Fault::NoVersion)) };
        let offers = |name: &[u8], version: &[u8]| {
            extensions.iter().any(|(offered, data)| offered == name && data == version)
        };
        let mut server = Server {
            read_bytes: PIECE_BYTES,
            write_bytes: PIECE_BYTES,
            renames_over: offers(POSIX_RENAME, b"1"),
            syncs: offers(FSYNC, b"1"),
        };
        if offers(LIMITS, b"1") {
            let call = Call::Extended { name: Bytes::from_static(LIMITS), data: Bytes::new() };
            self.mux.ask(call, Waits::Limits);
            match self.hear().await? {
                Said::Answer(_, Answer::Extended(lengths)) => server.take_lengths(lengths),
                // Offered, and refused: then what every server takes has to do.
                Said::Answer(_, Answer::Status(_)) => {}
                Said::Answer(..) | Said::Hello(_) => return Err(fault(Fault::WrongAnswer)),
            }
        }
        Ok(server)
    }

    /// Sends what there is, and waits for the next that the server says.
    async fn hear(&mut self) -> Result<Said<Waits>, Error> {
        loop {
            if let Some(said) = self.mux.said().map_err(fault)? {
                return Ok(said);
            }
            self.move_on(true).await.map_err(ended)?;
        }
    }

    /// Serves the queue until it ends, then says why.
    pub(super) async fn run(mut self, mut desk: Desk) {
        let Err(stop) = self.serve(&mut desk).await;
        if let Stop::Failed(error) = stop {
            // INVARIANT: the reason is there before anybody learns that there will be no answer.
            desk.ended.get_or_init(|| error);
        }
    }

    async fn serve(&mut self, desk: &mut Desk) -> Result<std::convert::Infallible, Stop> {
        loop {
            while let Some(said) = self.mux.said().map_err(fault)? {
                hand_back(said, desk)?;
            }
            let open = self.mux.open_calls();
            let takes = open < OPEN_CALLS_MAX && self.mux.out_bytes() < OUT_BYTES_MAX;
            tokio::select! {
                command = desk.commands.recv(), if takes => {
                    let Command { call, answer } = command.ok_or(Stop::Hangup)?;
                    self.ask(call, Waits::Caller(answer));
                }
                Some(handle) = desk.closes.recv() => self.ask(Call::Close { handle }, Waits::Nobody),
                moved = self.move_on(open > 0) => moved?,
            }
        }
    }

    fn ask(&mut self, call: Call, waits: Waits) {
        // The silence before the first call does not count.
        if self.mux.open_calls() == 0 {
            self.moved_at = Instant::now();
        }
        self.mux.ask(call, waits);
    }

    /// Waits until bytes moved, either way. May be dropped while waiting.
    async fn move_on(&mut self, is_due: bool) -> Result<(), Arc<Error>> {
        let Self { mux, input, output, moved_at, answer_max, idle_max } = self;
        let patience = if is_due { *answer_max } else { *idle_max };
        let came = tokio::select! {
            came = output.recv() => Some(came),
            permit = input.permit(), if mux.out_bytes() > 0 => match permit {
                Some(permit) => {
                    permit.send(mux.take_out(PIECE_BYTES_MAX));
                    None
                }
                // The channel takes no more: what it still says tells why.
                None => Some(output.recv().await),
            },
            () = sleep_until(*moved_at + patience) => {
                let secs = patience.as_secs();
                let late = if is_due { Inner::SftpUnanswered { secs } } else { Inner::FilesIdle { secs } };
                return Err(Arc::new(late.into()));
            }
        };
        self.moved_at = Instant::now();
        let how = match came {
            None => return Ok(()),
            Some(Output::Bytes(bytes)) => {
                self.mux.came(&bytes);
                return Ok(());
            }
            Some(Output::Ended(ChannelEnd::Lost(error))) => return Err(error),
            Some(Output::Ended(ChannelEnd::Exited { status })) => format!("with status {status}"),
            Some(Output::Ended(ChannelEnd::Killed { signal })) => format!("by signal {signal}"),
        };
        Err(Arc::new(Inner::SftpEnded { how }.into()))
    }
}

impl Server {
    /// The longest packet, read and write, and the number of handles. 0 stands for no limit.
    fn take_lengths(&mut self, mut lengths: Bytes) {
        let mut next = || lengths.try_get_u64().unwrap_or(u64::from(PIECE_BYTES));
        let (_packet, read, write) = (next(), next(), next());
        let fit = |len: u64| match u32::try_from(len) {
            Ok(0) | Err(_) => PIECE_BYTES_LONG,
            Ok(len) => len.min(PIECE_BYTES_LONG),
        };
        (self.read_bytes, self.write_bytes) = (fit(read), fit(write));
    }
}

/// Gives an answer to whoever waits for it. What nobody waits for any more is dropped, and so closed.
fn hand_back(said: Said<Waits>, desk: &Desk) -> Result<(), Error> {
    let Said::Answer(waits, answer) = said else { return Err(fault(Fault::SecondVersion)) };
    let answered = match answer {
        Answer::Handle(handle) => Answered::Open(OpenHandle::new(handle, desk.closer.clone())),
        answer => Answered::Said(answer),
    };
    if let Waits::Caller(caller) = waits {
        let _given_up = caller.send(answered);
    }
    Ok(())
}

fn ended(source: Arc<Error>) -> Error {
    Inner::FilesEnded { source: Some(source) }.into()
}

fn fault(source: Fault) -> Error {
    Inner::Sftp { source }.into()
}
