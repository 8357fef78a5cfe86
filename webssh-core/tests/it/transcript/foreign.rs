//! The readers of others: Python's json, and asciinema itself.

use std::fs;
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use sha2::{Digest as _, Sha256};
use testkit::ForeignKit;
use webssh_core::WinSize;
use webssh_core::transcript::{Event, Header, Version, Writer};

const KIT: ForeignKit = ForeignKit {
    folder: "webssh-core/casts",
    pins: &[("requirements.txt", include_str!("requirements.txt"))],
    programs: &[("casts.py", include_str!("casts.py"))],
};

/// A recording of these pieces, and what a terminal was shown.
fn recording(version: Version, steps: &[super::Step]) -> (Vec<u8>, String) {
    let mut header = Header::default();
    header.version = version;
    header.title = Some("a \"title\"\n\u{9b}".to_owned());
    let mut lines = Vec::new();
    let mut writer = Writer::new(&header, &mut lines);
    let mut at = Duration::ZERO;
    for (millis, bytes) in steps {
        at += Duration::from_millis(*millis);
        writer.output(at, bytes, &mut lines);
        writer.input(at, b"\x03", &mut lines);
        writer.event(at, &Event::Resize(WinSize::default()), &mut lines);
    }
    writer.event(at, &Event::Exit(3), &mut lines);
    writer.finish(&mut lines);
    let all: Vec<u8> = steps.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    (lines, String::from_utf8_lossy(&all).into_owned())
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn others_read_the_same_output() {
    if testkit::skipped("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    let mut expected = Vec::new();
    for number in 0..40 {
        let steps = super::steps().new_tree(&mut runner).unwrap().current();
        for version in [Version::V2, Version::V3] {
            let (lines, shown) = recording(version, &steps);
            let name = format!("{number:02}-{version:?}.cast");
            fs::write(folder.path().join(&name), lines).unwrap();
            expected.push(format!("{name} {}", digest(&shown)));
        }
    }
    expected.sort();
    let mut command = KIT.python("casts.py", &[&["install", "--requirement", "requirements.txt"]]).unwrap();
    let output = command.arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}
