//! What a server answers to a hello: the part of this connection, where both streams stand, and the limits.

use bytes::{BufMut, Bytes};

use super::wire::{Reader, put_win_size, start};
use super::{Caps, FrameError};
use crate::{ResumeToken, WinSize};

/// The part of a connection in its session. Exhaustive: a third part would be another protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Types, resizes and sets the pace. There is at most one.
    Owner,
    /// Looks on.
    Observer,
}

/// What a server answers first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The wire version of this connection.
    pub version: u8,
    /// What both sides can do.
    pub caps: Caps,
    /// The part of this connection.
    pub role: Role,
    /// Brings an owner back after a cut; only zeros for an observer.
    pub token: ResumeToken,
    /// The number of the first byte of output to come, be it in a `Data` or lost in a `Gap`.
    pub output_from: u64,
    /// All input bytes received in this session; typing goes on there.
    pub input_received: u64,
    /// The most input bytes that may be sent without an `InputAck`.
    pub input_bytes_max: u32,
    /// The most output bytes that the server sends without an `Ack`.
    pub unacked_bytes_max: u32,
    /// The session ends after this many seconds without input.
    pub idle_secs_max: u32,
    /// The session ends after this many seconds.
    pub absolute_secs_max: u32,
    /// The session ends after this many seconds without an owner.
    pub detached_secs_max: u32,
    /// The size of the terminal: for an owner its own.
    pub size: WinSize,
}

impl Welcome {
    pub(super) fn encode(&self, kind: u8) -> Bytes {
        let mut frame = start(kind, 78);
        frame.put_u8(self.version);
        frame.put_u32(self.caps.bits());
        frame.put_u8(u8::from(self.role == Role::Observer));
        frame.put_slice(self.token.as_bytes());
        frame.put_u64(self.output_from);
        frame.put_u64(self.input_received);
        frame.put_u32(self.input_bytes_max);
        frame.put_u32(self.unacked_bytes_max);
        frame.put_u32(self.idle_secs_max);
        frame.put_u32(self.absolute_secs_max);
        frame.put_u32(self.detached_secs_max);
        put_win_size(&mut frame, self.size);
        frame.freeze()
    }

    pub(super) fn decode(mut body: Reader<'_>) -> Result<Self, FrameError> {
        let welcome = Self {
            version: body.u8()?,
            caps: Caps::from_bits(body.u32()?),
            role: if body.flag()? { Role::Observer } else { Role::Owner },
            token: ResumeToken::from_bytes(body.array()?),
            output_from: body.u64()?,
            input_received: body.u64()?,
            input_bytes_max: body.u32()?,
            unacked_bytes_max: body.u32()?,
            idle_secs_max: body.u32()?,
            absolute_secs_max: body.u32()?,
            detached_secs_max: body.u32()?,
            size: body.win_size()?,
        };
        body.end(welcome)
    }
}
