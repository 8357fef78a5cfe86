//! A file on its way to the server: it grows beside its place, and takes it when it is whole.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::caller::{Answered, OpenHandle, ask, granted, wrong};
use super::packet::{Answer, Call};
use super::refusal::{Refusal, Stop, replied};
use super::steps::sync;
use super::{FilePath, Files, Reply, Taken};
use crate::error::Error;

/// A file on its way to the server, as `.NAME.part` beside its place. Dropping it leaves that part for
/// [`Start::Resume`](super::Start::Resume).
#[derive(Debug)]
pub struct Upload {
    pub(super) files: Files,
    pub(super) path: FilePath,
    pub(super) part: FilePath,
    pub(super) taken: Taken,
    pub(super) handle: OpenHandle,
    pub(super) from: u64,
    pub(super) bytes_announced: Option<u64>,
    /// What comes next: the bytes of the application end here.
    pub(super) offset: u64,
    /// The end of what the server has.
    pub(super) written: u64,
    /// Bytes that have not been sent; they end at `offset`.
    pub(super) waiting: Bytes,
    pub(super) flight: VecDeque<(u32, oneshot::Receiver<Answered>)>,
    pub(super) flight_bytes: u64,
    pub(super) refused: Option<Refusal>,
    pub(super) _transfer: OwnedSemaphorePermit,
    pub(super) _claim: Claim,
}

impl Upload {
    /// Where to begin: the length of the part that is there already.
    #[must_use]
    pub fn from_bytes(&self) -> u64 {
        self.from
    }

    /// Sends the next bytes, when the ones before have been sent; says how many bytes of the file the server
    /// has confirmed. May be dropped while waiting: then none of `bytes` were taken.
    ///
    /// A refusal is final. What was sent before stays as the part.
    ///
    /// # Errors
    /// `Unavailable` when the session ended; `PeerMisbehaved` when the server broke the protocol.
    pub async fn send(&mut self, bytes: Bytes) -> Result<Reply<u64>, Error> {
        let steps = async {
            self.flush().await?;
            self.look()?;
            let end = self.offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if let Some(bytes_expected) = self.bytes_announced.filter(|announced| end > *announced) {
                return Err(self.refuse(Refusal::Incomplete { bytes: end, bytes_expected }));
            }
            let bytes_max = self.files.shared.limits.file_bytes_max;
            if end > bytes_max {
                return Err(self.refuse(Refusal::TooLarge { bytes_max }));
            }
            (self.waiting, self.offset) = (bytes, end);
            self.start()?;
            Ok(self.written)
        };
        replied(steps.await)
    }

    /// Waits until the server has all of it, and gives the file its name. Says how long it is, in bytes. If
    /// this is given up half way, the file may have its name already.
    ///
    /// # Errors
    /// As [`send`](Self::send). The part stays, unless the error came after the renaming.
    pub async fn finish(self) -> Result<Reply<u64>, Error> {
        replied(self.finish_steps().await)
    }

    async fn finish_steps(mut self) -> Result<u64, Stop> {
        self.flush().await?;
        while !self.flight.is_empty() {
            self.settle().await?;
        }
        self.look()?;
        let bytes = self.offset;
        if let Some(bytes_expected) = self.bytes_announced.filter(|announced| *announced != bytes) {
            return Err(Refusal::Incomplete { bytes, bytes_expected }.into());
        }
        let caller = &self.files.caller;
        if self.files.shared.server.syncs {
            caller.status(sync(&self.handle.handle())).await?;
        }
        let there = caller.attrs(Call::Fstat { handle: self.handle.handle() }).await?;
        if let Some(length) = there.bytes.filter(|length| *length != bytes) {
            return Err(Refusal::Incomplete { bytes: length, bytes_expected: bytes }.into());
        }
        self.handle.close(caller).await?;
        self.files.place(&self.part, &self.path, self.taken).await?;
        Ok(bytes)
    }

    /// A no is final.
    fn refuse(&mut self, refusal: Refusal) -> Stop {
        self.waiting = Bytes::new();
        Stop::Refused(self.refused.get_or_insert(refusal).clone())
    }

    fn look(&self) -> Result<(), Stop> {
        self.refused.clone().map_or(Ok(()), |refusal| Err(Stop::Refused(refusal)))
    }

    /// Sends all that waits.
    async fn flush(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            if !self.start()? {
                if self.flight.is_empty() {
                    // The queue of the session is full with the calls of others.
                    drop(self.files.caller.place().await?);
                } else {
                    self.settle().await?;
                }
            }
        }
        Ok(())
    }

    /// Sends what can be sent at once; says whether that was anything.
    fn start(&mut self) -> Result<bool, Error> {
        let mut moved = false;
        let flight_bytes_max = u64::from(self.files.shared.limits.flight_bytes_max);
        let piece_max = usize::try_from(self.files.shared.server.write_bytes).unwrap_or(usize::MAX).max(1);
        while !self.waiting.is_empty() {
            let len = self.waiting.len().min(piece_max);
            let piece_bytes = u32::try_from(len).unwrap_or(u32::MAX);
            let flies = self.flight_bytes.saturating_add(piece_bytes.into());
            if self.flight_bytes > 0 && flies > flight_bytes_max {
                break;
            }
            let Some(place) = self.files.caller.try_place()? else { break };
            let offset = self.offset - u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
            let data = self.waiting.split_to(len);
            let answer = ask(place, Call::Write { handle: self.handle.handle(), offset, data });
            self.flight.push_back((piece_bytes, answer));
            self.flight_bytes = flies;
            moved = true;
        }
        Ok(moved)
    }

    /// Waits for the answer to the first piece that is under way. May be dropped while waiting.
    async fn settle(&mut self) -> Result<(), Error> {
        let Some((bytes, answer)) = self.flight.front_mut() else { return Ok(()) };
        let bytes = u64::from(*bytes);
        let answered = self.files.caller.answer(answer).await?;
        self.flight.pop_front();
        self.flight_bytes = self.flight_bytes.saturating_sub(bytes);
        let Answered::Said(Answer::Status(status)) = answered else {
            let error = wrong();
            drop(self.refuse(Refusal::Failed { words: error.to_string() }));
            return Err(error);
        };
        match granted(&status) {
            Ok(()) if self.refused.is_none() => self.written = self.written.saturating_add(bytes),
            Ok(()) => {}
            Err(refusal) => drop(self.refuse(refusal)),
        }
        Ok(())
    }
}

/// The parts that one session writes: two uploads to the same file would mix.
pub(super) type Claims = Arc<Mutex<HashSet<FilePath>>>;

/// A part that is being written.
#[derive(Debug)]
pub(super) struct Claim {
    claims: Claims,
    part: FilePath,
}

impl Claim {
    /// `None` when it is being written already.
    pub(super) fn new(claims: &Claims, part: &FilePath) -> Option<Self> {
        let fresh = claims.lock().unwrap_or_else(PoisonError::into_inner).insert(part.clone());
        fresh.then(|| Self { claims: Arc::clone(claims), part: part.clone() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.part);
    }
}
