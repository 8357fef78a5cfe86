//! The packets of SFTP: those of the draft byte for byte, and any bytes at all.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use webssh_core::files::packet::{
    Account, Answer, Attrs, Call, ClientPacket, NameEntry, OpenFlags, PacketError, ServerPacket, Splitter,
    Status, StatusCode, Times,
};

fn string(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn handle() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 1..=256).prop_map(Bytes::from)
}

fn attrs() -> impl Strategy<Value = Attrs> {
    let account = any::<Option<(u32, u32)>>();
    let times = any::<Option<(u32, u32)>>();
    (any::<Option<u64>>(), account, any::<Option<u32>>(), times).prop_map(|(bytes, account, mode, times)| {
        Attrs {
            bytes,
            account: account.map(|(user, group)| Account { user, group }),
            mode,
            times: times.map(|(accessed_secs, modified_secs)| Times { accessed_secs, modified_secs }),
        }
    })
}

fn call() -> impl Strategy<Value = Call> {
    let path = || string(80);
    prop_oneof![
        (path(), any::<u32>(), attrs()).prop_map(|(path, flags, attrs)| Call::Open {
            path,
            flags: OpenFlags(flags),
            attrs
        }),
        handle().prop_map(|handle| Call::Close { handle }),
        (handle(), any::<u64>(), any::<u32>()).prop_map(|(handle, offset, len)| Call::Read {
            handle,
            offset,
            len
        }),
        (handle(), any::<u64>(), string(200)).prop_map(|(handle, offset, data)| Call::Write {
            handle,
            offset,
            data
        }),
        path().prop_map(|path| Call::Lstat { path }),
        handle().prop_map(|handle| Call::Fstat { handle }),
        path().prop_map(|path| Call::OpenDir { path }),
        handle().prop_map(|handle| Call::ReadDir { handle }),
        path().prop_map(|path| Call::Remove { path }),
        (path(), attrs()).prop_map(|(path, attrs)| Call::MakeDir { path, attrs }),
        path().prop_map(|path| Call::RemoveDir { path }),
        path().prop_map(|path| Call::RealPath { path }),
        path().prop_map(|path| Call::Stat { path }),
        (path(), path()).prop_map(|(from, to)| Call::Rename { from, to }),
        (path(), path()).prop_map(|(name, data)| Call::Extended { name, data }),
        (prop_oneof![Just(9), Just(10), Just(19), Just(20), Just(99)], path())
            .prop_map(|(kind, body)| Call::Other { kind, body }),
    ]
}

