//! The libssh2 backend and the pump against a real sshd.

mod failures;
mod lab;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use testkit::Sshd;
use tokio::time::{Instant, sleep, timeout};
use webssh_core::frame::{ClientFrame, ServerFrame};
use webssh_core::ssh::{ConnectOptions, Connected, Output};
use webssh_core::{
    ChannelEnd, CloseReason, Credentials, ErrorKind, HostVerdict, KnownHosts, Secret, WinSize,
};

use crate::browser::{Browser, DEADLINE};
use crate::contract::lab::nobody;
use lab::{Lab, connect, credentials, options, shell};

fn keygen(args: &[&str], file: &Path) {
    let made = Command::new("ssh-keygen").arg("-q").args(args).arg("-f").arg(file).status();
    assert!(made.expect("apt-get install -y --no-install-recommends openssh-client").success());
}

/// A browser whose shell has a plain prompt and echoes nothing that it does not run.
async fn browser(sshd: &Sshd) -> Browser {
    let mut browser = Browser::start(shell(sshd).await, WinSize::new(91, 31).unwrap()).await;
    browser.type_in("exec env -i TERM=$TERM PATH=$PATH PS1='> ' bash --norc --noprofile -i\r").await;
    browser.type_in("echo rea''dy\r").await;
    browser.expect("ready").await;
    browser
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_run_and_the_exit_status_arrives() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let mut browser = browser(&sshd).await;
    browser.type_in("echo $((40+2))-$TERM\r").await;
    browser.expect("42-xterm-256color").await;
    browser.type_in("echo complaint-$((1+1)) >&2\r").await;
    browser.expect("complaint-2").await;
    browser.type_in("exit 7\r").await;
    let (reason, frames) = browser.finish().await;
    assert!(matches!(reason, CloseReason::Ended(ChannelEnd::Exited { status: 7 })), "{reason:?}");
    assert_eq!(frames.last(), Some(&ServerFrame::Exit { status: 7 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_size_of_the_terminal_follows() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let mut browser = browser(&sshd).await;
    browser.type_in("stty size\r").await;
    browser.expect("31 91").await;
    browser.send(&ClientFrame::Resize(WinSize::new(200, 50).unwrap())).await;
    browser.type_in("until [ \"$(stty size)\" = '50 200' ]; do :; done; echo re'sized'\r").await;
    browser.expect("resized").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_key_that_is_not_known_is_refused_before_login() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    keygen(&["-t", "ed25519", "-N", ""], &other);
    let other_key = fs::read_to_string(other.with_extension("pub")).unwrap();
    let line = sshd.host_key_line();
    let port = sshd.addr().port();
    let known = KnownHosts::parse(&line).unwrap();
    let fingerprint = known.matching("127.0.0.1", port).next().unwrap().key().fingerprint();

    // The wrong key shows that nobody got as far as asking for it.
    let judge =
        async |known_hosts: &str| match connect(&sshd, known_hosts, credentials(&other)).await.unwrap() {
            Connected::HostRefused(verdict) => verdict,
            connected => panic!("{connected:?}"),
        };
    let unknown = HostVerdict::Unknown { fingerprint: fingerprint.clone() };
    assert_eq!(judge("").await, unknown);
    assert_eq!(judge(&line.replace(&port.to_string(), "1")).await, unknown, "another port is another host");
    assert_eq!(
        judge(&format!("{line}\n@revoked {line}")).await,
        HostVerdict::Revoked { fingerprint: fingerprint.clone() }
    );
    let changed = judge(&format!("[127.0.0.1]:{port} {other_key}")).await;
    assert!(
        matches!(&changed, HostVerdict::Changed { fingerprint: shown, known } if *shown == fingerprint && known.len() == 1),
        "{changed:?}"
    );
}

/// A server shows the kind of key that is on record, though it would prefer another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kind_of_key_on_record_is_asked_for() {
    if testkit::skipped("sshd") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for kind in ["ecdsa", "rsa"] {
        let key = dir.path().join(kind);
        keygen(&["-t", kind, "-N", ""], &key);
        let sshd = options().line(&format!("HostKey {}", key.display())).start().unwrap();
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let line = format!("[127.0.0.1]:{} {public}", sshd.addr().port());
        let connected = connect(&sshd, &line, credentials(sshd.client_key())).await.unwrap();
        assert!(matches!(connected, Connected::Open(_)), "{kind}: {connected:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_are_refused() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    keygen(&["-t", "ed25519", "-N", ""], &other);
    let line = sshd.host_key_line();
    assert!(matches!(
        connect(&sshd, &line, credentials(&other)).await.unwrap(),
        Connected::LoginRefused { .. }
    ));
    let password = Credentials::password(Secret::new("guess".to_owned())).unwrap();
    assert!(matches!(connect(&sshd, &line, password).await.unwrap(), Connected::LoginRefused { .. }));
    let broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    let broken = Credentials::key(Secret::new(broken.to_owned()), None).unwrap();
    let error = connect(&sshd, &line, broken).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_key_needs_its_passphrase() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::copy(sshd.client_key(), &key).unwrap();
    keygen(&["-p", "-a", "4", "-N", "open sesame"], &key);
    let pem = || Secret::new(fs::read_to_string(&key).unwrap());
    let with = |passphrase: &str| Credentials::key(pem(), Some(Secret::new(passphrase.to_owned()))).unwrap();
    let line = sshd.host_key_line();
    let connected = connect(&sshd, &line, with("open sesame")).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
    let error = connect(&sshd, &line, with("wrong")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_be_reached_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = ConnectOptions::default();
    options.connect_secs_max = 1;
    let password = Credentials::password(Secret::new("x".to_owned())).unwrap();
    let login = || [password.clone()];
    let lab = Lab::new(silent.local_addr().unwrap(), "nobody", "", login()).with(options);
    let late = lab.shell().await.unwrap_err();
    assert!(late.is_transient() && late.to_string().contains("1 seconds"), "{late}");
    let (addr, _kept) = nobody();
    let refused = Lab::new(addr, "nobody", "", login()).shell().await.unwrap_err();
    assert!(refused.is_transient(), "nobody listens");
}

/// A flood that nobody reads stays within its credit, Ctrl-C still reaches the shell, and the rest
/// that was under way is bounded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_browser_can_stop_a_flood() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let marker = dir.path().join("stopped");
    let mut browser = browser(&sshd).await;
    browser.ack().await;
    browser.acks = false;
    let before = browser.output.len();
    browser.type_in("yes\r").await;
    let credit = 128 * 1024;
    while browser.output.len() - before < credit - 4 {
        assert!(browser.next().await.is_some());
    }
    browser.type_in("\x03").await;
    browser.type_in(&format!("touch {}\r", marker.display())).await;
    let deadline = Instant::now() + DEADLINE;
    while !marker.exists() {
        assert!(Instant::now() < deadline, "ctrl-c did not get through");
        let quiet = timeout(Duration::from_millis(20), browser.next()).await;
        assert!(!matches!(quiet, Ok(None)), "the session goes on");
    }
    assert!(browser.output.len() - before <= credit, "more was sent than the credit");
    browser.acks = true;
    browser.ack().await;
    browser.type_in("echo over-$((1+1))\r").await;
    browser.expect("over-2").await;
    let after = browser.output.len() - before - credit;
    assert!(after <= 768 * 1024, "{after} bytes were shown after ctrl-c");
}

/// Uploads through key exchanges arrive byte for byte: a retried write is the identical write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_paste_survives_key_exchanges() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().line("RekeyLimit 256K").start().unwrap();
    // Two MiB of noise: the digests of the numbers from 0 on.
    let bytes: Vec<u8> = (0..65_536_u32).flat_map(|n| Sha256::digest(n.to_be_bytes())).collect();
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let (input, mut output) = shell(&sshd).await.split();
    let command = format!("stty raw -echo; echo rea''dy; head -c {} | sha256sum; exit\r", bytes.len());
    input.send(command.into()).await.unwrap();
    let mut shown = String::new();
    let mut read_until = async |wanted: &str| {
        while !shown.contains(wanted) {
            match timeout(DEADLINE, output.recv()).await.expect("output within the deadline") {
                Output::Bytes(bytes) => shown.push_str(&String::from_utf8_lossy(&bytes)),
                Output::Ended(end) => panic!("{end:?} after {shown}"),
            }
        }
    };
    read_until("ready").await;
    for chunk in bytes.chunks(16 * 1024) {
        input.send(chunk.to_vec().into()).await.unwrap();
    }
    read_until(&sum).await;
}

/// Downloads through key exchanges arrive byte for byte, and to the end: with a reader that takes its
/// time, many reads have to wait in the middle of a window adjustment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_output_survives_key_exchanges() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().line("RekeyLimit 256K").start().unwrap();
    let lines = 1_700_000;
    let wanted: String = (1..=lines).map(|n| format!("{n}\n")).collect();
    let (input, mut output) = shell(&sshd).await.split();
    let command = format!("exec sh -c \"stty raw -echo; echo rea''dy; seq 1 {lines}\"\r");
    input.send(command.into()).await.unwrap();
    let (mut shown, mut taken) = (Vec::new(), 0_u32);
    let end = loop {
        match timeout(DEADLINE, output.recv()).await {
            Ok(Output::Bytes(bytes)) => shown.extend_from_slice(&bytes),
            Ok(Output::Ended(end)) => break end,
            Err(_) => panic!("the flow stopped after {} bytes", shown.len()),
        }
        // The pace is the point: some reads find much room and some find little.
        taken += 1;
        if taken % 3 == 0 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(matches!(end, ChannelEnd::Exited { status: 0 }), "{end:?}");
    let at = shown.windows(6).position(|window| window == b"ready\n").expect("the command runs");
    assert!(shown[at + 6..] == *wanted.as_bytes(), "{} bytes came", shown.len() - at - 6);
}

/// A paste that waits for the server's window does not hide how the shell ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_status_arrives_past_a_paste_that_never_left() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let marker = dir.path().join("full");
    let (input, mut output) = shell(&sshd).await.split();
    let wait = format!("while [ ! -e {} ]; do sleep 0.1; done", marker.display());
    let command = format!("exec sh -c \"stty raw -echo; echo rea''dy; {wait}; exit 7\"\r");
    input.send(command.into()).await.unwrap();
    // Before, the terminal itself drops what does not fit into a line.
    let mut shown = String::new();
    while !shown.contains("ready") {
        match timeout(DEADLINE, output.recv()).await.expect("output within the deadline") {
            Output::Bytes(bytes) => shown.push_str(&String::from_utf8_lossy(&bytes)),
            Output::Ended(end) => panic!("{end:?} after {shown}"),
        }
    }
    let paste = tokio::spawn(async move {
        // sshd takes 2 MiB ahead; the rest has to wait.
        for chunk in 0..3 * 64 {
            if chunk == 2 * 64 {
                fs::write(&marker, "").unwrap();
            }
            if input.send(vec![b'x'; 16 * 1024].into()).await.is_err() {
                return chunk;
            }
        }
        panic!("all of the paste was taken");
    });
    let end = loop {
        if let Output::Ended(end) = timeout(DEADLINE, output.recv()).await.expect("the shell ends") {
            break end;
        }
    };
    assert!(matches!(end, ChannelEnd::Exited { status: 7 }), "{end:?}");
    assert!(timeout(DEADLINE, paste).await.unwrap().unwrap() >= 2 * 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_shell_and_a_killed_server_are_told_apart() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let mut shell = browser(&sshd).await;
    shell.type_in("kill -KILL $$\r").await;
    let (reason, _) = shell.finish().await;
    assert!(
        matches!(&reason, CloseReason::Ended(ChannelEnd::Killed { signal }) if signal == "KILL"),
        "{reason:?}"
    );
    let mut server = browser(&sshd).await;
    server.type_in("kill -KILL $PPID\r").await;
    let (reason, _) = server.finish().await;
    let CloseReason::Ended(ChannelEnd::Lost(error)) = &reason else { panic!("{reason:?}") };
    assert!(error.is_transient(), "{error}");
}

/// The far end is closed when the browser leaves: the shell gets its hangup signal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_leaves_ends_the_shell() {
    if testkit::skipped("sshd") {
        return;
    }
    let sshd = options().start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let marker = dir.path().join("hangup");
    let mut browser = browser(&sshd).await;
    // Not the interactive shell itself: it does not run traps while it reads a line.
    let trap =
        format!("trap 'touch {}; exit' HUP; echo tra''pped; while :; do sleep 1; done", marker.display());
    browser.type_in(&format!("sh -c \"{trap}\"\r")).await;
    browser.expect("trapped").await;
    browser.pump.abort();
    let seen =
        tokio::task::spawn_blocking(move || testkit::until(DEADLINE, "the hangup", || marker.exists()));
    seen.await.unwrap().unwrap();
}
