//! The calls to one channel of libssh2, each repeated unchanged until it succeeds.
//!
//! After "would block" libssh2 remembers the length of a write, and reads that many bytes from whatever
//! slice comes next: a shorter one would send foreign memory to the server. Of a read it remembers the
//! window adjustment that goes out first, but then counts the one that fits the length of the next read:
//! after another length the two ends would no longer agree on the window.

use std::io::{self, Read as _, Write as _};

use bytes::{Buf as _, Bytes};
use libssh2_sys as raw;
use ssh2::{Channel, ErrorCode};

use super::link::{Link, session_error, would_block};
use crate::error::Error;
use crate::{ChannelEnd, WinSize};

/// What the owner does, for messages.
const DOING: &str = "reading and writing";

/// The variable of a probe. Once the shell runs, OpenSSH looks at no such request and answers with a
/// failure; a server that takes it gives the variable to nobody.
const PROBE: (&str, &str) = ("WEBSSH_PROBE", "1");

/// A channel, and what is half done on it.
pub(super) struct Calls {
    channel: Channel,
    /// The one pending write; its bytes stay where they are until they were taken.
    write: Bytes,
    /// Whether libssh2 has begun the write. While the server's window is closed it has not.
    write_begun: bool,
    resize: Option<WinSize>,
    /// The length of the last read if it would block, else 0.
    read: usize,
    /// Whether that read may have sent a part of a window adjustment.
    read_sends: bool,
    probe: Probe,
    /// Bytes that were written since the start.
    written: u64,
}

/// A request that the server has to answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Probe {
    None,
    /// It may have left in part.
    Sending,
    /// It has left, or waits for a key exchange.
    Waiting,
}

/// What a call achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Progress,
    WouldBlock,
    Idle,
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// This many bytes, at least one.
    Bytes(usize),
    WouldBlock,
    Eof,
}