fn client_packet() -> impl Strategy<Value = ClientPacket> {
    prop_oneof![
        1 => any::<u32>().prop_map(|version| ClientPacket::Init { version }),
        20 => (any::<u32>(), call()).prop_map(|(id, call)| ClientPacket::Call { id, call }),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let name =
        (string(40), string(40), attrs()).prop_map(|(name, line, attrs)| NameEntry { name, line, attrs });
    prop_oneof![
        (any::<u32>(), string(40))
            .prop_map(|(code, words)| Answer::Status(Status { code: StatusCode(code), words })),
        handle().prop_map(Answer::Handle),
        string(200).prop_map(Answer::Data),
        vec(name, 0..8).prop_map(Answer::Names),
        attrs().prop_map(Answer::Attrs),
        string(40).prop_map(Answer::Extended),
    ]
}

fn server_packet() -> impl Strategy<Value = ServerPacket> {
    prop_oneof![
        1 => (any::<u32>(), vec((string(20), string(20)), 0..4))
            .prop_map(|(version, extensions)| ServerPacket::Version { version, extensions }),
        9 => (any::<u32>(), answer()).prop_map(|(id, answer)| ServerPacket::Answer { id, answer }),
    ]
}

/// The bodies in a stream that comes in pieces.
fn split(stream: &[u8], piece: usize) -> Vec<Bytes> {
    let mut splitter = Splitter::new(100_000);
    let mut bodies = Vec::new();
    for piece in stream.chunks(piece) {
        splitter.push(piece);
        while let Some(body) = splitter.next_body().unwrap() {
            bodies.push(body);
        }
    }
    assert_eq!(splitter.waiting_bytes(), 0);
    bodies
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_a_client_writes_is_read_the_same(packets in vec(client_packet(), 1..5), piece in 1..300_usize) {
        let mut stream = BytesMut::new();
        packets.iter().for_each(|packet| packet.encode(&mut stream));
        let read: Result<Vec<_>, _> = split(&stream, piece).into_iter().map(ClientPacket::decode).collect();
        prop_assert_eq!(read.unwrap(), packets);
    }

    #[test]
    fn what_a_server_writes_is_read_the_same(packets in vec(server_packet(), 1..5), piece in 1..300_usize) {
        let mut stream = BytesMut::new();
        packets.iter().for_each(|packet| packet.encode(&mut stream));
        let read: Result<Vec<_>, _> = split(&stream, piece).into_iter().map(ServerPacket::decode).collect();
        prop_assert_eq!(read.unwrap(), packets);
    }

    #[test]
    fn a_packet_that_is_cut_or_lengthened_is_refused(packet in server_packet(), cut in any::<prop::sample::Index>()) {
        let mut stream = BytesMut::new();
        packet.encode(&mut stream);
        let body = split(&stream, stream.len()).remove(0);
        let may_end_early = matches!(
            packet,
            ServerPacket::Version { .. }
                | ServerPacket::Answer { answer: Answer::Extended(_) | Answer::Status(_), .. }
        );
        if !may_end_early {
            let cut = body.slice(..cut.index(body.len()));
            prop_assert!(ServerPacket::decode(cut).is_err());
            let longer = Bytes::from([&body[..], b"x"].concat());
            prop_assert_eq!(ServerPacket::decode(longer), Err(PacketError::Trailing(body[0])));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(kind in any::<u8>(), rest in string(300)) {
        let body = Bytes::from([&[kind][..], &rest].concat());
        // Extended attributes are skipped, so what is read need not be written the same; but then it is stable.
        if let Ok(packet) = ServerPacket::decode(body.clone()) {
            let mut stream = BytesMut::new();
            packet.encode(&mut stream);
            prop_assert_eq!(ServerPacket::decode(split(&stream, 64).remove(0)), Ok(packet));
        }
        if let Ok(packet) = ClientPacket::decode(body) {
            let mut stream = BytesMut::new();
            packet.encode(&mut stream);
            prop_assert_eq!(ClientPacket::decode(split(&stream, 64).remove(0)), Ok(packet));
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_draft() {
    let bytes = |packet: ClientPacket| {
        let mut out = BytesMut::new();
        packet.encode(&mut out);
        out.to_vec()
    };
    assert_eq!(bytes(ClientPacket::Init { version: 3 }), b"\0\0\0\x05\x01\0\0\0\x03");
    let read = Call::Read { handle: Bytes::from_static(b"hd"), offset: 0x0102, len: 0x8000 };
    assert_eq!(
        bytes(ClientPacket::Call { id: 7, call: read }),
        b"\0\0\0\x17\x05\0\0\0\x07\0\0\0\x02hd\0\0\0\0\0\0\x01\x02\0\0\x80\0"
    );
    let attrs = Attrs { mode: Some(0o644), ..Attrs::default() };
    let flags = OpenFlags::WRITE.and(OpenFlags::CREATE).and(OpenFlags::EXCLUSIVE);
    assert!(flags.has(OpenFlags::CREATE) && !flags.has(OpenFlags::READ));
    let open = Call::Open { path: Bytes::from_static(b"a"), flags, attrs };
    assert_eq!(
        bytes(ClientPacket::Call { id: 1, call: open }),
        b"\0\0\0\x16\x03\0\0\0\x01\0\0\0\x01a\0\0\0\x2a\0\0\0\x04\0\0\x01\xa4"
    );
    let kinds = |call: Call| bytes(ClientPacket::Call { id: 0, call })[4];
    let h = || Bytes::from_static(b"h");
    let found = [
        kinds(Call::Close { handle: h() }),
        kinds(Call::Write { handle: h(), offset: 0, data: h() }),
        kinds(Call::Lstat { path: h() }),
        kinds(Call::Fstat { handle: h() }),
        kinds(Call::OpenDir { path: h() }),
        kinds(Call::ReadDir { handle: h() }),
        kinds(Call::Remove { path: h() }),
        kinds(Call::MakeDir { path: h(), attrs }),
        kinds(Call::RemoveDir { path: h() }),
        kinds(Call::RealPath { path: h() }),
        kinds(Call::Stat { path: h() }),
        kinds(Call::Rename { from: h(), to: h() }),
        kinds(Call::Extended { name: h(), data: h() }),
    ];
    assert_eq!(found, [4, 6, 7, 8, 11, 12, 13, 14, 15, 16, 17, 18, 200]);
}

#[test]
fn servers_may_leave_words_out() {
    let read = |body: &'static [u8]| ServerPacket::decode(Bytes::from_static(body));
    let status = |words: &'static [u8]| ServerPacket::Answer {
        id: 1,
        answer: Answer::Status(Status { code: StatusCode::EOF, words: Bytes::from_static(words) }),
    };
    assert_eq!(read(b"\x65\0\0\0\x01\0\0\0\x01"), Ok(status(b"")));
    assert_eq!(read(b"\x65\0\0\0\x01\0\0\0\x01\0\0\0\x03end"), Ok(status(b"end")));
    assert_eq!(read(b"\x65\0\0\0\x01\0\0\0\x01\0\0\0\x03end\0\0\0\x02en"), Ok(status(b"end")));
    assert_eq!(read(b"\x65\0\0\0\x01\0\0\0\x01\0\0\0\x03end\0\0\0\x02enx"), Err(PacketError::Trailing(101)));
    assert_eq!(read(b""), Err(PacketError::Empty));
    assert_eq!(read(b"\x03\0\0\0\x01"), Err(PacketError::UnknownType(3)));
    assert_eq!(read(b"\x66\0\0\0\x01\0\0\0\0"), Err(PacketError::Handle(102)));
    // A count of names that no packet has room for costs nothing.
    assert_eq!(read(b"\x68\0\0\0\x01\xff\xff\xff\xff"), Err(PacketError::Short(104)));
    // Extended attributes are skipped.
    let extended = b"\x69\0\0\0\x01\x80\0\0\x01\0\0\0\0\0\0\0\x09\0\0\0\x01\0\0\0\x01a\0\0\0\x01b";
    let attrs = Attrs { bytes: Some(9), ..Attrs::default() };
    assert_eq!(read(extended), Ok(ServerPacket::Answer { id: 1, answer: Answer::Attrs(attrs) }));
}

#[test]
fn a_packet_that_is_too_long_is_refused_before_it_comes() {
    let mut splitter = Splitter::new(10);
    splitter.push(b"\0\0\0\x0a");
    assert_eq!(splitter.next_body(), Ok(None));
    splitter.push(b"0123456789\0\0\0\x0b");
    assert_eq!(splitter.next_body(), Ok(Some(Bytes::from_static(b"0123456789"))));
    assert_eq!(splitter.next_body(), Err(PacketError::Oversize { bytes: 11, bytes_max: 10 }));
    // The words of a startup file.
    let mut splitter = Splitter::new(256 * 1024);
    splitter.push(b"Welcome");
    assert!(matches!(splitter.next_body(), Err(PacketError::Oversize { .. })));
}
