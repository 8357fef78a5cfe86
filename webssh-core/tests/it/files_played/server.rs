//! The server that the test plays: one file and its part, answered in the manner that a test asks for.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use webssh_core::files::packet::{Answer, Attrs, Call, ClientPacket, ServerPacket, Splitter, StatusCode};
use webssh_core::files::{FileLimits, Files};
use webssh_core::ssh::{Shell, ShellPort};

use super::in_time;

/// What the played server is like.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    /// Bytes of one answer to a read at most.
    pub(super) read_max: usize,
    /// Answers to calls that came together are given in another order.
    pub(super) shuffles: bool,
    /// Renaming replaces what is there.
    pub(super) rename_replaces: bool,
    pub(super) extensions: Vec<(Bytes, Bytes)>,
    /// An answer that takes the place of every one to this kind of call.
    pub(super) instead: Option<(&'static str, Answer)>,
}

/// What is at the server: one file, its part, and the calls that came.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) file: Option<Vec<u8>>,
    pub(super) part: Option<Vec<u8>>,
    pub(super) calls: Vec<String>,
    pub(super) asked_max: usize,
}

pub(super) struct Play {
    pub(super) manner: Manner,
    pub(super) state: Arc<Mutex<State>>,
}

pub(super) fn kind(call: &Call) -> String {
    let text = format!("{call:?}");
    text.chars().take_while(char::is_ascii_alphabetic).collect()
}

pub(super) fn slot<'a>(state: &'a mut State, name: &[u8]) -> &'a mut Option<Vec<u8>> {
    if name.ends_with(b".part") { &mut state.part } else { &mut state.file }
}

impl Play {
    fn answer(&self, call: &Call) -> Answer {
        let mut state = self.state.lock().unwrap();
        let kind = kind(call);
        if let Some((_, answer)) = self.manner.instead.as_ref().filter(|(wanted, _)| *wanted == kind) {
            return answer.clone();
        }
        state.calls.push(kind);
        let attrs = |file: &Option<Vec<u8>>| match file {
            Some(file) => Answer::Attrs(Attrs {
                bytes: Some(u64::try_from(file.len()).unwrap()),
                mode: Some(0o100_644),
                ..Attrs::default()
            }),
            None => Answer::status(StatusCode::NO_SUCH_FILE),
        };
        match call {
            Call::Open { path, .. } => {
                slot(&mut state, path).get_or_insert_with(Vec::new);
                Answer::Handle(path.clone())
            }
            Call::Stat { path } | Call::Lstat { path } => attrs(slot(&mut state, path)),
            Call::Fstat { handle } => attrs(slot(&mut state, handle)),
            Call::Read { handle, offset, len } => {
                let (from, len) = (usize::try_from(*offset).unwrap(), usize::try_from(*len).unwrap());
                let file = slot(&mut state, handle).clone().unwrap_or_default();
                let Some(rest) = file.get(from..).filter(|rest| !rest.is_empty()) else {
                    return Answer::status(StatusCode::EOF);
                };
                let len = len.min(self.manner.read_max).min(rest.len());
                Answer::Data(Bytes::copy_from_slice(&rest[..len]))
            }
            Call::Write { handle, offset, data } => {
                let from = usize::try_from(*offset).unwrap();
                let file = slot(&mut state, handle).get_or_insert_with(Vec::new);
                file.resize(file.len().max(from + data.len()), 0);
                file[from..from + data.len()].copy_from_slice(data);
                Answer::status(StatusCode::OK)
            }
            Call::Remove { path } => {
                *slot(&mut state, path) = None;
                Answer::status(StatusCode::OK)
            }
            Call::Rename { .. } if state.file.is_some() && !self.manner.rename_replaces => {
                Answer::status(StatusCode::FAILURE)
            }
            Call::Rename { .. } => {
                state.file = state.part.take();
                Answer::status(StatusCode::OK)
            }
            Call::Close { .. } => Answer::status(StatusCode::OK),
            _ => Answer::status(StatusCode::OP_UNSUPPORTED),
        }
    }

    async fn serve(self, mut port: ShellPort) {
        let mut splitter = Splitter::new(1 << 20);
        while let Some(bytes) = port.recv_input().await {
            splitter.push(&bytes);
            let mut packets = Vec::new();
            while let Some(body) = splitter.next_body().unwrap() {
                packets.push(match ClientPacket::decode(body).unwrap() {
                    ClientPacket::Init { .. } => {
                        ServerPacket::Version { version: 3, extensions: self.manner.extensions.clone() }
                    }
                    ClientPacket::Call { id, call } => {
                        ServerPacket::Answer { id, answer: self.answer(&call) }
                    }
                });
            }
            {
                let mut state = self.state.lock().unwrap();
                state.asked_max = state.asked_max.max(packets.len());
            }
            if self.manner.shuffles {
                packets.reverse();
            }
            let mut out = BytesMut::new();
            packets.iter().for_each(|packet| packet.encode(&mut out));
            // In pieces that respect no packet.
            let out = out.freeze();
            for piece in out.chunks(1009) {
                port.send_output(Bytes::copy_from_slice(piece)).await;
            }
        }
    }
}

pub(super) async fn play(
    manner: Manner,
    file: Option<Vec<u8>>,
    limits: &FileLimits,
) -> (Files, Arc<Mutex<State>>) {
    let (channel, port) = Shell::pair();
    let state = Arc::new(Mutex::new(State { file, ..State::default() }));
    tokio::spawn(Play { manner, state: Arc::clone(&state) }.serve(port));
    (in_time(Files::open(channel, limits)).await.unwrap(), state)
}
