//! A socket pair between libssh2 and the connection, over which bytes are handed on a few at a time.
//!
//! libssh2 reads a socket until it is empty and keeps every packet that it was not asked for: a server
//! that sends faster than libssh2 reads would make it grow without end. Behind a relay it gets the next
//! bytes only after it has used the last ones, and not more than were granted. The relay is also the
//! place where the server's greeting is read before libssh2 sees it. Once the connection is trusted, the
//! relay is [taken out](Relay::is_empty): libssh2's descriptor then stands for the connection itself.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf as _, BytesMut};
use rustix::io::ioctl_fionread;
use tokio::io::Interest;

use super::greeting::{self, Greeting};
use super::socket::Socket;

/// Bytes that are handed to libssh2 at a time. With packets of 32 bytes, the smallest, it keeps up to 512.
const CHUNK_BYTES: usize = 16 * 1024;

/// Bytes from libssh2 that wait for the connection; then it has to wait as well.
const OUT_BYTES_MAX: usize = 64 * 1024;

/// The end of the pair that libssh2 uses, under a number that stays the same.
#[derive(Debug)]
pub(super) struct Near(Mutex<OwnedFd>);

/// Both ends, and what is on its way.
#[derive(Debug)]
pub(super) struct Relay {
    near: Arc<Near>,
    far: UnixStream,
    /// From libssh2 to the server.
    out: BytesMut,
    /// From the server to libssh2.
    incoming: BytesMut,
    /// Whether what comes from the server is kept back.
    holds: bool,
    /// Bytes that may still come from the server; `None` without a limit.
    granted: Option<u64>,
    /// All bytes that came from the server.
    received: u64,
    /// The server has said its last.
    ended: bool,
}

impl Near {
    fn lock(&self) -> MutexGuard<'_, OwnedFd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsRawFd for Near {
    fn as_raw_fd(&self) -> RawFd {
        self.lock().as_raw_fd()
    }
}