impl Calls {
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            write: Bytes::new(),
            write_begun: false,
            resize: None,
            read: 0,
            read_sends: false,
            probe: Probe::None,
            written: 0,
        }
    }

    /// Whether there is a write or a resize to finish, so that no other can be taken on.
    pub(super) fn is_busy(&self) -> bool {
        !self.write.is_empty() || self.resize.is_some()
    }

    /// Whether a part of a call may be on its way.
    fn sends(&self) -> bool {
        self.write_begun || self.resize.is_some() || self.probe == Probe::Sending
    }

    /// Whether an answer to a probe is awaited, or the probe is on its way.
    pub(super) fn probes(&self) -> bool {
        self.probe != Probe::None
    }

    /// Bytes that were written since the start.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that the server has ever been ready to take. It grows only when the server says so.
    pub(super) fn accepted(&self) -> u64 {
        self.written.saturating_add(self.channel.write_window().remaining.into())
    }

    /// Takes a write on. Only when nothing [is busy](Self::is_busy).
    pub(super) fn begin_write(&mut self, bytes: Bytes) {
        self.write = bytes;
    }

    /// Takes a resize on. Only when nothing [is busy](Self::is_busy).
    pub(super) fn begin_resize(&mut self, size: WinSize) {
        self.resize = Some(size);
    }

    /// Takes a probe on, unless one is under way or a part of another call is: that has to go first, and
    /// the server has to take it.
    pub(super) fn begin_probe(&mut self, link: &Link) -> Result<Step, Error> {
        if self.probes() || self.sends() || self.read_sends {
            return Ok(Step::Idle);
        }
        self.probe = Probe::Sending;
        self.probe(link)
    }

    /// Goes on with the probe. `Progress` says that the server has answered.
    pub(super) fn probe(&mut self, link: &Link) -> Result<Step, Error> {
        if self.probe == Probe::None {
            return Ok(Step::Idle);
        }
        match self.channel.setenv(PROBE.0, PROBE.1) {
            Err(error) if would_block(&error) => {
                // Once it has left, it is another call that the connection has no room for.
                if !link.is_full() {
                    self.probe = Probe::Waiting;
                }
                Ok(Step::WouldBlock)
            }
            Err(error) if error.code() == ErrorCode::Session(raw::LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) => {
                self.probe = Probe::None;
                Ok(Step::Progress)
            }
            // libssh2 gives up by itself after a minute. Another probe may follow.
            Err(error) if error.code() == ErrorCode::Session(raw::LIBSSH2_ERROR_TIMEOUT) => {
                self.probe = Probe::None;
                Ok(Step::Idle)
            }
            Err(error) => Err(session_error("asking for a sign of life")(error)),
            Ok(()) => {
                self.probe = Probe::None;
                Ok(Step::Progress)
            }
        }
    }

    /// Goes on with what may be on its way.
    fn finish(&mut self, link: &Link) -> Result<Step, Error> {
        if self.probe == Probe::Sending { self.probe(link) } else { self.send(link) }
    }

    /// Goes on with the write or the resize, after a probe that has left in part.
    pub(super) fn send(&mut self, link: &Link) -> Result<Step, Error> {
        if self.probe == Probe::Sending {
            return Ok(Step::WouldBlock);
        }
        if let Some(size) = self.resize {
            let (cols, rows) = (u32::from(size.cols()), u32::from(size.rows()));
            return match self.channel.request_pty_size(cols, rows, None, None) {
                Ok(()) => {
                    self.resize = None;
                    Ok(Step::Progress)
                }
                Err(error) => blocked_or_lost(link, &error.into()),
            };
        }
        if self.write.is_empty() {
            return Ok(Step::Idle);
        }
        match self.channel.write(&self.write) {
            // The server's window is closed.
            Ok(0) => Ok(Step::WouldBlock),
            Ok(len) => {
                self.write_begun = false;
                self.written = self.written.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
                self.write.advance(len);
                Ok(Step::Progress)
            }
            Err(error) => {
                // libssh2 begins a write only into an open window, and takes from it when it is done.
                self.write_begun = self.channel.write_window().remaining > 0;
                blocked_or_lost(link, &error)
            }
        }
    }

    /// Reads to the start of `buffer`: `room` bytes at most, or as many as the read before that would block.
    pub(super) fn read(&mut self, link: &Link, buffer: &mut [u8], room: usize) -> Result<Read, Error> {
        // INVARIANT: a read that would block still fits, because only reads fill the room.
        let len = if self.read == 0 { room } else { self.read };
        let Some(buffer) = buffer.get_mut(..len).filter(|buffer| !buffer.is_empty()) else {
            return Ok(Read::WouldBlock);
        };
        let result = self.channel.read(buffer);
        self.read = if result.is_err() { len } else { 0 };
        self.read_sends = result.is_err() && link.is_full();
        match result {
            Ok(0) if self.channel.eof() => Ok(Read::Eof),
            Ok(0) => Ok(Read::WouldBlock),
            Ok(len) => Ok(Read::Bytes(len)),
            Err(error) => blocked_or_lost(link, &error).map(|_| Read::WouldBlock),
        }
    }

    /// Lets libssh2 go on with a key exchange of which a packet is half sent.
    ///
    /// Until that packet has left no other can leave, and the call that found the exchange has to go on
    /// with it: one that reads. But a read that has begun to adjust the window only sends, as does a write
    /// that has begun. All of them would wait for each other for ever.
    pub(super) fn exchange(&mut self, link: &Link) -> Result<Step, Error> {
        if !link.is_full() {
            return Ok(Step::Idle);
        }
        // Both read what there is and keep it for the next read.
        let read = self.channel.wait_eof().and_then(|()| self.channel.wait_close());
        match read {
            Err(error) if !would_block(&error) => Err(session_error(DOING)(error)),
            _ if link.is_full() => Ok(Step::WouldBlock),
            _ => Ok(Step::Progress),
        }
    }

    /// Finishes what is half sent, then says goodbye. Bytes that come meanwhile are dropped in `scratch`.
    pub(super) fn leave(&mut self, link: &Link, scratch: &mut [u8]) -> Result<Step, Error> {
        while self.sends() || self.read_sends {
            let stuck = if self.sends() {
                self.finish(link)? == Step::WouldBlock && self.sends()
            } else {
                self.read(link, scratch, 0)? == Read::WouldBlock && self.read_sends
            };
            if stuck && self.exchange(link)? != Step::Progress {
                return Ok(Step::WouldBlock);
            }
        }
        loop {
            match self.channel.close() {
                Ok(()) => return Ok(Step::Progress),
                Err(error) if !would_block(&error) => return Err(session_error("closing the shell")(error)),
                Err(_) if self.exchange(link)? != Step::Progress => return Ok(Step::WouldBlock),
                Err(_) => {}
            }
        }
    }

    /// How the shell ended. libssh2 does not tell a status of 0 from a server that sent none.
    pub(super) fn exit(&self) -> Result<ChannelEnd, Error> {
        let failed = session_error("asking for the exit status");
        if let Some(name) = self.channel.exit_signal().map_err(&failed)?.exit_signal {
            let plain = |c: &char| c.is_ascii_alphanumeric() || "-@.".contains(*c);
            return Ok(ChannelEnd::Killed { signal: name.chars().filter(plain).take(32).collect() });
        }
        let status = self.channel.exit_status().map_err(&failed)?;
        Ok(ChannelEnd::Exited { status: status.cast_unsigned() })
    }
}

fn blocked_or_lost(link: &Link, error: &io::Error) -> Result<Step, Error> {
    if error.kind() == io::ErrorKind::WouldBlock {
        return Ok(Step::WouldBlock);
    }
    // The session remembers the code that an `io::Error` has lost.
    let source = ssh2::Error::last_session_error(link.session()).unwrap_or_else(ssh2::Error::unknown);
    Err(session_error(DOING)(source))
}
