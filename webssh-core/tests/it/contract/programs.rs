//! What the server starts: commands with and without a terminal, and those that cannot be used.

use webssh_core::ssh::Program;
use webssh_core::{ChannelEnd, ErrorKind, WinSize};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, server, sshd};
use super::screen::Screen;

for_each_backend!(
    a_command_runs_on_a_terminal,
    a_command_runs_without_a_terminal,
    a_plain_command_is_typed_to,
    a_plain_flood_survives_key_exchanges,
    commands_that_cannot_be_used_are_refused,
);

/// All that a program prints, and how it ends.
async fn printed(call: &Call, backend: &AnyBackend) -> (String, ChannelEnd) {
    let mut screen = Screen::new(call.shell(backend).await);
    let end = screen.end().await;
    (String::from_utf8(screen.shown).unwrap(), end)
}

async fn a_command_runs_on_a_terminal(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    call.options.size = WinSize::new(91, 31).unwrap();
    call.options.program = Program::OnTerminal("tty >/dev/null && stty size; echo $TERM; exit 7".to_owned());
    let (text, end) = printed(&call, &backend).await;
    assert_eq!(text, "31 91\r\nxterm-256color\r\n");
    assert!(matches!(end, ChannelEnd::Exited { status: 7 }), "{end:?}");
}

async fn a_command_runs_without_a_terminal(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    let command = "tty; printf 'a\\tb\\nc\\003'; printf complaint >&2; exit 3";
    call.options.program = Program::Plain(command.to_owned());
    let (text, end) = printed(&call, &backend).await;
    // The two streams come on their own ways, so in any order.
    assert_eq!(text.replace("complaint", ""), "not a tty\na\tb\nc\u{3}");
    assert!(text.contains("complaint"), "{text:?}");
    assert!(matches!(end, ChannelEnd::Exited { status: 3 }), "{end:?}");
}

async fn a_plain_command_is_typed_to(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    call.options.program =
        Program::Plain("read -r line; echo \"<$line>\"; head -c 3 | od -An -tx1".to_owned());
    let mut screen = Screen::new(call.shell(&backend).await);
    // No size reaches anybody, and none does harm.
    screen.input.resize(WinSize::new(40, 10).unwrap());
    screen.type_in("你好\n").await;
    screen.expect("<你好>").await;
    screen.type_in("\x03\x04\r").await;
    screen.expect("03 04 0d").await;
    assert!(matches!(screen.end().await, ChannelEnd::Exited { status: 0 }));
}

async fn a_plain_flood_survives_key_exchanges(backend: AnyBackend) {
    let sshd = server().line("RekeyLimit 1M").start().unwrap();
    let mut call = Call::sshd(&sshd);
    let lines = 1_200_000;
    call.options.program = Program::Plain(format!("seq 1 {lines}"));
    let (text, end) = printed(&call, &backend).await;
    assert!(matches!(end, ChannelEnd::Exited { status: 0 }), "{end:?}");
    let same = text.lines().zip(1..).take_while(|(line, n): &(&str, u32)| *line == n.to_string()).count();
    assert_eq!((same, text.lines().count()), (lines, lines));
}

async fn commands_that_cannot_be_used_are_refused(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    for command in [String::new(), "echo \0".to_owned(), "x".repeat(32 * 1024 + 1)] {
        for program in [Program::Plain(command.clone()), Program::OnTerminal(command)] {
            call.options.program = program;
            let error = call.connect(&backend).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("command"), "{error}");
        }
    }
    call.options.program = Program::Plain(format!("echo long{}", " ".repeat(32 * 1024 - 9)));
    assert_eq!(printed(&call, &backend).await.0, "long\n");
}
