//! Recordings while a session runs: files, slow sinks, full disks, crashes.

mod child;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use webssh_core::pump::BoxFuture;
use webssh_core::record::{
    FileSink, RecordOptions, RecordPolicy, RecordSink, Recorded, Recorder, WriterSink,
};
use webssh_core::transcript::{Event, TimedEvent, read};
use webssh_core::{ChannelEnd, ErrorKind, WinSize};

const DEADLINE: Duration = Duration::from_secs(30);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A sink that takes a write for each permit, and can be looked at.
#[derive(Clone)]
struct Gate {
    permits: Arc<Semaphore>,
    written: Arc<Mutex<Vec<u8>>>,
    finished: Arc<AtomicBool>,
    /// The first write fails with this.
    error: Option<io::ErrorKind>,
}

impl Gate {
    fn closed() -> Self {
        let (permits, written) = (Arc::new(Semaphore::new(0)), Arc::default());
        Self { permits, written, finished: Arc::default(), error: None }
    }

    fn open(&self) {
        self.permits.add_permits(1_000_000);
    }

    fn text(&self) -> Vec<u8> {
        self.written.lock().unwrap().clone()
    }
}

impl RecordSink for Gate {
    fn append(&mut self, lines: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.permits.acquire().await.map_err(io::Error::other)?.forget();
            match self.error.take() {
                Some(kind) => Err(kind.into()),
                None => {
                    self.written.lock().unwrap().extend_from_slice(&lines);
                    Ok(())
                }
            }
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>> {
        self.finished.store(true, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

fn options(policy: RecordPolicy, queue_bytes_max: u32) -> RecordOptions {
    let mut options = RecordOptions::default();
    (options.policy, options.queue_bytes_max) = (policy, queue_bytes_max);
    options
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while !condition() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}");
        tokio::task::yield_now().await;
    }
}

fn outputs(events: &[TimedEvent]) -> String {
    events
        .iter()
        .filter_map(|event| match &event.event {
            Event::Output(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

fn markers(events: &[TimedEvent]) -> Vec<&str> {
    let text = |event: &'_ TimedEvent| matches!(event.event, Event::Marker(_));
    events
        .iter()
        .filter(|event| text(event))
        .map(|event| match &event.event {
            Event::Marker(text) => text.as_str(),
            _ => "",
        })
        .collect()
}

fn recording_at(path: &Path) -> Vec<TimedEvent> {
    read(&std::fs::read(path).unwrap()).unwrap().1
}

#[tokio::test]
async fn a_file_has_its_name_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.cast");
    let part = folder.path().join("session.cast.part");
    let sink = FileSink::create(&path).await.unwrap();
    let mut options = RecordOptions::default();
    (options.started, options.flush_secs) = (ms(5_000), 1);
    let (recorder, task) = Recorder::start(sink, options);
    let task = tokio::spawn(task.run());
    assert_eq!(recorder.resize(ms(5_000), WinSize::new(100, 30).unwrap()), Recorded::Taken);
    assert_eq!(recorder.output(ms(5_250), b"caf\xc3"), Recorded::Taken);
    assert_eq!(recorder.output(ms(5_251), b"\xa9"), Recorded::Taken);
    assert_eq!(recorder.input(ms(5_300), b"secret"), Recorded::Dropped, "input is not asked for");

    // Handed to the system by time, while the session goes on.
    until("a flush", || std::fs::read(&part).unwrap().ends_with("é\"]\n".as_bytes())).await;
    assert!(!path.exists());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&part).unwrap());
    assert_eq!(mode & 0o777, 0o600);

    assert_eq!(recorder.exit(ms(7_000), &ChannelEnd::Exited { status: 3 }), Recorded::Taken);
    recorder.finish();
    let recording = timeout(DEADLINE, task).await.unwrap().unwrap().unwrap();
    assert_eq!((recording.gap_bytes, recording.duration), (0, ms(2_000)));
    assert!(!part.exists());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), recording.bytes);
    let events = recording_at(&path);
    let expected = [
        TimedEvent { at: ms(0), event: Event::Resize(WinSize::new(100, 30).unwrap()) },
        TimedEvent { at: ms(250), event: Event::Output("caf".to_owned()) },
        TimedEvent { at: ms(251), event: Event::Output("é".to_owned()) },
        TimedEvent { at: ms(2_000), event: Event::Exit(3) },
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn a_long_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.cast");
    let mut sink = FileSink::create(&path).await.unwrap();
    let mut all = Vec::new();
    // Past the pieces of 4 MiB that leave the page cache, some at once and some bit by bit.
    for (n, len) in [1 << 20, 9 << 20, 5, 3 << 20, 4095, 1].into_iter().enumerate() {
        let lines: Vec<u8> = (0..len).map(|at| u8::try_from((at + n) % 251).unwrap()).collect();
        all.extend_from_slice(&lines);
        sink.append(lines.into()).await.unwrap();
    }
    sink.finish().await.unwrap();
    assert!(std::fs::read(&path).unwrap() == all);
}

#[tokio::test]
async fn no_file_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.cast");
    let first = FileSink::create(&path).await.unwrap();
    let error = FileSink::create(&path).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "the other one is being written");
    // Somebody takes the name in the meantime.
    std::fs::write(&path, "precious").unwrap();
    let (recorder, task) = Recorder::start(first, RecordOptions::default());
    recorder.finish();
    let error = task.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    assert!(folder.path().join("session.cast.part").exists());
}

