//! The wire: everything that is written is read back, and nothing else is read.

use bytes::Bytes;
use proptest::prelude::*;
use webssh_core::frame::{
    ANSWER_BYTES_MAX, Answer, CLIENT_FRAME_BYTES_MAX, Caps, ClientFrame, DATA_FRAME_BYTES_MAX, DataChunk,
    Failure, FailureCode, FrameError, Hello, HostKeyFrame, INPUT_FRAME_BYTES_MAX, InputChunk, Opening,
    PROMPTS_MAX, PromptField, PromptFrame, Role, SERVER_FRAME_BYTES_MAX, ServerFrame, TicketText, Welcome,
};
use webssh_core::{ResumeToken, WinSize};

fn win_size() -> impl Strategy<Value = WinSize> {
    (1..=1000_u16, 1..=1000_u16).prop_map(|(cols, rows)| WinSize::new(cols, rows).unwrap())
}

fn payload(max: usize) -> impl Strategy<Value = Bytes> {
    prop_oneof![1..200_usize, Just(max)]
        .prop_flat_map(|len| prop::collection::vec(any::<u8>(), len))
        .prop_map(Bytes::from)
}

fn opening() -> impl Strategy<Value = Opening> {
    prop_oneof![
        Just(Opening::Plain),
        "[!-~]{1,512}".prop_map(|text| Opening::Ticket(TicketText::new(&text).unwrap())),
        (any::<[u8; 32]>(), any::<u64>()).prop_map(|(token, received)| Opening::Resume {
            token: ResumeToken::from_bytes(token),
            received
        }),
    ]
}

fn hello() -> impl Strategy<Value = Hello> {
    (any::<u8>(), any::<u32>(), win_size(), opening()).prop_map(|(version, caps, size, opening)| Hello {
        version,
        caps: Caps::from_bits(caps),
        size,
        opening,
    })
}

fn client_frame() -> impl Strategy<Value = ClientFrame> {
    let answers = prop::collection::vec(".{0,40}", 0..=PROMPTS_MAX);
    prop_oneof![
        hello().prop_map(ClientFrame::Hello),
        (any::<u64>(), payload(INPUT_FRAME_BYTES_MAX)).prop_map(|(seq, mut bytes)| {
            ClientFrame::Input { seq, bytes: InputChunk::split_from(&mut bytes).unwrap() }
        }),
        win_size().prop_map(ClientFrame::Resize),
        any::<u64>().prop_map(|consumed| ClientFrame::Ack { consumed }),
        any::<u64>().prop_map(|stamp| ClientFrame::Pong { stamp }),
        (any::<u32>(), answers).prop_map(|(id, it)| ClientFrame::Answer(Answer::new(id, it).unwrap())),
        (any::<u32>(), any::<bool>()).prop_map(|(id, accept)| ClientFrame::HostAnswer { id, accept }),
        Just(ClientFrame::Leave),
    ]
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let role = prop_oneof![Just(Role::Owner), Just(Role::Observer)];
    let numbers = (any::<[u32; 6]>(), any::<[u64; 2]>());
    (any::<u8>(), role, any::<[u8; 32]>(), numbers, win_size()).prop_map(
        |(version, role, token, (n, streams), size)| Welcome {
            version,
            caps: Caps::from_bits(n[0]),
            role,
            token: ResumeToken::from_bytes(token),
            output_from: streams[0],
            input_received: streams[1],
            input_bytes_max: n[1],
            unacked_bytes_max: n[2],
            idle_secs_max: n[3],
            absolute_secs_max: n[4],
            detached_secs_max: n[5],
            size,
        },
    )
}

/// Questions, with texts that may be too long and are cut then.
fn questions() -> impl Strategy<Value = ServerFrame> {
    let text = || prop_oneof![".{0,60}", Just("€".repeat(600))];
    let fields = prop::collection::vec((text(), any::<bool>()), 0..=PROMPTS_MAX);
    let prompt = (any::<u32>(), text(), text(), fields).prop_map(|(id, name, instruction, fields)| {
        let fields = fields.iter().map(|(text, echo)| PromptField::new(text, *echo)).collect();
        ServerFrame::Prompt(PromptFrame::new(id, &name, &instruction, fields).unwrap())
    });
    let host_key = (any::<u32>(), text(), text(), text()).prop_map(|(id, host, algorithm, fingerprint)| {
        ServerFrame::HostKey(HostKeyFrame::new(id, &host, &algorithm, &fingerprint))
    });
    prop_oneof![prompt, host_key]
}