impl Relay {
    /// A relay that lets `granted` bytes come from the server, and keeps them back for now.
    pub(super) fn new(granted: u64) -> io::Result<Self> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        Ok(Self {
            near: Arc::new(Near(Mutex::new(near.into()))),
            far,
            out: BytesMut::new(),
            incoming: BytesMut::new(),
            holds: true,
            granted: Some(granted),
            received: 0,
            ended: false,
        })
    }

    /// What libssh2 is given.
    pub(super) fn near(&self) -> Arc<Near> {
        Arc::clone(&self.near)
    }

    /// From now on the server may send as much as it likes, a few bytes at a time.
    pub(super) fn grant_all(&mut self) {
        self.granted = None;
    }

    /// The server's greeting, if all of it is there. It is kept back until [`release`](Self::release).
    pub(super) fn greeting(&self) -> Greeting {
        greeting::read(&self.incoming)
    }

    /// Lets libssh2 have the greeting without what stands in front of it, and what follows.
    pub(super) fn release(&mut self, starts_at: usize) {
        self.incoming.advance(starts_at.min(self.incoming.len()));
        self.holds = false;
    }

    /// Hands on what can be handed on at once; says whether libssh2 has something new to do.
    pub(super) fn pump(&mut self, socket: &Socket) -> io::Result<bool> {
        let taken = self.take()?;
        self.send(socket)?;
        let received = self.receive(socket)?;
        Ok(self.give()? || taken || (received && self.holds))
    }

    /// Waits until libssh2 has something new to do, if it `reads`; else it only hands on what is on its
    /// way. May be dropped.
    pub(super) async fn wait(&mut self, socket: &Socket, reads: bool) -> io::Result<()> {
        loop {
            if self.pump(socket)? {
                return Ok(());
            }
            let unread = self.unread()? > 0;
            // With the way out full, libssh2 may be unable to read.
            let can_read = reads && !self.holds && self.out.len() < OUT_BYTES_MAX;
            if can_read && (unread || self.ended) {
                return Ok(());
            }
            let receives = !self.ended && !unread && self.room() > 0;
            let on = match (receives, !self.out.is_empty()) {
                (true, true) => Interest::READABLE | Interest::WRITABLE,
                (true, false) => Interest::READABLE,
                (false, true) => Interest::WRITABLE,
                (false, false) => return std::future::pending().await,
            };
            socket.ready(on).await?;
        }
    }

    /// Whether nothing is on its way, so that the connection itself can take the place of the pair.
    fn is_empty(&mut self) -> io::Result<bool> {
        self.take()?;
        let quiet = self.out.is_empty() && self.incoming.is_empty() && !self.holds && !self.ended;
        Ok(quiet && self.unread()? == 0)
    }

    /// Puts the connection in the place of the pair, if nothing is on its way. After that the relay is done.
    pub(super) fn take_out(&mut self, socket: &Socket) -> io::Result<bool> {
        if !self.is_empty()? {
            return Ok(false);
        }
        let mut near = self.near.lock();
        #[cfg(target_os = "linux")]
        rustix::io::dup3(socket, &mut near, rustix::io::DupFlags::CLOEXEC)?;
        #[cfg(not(target_os = "linux"))]
        {
            rustix::io::dup2(socket, &mut near)?;
            rustix::io::fcntl_setfd(&*near, rustix::io::FdFlags::CLOEXEC)?;
        }
        Ok(true)
    }

    /// Bytes in the pair that libssh2 has not read yet.
    fn unread(&self) -> io::Result<u64> {
        Ok(ioctl_fionread(&*self.near.lock())?)
    }

    /// How much may be received now.
    fn room(&self) -> usize {
        let max = if self.holds { greeting::BYTES_MAX } else { CHUNK_BYTES };
        max.saturating_sub(self.incoming.len())
    }

    /// From libssh2.
    fn take(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        let mut taken = false;
        while self.out.len() < OUT_BYTES_MAX {
            match self.far.read(&mut chunk) {
                // libssh2 never closes its end.
                Ok(0) => break,
                Ok(len) => {
                    self.out.extend_from_slice(chunk.get(..len).unwrap_or_default());
                    taken = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// To the server.
    fn send(&mut self, socket: &Socket) -> io::Result<()> {
        while !self.out.is_empty() {
            match socket.try_send(&self.out) {
                Ok(len) => self.out.advance(len),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // What the server said before it left is still to be read.
                Err(_) if self.ended => self.out.clear(),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// From the server, when libssh2 has used what it was given.
    fn receive(&mut self, socket: &Socket) -> io::Result<bool> {
        let room = self.room();
        if self.ended || room == 0 || (!self.holds && self.unread()? > 0) {
            return Ok(false);
        }
        let mut chunk = [0; CHUNK_BYTES];
        let buffer = chunk.get_mut(..room.min(CHUNK_BYTES)).unwrap_or_default();
        match socket.try_recv(buffer) {
            Ok(0) => {
                self.ended = true;
                Ok(true)
            }
            Ok(len) => {
                let bytes = u64::try_from(len).unwrap_or(u64::MAX);
                self.received = self.received.saturating_add(bytes);
                if let Some(granted) = &mut self.granted {
                    *granted = granted.checked_sub(bytes).ok_or_else(flooded)?;
                }
                self.incoming.extend_from_slice(buffer.get(..len).unwrap_or_default());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// To libssh2.
    fn give(&mut self) -> io::Result<bool> {
        if self.holds {
            return Ok(false);
        }
        let mut given = false;
        while !self.incoming.is_empty() {
            match self.far.write(&self.incoming) {
                Ok(len) => {
                    self.incoming.advance(len);
                    given = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.ended && self.incoming.is_empty() {
            // The second time there is nothing left to shut down, which is as good.
            let _gone = self.far.shutdown(Shutdown::Write);
        }
        Ok(given)
    }

    /// All bytes that came from the server, with everything around its output.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// Whether the server has ended the connection before its greeting was complete.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// The server sent more than a login needs.
fn flooded() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Flooded)
}

/// Why a connection was given up: not the network, but the server.
#[derive(Debug, thiserror::Error)]
#[error("the server sent more than a login needs")]
pub(super) struct Flooded;
