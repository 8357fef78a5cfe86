//! The way to the owner task: calls with their answers, and handles that are closed when they are dropped.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::fault::Fault;
use super::packet::{Answer, Attrs, Call, NameEntry, Status, StatusCode};
use super::refusal::{Refusal, Stop};
use crate::error::{Error, Inner};

/// Calls that wait for the owner.
const CALLS_MAX: usize = 64;

/// A call on its way to the owner.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) call: Call,
    pub(super) answer: oneshot::Sender<Answered>,
}

/// An answer on its way back.
#[derive(Debug)]
pub(super) enum Answered {
    /// Something was opened, and is closed if nobody takes it.
    Open(OpenHandle),
    /// Anything else.
    Said(Answer),
}

/// A place in the owner's queue.
pub(super) type Place<'a> = mpsc::Permit<'a, Command>;

/// The near end: any number of them.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    commands: mpsc::Sender<Command>,
    ended: Ended,
}

/// Why the session ended, once it has.
pub(super) type Ended = Arc<OnceLock<Arc<Error>>>;

/// The owner's ends of the queues.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) commands: mpsc::Receiver<Command>,
    /// Handles to close. No more can wait here than are open.
    pub(super) closes: mpsc::UnboundedReceiver<Bytes>,
    pub(super) closer: mpsc::UnboundedSender<Bytes>,
    pub(super) ended: Ended,
}

/// An open file or folder at the server.
#[derive(Debug)]
pub(super) struct OpenHandle {
    handle: Bytes,
    /// Taken when it was closed otherwise.
    closer: Option<mpsc::UnboundedSender<Bytes>>,
}

pub(super) fn pair() -> (Caller, Desk) {
    let (commands, for_owner) = mpsc::channel(CALLS_MAX);
    let (closer, closes) = mpsc::unbounded_channel();
    let ended = Ended::default();
    let desk = Desk { commands: for_owner, closes, closer, ended: Arc::clone(&ended) };
    (Caller { commands, ended }, desk)
}

impl Caller {
    /// Waits for a place in the queue. May be dropped while waiting.
    pub(super) async fn place(&self) -> Result<Place<'_>, Error> {
        self.commands.reserve().await.map_err(|_| self.gone())
    }

    /// A place, if there is one at once.
    pub(super) fn try_place(&self) -> Result<Option<Place<'_>>, Error> {
        match self.commands.try_reserve() {
            Ok(place) => Ok(Some(place)),
            Err(mpsc::error::TrySendError::Full(())) => Ok(None),
            Err(mpsc::error::TrySendError::Closed(())) => Err(self.gone()),
        }
    }

    /// Waits for an answer. May be dropped while waiting, and asked again.
    pub(super) async fn answer(&self, answer: &mut oneshot::Receiver<Answered>) -> Result<Answered, Error> {
        answer.await.map_err(|_| self.gone())
    }

    pub(super) async fn call(&self, call: Call) -> Result<Answered, Error> {
        let mut answer = ask(self.place().await?, call);
        self.answer(&mut answer).await
    }

    /// A call that is answered by how it went.
    pub(super) async fn status(&self, call: Call) -> Result<(), Stop> {
        let status = self.said(call).await?;
        granted(&status).map_err(Stop::from)
    }

    /// How a call went, as it was said.
    pub(super) async fn said(&self, call: Call) -> Result<Status, Error> {
        match self.call(call).await? {
            Answered::Said(Answer::Status(status)) => Ok(status),
            _ => Err(wrong()),
        }
    }

    pub(super) async fn open(&self, call: Call) -> Result<OpenHandle, Stop> {
        match self.call(call).await? {
            Answered::Open(handle) => Ok(handle),
            answered => Err(no(answered)),
        }
    }

    pub(super) async fn attrs(&self, call: Call) -> Result<Attrs, Stop> {
        match self.call(call).await? {
            Answered::Said(Answer::Attrs(attrs)) => Ok(attrs),
            answered => Err(no(answered)),
        }
    }

    /// Some names; `None` when there are no more.
    pub(super) async fn names(&self, call: Call) -> Result<Option<Vec<NameEntry>>, Stop> {
        match self.call(call).await? {
            Answered::Said(Answer::Names(names)) => Ok(Some(names)),
            Answered::Said(Answer::Status(status)) if status.code == StatusCode::EOF => Ok(None),
            answered => Err(no(answered)),
        }
    }

    /// Why there will be no answer.
    fn gone(&self) -> Error {
        Inner::FilesEnded { source: self.ended.get().cloned() }.into()
    }
}

/// Puts a call into its place in the queue.
pub(super) fn ask(place: Place<'_>, call: Call) -> oneshot::Receiver<Answered> {
    let (answer, answered) = oneshot::channel();
    place.send(Command { call, answer });
    answered
}

/// Whether a status says yes.
pub(super) fn granted(status: &Status) -> Result<(), Refusal> {
    if status.code == StatusCode::OK { Ok(()) } else { Err(Refusal::from(status)) }
}

/// A status where something else would be a yes: a no, unless it says that all went well.
fn no(answered: Answered) -> Stop {
    match answered {
        Answered::Said(Answer::Status(status)) if status.code != StatusCode::OK => {
            Stop::Refused(Refusal::from(&status))
        }
        _ => Stop::Broken(wrong()),
    }
}

/// The error of an answer that does not fit its call.
pub(super) fn wrong() -> Error {
    Inner::Sftp { source: Fault::WrongAnswer }.into()
}

impl OpenHandle {
    pub(super) fn new(handle: Bytes, closer: mpsc::UnboundedSender<Bytes>) -> Self {
        Self { handle, closer: Some(closer) }
    }

    pub(super) fn handle(&self) -> Bytes {
        self.handle.clone()
    }

    /// Closes it and waits for how that went: some systems write only then.
    pub(super) async fn close(mut self, caller: &Caller) -> Result<(), Stop> {
        let place = caller.place().await?;
        self.closer = None;
        let mut answer = ask(place, Call::Close { handle: self.handle() });
        match caller.answer(&mut answer).await? {
            Answered::Said(Answer::Status(status)) => Ok(granted(&status)?),
            _ => Err(wrong().into()),
        }
    }
}

impl Drop for OpenHandle {
    fn drop(&mut self) {
        if let Some(closer) = self.closer.take() {
            // Without an owner there is no session, and the handle went with it.
            let _gone = closer.send(std::mem::take(&mut self.handle));
        }
    }
}
