//! The audit under scripted sessions: a shell that echoes, and one that does not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use webssh_core::WinSize;
use webssh_core::audit::{Audit, Command, CommandHook, CommandId, Step, Verdict};

/// Decides by the first word and remembers what it saw.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) seen: Mutex<Vec<Command>>,
    pub(crate) missed: Mutex<Vec<String>>,
}

impl Log {
    pub(crate) fn texts(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|command| command.text.clone()).collect()
    }
}

impl CommandHook for Log {
    fn judge(&self, command: &Command) -> Verdict {
        self.seen.lock().unwrap().push(command.clone());
        match command.text.split_whitespace().next() {
            Some("deny") => Verdict::Deny { text: "not \u{1b}[2Jhere".to_owned() },
            Some("review") => Verdict::Review,
            Some("end") => Verdict::End { text: "enough".to_owned() },
            _ => Verdict::Allow,
        }
    }

    fn missed(&self, command: &Command) {
        self.missed.lock().unwrap().push(command.text.clone());
    }
}

/// An audit, and what came out of it.
struct Session {
    audit: Audit,
    log: Arc<Log>,
    now: Duration,
    forwarded: Vec<u8>,
    shown: Vec<u8>,
    asked: Vec<Command>,
    withdrawn: Vec<CommandId>,
    ended: Option<String>,
}

impl Session {
    fn new() -> Self {
        let log = Arc::new(Log::default());
        let hook: Arc<Log> = Arc::clone(&log);
        Self {
            audit: Audit::new(hook, WinSize::default()),
            log,
            now: Duration::ZERO,
            forwarded: Vec::new(),
            shown: Vec::new(),
            asked: Vec::new(),
            withdrawn: Vec::new(),
            ended: None,
        }
    }

    fn drain(&mut self) {
        while let Some(step) = self.audit.poll() {
            match step {
                Step::Forward(bytes) => self.forwarded.extend_from_slice(&bytes),
                Step::Show(bytes) => self.shown.extend_from_slice(&bytes),
                Step::Ask(command) => self.asked.push(command),
                Step::Withdrawn(id) => self.withdrawn.push(id),
                Step::End { text } => self.ended = Some(text),
                other => panic!("{other:?}"),
            }
        }
    }

    fn types(&mut self, keys: &str) -> &mut Self {
        self.audit.on_input(self.now, keys.as_bytes());
        self.drain();
        self
    }

    fn prints(&mut self, output: &str) -> &mut Self {
        self.audit.on_output(self.now, output.as_bytes());
        self.drain();
        self
    }

    /// Types a line that is echoed, up to the Enter.
    fn enters(&mut self, line: &str) -> &mut Self {
        self.types(line).prints(line).types("\r")
    }

    fn waits(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self.audit.on_tick(self.now);
        self.drain();
        self
    }

    fn forwarded(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.forwarded)).unwrap()
    }
}

#[test]
fn a_line_is_judged_when_it_is_sent() {
    let mut session = Session::new();
    session.prints("alice@lab:~$ ").enters("ls -l");
    assert_eq!(session.forwarded(), "ls -l\r");
    let seen = session.log.seen.lock().unwrap()[0].clone();
    assert_eq!((seen.text.as_str(), seen.prompt.as_str(), seen.certain), ("ls -l", "alice@lab:~$", true));
}

#[test]
fn editing_keys_change_the_line() {
    for (keys, screen, text) in [
        ("lx\u{7f}s", "lx\x08 \x08s", "ls"),
        ("rm x\x15ls", "rm x\r$ \x1b[Kls", "ls"),
        ("echo a b\x17c", "echo a b\x08\x1b[Kc", "echo a c"),
        ("s\x01l", "s\x08ls\x08", "ls"),
        ("s\x1b[D\x1bOHl\x05 x", "s\x08\x1b[1@l\x1b[C x", "ls x"),
        ("lsx\x02\x1b[3~", "lsx\x08\x1b[K", "ls"),
        ("ls xyz\x1b[D\x1b[D\x1b[D\x0b", "ls xyz\x08\x08\x08\x1b[K", "ls"),
        ("中文é", "中文é", "中文é"),
    ] {
        let mut session = Session::new();
        session.prints("$ ").types(keys).prints(screen).types("\r");
        assert_eq!(session.log.texts(), [text], "{keys:?}");
        assert!(session.log.seen.lock().unwrap()[0].certain, "{keys:?}");
        assert_eq!(session.forwarded(), format!("{keys}\r"));
    }
}