fn server_frame() -> impl Strategy<Value = ServerFrame> {
    prop_oneof![
        welcome().prop_map(ServerFrame::Welcome),
        (any::<u64>(), payload(DATA_FRAME_BYTES_MAX)).prop_map(|(seq, mut bytes)| {
            ServerFrame::Data { seq, bytes: DataChunk::split_from(&mut bytes).unwrap() }
        }),
        any::<u64>().prop_map(|seq| ServerFrame::InputAck { seq }),
        (any::<u64>(), any::<u32>()).prop_map(|(stamp, rtt_ms)| ServerFrame::Ping { stamp, rtt_ms }),
        any::<u32>().prop_map(|status| ServerFrame::Exit { status }),
        ".{0,300}".prop_map(|text| ServerFrame::Failure(Failure::with_text(FailureCode::Lost, &text))),
        (any::<u64>(), any::<u64>()).prop_map(|(from, to)| ServerFrame::Gap { from, to }),
        questions(),
        win_size().prop_map(ServerFrame::Resized),
        any::<u16>().prop_map(|count| ServerFrame::Watchers { count }),
    ]
}

/// Random bytes that often begin like a frame.
fn frame_like(kinds: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Vec<u8>> {
    (prop_oneof![kinds, any::<u8>()], prop::collection::vec(any::<u8>(), 0..40)).prop_map(
        |(kind, mut rest)| {
            rest.insert(0, kind);
            rest
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn client_frames_round_trip(frame in client_frame()) {
        let bytes = frame.encode();
        prop_assert!(bytes.len() <= CLIENT_FRAME_BYTES_MAX);
        prop_assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
    }

    #[test]
    fn server_frames_round_trip(frame in server_frame()) {
        let bytes = frame.encode();
        prop_assert!(bytes.len() <= SERVER_FRAME_BYTES_MAX);
        prop_assert_eq!(ServerFrame::decode(&bytes), Ok(frame));
    }

    /// There is one way to write a frame: what is read is written back the same.
    #[test]
    fn arbitrary_bytes_are_refused_or_canonical(client in frame_like(1..=9), server in frame_like(0x80..=0x8c)) {
        if let Ok(frame) = ClientFrame::decode(&client) {
            prop_assert_eq!(frame.encode(), client);
        }
        if let Ok(frame) = ServerFrame::decode(&server) {
            prop_assert_eq!(frame.encode(), server);
        }
    }

    /// Cutting or lengthening a frame is always noticed, but where it ends with bytes of a stream or a text.
    #[test]
    fn a_byte_less_or_more_is_an_error(client in client_frame(), server in server_frame()) {
        if !matches!(client, ClientFrame::Input { .. }) {
            let bytes = client.encode().to_vec();
            prop_assert!(ClientFrame::decode(&bytes[..bytes.len() - 1]).is_err());
            let longer = [&bytes[..], &[0]].concat();
            if longer.len() <= CLIENT_FRAME_BYTES_MAX {
                prop_assert_eq!(ClientFrame::decode(&longer), Err(FrameError::Trailing(bytes[0])));
            }
        }
        if !matches!(server, ServerFrame::Data { .. } | ServerFrame::Failure(_)) {
            let bytes = server.encode().to_vec();
            prop_assert!(ServerFrame::decode(&bytes[..bytes.len() - 1]).is_err());
            let longer = [&bytes[..], &[0]].concat();
            prop_assert_eq!(ServerFrame::decode(&longer), Err(FrameError::Trailing(bytes[0])));
        }
    }
}

#[test]
fn each_kind_of_damage_has_its_error() {
    assert_eq!(ClientFrame::decode(&[]), Err(FrameError::Empty));
    assert_eq!(ClientFrame::decode(&[0x82, 0]), Err(FrameError::UnknownType(0x82)));
    assert_eq!(ClientFrame::decode(&[4, 0, 0]), Err(FrameError::Short(4)));
    assert_eq!(ClientFrame::decode(&[2, 0, 0, 0, 0, 0, 0, 0, 0]), Err(FrameError::Short(2)), "no input");
    assert_eq!(ClientFrame::decode(&[3, 0, 0, 0, 24]), Err(FrameError::WinSize));
    assert_eq!(ClientFrame::decode(&[3, 0xff, 0xff, 0, 24]), Err(FrameError::WinSize));
    assert_eq!(ClientFrame::decode(&[7, 0, 0, 0, 1, 2]), Err(FrameError::Choice(7)), "neither yes nor no");
    assert_eq!(ClientFrame::decode(&[8, 0]), Err(FrameError::Trailing(8)));
    let hello =
        |opening: &[u8]| ClientFrame::decode(&[&[1, 1, 0, 0, 0, 0, 0, 80, 0, 24][..], opening].concat());
    assert_eq!(hello(&[3]), Err(FrameError::Choice(1)));
    assert_eq!(hello(&[]), Err(FrameError::Short(1)), "an opening is never left out");
    assert_eq!(hello(&[1, 0, 0]), Err(FrameError::Ticket), "an empty ticket");
    assert_eq!(hello(&[1, 0, 1, b' ']), Err(FrameError::Ticket));
    assert_eq!(hello(&[1, 2, 1]), Err(FrameError::Oversize { bytes: 513, bytes_max: 512 }));
    let many = FrameError::TooMany { count: 17, count_max: 16 };
    assert_eq!(ClientFrame::decode(&[6, 0, 0, 0, 1, 17]), Err(many.clone()));
    assert_eq!(ServerFrame::decode(&[0x88, 0, 0, 0, 1, 0, 0, 0, 0, 17]), Err(many));
    let long = FrameError::Oversize { bytes: 4097, bytes_max: ANSWER_BYTES_MAX };
    assert_eq!(ClientFrame::decode(&[6, 0, 0, 0, 1, 1, 0x10, 1]), Err(long));
    let long_input = vec![2; 10 + INPUT_FRAME_BYTES_MAX];
    let expected =
        FrameError::Oversize { bytes: 1 + INPUT_FRAME_BYTES_MAX, bytes_max: INPUT_FRAME_BYTES_MAX };
    assert_eq!(ClientFrame::decode(&long_input), Err(expected));
    let oversize = vec![2; CLIENT_FRAME_BYTES_MAX + 1];
    let expected = FrameError::Oversize { bytes: oversize.len(), bytes_max: CLIENT_FRAME_BYTES_MAX };
    assert_eq!(ClientFrame::decode(&oversize), Err(expected));
    assert_eq!(ServerFrame::decode(&[0x86, 0, 1, 0xff]), Err(FrameError::Text));
    let long_text = [&[0x86, 0, 1][..], &[b'x'; 513]].concat();
    assert_eq!(ServerFrame::decode(&long_text), Err(FrameError::Oversize { bytes: 513, bytes_max: 512 }));
}

#[test]
fn a_long_failure_text_is_cut_at_a_character() {
    let failure = Failure::with_text(FailureCode::Unreachable, &"€".repeat(300));
    assert_eq!(failure.text(), "€".repeat(170));
    assert_eq!(failure.code(), 8);
}

/// The bytes themselves, so that a client can be written from the page and be right.
#[test]
fn frames_have_the_bytes_of_their_rows() {
    let size = WinSize::new(0x0102, 3).unwrap();
    let opening = Opening::Resume { token: ResumeToken::from_bytes([0xaa; 32]), received: 5 };
    let hello = Hello { version: 1, caps: Caps::RESUME.with(Caps::DIALOGUE), size, opening };
    let head = [1, 1, 0, 0, 0, 5, 1, 2, 0, 3, 2];
    let expected = [&head[..], &[0xaa; 32], &[0, 0, 0, 0, 0, 0, 0, 5]].concat();
    assert_eq!(ClientFrame::Hello(hello).encode(), expected);
    let opening = Opening::Ticket(TicketText::new("ab").unwrap());
    let hello = Hello { version: 1, caps: Caps::NONE, size, opening };
    assert_eq!(ClientFrame::Hello(hello).encode()[..], [1, 1, 0, 0, 0, 0, 1, 2, 0, 3, 1, 0, 2, b'a', b'b']);
    let answer = Answer::new(9, vec!["x".to_owned(), String::new()]).unwrap();
    assert_eq!(ClientFrame::Answer(answer).encode()[..], [6, 0, 0, 0, 9, 2, 0, 1, b'x', 0, 0]);
    assert_eq!(ClientFrame::HostAnswer { id: 1, accept: true }.encode()[..], [7, 0, 0, 0, 1, 1]);
    assert_eq!(ClientFrame::Leave.encode()[..], [8]);
    let prompt = PromptFrame::new(1, "n", "", vec![PromptField::new("p", true)]).unwrap();
    let expected = [0x88, 0, 0, 0, 1, 0, 1, b'n', 0, 0, 1, 1, 0, 1, b'p'];
    assert_eq!(ServerFrame::Prompt(prompt).encode()[..], expected);
    let host_key = ServerFrame::HostKey(HostKeyFrame::new(1, "h", "a", "f"));
    assert_eq!(host_key.encode()[..], [0x89, 0, 0, 0, 1, 0, 1, b'h', 0, 1, b'a', 0, 1, b'f']);
    let gap = ServerFrame::Gap { from: 1, to: 2 }.encode();
    assert_eq!(gap[..], [0x87, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(ServerFrame::Resized(size).encode()[..], [0x8a, 1, 2, 0, 3]);
    assert_eq!(ServerFrame::Watchers { count: 258 }.encode()[..], [0x8b, 1, 2]);
    let ping = ServerFrame::Ping { stamp: 1, rtt_ms: 2 }.encode();
    assert_eq!(ping[..], [0x84, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
}

#[test]
fn a_welcome_has_its_fields_in_their_places() {
    let welcome = Welcome {
        version: 1,
        caps: Caps::from_bits(2),
        role: Role::Observer,
        token: ResumeToken::from_bytes([3; 32]),
        output_from: 4,
        input_received: 5,
        input_bytes_max: 6,
        unacked_bytes_max: 7,
        idle_secs_max: 8,
        absolute_secs_max: 9,
        detached_secs_max: 10,
        size: WinSize::new(11, 12).unwrap(),
    };
    let bytes = ServerFrame::Welcome(welcome).encode();
    assert_eq!(bytes.len(), 79);
    assert_eq!(bytes[..7], [0x81, 1, 0, 0, 0, 2, 1]);
    assert_eq!(bytes[7..39], [3; 32]);
    let last = [(46, 4), (54, 5), (58, 6), (62, 7), (66, 8), (70, 9), (74, 10), (76, 11), (78, 12)];
    for (place, value) in last {
        assert_eq!(bytes[place], value, "byte {place}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let answer = Answer::new(1, vec!["hunter2".to_owned()]).unwrap();
    let ticket = TicketText::new("hunter2").unwrap();
    let opening =
        Opening::Resume { token: ResumeToken::from_bytes(*b"hunter2hunter2hunter2hunter2hunt"), received: 0 };
    let input = InputChunk::split_from(&mut Bytes::from("hunter2")).unwrap();
    let shown = format!("{answer:?} {ticket:?} {opening:?} {input:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("104"), "{shown}");
}

#[test]
fn too_many_questions_are_an_error_and_not_cut() {
    let fields = vec![PromptField::new("?", false); PROMPTS_MAX + 1];
    assert!(PromptFrame::new(1, "", "", fields).is_err());
    assert!(Answer::new(1, vec![String::new(); PROMPTS_MAX + 1]).is_err());
    assert!(Answer::new(1, vec!["x".repeat(ANSWER_BYTES_MAX + 1)]).is_err());
    assert!(Answer::new(1, vec!["x".repeat(ANSWER_BYTES_MAX); PROMPTS_MAX]).is_ok());
}
