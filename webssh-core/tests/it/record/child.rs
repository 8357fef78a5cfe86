//! Recordings of a process that dies, or that may not write: this test binary, run once more.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use webssh_core::record::{FileSink, RecordOptions, Recorded, Recorder};
use webssh_core::transcript::{Item, Reader};

/// Where the child records; without it the child's test has nothing to do.
const PATH: &str = "WEBSSH_CORE_RECORD_CHILD";

/// The child of the other tests: records until it is stopped, and says how it went.
#[tokio::test]
async fn child_records() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let sink = FileSink::create(PathBuf::from(path)).await.unwrap();
    let (recorder, task) = Recorder::start(sink, RecordOptions::default());
    let task = tokio::spawn(task.run());
    let mut number = 0_u64;
    while recorder.output(Duration::from_millis(number), format!("line {number}\r\n").as_bytes())
        == Recorded::Taken
    {
        number += 1;
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    println!("\nchild: {:?}", std::error::Error::source(&task.await.unwrap().unwrap_err()));
}

/// Runs the child under a shell's limits.
fn child(limits: &str, path: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    let script = format!("{limits} exec \"$0\" --exact record::child::child_records --nocapture");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(this).env(PATH, path).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// The numbers of the lines in a recording that may be cut off.
fn lines_of(part: &Path) -> usize {
    let mut reader = Reader::new();
    reader.push(&std::fs::read(part).unwrap_or_default());
    let mut text = String::new();
    while let Some(item) = reader.poll().unwrap() {
        if let Item::Event(event) = item
            && let webssh_core::transcript::Event::Output(more) = event.event
        {
            text += &more;
        }
    }
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("line {number}"));
    }
    lines.len()
}

#[test]
fn a_killed_process_leaves_a_readable_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("killed.cast");
    let part = folder.path().join("killed.cast.part");
    let mut child = child("", &path);
    testkit::until(Duration::from_secs(60), "some lines", || lines_of(&part) > 100).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines_of(&part) > 100);
    assert!(!path.exists(), "it was not finished");
}

/// Past its limit the system refuses to make the file larger, as a full disk does.
#[test]
fn a_file_that_may_not_grow_is_told_and_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("full.cast");
    let part = folder.path().join("full.cast.part");
    let mut child = child("trap '' XFSZ; ulimit -f 8;", &path);
    let told: Vec<String> =
        BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success());
    let told = told.into_iter().find(|line| line.starts_with("child: ")).unwrap();
    assert!(told.contains("FileTooLarge"), "{told}");
    assert_eq!(std::fs::metadata(&part).unwrap().len(), 8 * 1024);
    assert!(lines_of(&part) > 10);
    assert!(!path.exists());
}