#[test]
fn an_enter_waits_for_the_echo_and_no_longer() {
    let mut session = Session::new();
    session.prints("$ ").waits(100).types("ls\r");
    assert_eq!(session.forwarded(), "ls");
    assert_eq!(session.audit.wake_at(), Some(Duration::from_millis(400)));
    session.prints("l");
    assert_eq!(session.forwarded(), "");
    session.prints("s");
    assert_eq!(session.forwarded(), "\r");
    assert_eq!((session.log.texts(), session.audit.wake_at()), (vec!["ls".to_owned()], None));

    // An echo that never comes is no command, and holds nothing up for long.
    session.prints("\r\n$ ").types("hunter2\r").waits(299);
    assert_eq!(session.forwarded(), "hunter2");
    session.waits(1);
    assert_eq!(session.forwarded(), "\r");
    assert_eq!(session.log.texts(), ["ls"]);
}

#[test]
fn what_is_typed_without_an_echo_is_never_seen() {
    let mut session = Session::new();
    session
        .prints("$ ")
        .enters("sudo id")
        .prints("\r\n[sudo] password for alice: ")
        .types("hunter2")
        .types("\r");
    session.prints("\r\nSorry, try again.\r\n[sudo] password for alice: ").types("hunter3\r").waits(1000);
    session.prints("\r\n$ ").types("hunter4").waits(1000).types("\r").waits(1000);
    // Masked with stars: the screen is what is told.
    session.prints("\r\n$ ").types("hunter5").prints("*******").types("\r").waits(1000);
    assert_eq!(session.log.texts(), ["sudo id", "*******"]);
    assert_eq!(session.forwarded(), "sudo id\rhunter2\rhunter3\rhunter4\rhunter5\r");
}

#[test]
fn history_and_completion_are_read_from_the_screen() {
    let mut session = Session::new();
    session.prints("$ ").types("\x1b[A").prints("make all").waits(50).types("\r");
    session
        .prints("\r\n$ ")
        .types("ca")
        .prints("ca")
        .types("\t")
        .prints("t long-name")
        .types(" x")
        .prints(" x");
    session.waits(50).types("\r");
    let search = "\r(reverse-i-search)`mak': make all";
    session.prints("\r\n$ ").types("\x12mak").prints(search).waits(50).types("\r");
    assert!(session.log.seen.lock().unwrap().iter().all(|command| command.certain));
    // All at once: two keys have two answers, so the Enter waits until the shell is silent.
    session
        .prints("\r\n$ ")
        .types("\x1b[A\x1b[A\r")
        .prints("make all")
        .waits(49)
        .prints("\x1b[8D\x1b[Kls")
        .waits(49);
    assert_eq!(session.log.texts().len(), 3);
    session.waits(1);
    assert_eq!(session.log.texts(), ["make all", "cat long-name x", "make all", "ls"]);
    assert!(!session.log.seen.lock().unwrap()[3].certain);
}

#[test]
fn lines_of_a_paste_wait_for_each_prompt() {
    let mut session = Session::new();
    session.prints("$ ").types("echo a\recho b\rdeny c\recho d\r");
    assert_eq!(session.forwarded(), "echo a");
    session.prints("echo a").prints("\r\na\r\n$ ");
    assert_eq!(session.forwarded(), "\recho b");
    session.prints("echo b").prints("\r\nb\r\n$ ").prints("deny c");
    assert_eq!(session.log.texts(), ["echo a", "echo b", "deny c"]);
    assert_eq!(session.forwarded(), "\rdeny c\u{3}", "what came after it is gone");
    assert_eq!(session.shown, b"\r\nnot [2Jhere\r\n");

    // A command that reads gets the rest after a second.
    session.prints("^C\r\n$ ").types("cat\rone\rtwo\r").prints("cat").prints("\r\n");
    assert_eq!(session.forwarded(), "cat\r");
    session.waits(1000);
    assert_eq!(session.forwarded(), "one\rtwo\r");
    assert_eq!(session.log.texts().len(), 4);
}

