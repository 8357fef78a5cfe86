//! The calls that are open, by their ids. Pure: bytes go in and out, and somebody else moves them.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use super::fault::Fault;
use super::packet::{Answer, Call, ClientPacket, ServerPacket, Splitter, VERSION};

/// The longest packet of a server: what OpenSSH allows itself.
pub(super) const PACKET_BYTES_MAX: u32 = 256 * 1024;

/// One end of the protocol. Each call has a `T` that waits for its answer; answers come in any order.
#[derive(Debug)]
pub(super) struct Mux<T> {
    out: BytesMut,
    splitter: Splitter,
    open: HashMap<u32, T>,
    next_id: u32,
    greeted: bool,
}

/// What a server said.
#[derive(Debug, PartialEq)]
pub(super) enum Said<T> {
    /// The names of its extensions, with what each says of itself.
    Hello(Vec<(Bytes, Bytes)>),
    /// The answer to a call.
    Answer(T, Answer),
}

impl<T> Mux<T> {
    /// Begins with the greeting.
    pub(super) fn new() -> Self {
        let mut out = BytesMut::new();
        ClientPacket::Init { version: VERSION }.encode(&mut out);
        let splitter = Splitter::new(PACKET_BYTES_MAX);
        Self { out, splitter, open: HashMap::new(), next_id: 0, greeted: false }
    }

    pub(super) fn ask(&mut self, call: Call, waits: T) {
        // Ids come round after 2^32 calls; far fewer are open.
        while self.open.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        ClientPacket::Call { id, call }.encode(&mut self.out);
        self.open.insert(id, waits);
    }

    /// How many calls are open.
    pub(super) fn open_calls(&self) -> usize {
        self.open.len()
    }

    /// Bytes for the server.
    pub(super) fn out_bytes(&self) -> usize {
        self.out.len()
    }

    /// At most so many of them.
    pub(super) fn take_out(&mut self, bytes_max: usize) -> Bytes {
        self.out.split_to(self.out.len().min(bytes_max)).freeze()
    }

    /// Bytes of the server. After them, [`said`](Self::said) has to be asked until it says nothing.
    pub(super) fn came(&mut self, bytes: &[u8]) {
        self.splitter.push(bytes);
    }

    /// What the server said next, if it is whole.
    pub(super) fn said(&mut self) -> Result<Option<Said<T>>, Fault> {
        let greeted = self.greeted;
        let failed = |source| if greeted { Fault::Packet(source) } else { Fault::NotSftp(source) };
        let Some(body) = self.splitter.next_body().map_err(failed)? else { return Ok(None) };
        match ServerPacket::decode(body).map_err(failed)? {
            ServerPacket::Version { .. } if greeted => Err(Fault::SecondVersion),
            ServerPacket::Version { version: VERSION, extensions } => {
                self.greeted = true;
                Ok(Some(Said::Hello(extensions)))
            }
            ServerPacket::Version { version, .. } => Err(Fault::Version(version)),
            ServerPacket::Answer { .. } if !greeted => Err(Fault::NoVersion),
            ServerPacket::Answer { id, answer } => {
                let waits = self.open.remove(&id).ok_or(Fault::NoSuchCall(id))?;
                Ok(Some(Said::Answer(waits, answer)))
            }
        }
    }
}
