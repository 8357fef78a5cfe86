//! Recordings, their sanitiser, and the audit between a user and a shell.

use std::sync::Arc;
use std::time::Duration;

use webssh_core::WinSize;
use webssh_core::audit::{Audit, AuditRules, Command, CommandHook, Step, Verdict};
use webssh_core::transcript::{Event, Header, Sanitizer, SeekIndex, Writer, export, read};

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![transcript(), written(), sanitizer(), audit(), rules()]
}

const RECORDING: &[u8] = b"{\"version\": 3, \"term\": {\"cols\": 80, \"rows\": 24}, \"title\": \"t\"}\n# c\n[0.5, \"o\", \"\\u001b[1mhi\\u009d0;t\\u0007\"]\n[1, \"r\", \"90x30\"]\n[0, \"m\", \"mark\"]\n[2, \"x\", \"0\"]\n";

/// A recording is read, rewritten, exported and indexed, or refused with its line.
fn transcript() -> Target {
    Target {
        name: "transcript",
        seeds: [
            RECORDING,
            b"{\"version\": 2, \"width\": 80, \"height\": 24, \"env\": {\"TERM\": \"xterm\"}}\n[0.5, \"i\", \"x\"]",
            b"{\"version\": 2, \"width\": 0, \"height\": 24}",
            b"{\"version\": 2, \"width\": 80, \"height\": 24}\n[0.5, \"r\", \"x\"]\n",
            b"",
        ]
        .map(<[u8]>::to_vec)
        .to_vec(),
        words: &["[0.1, \"o\", \"", "\"]\n", "\\u001b", "\\u009d", "80x24", "1e400", "-1", "null", "#", "\n", "{", "[[[["],
        bytes_max: 600,
        run: |input| {
            let (header, events) = match read(input) {
                Ok(recording) => recording,
                Err(error) => {
                    let told = error.to_string();
                    assert!(told.starts_with("line ") && !told.contains(char::is_control), "{told}");
                    return told.split(": ").nth(1).unwrap_or_default().to_owned();
                }
            };
            let mut lines = Vec::new();
            let mut writer = Writer::new(&header, &mut lines);
            events.iter().for_each(|event| writer.event(event.at, &event.event, &mut lines));
            writer.finish(&mut lines);
            let again = read(&lines).unwrap();
            assert_eq!(again.0, header);
            assert!(again.1.len() <= events.len());
            let safe = export(input).unwrap();
            read(&safe).unwrap();
            let index = SeekIndex::build(input, Duration::from_secs(1)).unwrap();
            assert!(index.point(index.duration()).line_offset <= u64::try_from(input.len()).unwrap());
            format!("{:?} with {} kinds", header.version, kinds(&events.iter().map(|e| &e.event).collect::<Vec<_>>()))
        },
        reaches: &["V3 with 4 kinds", "V2 with 1 kinds", "its size must be like `80x24`, from 1 to 1000 each way"],
    }
}

fn kinds(events: &[&Event]) -> usize {
    let mut kinds: Vec<String> = events
        .iter()
        .map(|event| format!("{event:?}").chars().take_while(char::is_ascii_alphabetic).collect())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.len()
}

