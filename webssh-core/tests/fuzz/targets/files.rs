//! The packets of SFTP, of both directions: what is read is written so that it is read the same.

use bytes::{Bytes, BytesMut};
use webssh_core::files::packet::{
    Account, Answer, Attrs, Call, ClientPacket, NameEntry, OpenFlags, PacketError, ServerPacket, Splitter,
    StatusCode, Times,
};

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![sftp_reply(), sftp_request()]
}

const WORDS: &[&str] =
    &["\0", "\u{1}", "\0\0\0\u{1}", "\u{7f}", "\0\0\0\0", "posix-rename@openssh.com", "..", "/"];

fn refusal(error: &PacketError) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphabetic).collect()
}

/// The first body of a stream, its type, or why it is none.
fn first(input: &[u8]) -> Result<Bytes, String> {
    let mut splitter = Splitter::new(1 << 16);
    splitter.push(input);
    match splitter.next_body() {
        Ok(Some(body)) => Ok(body),
        Ok(None) => Err("waits".to_owned()),
        Err(error) => Err(refusal(&error)),
    }
}

fn body(encode: impl FnOnce(&mut BytesMut)) -> (Vec<u8>, Bytes) {
    let mut stream = BytesMut::new();
    encode(&mut stream);
    (stream.to_vec(), stream.freeze().slice(4..))
}

fn sftp_reply() -> Target {
    let times = Some(Times { accessed_secs: 1, modified_secs: 2 });
    let account = Some(Account { user: 1, group: 2 });
    let attrs = Attrs { bytes: Some(1), account, mode: Some(0o100_644), times };
    let name = NameEntry { name: "a".into(), line: "-rw a".into(), attrs };
    let answers = [
        Answer::status(StatusCode::EOF),
        Answer::Handle("h".into()),
        Answer::Data("data".into()),
        Answer::Names(vec![name.clone(), name]),
        Answer::Attrs(attrs),
        Answer::Extended("x".into()),
    ];
    let version = ServerPacket::Version { version: 3, extensions: vec![("a".into(), "1".into())] };
    let packets = answers.map(|answer| ServerPacket::Answer { id: 1, answer });
    let good = packets.iter().chain([&version]).map(|packet| body(|out| packet.encode(out)).0);
    let broken =
        [&b"\0\0\0\0"[..], b"\0\0\0\x01\x68", b"\0\0\0\x02\x02", b"\0\0\0\x01\x01", b"\xff\xff\xff\xff", b""];
    Target {
        name: "sftp reply",
        seeds: good.chain(broken.map(<[u8]>::to_vec)).collect(),
        words: WORDS,
        bytes_max: 400,
        run: |input| {
            let read = match first(input) {
                Ok(body) => body,
                Err(answer) => return answer,
            };
            let kind = read.first().copied();
            match ServerPacket::decode(read) {
                Ok(packet) => {
                    let again = body(|out| packet.encode(out)).1;
                    assert_eq!(ServerPacket::decode(again), Ok(packet));
                    format!("type {kind:?}")
                }
                Err(error) => refusal(&error),
            }
        },
        reaches: &[
            "type Some(2)",
            "type Some(101)",
            "type Some(104)",
            "Empty",
            "Short",
            "UnknownType",
            "Oversize",
        ],
    }
}

fn sftp_request() -> Target {
    let attrs = Attrs { mode: Some(0o644), ..Attrs::default() };
    let calls = [
        Call::Open { path: "a".into(), flags: OpenFlags::READ, attrs },
        Call::Read { handle: "h".into(), offset: 1, len: 1 },
        Call::Write { handle: "h".into(), offset: 1, data: "x".into() },
        Call::Rename { from: "a".into(), to: "b".into() },
        Call::Extended { name: "fsync@openssh.com".into(), data: "\0\0\0\u{1}h".into() },
        Call::Other { kind: 19, body: "\0\0\0\u{1}a".into() },
    ];
    let packets = calls.map(|call| ClientPacket::Call { id: 1, call });
    let init = ClientPacket::Init { version: 3 };
    let good = packets.iter().chain([&init]).map(|packet| body(|out| packet.encode(out)).0);
    Target {
        name: "sftp request",
        seeds: good.chain([b"\0\0\0\x06\x04\0\0\0\x01\0".to_vec()]).collect(),
        words: WORDS,
        bytes_max: 400,
        run: |input| {
            let read = match first(input) {
                Ok(body) => body,
                Err(answer) => return answer,
            };
            let kind = read.first().copied();
            match ClientPacket::decode(read) {
                Ok(packet) => {
                    let again = body(|out| packet.encode(out)).1;
                    assert_eq!(ClientPacket::decode(again), Ok(packet));
                    format!("type {kind:?}")
                }
                Err(error) => refusal(&error),
            }
        },
        reaches: &[
            "type Some(1)",
            "type Some(3)",
            "type Some(6)",
            "type Some(19)",
            "type Some(200)",
            "Short",
        ],
    }
}
