//! What the target leaves behind when a client or the target itself goes: nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;

use super::place::{Place, lives, spawned, until, usual};
use crate::shell_target::{ShellTarget, ShellTargetError, ShellTargetOptions};

#[tokio::test]
async fn nothing_of_a_shell_outlives_its_client() {
    let place = Place::new().await;
    let mut console = place.console("ming", usual()).await;
    console.say("trap '' HUP; nohup sleep 1000 >/dev/null 2>&1 &").await;
    let home = console.home().await;
    console.say("echo $$ $! > pids; touch listed").await;
    until("the processes were not listed", || home.join("listed").exists()).await;
    let listed = fs::read_to_string(home.join("pids")).unwrap();
    let pids: Vec<&str> = listed.split_whitespace().collect();
    assert_eq!(pids.len(), 2, "{listed}");
    assert!(pids.iter().all(|pid| lives(pid)), "{pids:?}");
    console.child.kill().await.unwrap();
    until("a process outlived its client", || !pids.iter().any(|pid| lives(pid))).await;
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn homes_are_each_learners_own_and_go_at_shutdown() {
    let place = Place::new().await;
    let mut ming = place.console("ming", usual()).await;
    let home = ming.home().await;
    ming.say("echo mine > note; mkdir -p deep/er").await;
    until("the note was not written", || home.join("deep/er").is_dir()).await;
    assert_eq!(fs::read_to_string(home.join("note")).unwrap(), "mine\n");
    let again = place.run("ming", &["-tt", "127.0.0.1"], "grep -q mine note && exit 6\n").await;
    assert_eq!(again.status.code(), Some(6));
    let other = place.run("li", &["-tt", "127.0.0.1"], "test -e note || exit 8\n").await;
    assert_eq!(other.status.code(), Some(8));

    let (addr, root) = (place.target.addr(), home.parent().unwrap());
    assert_eq!(fs::metadata(root).unwrap().permissions().mode() & 0o777, 0o711);
    place.target.shutdown().await.unwrap();
    assert!(!root.exists());
    assert!(std::net::TcpStream::connect(addr).is_err());
    assert_eq!(ming.exit_status().await, Some(255));
}

#[tokio::test]
async fn shutdown_does_not_wait_for_clients_that_hang() {
    let place = Place::new().await;
    let mut stalled = spawned(place.ssh("ming", &["-tt", "127.0.0.1"]).spawn());
    stalled.stdin.as_mut().unwrap().write_all(b"touch started; yes\n").await.unwrap();
    let silent = std::net::TcpStream::connect(place.target.addr()).unwrap();
    let mut watcher = place.console("ming", usual()).await;
    watcher.say("until [ -e started ]; do :; done; echo flows'now'").await;
    watcher.expect("flowsnow").await;
    // Nor does this one leave when it is told to.
    let stopped = stalled.id().and_then(|id| Pid::from_raw(i32::try_from(id).unwrap())).unwrap();
    kill_process(stopped, Signal::STOP).unwrap();
    match place.target.shutdown().await {
        Ok(()) => {}
        Err(error @ ShellTargetError::StillRunning { .. }) => panic!("{error}"),
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
    drop((stalled, silent));
}

#[tokio::test]
async fn no_secret_is_shown() {
    let target = ShellTarget::start(ShellTargetOptions::default()).await.unwrap();
    let shown = format!("{target:?}");
    assert!(shown.contains("127.0.0.1") && !shown.contains("PRIVATE"), "{shown}");
    assert!(target.client_key_pem().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let line = target.known_hosts_line();
    assert!(line.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 AAAA", target.addr().port())), "{line}");
    target.shutdown().await.unwrap();
}