#[test]
fn a_bracketed_paste_is_one_command() {
    let mut session = Session::new();
    session
        .prints("\x1b[?2004h$ ")
        .types("\x1b[200~for x in 1 2\ndo echo $x\n\x1b[201~")
        .prints("for x in 1 2\r\ndo echo $x\r\n");
    session.types("done").prints("done").types("\r");
    assert_eq!(session.log.texts(), ["for x in 1 2\ndo echo $x\ndone"]);
    // Without the mode, brackets hide nothing.
    let mut session = Session::new();
    session.prints("$ ").types("\x1b[200~deny x\r").prints("deny x").waits(1000);
    assert_eq!(session.log.texts(), ["deny x"]);
    assert!(!session.forwarded().contains('\r'));
}

#[test]
fn a_review_holds_the_line_until_it_is_decided() {
    let mut session = Session::new();
    session.prints("$ ").enters("review this").types("echo later\r");
    assert_eq!(session.forwarded(), "review this");
    let id = session.asked[0].id;
    session.waits(3_600_000);
    session.audit.verdict(session.now, id, Verdict::Review);
    assert_eq!(session.forwarded(), "");
    session.audit.verdict(session.now, id, Verdict::Allow);
    session.drain();
    assert_eq!(session.forwarded(), "\r");
    session.prints("\r\ndone\r\n$ ").prints("echo later");
    assert_eq!(session.forwarded(), "echo later\r");

    // Denied; then taken back, after which the verdict is void.
    session.prints("\r\n$ ").enters("review two");
    let id = session.asked[1].id;
    session.audit.verdict(session.now, id, Verdict::Deny { text: "no".to_owned() });
    session.drain();
    assert_eq!(session.forwarded(), "review two\u{3}");
    session.prints("^C\r\n$ ").enters("review three").types("x\u{3}l");
    let id = session.asked[2].id;
    assert_eq!(session.withdrawn, [id]);
    assert_eq!(session.forwarded(), "review three\u{3}");
    session.prints("^C\r\n$ ");
    assert_eq!(session.forwarded(), "l", "what comes after a Ctrl-C waits for the prompt");
    session.prints("l").types("\u{3}").prints("^C\r\n$ ").forwarded();
    session.enters("review four");
    assert_eq!(session.asked[3].text, "review four");
    session.audit.verdict(session.now, id, Verdict::Allow);
    session.drain();
    assert_eq!(session.forwarded(), "review four", "the verdict on another command is void");
}

/// What bash 5.2 prints when a Ctrl-C reaches it while its readline still draws: the line stays, out of sight.
const KEPT: &str = "^C\x1b[?2004l\r\x1b[?2004h";

/// What it prints otherwise.
const GONE: &str = "^C\x1b[?2004l\r\x1b[?2004h\x1b[?2004l\r\r\n\x1b[?2004h";

#[test]
fn a_cancelled_line_that_the_shell_keeps_is_cancelled_again() {
    for prompt in ["$ ", PROMPT] {
        // Denied, or left by the user before its Enter: both ways the next Enter would run it.
        for (line, enter) in [("deny x", "\r"), ("deny y", "\u{3}")] {
            let mut session = Session::new();
            session.prints(prompt).types(line).prints(line).types(enter).prints(KEPT);
            assert_eq!(session.forwarded(), format!("{line}\u{3}"));
            session.types("\r").waits(999);
            assert_eq!(session.forwarded(), "", "{prompt:?}");
            session.waits(1);
            assert_eq!(session.forwarded(), "\u{3}");
            session.prints(GONE);
            assert_eq!(session.forwarded(), "");
            session.prints(prompt);
            assert_eq!((session.forwarded(), session.audit.wake_at()), ("\r".to_owned(), None));
            session.prints("\r\n").prints(prompt).enters("ls");
            assert_eq!(session.log.texts().last().unwrap(), "ls");
            assert_eq!(session.log.missed.lock().unwrap().len(), 0);
        }
    }
}

