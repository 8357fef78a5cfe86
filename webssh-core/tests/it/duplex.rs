//! Frames over a byte stream: any frames, in any pieces, and lengths that lie.

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use webssh_core::edge::duplex;
use webssh_core::pump::{FrameSink, FrameSource, Incoming};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Reads until the end; says whether it came between two frames.
async fn read_all(source: &mut dyn FrameSource) -> (Vec<Bytes>, bool) {
    let mut frames = Vec::new();
    loop {
        match source.recv().await {
            Incoming::Frame(frame) => frames.push(frame),
            Incoming::Closed => return (frames, true),
            Incoming::Failed(_) => return (frames, false),
            Incoming::Text => panic!("bytes are no text"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_come_as_they_went(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..8),
        pipe_bytes in 1..5000_usize,
    ) {
        let sent: Vec<Bytes> = frames.into_iter().map(Bytes::from).collect();
        let expected = sent.clone();
        let received = block_on(async {
            let (near, far) = tokio::io::duplex(pipe_bytes);
            let (_unused, mut sink) = duplex::split(near);
            let (mut source, _also) = duplex::split(far);
            let send = async move {
                for frame in sent {
                    sink.send(frame).await.unwrap();
                }
                drop((sink, _unused));
            };
            tokio::join!(send, read_all(&mut source)).1
        });
        prop_assert_eq!(received, (expected, true));
    }

    /// A source that is asked and given up again and again loses nothing.
    #[test]
    fn a_dropped_recv_loses_nothing(cuts in prop::collection::vec(1..9_usize, 1..20)) {
        let frame = Bytes::from_static(b"0123456789abcdef");
        let received = block_on(async {
            let (mut near, far) = tokio::io::duplex(64);
            let (mut source, _sink) = duplex::split(far);
            let wire: Vec<u8> = [&[0, 0, 0, 16][..], &frame[..]].concat();
            let mut rest = &wire[..];
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                near.write_all(piece).await.unwrap();
                rest = after;
                tokio::select! {
                    biased;
                    incoming = source.recv() => return Some(incoming),
                    () = tokio::task::yield_now() => {}
                }
            }
            near.write_all(rest).await.unwrap();
            Some(source.recv().await)
        });
        prop_assert!(matches!(received, Some(Incoming::Frame(bytes)) if bytes == frame));
    }

    /// Arbitrary bytes give frames, the end or an error; never more memory than they pay for.
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (frames, _whole) = block_on(async {
            let (mut near, far) = tokio::io::duplex(256);
            let (mut source, _sink) = duplex::split(far);
            near.write_all(&bytes).await.unwrap();
            drop(near);
            read_all(&mut source).await
        });
        let held: usize = frames.iter().map(|frame| 4 + frame.len()).sum();
        prop_assert!(held <= bytes.len());
    }
}
