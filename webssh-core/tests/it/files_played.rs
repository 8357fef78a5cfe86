//! Files behind a server that the test plays: out of order, in short pieces, without extensions, hostile.

mod server;

use std::sync::Mutex;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tokio::time::timeout;
use webssh_core::files::packet::{
    Answer, Attrs, Call, ClientPacket, NameEntry, ServerPacket, Splitter, StatusCode,
};
use webssh_core::files::{FileLimits, FilePath, Files, Received, Refusal, Reply, Taken, WriteOptions};
use webssh_core::ssh::Shell;
use webssh_core::{ChannelEnd, Error, ErrorKind};

use server::{Manner, State, play};

async fn in_time<T>(doing: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), doing).await.expect("it takes too long")
}

fn path(path: &str) -> FilePath {
    FilePath::parse(path).unwrap()
}

async fn download(files: &Files, from: u64) -> Result<Vec<u8>, Error> {
    let Reply::Done(mut download) = in_time(files.read(&path("file"), from)).await? else {
        panic!("it is there")
    };
    let mut all = Vec::new();
    while let Received::Chunk { offset, bytes } = in_time(download.recv()).await? {
        assert_eq!(offset, from + u64::try_from(all.len()).unwrap());
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

fn numbers(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever order and pieces the answers come in, the file comes whole.
    #[test]
    fn any_pieces_in_any_order_make_the_file(
        bytes in 0..400_000_usize,
        from in 0..400_000_usize,
        read_max in 1000..70_000_usize,
        flight in 0..300_000_u32,
        shuffles in any::<bool>(),
    ) {
        runtime().block_on(async {
            let mut limits = FileLimits::default();
            limits.flight_bytes_max = flight;
            let from = from.min(bytes);
            let manner = Manner { read_max, shuffles, ..Manner::default() };
            let (files, _) = play(manner, Some(numbers(bytes)), &limits).await;
            let came = download(&files, u64::try_from(from).unwrap()).await.unwrap();
            assert!(came == numbers(bytes)[from..]);
        });
    }

    /// However the bytes are handed in, and however often that is given up half way, the file arrives whole.
    #[test]
    fn any_pieces_given_up_at_any_time_make_the_file(
        pieces in proptest::collection::vec((0..150_000_usize, any::<bool>()), 0..8),
        flight in 0..300_000_u32,
        shuffles in any::<bool>(),
    ) {
        runtime().block_on(async {
            let mut limits = FileLimits::default();
            limits.flight_bytes_max = flight;
            let manner = Manner { read_max: 1, shuffles, ..Manner::default() };
            let (files, state) = play(manner, None, &limits).await;
            let opening = in_time(files.write(&path("file"), &WriteOptions::default())).await;
            let Ok(Reply::Done(mut upload)) = opening else { panic!("{opening:?}") };
            let mut wanted = Vec::new();
            for (bytes, gives_up) in pieces {
                let piece = Bytes::from(numbers(bytes));
                if gives_up {
                    // A future that is asked once and dropped: either all was taken, or nothing.
                    let sending = upload.send(piece.clone());
                    let mut sending = std::pin::pin!(sending);
                    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                    if sending.as_mut().poll(&mut cx).is_ready() {
                        wanted.extend_from_slice(&piece);
                    }
                } else {
                    in_time(upload.send(piece.clone())).await.unwrap().done().unwrap();
                    wanted.extend_from_slice(&piece);
                }
            }
            let bytes = u64::try_from(wanted.len()).unwrap();
            assert_eq!(in_time(upload.finish()).await.unwrap(), Reply::Done(bytes));
            assert!(state.lock().unwrap().file.as_deref() == Some(&wanted));
        });
    }

    /// A server that says anything at all is an error, not a crash.
    #[test]
    fn any_bytes_from_a_server_are_survived(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
        runtime().block_on(async {
            let (channel, mut port) = Shell::pair();
            let opening = async {
                in_time(Files::open(channel, &FileLimits::default())).await
            };
            let playing = async {
                let mut hello = BytesMut::new();
                ServerPacket::Version { version: 3, extensions: vec![] }.encode(&mut hello);
                assert!(port.recv_input().await.is_some());
                port.send_output(hello.freeze()).await;
                port
            };
            let (files, mut port) = tokio::join!(opening, playing);
            let files = files.unwrap();
            let answering = async {
                assert!(port.recv_input().await.is_some());
                port.send_output(Bytes::from(noise)).await;
                port.finish(ChannelEnd::Exited { status: 1 });
            };
            let asked = path("file");
            let (answer, ()) = tokio::join!(files.stat(&asked), answering);
            // Noise may even be an answer.
            if let Err(error) = answer {
                let kinds = [ErrorKind::PeerMisbehaved, ErrorKind::Unavailable];
                assert!(kinds.contains(&error.kind()), "{error:?}");
            }
        });
    }
}

#[tokio::test]
async fn parts_are_asked_for_ahead_and_no_further() {
    let mut limits = FileLimits::default();
    limits.flight_bytes_max = 10 * 32 * 1024;
    let manner = Manner { read_max: 1 << 20, ..Manner::default() };
    let (files, state) = play(manner, Some(numbers(2_000_000)), &limits).await;
    let Reply::Done(mut download) = in_time(files.read(&path("file"), 0)).await.unwrap() else { panic!() };
    assert!(matches!(in_time(download.recv()).await.unwrap(), Received::Chunk { .. }));
    let reads =
        |state: &Mutex<State>| state.lock().unwrap().calls.iter().filter(|call| *call == "Read").count();
    // Others are served meanwhile, after what was asked before.
    for _ in 0..3 {
        in_time(files.stat(&path("file"))).await.unwrap().done().unwrap();
        assert_eq!(reads(&state), 10, "nobody takes more, so no more is asked for");
    }
    assert!(state.lock().unwrap().asked_max > 1, "they went together");
}

#[tokio::test]
async fn a_server_with_extensions_is_asked_for_longer_parts() {
    let version = || Bytes::from_static(b"1");
    let lengths = [1_u64 << 18, 50_000, 1 << 40, 0].map(u64::to_be_bytes).concat();
    let manner = Manner {
        read_max: 1 << 20,
        extensions: vec![(Bytes::from_static(b"limits@openssh.com"), version())],
        instead: Some(("Extended", Answer::Extended(lengths.into()))),
        ..Manner::default()
    };
    let (files, _) = play(manner, Some(numbers(200_000)), &FileLimits::default()).await;
    let Reply::Done(mut download) = in_time(files.read(&path("file"), 0)).await.unwrap() else { panic!() };
    let Received::Chunk { bytes, .. } = in_time(download.recv()).await.unwrap() else { panic!() };
    assert_eq!(bytes.len(), 50_000);
}

#[tokio::test]
async fn without_extensions_a_file_is_replaced_in_two_steps() {
    let (files, state) =
        play(Manner { read_max: 1, ..Manner::default() }, Some(b"old".to_vec()), &FileLimits::default())
            .await;
    let mut options = WriteOptions::default();
    options.taken = Taken::Replace;
    let Reply::Done(mut upload) = in_time(files.write(&path("file"), &options)).await.unwrap() else {
        panic!()
    };
    in_time(upload.send(Bytes::from_static(b"new"))).await.unwrap().done().unwrap();
    assert_eq!(state.lock().unwrap().file.as_deref(), Some(&b"old"[..]));
    assert_eq!(in_time(upload.finish()).await.unwrap(), Reply::Done(3));
    let state = state.lock().unwrap();
    assert_eq!(state.file.as_deref(), Some(&b"new"[..]));
    assert!(!state.calls.contains(&"Extended".to_owned()), "{:?}", state.calls);
}

#[tokio::test]
async fn a_server_whose_renaming_replaces_does_not_replace_unasked() {
    let manner = Manner { rename_replaces: true, ..Manner::default() };
    let (files, state) = play(manner, Some(b"old".to_vec()), &FileLimits::default()).await;
    let renamed = in_time(files.rename(&path("x.part"), &path("file"))).await.unwrap();
    assert_eq!(renamed, Reply::Refused(Refusal::Exists));
    assert_eq!(state.lock().unwrap().file.as_deref(), Some(&b"old"[..]));
}

#[tokio::test]
async fn a_write_that_fails_is_a_refusal_and_the_last() {
    let words = Answer::Status(webssh_core::files::packet::Status {
        code: StatusCode::FAILURE,
        words: Bytes::from_static(b"No space left\x1b[2J"),
    });
    let manner = Manner { instead: Some(("Write", words)), ..Manner::default() };
    let (files, state) = play(manner, None, &FileLimits::default()).await;
    let Reply::Done(mut upload) =
        in_time(files.write(&path("file"), &WriteOptions::default())).await.unwrap()
    else {
        panic!()
    };
    let refusal = loop {
        if let Reply::Refused(refusal) = in_time(upload.send(vec![7; 300_000].into())).await.unwrap() {
            break refusal;
        }
    };
    assert_eq!(refusal, Refusal::Failed { words: "`No space left\\u{1b}[2J`".to_owned() });
    assert_eq!(in_time(upload.finish()).await.unwrap(), Reply::Refused(refusal));
    assert_eq!(state.lock().unwrap().file, None, "what is not whole gets no name");
}

/// Answers that no server may give.
#[tokio::test]
async fn answers_that_do_not_fit_are_the_servers_fault() {
    let list = |names: Vec<NameEntry>| Answer::Names(names);
    let wrong = [
        ("Stat", Answer::status(StatusCode::OK)),
        ("Stat", Answer::Data(Bytes::new())),
        ("Open", Answer::Attrs(Attrs::default())),
        ("Fstat", Answer::Handle(Bytes::from_static(b"h"))),
        ("Read", Answer::Data(Bytes::new())),
        ("Read", Answer::Data(vec![0; 100_000].into())),
        ("Read", Answer::status(StatusCode::OK)),
        ("Read", list(vec![])),
    ];
    for (call, answer) in wrong {
        let manner = Manner { read_max: 10, instead: Some((call, answer.clone())), ..Manner::default() };
        let (files, _) = play(manner, Some(numbers(100)), &FileLimits::default()).await;
        let error = download(&files, 0).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{call} {answer:?}: {error:?}");
    }
    // A folder whose list has no end, and names that would lead elsewhere.
    let entry =
        |name: &'static [u8]| NameEntry { name: name.into(), line: "".into(), attrs: Attrs::default() };
    let manner = Manner { instead: Some(("OpenDir", Answer::Handle("h".into()))), ..Manner::default() };
    let (files, _) = play(manner, None, &FileLimits::default()).await;
    let refused = in_time(files.list(&path("."))).await.unwrap();
    assert_eq!(refused, Reply::Refused(Refusal::Unsupported));
    let (channel, mut port) = Shell::pair();
    tokio::spawn(async move {
        let mut splitter = Splitter::new(1 << 16);
        while let Some(bytes) = port.recv_input().await {
            splitter.push(&bytes);
            while let Some(body) = splitter.next_body().unwrap() {
                let mut out = BytesMut::new();
                match ClientPacket::decode(body).unwrap() {
                    ClientPacket::Init { .. } => ServerPacket::Version { version: 3, extensions: vec![] },
                    ClientPacket::Call { id, call } => {
                        let names = [&b"../../etc/passwd"[..], b"", b"ok", b".", b".."];
                        let answer = match call {
                            Call::OpenDir { .. } => Answer::Handle("h".into()),
                            _ => Answer::Names(names.map(entry).to_vec()),
                        };
                        ServerPacket::Answer { id, answer }
                    }
                }
                .encode(&mut out);
                port.send_output(out.freeze()).await;
            }
        }
    });
    let mut limits = FileLimits::default();
    limits.entries_max = 500;
    let files = in_time(Files::open(channel, &limits)).await.unwrap();
    let Reply::Done(listing) = in_time(files.list(&path("."))).await.unwrap() else { panic!() };
    // Each answer has one name that is one, and of the first answer `.` and `..` are left out.
    let unusable = usize::try_from(listing.unusable).unwrap();
    assert_eq!((listing.entries.len() + unusable, listing.is_complete), (500, false));
    assert!((99..=101).contains(&listing.entries.len()), "{}", listing.entries.len());
    assert!(listing.entries.iter().all(|entry| entry.name.as_str() == Some("ok")));
}

/// Greetings that are none of version 3.
#[tokio::test]
async fn a_greeting_that_is_none_is_the_servers_fault() {
    let mut old = BytesMut::new();
    ServerPacket::Version { version: 2, extensions: vec![] }.encode(&mut old);
    let mut early = BytesMut::new();
    ServerPacket::Answer { id: 0, answer: Answer::status(StatusCode::OK) }.encode(&mut early);
    for greeting in [old.freeze(), early.freeze(), Bytes::from_static(b"Last login: today\r\n")] {
        let (channel, mut port) = Shell::pair();
        let playing = async {
            port.recv_input().await;
            port.send_output(greeting.clone()).await;
            port
        };
        let limits = FileLimits::default();
        let (opened, _port) = tokio::join!(in_time(Files::open(channel, &limits)), playing);
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::PeerMisbehaved, "{greeting:?}");
    }
    // An answer to nothing.
    let (channel, mut port) = Shell::pair();
    let playing = async {
        let mut out = BytesMut::new();
        ServerPacket::Version { version: 3, extensions: vec![] }.encode(&mut out);
        ServerPacket::Answer { id: 99, answer: Answer::status(StatusCode::OK) }.encode(&mut out);
        port.recv_input().await;
        port.send_output(out.freeze()).await;
        port
    };
    let limits = FileLimits::default();
    let (files, _port) = tokio::join!(in_time(Files::open(channel, &limits)), playing);
    let error = in_time(files.unwrap().stat(&path("x"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{error:?}");
}

/// An answer whose taker is gone: what was opened is closed.
#[tokio::test]
async fn what_nobody_waits_for_is_closed() {
    let (files, state) =
        play(Manner { read_max: 1, ..Manner::default() }, Some(b"x".to_vec()), &FileLimits::default()).await;
    let reading = path("file");
    let mut given_up = 0;
    // Given up after one more step each time, until it gets through.
    for steps in 0.. {
        let mut opening = Box::pin(files.read(&reading, 0));
        let mut polls = 0;
        let opened = std::future::poll_fn(|cx| {
            polls += 1;
            match opening.as_mut().poll(cx) {
                std::task::Poll::Ready(opened) => std::task::Poll::Ready(Some(opened)),
                std::task::Poll::Pending if polls > steps => std::task::Poll::Ready(None),
                std::task::Poll::Pending => std::task::Poll::Pending,
            }
        });
        if in_time(opened).await.is_some() {
            break;
        }
        given_up += 1;
    }
    assert!(given_up > 2, "{given_up}");
    let count = |state: &Mutex<State>, wanted: &str| {
        state.lock().unwrap().calls.iter().filter(|call| *call == wanted).count()
    };
    // A later call comes after the closing ones.
    let settled = async {
        loop {
            in_time(files.stat(&reading)).await.unwrap().done().unwrap();
            if count(&state, "Open") == count(&state, "Close") {
                return;
            }
        }
    };
    in_time(settled).await;
    assert!(count(&state, "Open") > 0);
}