/// Any bytes of a shell become lines that hold the same text.
fn written() -> Target {
    Target {
        name: "transcript writer",
        seeds: [&b"plain"[..], "中文\u{9b}\"\\".as_bytes(), b"\xff\xe4\xb8", b""]
            .map(<[u8]>::to_vec)
            .to_vec(),
        words: &["\u{1b}", "中", "😀", "\u{9d}", "\"", "\\", "\u{7f}", "\n"],
        bytes_max: 200,
        run: |input| {
            let mut lines = Vec::new();
            let mut writer = Writer::new(&Header::default(), &mut lines);
            // Cut where the input itself says so.
            for piece in input.split_inclusive(|byte| byte % 7 == 0) {
                writer.output(Duration::from_millis(1), piece, &mut lines);
            }
            writer.finish(&mut lines);
            let text = std::str::from_utf8(&lines).unwrap();
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            let (_, events) = read(&lines).unwrap();
            let output: String = events
                .into_iter()
                .map(|event| match event.event {
                    Event::Output(text) => text,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(output, String::from_utf8_lossy(input));
            if output.contains('\u{fffd}') { "torn" } else { "whole" }.to_owned()
        },
        reaches: &["torn", "whole"],
    }
}

/// What is made safe stays safe, whatever was cut where.
fn sanitizer() -> Target {
    Target {
        name: "sanitiser",
        seeds: [
            "\u{1b}[1mred\u{1b}[0m",
            "\u{1b}]0;t\u{7}x",
            "\u{1b}P$qm\u{1b}\\",
            "\u{9b}6n\u{9d}\u{9c}",
            "\u{1b}[?1000h",
        ]
        .map(|seed| seed.as_bytes().to_vec())
        .to_vec(),
        words: &[
            "\u{1b}[", "\u{1b}]", "\u{1b}P", "\u{1b}_", "\u{1b}\\", "\u{9b}", "\u{9d}", "\u{9c}", "?", ">",
            "$p", "6n", "c", "m", "\u{18}", "\u{5}",
        ],
        bytes_max: 200,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let (mut whole, mut single, mut again) = (String::new(), String::new(), String::new());
            Sanitizer::new().filter(&text, &mut whole);
            let mut pieces = Sanitizer::new();
            text.chars().for_each(|c| pieces.filter(&String::from(c), &mut single));
            assert_eq!(whole, single);
            Sanitizer::new().filter(&whole, &mut again);
            assert_eq!(again, whole);
            assert!(!whole.contains(['\u{5}', '\u{90}', '\u{98}', '\u{9a}', '\u{9d}', '\u{9e}', '\u{9f}']));
            for asks in [
                "\u{1b}]",
                "\u{1b}P",
                "\u{1b}X",
                "\u{1b}^",
                "\u{1b}_",
                "\u{1b}Z",
                "\u{1b}[c",
                "\u{1b}[6n",
                "\u{1b}[>",
            ] {
                assert!(!whole.contains(asks), "{whole:?}");
            }
            if whole == text { "kept" } else { "changed" }.to_owned()
        },
        reaches: &["kept", "changed"],
    }
}

struct Open;

impl CommandHook for Open {
    fn judge(&self, command: &Command) -> Verdict {
        assert!(!command.text.trim().is_empty());
        assert!(!command.to_string().contains(char::is_control), "{command}");
        Verdict::Allow
    }
}

/// Lines of the input are by turns typed and printed; what is typed arrives.
fn audit() -> Target {
    Target {
        name: "audit",
        seeds: [
            "ls\0$ \0\r\0ls",
            "\0$ \0ls\r",
            "\u{1b}[200~a\rb\u{1b}[201~\0\u{1b}[?2004h$ ",
            "\u{1b}[A\r\0$ \0\0make",
            "中\u{7f}\r\0\u{1b}]133;B\u{7}",
        ]
        .map(|seed| seed.as_bytes().to_vec())
        .to_vec(),
        words: &[
            "\0",
            "\r",
            "$ ",
            "\u{1b}[A",
            "\u{1b}[K",
            "\u{1b}]133;A\u{7}",
            "\u{1b}]133;B\u{7}",
            "\u{1b}]133;C\u{7}",
            "\u{1b}[?1049h",
            "\u{1b}[9999;9999H",
            "\u{1b}[9999@",
            "\u{1b}[9999P",
            "中",
            "\t",
            "\u{8}",
        ],
        bytes_max: 300,
        run: |input| {
            let mut audit = Audit::new(Arc::new(Open), WinSize::new(20, 5).unwrap());
            let (mut typed, mut forwarded, mut now) = (Vec::new(), Vec::new(), Duration::ZERO);
            for (turn, piece) in input.split(|byte| *byte == 0).enumerate() {
                if turn % 2 == 0 {
                    // An interrupt drops what is held.
                    let keys: Vec<u8> = piece.iter().copied().filter(|byte| *byte != 3).collect();
                    audit.on_input(now, &keys);
                    typed.extend(keys);
                } else {
                    audit.on_output(now, piece);
                }
                now += Duration::from_millis(10);
                take(&mut audit, &mut forwarded);
                assert!(typed.starts_with(&forwarded));
            }
            let waits = audit.wake_at().is_some();
            while let Some(at) = audit.wake_at() {
                audit.on_tick(at);
                take(&mut audit, &mut forwarded);
            }
            assert_eq!(forwarded, typed);
            if waits { "waits" } else { "done" }.to_owned()
        },
        reaches: &["waits", "done"],
    }
}

fn take(audit: &mut Audit, forwarded: &mut Vec<u8>) {
    while let Some(step) = audit.poll() {
        let Step::Forward(bytes) = step else { panic!("{step:?}") };
        forwarded.extend_from_slice(&bytes);
    }
}

/// A pattern and a line: no pair takes long, and a line that is a pattern's own text matches.
fn rules() -> Target {
    Target {
        name: "audit rules",
        seeds: ["rm*\0rm -rf", "*a*a*a*b\0aaaaaaaaaaaaaaaa", "\u{1b}\0x", "ls\0sudo /bin/ls"]
            .map(|seed| seed.as_bytes().to_vec())
            .to_vec(),
        words: &["*", " ", "a", ";", "&&", "sudo ", "X=1 ", "/bin/", "\\", "(", "\0"],
        bytes_max: 300,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let (pattern, line) = text.split_once('\0').unwrap_or((&text, ""));
            match AuditRules::new().review(pattern) {
                Ok(rules) => format!("{:?}", rules.verdict_on(line)),
                Err(_) => "refused".to_owned(),
            }
        },
        reaches: &["Review", "Allow", "refused"],
    }
}
