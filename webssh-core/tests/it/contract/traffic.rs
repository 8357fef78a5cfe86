//! Bytes in both directions: all of them, in order, and never more than there is room for.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use testkit::Sshd;
use webssh_core::{ChannelEnd, WinSize};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, Keys, server, sshd};
use super::processes::written_bytes;
use super::screen::{Screen, wait};

for_each_backend!(
    what_is_typed_is_run_and_shown,
    the_terminal_has_a_size_and_a_type,
    a_large_paste_survives_key_exchanges,
    a_large_output_survives_key_exchanges,
    a_flood_that_nobody_reads_can_be_stopped,
    a_session_ends_at_its_limit_of_bytes,
);

const MEBIBYTE: usize = 1024 * 1024;

async fn what_is_typed_is_run_and_shown(backend: AnyBackend) {
    let sshd = sshd();
    let mut screen = Call::sshd(&sshd).screen(&backend).await;
    screen.run("echo $((40+2))", "42").await;
    screen.run("echo complaint-$((1+1)) >&2", "complaint-2").await;
    screen.run("echo 你好-$((1+2))", "你好-3").await;
}

async fn the_terminal_has_a_size_and_a_type(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    call.options.size = WinSize::new(91, 31).unwrap();
    call.options.term = "screen-256color".to_owned();
    let mut screen = call.screen(&backend).await;
    screen.run("stty size; echo \"<$TERM>\"", "31 91").await;
    screen.expect("<screen-256color>").await;
    // Of several sizes the last one counts.
    for (cols, rows) in [(100, 30), (1, 1), (200, 50)] {
        screen.input.resize(WinSize::new(cols, rows).unwrap());
    }
    screen.run("until [ \"$(stty size)\" = '50 200' ]; do :; done; echo re'sized'", "resized").await;
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn a_large_paste_survives_key_exchanges(backend: AnyBackend) {
    let sshd = server().line("RekeyLimit 1M").start().unwrap();
    let mut screen = Call::sshd(&sshd).screen(&backend).await;
    // Noise: the digests of the numbers from 0 on.
    let rounds = u32::try_from(8 * MEBIBYTE / 32).unwrap();
    let bytes: Vec<u8> = (0..rounds).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect();
    let command = format!("stty raw -echo; echo be'gin'; head -c {} | sha256sum; stty sane", bytes.len());
    screen.run(&command, "begin").await;
    for chunk in bytes.chunks(48 * 1024) {
        screen.input.send(chunk.to_vec().into()).await.unwrap();
    }
    screen.expect(&hex(&bytes)).await;
}

async fn a_large_output_survives_key_exchanges(backend: AnyBackend) {
    let sshd = server().line("RekeyLimit 1M").start().unwrap();
    let mut screen = Screen::new(Call::sshd(&sshd).shell(&backend).await);
    let lines = 1_200_000;
    let wanted: String = (1..=lines).map(|n| format!("{n}\n")).collect();
    assert!(wanted.len() > 8 * MEBIBYTE);
    screen.type_in(&format!("exec sh -c \"stty raw -echo; echo be''gin; seq 1 {lines}\"\r")).await;
    let end = screen.end().await;
    assert!(matches!(end, ChannelEnd::Exited { status: 0 }), "{end:?}");
    let at = screen.shown.windows(6).position(|window| window == b"begin\n").expect("the command runs");
    let came = &screen.shown[at + 6..];
    assert_eq!((came.len(), hex(came)), (wanted.len(), hex(wanted.as_bytes())));
}

/// Starts a flood, and waits until nothing more of it finds room.
pub(crate) async fn stalled_flood(screen: &mut Screen, dir: &Path) {
    let pid_file = dir.join("pid");
    let command = format!("sh -c 'echo $$ > {0}.new; mv {0}.new {0}; exec yes'\r", pid_file.display());
    screen.type_in(&command).await;
    wait("the flood starts", || pid_file.exists());
    let pid = fs::read_to_string(&pid_file).unwrap().trim().parse().unwrap();
    let (mut last, mut same) = (0, 0);
    let stalls = || {
        let now = written_bytes(pid);
        same = if now > 0 && now == last { same + 1 } else { 0 };
        last = now;
        // A flood that moves is seen moving in so many looks.
        same >= 20
    };
    wait("the flood stalls", stalls);
}

/// Ctrl-C gets through to a flood that nobody reads, and what was under way is bounded.
async fn a_flood_that_nobody_reads_can_be_stopped(backend: AnyBackend) {
    let (sshd, keys): (Sshd, Keys) = (sshd(), Keys::new());
    let mut screen = Call::sshd(&sshd).screen(&backend).await;
    stalled_flood(&mut screen, &keys.path("")).await;
    let marker = keys.path("stopped");
    let before = screen.shown.len();
    screen.type_in("\x03").await;
    screen.type_in(&format!("touch {}\r", marker.display())).await;
    wait("ctrl-c gets through", || marker.exists());
    screen.run("echo over-$((1+1))", "over-2").await;
    let after = screen.shown.len() - before;
    assert!(after <= 384 * 1024, "{after} bytes were shown after ctrl-c");
}

async fn a_session_ends_at_its_limit_of_bytes(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    call.options.session_bytes_max = 1024 * 1024;
    let mut screen = call.screen(&backend).await;
    screen.type_in("yes\r").await;
    let ChannelEnd::Lost(error) = screen.end().await else { panic!("the session is ended") };
    assert!(error.to_string().contains("session_bytes_max"), "{error}");
    let shown = screen.shown.len();
    assert!((512 * 1024..2 * MEBIBYTE).contains(&shown), "{shown} bytes were shown");
}
