//! A file on its way from the server, asked for in parts of which several are under way.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::caller::{Answered, Caller, OpenHandle, ask, wrong};
use super::packet::{Answer, Call, StatusCode};
use super::reads::{Came, Part, Reads};
use super::refusal::Refusal;
use crate::error::{Error, Inner};

/// A file on its way from the server. Dropping it ends the transfer.
#[derive(Debug)]
pub struct Download {
    pub(super) caller: Caller,
    pub(super) handle: OpenHandle,
    pub(super) reads: Reads,
    pub(super) flight: VecDeque<(Part, oneshot::Receiver<Answered>)>,
    pub(super) bytes_total: u64,
    pub(super) bytes_max: u64,
    pub(super) end: Option<Received>,
    pub(super) _transfer: OwnedSemaphorePermit,
}

/// What a download brings next. Each needs an answer of its own, so none can be added without a new version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// The next bytes of the file, never none.
    Chunk {
        /// Where in the file they begin.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
    },
    /// The file ends here.
    End {
        /// Its length, in bytes. If the file was changed meanwhile, this is not
        /// [`bytes_total`](Download::bytes_total).
        bytes: u64,
    },
    /// The server, or the limit, says no in the middle.
    Refused(Refusal),
}

impl Download {
    /// The length of the file when it was opened, in bytes. Files that the system makes up tell 0.
    #[must_use]
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Waits for the next bytes; after the end it says so again. May be dropped while waiting without losing
    /// any.
    ///
    /// # Errors
    /// `Unavailable` when the session ended; `PeerMisbehaved` when the server broke the protocol.
    pub async fn recv(&mut self) -> Result<Received, Error> {
        loop {
            if let Some(end) = &self.end {
                return Ok(end.clone());
            }
            self.ask().await?;
            let Some((part, answer)) = self.flight.front_mut() else { continue };
            let part = *part;
            let answered = self.caller.answer(answer).await?;
            self.flight.pop_front();
            match answered {
                Answered::Said(Answer::Data(bytes)) => {
                    let came = self.reads.came(part, bytes.len());
                    match came.map_err(|source| self.broken(Inner::Sftp { source }.into()))? {
                        Came::Bytes => return Ok(Received::Chunk { offset: part.offset, bytes }),
                        Came::TooLarge => {
                            self.ended(Received::Refused(Refusal::TooLarge { bytes_max: self.bytes_max }));
                        }
                    }
                }
                Answered::Said(Answer::Status(status)) if status.code == StatusCode::EOF => {
                    self.ended(Received::End { bytes: part.offset });
                }
                Answered::Said(Answer::Status(status)) if status.code != StatusCode::OK => {
                    self.ended(Received::Refused(Refusal::from(&status)));
                }
                _ => return Err(self.broken(wrong())),
            }
        }
    }

    /// After such an answer there would be a hole in the file.
    fn broken(&mut self, error: Error) -> Error {
        self.ended(Received::Refused(Refusal::Failed { words: error.to_string() }));
        error
    }

    /// Asks for as many parts as there is room for; waits only if nothing else can be waited for.
    async fn ask(&mut self) -> Result<(), Error> {
        while let Some(part) = self.reads.next() {
            let place = if part.again || self.flight.is_empty() {
                self.caller.place().await?
            } else {
                let Some(place) = self.caller.try_place()? else { return Ok(()) };
                place
            };
            self.reads.asked(part);
            let call = Call::Read { handle: self.handle.handle(), offset: part.offset, len: part.len };
            let asked = (part, ask(place, call));
            if part.again { self.flight.push_front(asked) } else { self.flight.push_back(asked) }
        }
        Ok(())
    }

    /// What is still under way is of no use.
    fn ended(&mut self, end: Received) {
        self.flight.clear();
        self.end = Some(end);
    }
}
