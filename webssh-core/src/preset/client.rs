//! The client's part of the wire, played for a page that does not know it.

use bytes::{Buf as _, Bytes, BytesMut};

use super::MESSAGE_BYTES_MAX;
use crate::error::{Error, Inner};
use crate::frame::{
    Caps, ClientFrame, Failure, Hello, INPUT_FRAME_BYTES_MAX, InputChunk, Opening, Role, ServerFrame, VERSION,
};
use crate::{WinSize, frame::DataChunk};

/// What a page has to be told.
#[derive(Debug)]
pub(super) enum Event {
    /// Output.
    Output(DataChunk),
    /// Output is gone: the terminal is to start afresh.
    Gap,
    /// A sign of life is asked for.
    Ping(u64),
    /// The shell ended by itself.
    Exit(u32),
    /// The connection ends.
    Failure(Failure),
}

/// What is due is kept once, not as a queue; only input waits in order.
#[derive(Debug, Default)]
pub(super) struct Client {
    hello: Option<(Opening, WinSize)>,
    /// Whether there was a hello, said or still due.
    greeted: bool,
    /// After `Welcome`.
    role: Option<Role>,
    pong: Option<u64>,
    resize: Option<WinSize>,
    input: BytesMut,
    /// The number of the next byte of input, and how many were taken by the shell.
    input_seq: u64,
    input_acked: u64,
    input_bytes_max: u64,
    /// The number of the next byte of output, and up to where it was acknowledged.
    received: u64,
    acked: u64,
    paused: bool,
}

impl Client {
    /// What the page says first; only the first one counts.
    pub(super) fn hello(&mut self, opening: Opening, size: WinSize) {
        if !self.greeted {
            self.greeted = true;
            self.hello = Some((opening, size));
        }
    }

    pub(super) fn is_greeted(&self) -> bool {
        self.greeted
    }

    pub(super) fn pong(&mut self, stamp: u64) {
        self.pong = Some(stamp);
    }

    pub(super) fn resize(&mut self, size: WinSize) {
        self.resize = Some(size);
    }

    /// Whether output may come.
    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Types. The window of the server may keep bytes back; they are bounded. An observer's keys go nowhere.
    pub(super) fn type_in(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.role == Some(Role::Observer) {
            return Ok(());
        }
        if self.input.len() + bytes.len() > MESSAGE_BYTES_MAX {
            return Err(Inner::PresetInput { bytes_max: MESSAGE_BYTES_MAX }.into());
        }
        self.input.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn on_server(&mut self, frame: ServerFrame) -> Option<Event> {
        match frame {
            ServerFrame::Welcome(welcome) => {
                self.role = Some(welcome.role);
                (self.input_seq, self.input_acked) = (welcome.input_received, welcome.input_received);
                self.input_bytes_max = welcome.input_bytes_max.into();
                (self.received, self.acked) = (welcome.output_from, welcome.output_from);
                None
            }
            ServerFrame::Data { seq, bytes } => {
                self.received = seq.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                Some(Event::Output(bytes))
            }
            ServerFrame::Gap { to, .. } => {
                self.received = to;
                Some(Event::Gap)
            }
            ServerFrame::InputAck { seq } => {
                self.input_acked = seq;
                None
            }
            ServerFrame::Ping { stamp, .. } => Some(Event::Ping(stamp)),
            ServerFrame::Exit { status } => Some(Event::Exit(status)),
            ServerFrame::Failure(failure) => Some(Event::Failure(failure)),
            // Of capabilities that these pages do not have.
            ServerFrame::Prompt(_)
            | ServerFrame::HostKey(_)
            | ServerFrame::Resized(_)
            | ServerFrame::Watchers { .. } => None,
        }
    }

    /// The next frame that is due: keys before acknowledgements, so that a flood does not delay a Ctrl-C.
    pub(super) fn poll(&mut self) -> Option<Bytes> {
        let frame = if let Some((opening, size)) = self.hello.take() {
            ClientFrame::Hello(Hello { version: VERSION, caps: Caps::NONE, size, opening })
        } else if let Some(stamp) = self.pong.take() {
            ClientFrame::Pong { stamp }
        } else if self.role != Some(Role::Owner) {
            return self.ack();
        } else if let Some(size) = self.resize.take() {
            ClientFrame::Resize(size)
        } else if let Some(bytes) = self.chunk() {
            let seq = self.input_seq;
            self.input_seq += u64::try_from(bytes.len()).unwrap_or_default();
            ClientFrame::Input { seq, bytes }
        } else {
            return self.ack();
        };
        Some(frame.encode())
    }

    fn ack(&mut self) -> Option<Bytes> {
        if self.paused || self.acked == self.received {
            return None;
        }
        self.acked = self.received;
        Some(ClientFrame::Ack { consumed: self.acked }.encode())
    }

    /// As much input as the window of the server takes.
    fn chunk(&mut self) -> Option<InputChunk> {
        let under_way = self.input_seq.saturating_sub(self.input_acked);
        let window = usize::try_from(self.input_bytes_max.saturating_sub(under_way)).unwrap_or(usize::MAX);
        let len = self.input.remaining().min(window).min(INPUT_FRAME_BYTES_MAX);
        InputChunk::split_from(&mut self.input.split_to(len).freeze())
    }
}