#[tokio::test]
async fn best_effort_marks_what_a_slow_sink_missed() {
    let gate = Gate::closed();
    let (recorder, task) = Recorder::start(gate.clone(), options(RecordPolicy::BestEffort, 64 * 1024));
    let task = tokio::spawn(task.run());
    let (mut taken, mut dropped) = (0_u64, 0_u64);
    let chunk = [b'x'; 1000];
    for n in 0..1000 {
        match recorder.output(ms(n), &chunk) {
            Recorded::Taken => taken += 1000,
            Recorded::Dropped => dropped += 1000,
            other => panic!("{other:?}"),
        }
        tokio::task::yield_now().await;
    }
    // Then as little as there is room for.
    while recorder.output(ms(999), b"") == Recorded::Taken {}
    let size = WinSize::new(50, 20).unwrap();
    assert_eq!(recorder.resize(ms(1000), size), Recorded::Dropped);
    // What the queue and the task hold at most, with nothing written.
    assert!(dropped > 0 && taken < 64 * 1024 + 258 * 1024, "{taken} {dropped}");
    gate.open();
    until("room", || {
        recorder.output(ms(1001), b"back") == Recorded::Taken || {
            dropped += 4;
            false
        }
    })
    .await;
    recorder.finish();
    let recording = timeout(DEADLINE, task).await.unwrap().unwrap().unwrap();
    assert_eq!(recording.gap_bytes, dropped);
    assert!(gate.finished.load(Ordering::SeqCst));
    let (_, events) = read(&gate.text()).unwrap();
    assert_eq!(u64::try_from(outputs(&events).len()).unwrap(), taken + 4);
    let told =
        |marker: &str| marker.strip_prefix("gap: ")?.strip_suffix(" bytes were not recorded")?.parse().ok();
    let missing: Vec<u64> = markers(&events).into_iter().map(|marker| told(marker).unwrap()).collect();
    assert_eq!(missing.iter().sum::<u64>(), dropped);
    let tail: Vec<&Event> = events.iter().rev().take(3).map(|event| &event.event).collect();
    assert!(
        matches!(tail[..], [Event::Output(_), Event::Resize(s), Event::Marker(_)] if *s == size),
        "{tail:?}"
    );
}

#[tokio::test]
async fn required_fails_when_a_slow_sink_is_overrun() {
    let gate = Gate::closed();
    let (recorder, task) = Recorder::start(gate.clone(), options(RecordPolicy::Required, 64 * 1024));
    let task = tokio::spawn(task.run());
    let mut taken = 0;
    while recorder.output(ms(1), &[b'x'; 1000]) == Recorded::Taken {
        taken += 1000;
        assert!(taken < 400_000);
        tokio::task::yield_now().await;
    }
    timeout(DEADLINE, recorder.failed()).await.unwrap();
    assert_eq!(recorder.resize(ms(2), WinSize::default()), Recorded::Failed);
    gate.open();
    let error = timeout(DEADLINE, task).await.unwrap().unwrap().unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("keep up"), "{error}");
    let (_, events) = read(&gate.text()).unwrap();
    assert_eq!(outputs(&events).len(), taken, "what was taken is written");
}

