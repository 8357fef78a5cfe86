//! The frames of both directions: what is read is written back the same, and nothing else is read.

use bytes::Bytes;
use webssh_core::frame::{
    Answer, CLIENT_FRAME_BYTES_MAX, ClientFrame, DataChunk, Failure, FailureCode, FrameError, Hello,
    HostKeyFrame, InputChunk, Opening, PromptField, PromptFrame, Role, SERVER_FRAME_BYTES_MAX, ServerFrame,
    TicketText, Welcome,
};
use webssh_core::{ResumeToken, WinSize};

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![client_frame(), server_frame()]
}

/// The name of a refusal, without its numbers.
fn refusal(error: &FrameError) -> String {
    let name = format!("{error:?}");
    name.chars().take_while(char::is_ascii_alphabetic).collect()
}

fn encoded(frames: &[ClientFrame]) -> Vec<Vec<u8>> {
    let broken = [&b""[..], b"\x09", b"\x01", b"\x07\0\0\0\x01\x02", b"\x08\0", b"\x06\0\0\0\x01\x11"];
    let good = frames.iter().map(|frame| frame.encode().to_vec());
    good.chain(broken.into_iter().map(<[u8]>::to_vec)).collect()
}

fn client_frame() -> Target {
    let hello = Hello::plain(WinSize::default());
    let ticket = Opening::Ticket(TicketText::new("abcDEF-_").unwrap());
    let resume = Opening::Resume { token: ResumeToken::from_bytes([7; 32]), received: 1 };
    Target {
        name: "client frame",
        seeds: encoded(&[
            ClientFrame::Hello(Hello { opening: ticket, ..hello.clone() }),
            ClientFrame::Hello(Hello { opening: resume, ..hello.clone() }),
            ClientFrame::Hello(hello),
            ClientFrame::Input { seq: 0, bytes: InputChunk::split_from(&mut Bytes::from("ls")).unwrap() },
            ClientFrame::Resize(WinSize::default()),
            ClientFrame::Ack { consumed: 1 },
            ClientFrame::Pong { stamp: 1 },
            ClientFrame::Answer(Answer::new(1, vec!["a".to_owned(), "é".to_owned()]).unwrap()),
            ClientFrame::HostAnswer { id: 1, accept: true },
            ClientFrame::Leave,
        ]),
        words: &["\0", "\u{1}", "\u{2}", "\0\u{8}", "\u{10}\0", "é", "€", "\u{7f}"],
        bytes_max: 600,
        run: |input| match ClientFrame::decode(input) {
            Ok(frame) => {
                assert!(frame.encode() == input, "another way to write {frame:?}");
                assert!(input.len() <= CLIENT_FRAME_BYTES_MAX);
                format!("type {:#04x}", input[0])
            }
            Err(error) => refusal(&error),
        },
        reaches: &[
            "type 0x01",
            "type 0x02",
            "type 0x06",
            "type 0x08",
            "UnknownType",
            "Choice",
            "TooMany",
            "Trailing",
        ],
    }
}

fn server_frame() -> Target {
    let welcome = Welcome {
        version: 1,
        caps: webssh_core::frame::Caps::ALL,
        role: Role::Observer,
        token: ResumeToken::none(),
        output_from: 1,
        input_received: 1,
        input_bytes_max: 1,
        unacked_bytes_max: 1,
        idle_secs_max: 1,
        absolute_secs_max: 1,
        detached_secs_max: 1,
        size: WinSize::default(),
    };
    let fields = vec![PromptField::new("Password: ", false), PromptField::new("Code: ", true)];
    let frames = [
        ServerFrame::Welcome(welcome),
        ServerFrame::Data { seq: 0, bytes: DataChunk::split_from(&mut Bytes::from("$ ")).unwrap() },
        ServerFrame::InputAck { seq: 1 },
        ServerFrame::Ping { stamp: 1, rtt_ms: 1 },
        ServerFrame::Exit { status: 1 },
        ServerFrame::Failure(Failure::new(FailureCode::Gone)),
        ServerFrame::Gap { from: 1, to: 2 },
        ServerFrame::Prompt(PromptFrame::new(1, "name", "instruction", fields).unwrap()),
        ServerFrame::HostKey(HostKeyFrame::new(1, "host", "ssh-ed25519", "SHA256:abc")),
        ServerFrame::Resized(WinSize::default()),
        ServerFrame::Watchers { count: 1 },
    ];
    Target {
        name: "server frame",
        seeds: frames.iter().map(|frame| frame.encode().to_vec()).collect(),
        words: &["\0", "\u{1}", "\0\u{8}", "\u{4}\0", "é", "€"],
        bytes_max: 600,
        run: |input| match ServerFrame::decode(input) {
            Ok(frame) => {
                assert!(frame.encode() == input, "another way to write {frame:?}");
                assert!(input.len() <= SERVER_FRAME_BYTES_MAX);
                format!("type {:#04x}", input[0])
            }
            Err(error) => refusal(&error),
        },
        reaches: &["type 0x81", "type 0x82", "type 0x88", "type 0x89", "type 0x8b"],
    }
}
