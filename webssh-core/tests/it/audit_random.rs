//! The audit under random histories.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use webssh_core::WinSize;
use webssh_core::audit::{Audit, Command, CommandHook, Step, Verdict};

use crate::audit::Log;

fn output() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &[&str] = &[
        "$ ",
        "\r\n",
        "\x1b[A",
        "\x1b[K",
        "\x1b[2J",
        "\x1b[H",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[?2004h",
        "\x1b]133;A\x07",
        "\x1b]133;B\x07",
        "\x1b]133;C\x07",
        "\x1b[99;99H",
        "\x1b[5@",
        "\x1b[3P",
        "\x1bM",
        "\x1b8",
        "中",
        "echo",
    ];
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..6)
        .prop_map(|words| words.concat().into_bytes());
    prop_oneof![3 => words, 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &[&str] = &[
        "ls",
        "deny",
        "review",
        " ",
        "\r",
        "\n",
        "\x7f",
        "\x1b[A",
        "\x1b[D",
        "\x1b[200~",
        "\x1b[201~",
        "\x15",
        "\x17",
        "\t",
        "é",
        "\x0f",
    ];
    let words = prop::collection::vec(prop::sample::select(WORDS), 0..6)
        .prop_map(|words| words.concat().into_bytes());
    let noise = prop::collection::vec(
        (0..=255_u8).prop_filter("an interrupt drops what is held", |byte| *byte != 3),
        0..20,
    );
    prop_oneof![3 => words, 1 => noise]
}

#[derive(Debug, Clone)]
enum Happens {
    Output(Vec<u8>),
    Input(Vec<u8>),
    Echo,
    Wait(u64),
    Resize(u16, u16),
}

fn history() -> impl Strategy<Value = Vec<Happens>> {
    let happens = prop_oneof![
        3 => output().prop_map(Happens::Output),
        4 => input().prop_map(Happens::Input),
        3 => Just(Happens::Echo),
        1 => (0..2000_u64).prop_map(Happens::Wait),
        1 => (1..200_u16, 1..60_u16).prop_map(|(cols, rows)| Happens::Resize(cols, rows)),
    ];
    prop::collection::vec(happens, 0..40)
}

/// Everything is allowed.
struct Open;

impl CommandHook for Open {
    fn judge(&self, _: &Command) -> Verdict {
        Verdict::Allow
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever happens, what is allowed arrives: every byte once and in order.
    #[test]
    fn allowed_input_arrives_whole(history in history()) {
        let mut audit = Audit::new(Arc::new(Open), WinSize::default());
        let (mut typed, mut forwarded, mut echoed) = (Vec::new(), Vec::new(), 0);
        let mut now = Duration::ZERO;
        for happens in history {
            match happens {
                Happens::Output(bytes) => audit.on_output(now, &bytes),
                Happens::Input(bytes) => { audit.on_input(now, &bytes); typed.extend(bytes); }
                Happens::Echo => { let echo: Vec<u8> = forwarded[echoed..].to_vec(); echoed = forwarded.len(); audit.on_output(now, &echo); }
                Happens::Wait(millis) => { now += Duration::from_millis(millis); audit.on_tick(now); }
                Happens::Resize(cols, rows) => audit.on_resize(WinSize::new(cols, rows).unwrap()),
            }
            while let Some(step) = audit.poll() {
                let Step::Forward(bytes) = step else { panic!("{step:?}") };
                forwarded.extend_from_slice(&bytes);
            }
            prop_assert!(typed.starts_with(&forwarded));
        }
        // Each further line of a paste waits at most for an echo and a prompt.
        while let Some(at) = audit.wake_at() {
            audit.on_tick(at);
            while let Some(Step::Forward(bytes)) = audit.poll() {
                forwarded.extend_from_slice(&bytes);
            }
        }
        prop_assert_eq!(forwarded, typed);
    }

    /// A shell that echoes everything tells every line that is typed to it.
    #[test]
    fn an_echoing_shell_tells_every_line(lines in prop::collection::vec("[a-z中é]([a-z 中é-]{0,30}[a-z中é])?", 1..6), cols in 10..120_u16) {
        let judged = |line: &String| ["deny", "review", "end"].contains(&line.split(' ').next().unwrap());
        prop_assume!(!lines.iter().any(judged));
        let log = Arc::new(Log::default());
        let hook: Arc<Log> = Arc::clone(&log);
        let mut audit = Audit::new(hook, WinSize::new(cols, 24).unwrap());
        let now = Duration::ZERO;
        for line in &lines {
            audit.on_output(now, b"$ ");
            for key in line.chars() {
                let mut buffer = [0; 4];
                let key = key.encode_utf8(&mut buffer).as_bytes();
                audit.on_input(now, key);
                audit.on_output(now, key);
            }
            audit.on_input(now, b"\r");
            prop_assert_eq!(audit.wake_at(), None);
            audit.on_output(now, b"\r\n");
        }
        let plain: Vec<String> = lines.iter().map(|line| line.trim().to_owned()).collect();
        prop_assert_eq!(log.texts(), plain);
    }
}