#[tokio::test]
async fn a_failing_sink_ends_what_is_required_and_nothing_else() {
    for policy in [RecordPolicy::Required, RecordPolicy::BestEffort] {
        let gate = Gate { error: Some(io::ErrorKind::StorageFull), ..Gate::closed() };
        gate.open();
        let (recorder, task) = Recorder::start(gate.clone(), options(policy, 64 * 1024));
        let task = tokio::spawn(task.run());
        let refused = if policy == RecordPolicy::Required { Recorded::Failed } else { Recorded::Dropped };
        until("the failure", || recorder.output(ms(1), b"x") == refused).await;
        let error = timeout(DEADLINE, task).await.unwrap().unwrap().unwrap_err();
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        assert!(gate.finished.load(Ordering::SeqCst));
        assert_eq!(gate.text(), b"", "nothing is written behind a hole");
        if policy == RecordPolicy::Required {
            timeout(DEADLINE, recorder.failed()).await.unwrap();
        }
    }
}

/// The device says that there is no space left on it.
#[tokio::test]
async fn a_full_device_is_told() {
    let full = Full(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let (recorder, task) = Recorder::start(full, RecordOptions::default());
    assert_eq!(recorder.output(ms(1), b"x"), Recorded::Taken);
    let task = tokio::spawn(task.run());
    timeout(DEADLINE, recorder.failed()).await.unwrap();
    let error = task.await.unwrap().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
}

struct Full(std::fs::File);

impl RecordSink for Full {
    fn append(&mut self, lines: Bytes) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(std::future::ready(io::Write::write_all(&mut self.0, &lines)))
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn a_recording_ends_at_its_largest_size() {
    let gate = Gate::closed();
    gate.open();
    let mut options = options(RecordPolicy::Required, 64 * 1024);
    options.recording_bytes_max = 10_000;
    let (recorder, task) = Recorder::start(gate.clone(), options);
    let task = tokio::spawn(task.run());
    until("the end", || recorder.output(ms(1), &[b'x'; 500]) == Recorded::Failed).await;
    let error = timeout(DEADLINE, task).await.unwrap().unwrap().unwrap_err();
    assert!(error.to_string().contains("10000 bytes"), "{error}");
    let text = gate.text();
    assert!(text.len() < 10_200, "{}", text.len());
    let (_, events) = read(&text).unwrap();
    assert_eq!(markers(&events), ["the recording reached its largest size"]);
}

#[tokio::test]
async fn a_recorder_without_its_task_fails() {
    let (recorder, task) = Recorder::start(WriterSink::new(Vec::new()), RecordOptions::default());
    assert_eq!(recorder.output(ms(1), b"x"), Recorded::Taken);
    drop(task);
    timeout(DEADLINE, recorder.failed()).await.unwrap();
    assert_eq!(recorder.output(ms(1), b"x"), Recorded::Failed);
}

#[tokio::test]
async fn any_writer_takes_a_recording() {
    let (near, mut far) = tokio::io::duplex(100);
    let mut options = RecordOptions::default();
    options.input = true;
    let (recorder, task) = Recorder::start(WriterSink::new(near), options);
    let task = tokio::spawn(task.run());
    assert_eq!(recorder.input(ms(1), b"ls\r"), Recorded::Taken);
    assert_eq!(recorder.marker(ms(2), "a teacher watches"), Recorded::Taken);
    assert_eq!(recorder.output(ms(2), b"torn \xe4\xb8"), Recorded::Taken);
    assert_eq!(recorder.exit(ms(3), &ChannelEnd::Killed { signal: "KILL".to_owned() }), Recorded::Taken);
    drop(recorder);
    let mut text = Vec::new();
    timeout(DEADLINE, tokio::io::AsyncReadExt::read_to_end(&mut far, &mut text)).await.unwrap().unwrap();
    task.await.unwrap().unwrap();
    let (_, events) = read(&text).unwrap();
    assert_eq!(events[0].event, Event::Input("ls\r".to_owned()));
    assert_eq!(outputs(&events), "torn \u{fffd}");
    assert_eq!(markers(&events), ["a teacher watches", "the shell was killed by signal KILL"]);
}