#[test]
fn a_shell_without_a_new_prompt_is_not_waited_for_without_end() {
    for prompt in ["$ ", PROMPT] {
        let mut session = Session::new();
        session.prints(prompt).enters("deny x").forwarded();
        session.types("y\r").waits(1000).waits(1000).waits(1000);
        assert_eq!(session.forwarded(), "\u{3}\u{3}\u{3}");
        // Nothing has changed on the screen: what stands there is judged again.
        session.waits(1000).prints("y").waits(1000);
        assert_eq!(session.log.texts(), ["deny x", "deny xy"]);
        assert_eq!(session.forwarded(), "y\u{3}");
    }
}

#[test]
fn a_line_read_from_the_screen_is_cancelled_as_surely() {
    // Drawn anew by Ctrl-L, which leaves nothing but the screen to tell the line.
    let mut session = Session::new();
    session.prints("$ ").types("deny x").prints("deny x").types("\u{c}").prints("\x1b[H\x1b[2J$ deny x");
    session.waits(50).types("\r").waits(50).prints(KEPT).types("\r").waits(1000);
    assert_eq!(session.log.texts(), ["deny x"]);
    assert_eq!(session.forwarded(), "deny x\u{c}\u{3}\u{3}");
    // The terminal gets another size while somebody decides.
    let mut session = Session::new();
    session.prints("$ ").enters("review x");
    session.audit.on_resize(WinSize::new(100, 30).unwrap());
    session.types("\u{3}").prints(KEPT).types("\r").waits(1000);
    assert_eq!(session.forwarded(), "review x\u{3}\u{3}");
}

#[test]
fn a_prompt_that_is_late_is_not_disturbed() {
    for prompt in ["$ ", PROMPT] {
        let mut session = Session::new();
        session
            .prints(prompt)
            .enters("deny x")
            .prints(GONE)
            .types("ls\r")
            .waits(1000)
            .waits(1000)
            .waits(1000);
        assert_eq!(session.forwarded(), "deny x\u{3}");
        session.prints(prompt).prints("ls");
        assert_eq!(session.forwarded(), "ls\r");
        assert_eq!(session.log.texts(), ["deny x", "ls"]);
        // So late that it is not waited for.
        session.prints("\r\n").prints(prompt).enters("deny y").prints(GONE).forwarded();
        session.waits(1000).waits(1000).waits(1000).waits(1000).prints(prompt).enters("deny z").waits(50);
        assert_eq!(session.forwarded(), "deny z\u{3}");
    }
}

#[test]
fn a_line_behind_a_prompt_that_came_twice_is_judged() {
    let mut session = Session::new();
    session.prints("$ ").types("foo").prints("foo").types("\u{3}").types("deny x\r").waits(1000);
    assert_eq!(session.forwarded(), "foo\u{3}\u{3}");
    // Only late: the second Ctrl-C has its prompt as well.
    session.prints("^C\r\n$ ").prints("^C\r\n$ ").prints("deny x");
    assert_eq!(session.log.texts(), ["deny x"]);
    assert_eq!(session.forwarded(), "deny x\u{3}");
}

#[test]
fn a_line_that_is_emptied_where_it_stands_is_gone() {
    for prompt in ["$ ", PROMPT] {
        let mut session = Session::new();
        session.prints(prompt).enters("deny x").prints("\x1b[6D\x1b[K").enters("ls");
        assert_eq!(session.log.texts(), ["deny x", "ls"], "{prompt:?}");
        assert_eq!(session.forwarded(), "deny x\u{3}ls\r");
    }
}

#[test]
fn a_late_echo_is_no_new_prompt() {
    let mut session = Session::new();
    session.prints("$ ").types("deny all #\u{3}").prints("deny all #").types("\r");
    assert_eq!(session.forwarded(), "deny all #\u{3}");
    session.prints("^C\r\n$ ");
    assert_eq!(session.forwarded(), "\r");
}

