//! The wire: everything that is written is read back, and nothing else is read.

use bytes::Bytes;
use proptest::prelude::*;
use webssh_core::WinSize;
use webssh_core::frame::{
    CLIENT_FRAME_BYTES_MAX, Caps, ClientFrame, DATA_FRAME_BYTES_MAX, DataChunk, Failure, FailureCode,
    FrameError, Hello, INPUT_FRAME_BYTES_MAX, InputChunk, SERVER_FRAME_BYTES_MAX, ServerFrame, Welcome,
};

fn win_size() -> impl Strategy<Value = WinSize> {
    (1..=1000_u16, 1..=1000_u16).prop_map(|(cols, rows)| WinSize::new(cols, rows).unwrap())
}

fn payload(max: usize) -> impl Strategy<Value = Bytes> {
    prop_oneof![1..200_usize, Just(max)]
        .prop_flat_map(|len| prop::collection::vec(any::<u8>(), len))
        .prop_map(Bytes::from)
}

fn client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        (any::<u8>(), any::<u32>(), win_size()).prop_map(|(version, caps, size)| {
            ClientFrame::Hello(Hello { version, caps: Caps::from_bits(caps), size })
        }),
        (any::<u64>(), payload(INPUT_FRAME_BYTES_MAX)).prop_map(|(seq, mut bytes)| {
            ClientFrame::Input { seq, bytes: InputChunk::split_from(&mut bytes).unwrap() }
        }),
        win_size().prop_map(ClientFrame::Resize),
        any::<u64>().prop_map(|consumed| ClientFrame::Ack { consumed }),
        any::<u64>().prop_map(|stamp| ClientFrame::Pong { stamp }),
    ]
}

fn server_frame() -> impl Strategy<Value = ServerFrame> {
    let welcome = (any::<u8>(), any::<[u32; 5]>()).prop_map(|(version, n)| {
        ServerFrame::Welcome(Welcome {
            version,
            caps: Caps::from_bits(n[0]),
            input_bytes_max: n[1],
            unacked_bytes_max: n[2],
            idle_secs_max: n[3],
            absolute_secs_max: n[4],
        })
    });
    prop_oneof![
        welcome,
        (any::<u64>(), payload(DATA_FRAME_BYTES_MAX)).prop_map(|(seq, mut bytes)| {
            ServerFrame::Data { seq, bytes: DataChunk::split_from(&mut bytes).unwrap() }
        }),
        any::<u64>().prop_map(|seq| ServerFrame::InputAck { seq }),
        any::<u64>().prop_map(|stamp| ServerFrame::Ping { stamp }),
        any::<u32>().prop_map(|status| ServerFrame::Exit { status }),
        ".{0,300}".prop_map(|text| ServerFrame::Failure(Failure::with_text(FailureCode::Lost, &text))),
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
    fn arbitrary_bytes_are_refused_or_canonical(client in frame_like(1..=6), server in frame_like(0x80..=0x87)) {
        if let Ok(frame) = ClientFrame::decode(&client) {
            prop_assert_eq!(frame.encode(), client);
        }
        if let Ok(frame) = ServerFrame::decode(&server) {
            prop_assert_eq!(frame.encode(), server);
        }
    }

    /// Cutting or lengthening a frame of fixed size is always noticed.
    #[test]
    fn a_byte_less_or_more_is_an_error(frame in client_frame()) {
        let bytes = frame.encode().to_vec();
        let fixed = !matches!(frame, ClientFrame::Input { .. });
        if fixed {
            prop_assert!(ClientFrame::decode(&bytes[..bytes.len() - 1]).is_err());
            let longer = [&bytes[..], &[0]].concat();
            prop_assert_eq!(ClientFrame::decode(&longer), Err(FrameError::Trailing(bytes[0])));
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
