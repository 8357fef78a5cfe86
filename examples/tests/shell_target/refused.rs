//! What the target refuses: strangers, other services, and more than its limits.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::place::{DEADLINE, Place, spawned, text, usual, write_key};
use crate::shell_target::{ShellTarget, ShellTargetOptions};

#[tokio::test]
async fn only_the_one_key_is_let_in() {
    let place = Place::new().await;
    let stranger = ShellTarget::start(ShellTargetOptions::default()).await.unwrap();
    let key: PathBuf = place.dir.path().join("key");
    write_key(&key, stranger.client_key_pem());
    for method in ["publickey", "password", "keyboard-interactive", "none"] {
        let preferred = format!("PreferredAuthentications={method}");
        let output = place.run("ming", &["-tt", "-o", &preferred, "127.0.0.1"], "id\n").await;
        assert_eq!(output.status.code(), Some(255), "{method}");
        assert!(text(&output.stderr).contains("Permission denied (publickey)"), "{method}: {output:?}");
    }
    write_key(&key, place.target.client_key_pem());
    for user in ["Ming", "a b", "..", "ming.li", &"x".repeat(33)] {
        let output = place.run(user, &["-tt", "127.0.0.1"], "id\n").await;
        assert!(text(&output.stderr).contains("Permission denied (publickey)"), "{user}: {output:?}");
    }
    assert_eq!(place.run("ming", &["-tt", "127.0.0.1"], "exit 4\n").await.status.code(), Some(4));
    stranger.shutdown().await.unwrap();
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn nothing_but_a_shell_on_a_terminal_and_files_is_served() {
    let place = Place::new().await;
    let refused = [
        (vec!["127.0.0.1", "id"], "exec request failed"),
        (vec!["-s", "127.0.0.1", "netconf"], "subsystem request failed"),
        (vec!["-T", "127.0.0.1"], "shell request failed"),
        (vec!["-W", "127.0.0.1:1", "127.0.0.1"], "administratively prohibited"),
        (vec!["-N", "-R", "0:127.0.0.1:1", "127.0.0.1"], "remote port forwarding failed"),
    ];
    for (args, words) in refused {
        let output = place.run("ming", &args, "").await;
        assert_eq!(output.status.code(), Some(255), "{args:?}");
        assert!(text(&output.stderr).contains(words), "{args:?}: {output:?}");
    }
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn one_shell_too_many_is_refused_until_a_place_is_free() {
    let place = Place::start(ShellTargetOptions { shells_max: 1, ..Default::default() }).await;
    let mut first = place.console("ming", usual()).await;
    let output = place.run("li", &["-tt", "127.0.0.1"], "exit 5\n").await;
    assert_eq!(output.status.code(), Some(255));
    assert!(text(&output.stderr).contains("resource shortage"), "{output:?}");
    first.say("exit").await;
    assert_eq!(first.exit_status().await, Some(0));
    let retrying =
        async { while place.run("li", &["-tt", "127.0.0.1"], "exit 5\n").await.status.code() != Some(5) {} };
    timeout(DEADLINE, retrying).await.expect("no place became free");
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn input_that_nobody_reads_is_bounded() {
    let place = Place::new().await;
    let mut child = spawned(place.ssh("ming", &["-tt", "127.0.0.1"]).spawn());
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = String::new();
    stdin.write_all(b"stty raw -echo; echo rea'dy'; exec sleep 1000\n").await.unwrap();
    let flood = async {
        let mut chunk = [0; 1024];
        while !shown.contains("ready") {
            let bytes = stdout.read(&mut chunk).await.unwrap();
            shown.push_str(&text(&chunk[..bytes]));
        }
        // Far more than all buffers on the way can hold.
        let input = vec![b'x'; 32 * 1024 * 1024];
        let (_refused, closed) = tokio::join!(stdin.write_all(&input), stdout.read_to_string(&mut shown));
        closed.unwrap();
        child.wait().await.unwrap()
    };
    let status = timeout(DEADLINE, flood).await.expect("the flood was not refused");
    assert!(shown.contains("closed: more than 1048576 bytes of input"), "{shown}");
    assert_eq!(status.code(), Some(1));
    place.target.shutdown().await.unwrap();
}