#[test]
fn an_interrupt_of_a_program_holds_nothing_up() {
    let mut session = Session::new();
    session.prints("$ ").enters("cat").prints("\r\n").types("some\u{3}more\u{3}");
    assert_eq!(session.forwarded(), "cat\rsome\u{3}more\u{3}");
    session.prints("^C\r\n$ ").types("\u{3}").types("ls");
    assert_eq!(session.forwarded(), "\u{3}ls", "there was no line to lose");
}

#[test]
fn an_end_lets_nothing_through_any_more() {
    let mut session = Session::new();
    session.prints("$ ").enters("end it").types("echo x\r\u{3}").waits(5000);
    assert_eq!(session.ended.as_deref(), Some("enough"));
    assert_eq!(session.forwarded(), "end it");
}

#[test]
fn held_input_is_bounded() {
    let mut session = Session::new();
    session.prints("$ ").enters("review this").types(&"x".repeat(Audit::HELD_BYTES_MAX + 10));
    assert_eq!(session.shown, b"\x07");
    let id = session.asked[0].id;
    session.audit.verdict(session.now, id, Verdict::Allow);
    session.drain();
    session.waits(5000);
    // The Enter is held too.
    assert_eq!(session.forwarded().len(), "review this".len() + Audit::HELD_BYTES_MAX);
}

#[test]
fn full_screen_programs_are_left_alone() {
    let mut session = Session::new();
    session
        .prints("$ ")
        .enters("vim")
        .prints("\r\n\x1b[?1049h\x1b[2J$ ")
        .types("deny x")
        .prints("deny x")
        .types("\r");
    assert_eq!(session.forwarded(), "vim\rdeny x\r");
    session.prints("\x1b[?1049l$ ").enters("deny y");
    assert_eq!(session.log.texts(), ["vim", "deny y"]);
}

/// A prompt of a shell that marks it, and the marks of a command.
const PROMPT: &str = "\x1b]133;D;0\x07\x1b]133;A\x07lab: \x1b]133;B\x07";
const RUNS: &str = "\r\n\x1b]133;C\x07";

#[test]
fn marks_tell_where_a_command_is() {
    let mut session = Session::new();
    // The prompt has no look of one, and a question of a program has.
    session.prints(PROMPT).enters("ls").prints(RUNS).prints("name $ ").enters("alice").prints("\r\n");
    session.prints(PROMPT).enters("deny it");
    assert_eq!(session.log.texts(), ["ls", "deny it"]);
    assert_eq!(session.forwarded(), "ls\ralice\rdeny it\u{3}");
    assert_eq!(session.log.missed.lock().unwrap().len(), 0);
}

#[test]
fn a_line_typed_ahead_of_its_prompt_is_judged_or_told() {
    let mut session = Session::new();
    session.prints(PROMPT).enters("sleep 9").prints(RUNS);
    session
        .types("deny a")
        .prints("deny a")
        .prints("\r\n")
        .prints(PROMPT)
        .prints("deny a")
        .waits(50)
        .types("\r");
    assert_eq!(session.log.texts(), ["sleep 9", "deny a"]);
    session.prints("^C\r\n").prints(PROMPT).enters("sleep 9").prints(RUNS);
    session.types("deny b\r").prints("deny b\r\n").prints(PROMPT).prints("deny b").prints(RUNS);
    assert_eq!(*session.log.missed.lock().unwrap(), ["deny b"]);
    // Without marks only the first is possible.
    let mut session = Session::new();
    session
        .prints("$ ")
        .enters("sleep 9")
        .prints("\r\n")
        .types("deny")
        .prints("deny")
        .prints("\r\n$ deny")
        .types(" c")
        .prints(" c");
    session.waits(50).types("\r");
    assert_eq!(session.log.texts(), ["sleep 9", "deny c"]);
}

#[test]
fn long_lines_wrap() {
    let line = "echo ".to_owned() + &"0123456789 中文 ".repeat(30);
    let mut session = Session::new();
    session.prints("$ ").enters(&line);
    assert_eq!(session.log.texts(), [line.trim()]);
    assert!(session.log.seen.lock().unwrap()[0].certain);
}
