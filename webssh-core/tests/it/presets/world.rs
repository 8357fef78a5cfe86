//! A preset and a bridge, joined without any I/O.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use webssh_core::frame::{ClientFrame, Role};
use webssh_core::preset::{Message, Preset};
use webssh_core::{Action, Bridge, ConnectionId, Limits, ResumeToken, Send, WinSize};

use super::{HELLO, binary};

/// A preset that is connected to a bridge, without any I/O.
pub(super) struct World {
    pub(super) preset: Preset,
    pub(super) bridge: Bridge,
    pub(super) id: Option<ConnectionId>,
    pub(super) role: Role,
    /// What the shell has received, and its sizes.
    pub(super) typed: Vec<u8>,
    pub(super) sizes: Vec<WinSize>,
    /// What the page was sent.
    pub(super) sent: VecDeque<Message>,
    /// Whether the shell takes input.
    pub(super) takes: bool,
    pub(super) pending: Vec<Bytes>,
}

impl World {
    pub(super) fn new(preset: Preset) -> Self {
        Self {
            preset,
            bridge: Bridge::new(Limits::default(), Duration::ZERO),
            id: None,
            role: Role::Owner,
            typed: Vec::new(),
            sizes: Vec::new(),
            sent: VecDeque::new(),
            takes: true,
            pending: Vec::new(),
        }
    }

    pub(super) fn ttyd() -> Self {
        let mut world = Self::new(Preset::ttyd("a title").settings(r#"{"fontSize":14}"#).unwrap());
        world.say(&binary(HELLO));
        world.sent.clear();
        world.sizes.clear();
        world
    }

    pub(super) fn say(&mut self, message: &Message) {
        self.preset.on_message(message).unwrap();
        self.settle();
    }

    pub(super) fn output(&mut self, bytes: &[u8]) {
        self.bridge.on_channel(Duration::ZERO, bytes).unwrap();
        self.settle();
    }

    /// Passes everything on until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(frame) = self.preset.poll_frame() {
                moved = true;
                match self.id {
                    Some(id) => self.bridge.on_frame(Duration::ZERO, id, &frame),
                    None => {
                        let Ok(ClientFrame::Hello(hello)) = ClientFrame::decode(&frame) else {
                            panic!("no hello")
                        };
                        let token = ResumeToken::from_bytes([7; 32]);
                        self.id = Some(self.bridge.attach(Duration::ZERO, &hello, self.role, &token));
                    }
                }
            }
            while let Some(action) = self.bridge.poll() {
                moved = true;
                match action {
                    Action::WriteChannel(bytes) => self.pending.push(bytes),
                    Action::ResizeChannel(size) => self.sizes.push(size),
                    Action::Close(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            for bytes in if self.takes { std::mem::take(&mut self.pending) } else { Vec::new() } {
                moved = true;
                self.typed.extend_from_slice(&bytes);
                self.bridge.on_channel_written(bytes.len());
            }
            while let Some(send) = self.id.and_then(|id| self.bridge.poll_connection(id)) {
                moved = true;
                match send {
                    Send::Frame(frame) => self.preset.on_frame(&frame).unwrap(),
                    Send::Close(reason) => {
                        self.id = None;
                        assert!(!format!("{reason:?}").contains("Protocol"), "{reason:?}");
                    }
                }
            }
            while let Some(message) = self.preset.poll_message() {
                moved = true;
                if let Message::Ping(stamp) = &message {
                    // As every browser does by itself.
                    self.preset.on_message(&Message::Pong(stamp.clone())).unwrap();
                } else {
                    self.sent.push_back(message);
                }
            }
            if !moved {
                return;
            }
        }
    }

    /// All output that ttyd's page was sent.
    pub(super) fn shown(&self) -> Vec<u8> {
        let bytes = |message: &Message| match message {
            Message::Binary(bytes) => bytes.strip_prefix(b"0").unwrap().to_vec(),
            other => panic!("{other:?}"),
        };
        self.sent.iter().flat_map(bytes).collect()
    }
}
