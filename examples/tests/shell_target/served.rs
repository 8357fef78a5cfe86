//! What the target serves: a shell on a terminal, with its bytes whole.

use std::fs;
use std::sync::Arc;

use pty_process::Size;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::place::{DEADLINE, PROMPT, Place, lives, text, until, usual};

#[tokio::test]
async fn a_shell_answers_and_its_exit_status_is_passed_on() {
    let place = Place::new().await;
    let output = place.run("ming", &["-tt", "127.0.0.1"], "echo hi $((20+3))\nstty size\nexit 7\n").await;
    let shown = text(&output.stdout);
    assert!(shown.contains("hi 23\r\n"), "{shown}");
    // A client without a terminal of its own has no size to tell.
    assert!(shown.contains("24 80\r\n"), "{shown}");
    assert_eq!(output.status.code(), Some(7));
    let output = place.run("ming", &["-tt", "127.0.0.1"], "kill -9 $$\n").await;
    assert_eq!(output.status.code(), Some(128 + 9));
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_terminal_has_the_clients_size_and_follows_it() {
    let place = Place::new().await;
    let mut console = place.console("ming", usual()).await;
    console.say("stty size; echo $LINES $COLUMNS $TERM").await;
    console.expect("33 101\r\n").await;
    console.expect("33 101 xterm-256color\r\n").await;
    console.pty.resize(Size::new(50, 132)).unwrap();
    console.say("until [ \"$(stty size)\" = '50 132' ]; do :; done; echo re'sized'").await;
    console.expect("resized").await;
    console.say("exit 3").await;
    assert_eq!(console.exit_status().await, Some(3));
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shell_has_a_clean_environment_and_limits() {
    let place = Place::new().await;
    let mut console = place.console("ming", usual()).await;
    let home = console.home().await;
    console.say("env | cut -d= -f1 > names; touch listed").await;
    until("the environment was not listed", || home.join("listed").exists()).await;
    let names = fs::read_to_string(home.join("names")).unwrap();
    for name in ["HOME", "LANG", "PATH", "PS1", "TERM"] {
        assert!(names.lines().any(|line| line == name), "{name}: {names:?}");
    }
    // These are the shell's own.
    let known = ["HOME", "LANG", "PATH", "PS1", "TERM", "PWD", "OLDPWD", "SHLVL", "_"];
    assert!(names.lines().all(|name| known.contains(&name)), "{names:?}");
    console.say("echo \"<$(ulimit -t) $(ulimit -f) $(ulimit -n) $(ulimit -v) $(ulimit -c)>\"").await;
    console.expect("<120 10240 128 4194304 0>").await;
    console.say("echo \"<$PATH $LANG>\"").await;
    console.expect("</usr/local/bin:/usr/bin:/bin C.UTF-8>").await;
    assert!(home.ends_with("ming"), "{home:?}");
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_flood_of_output_can_be_interrupted() {
    let place = Place::new().await;
    let mut console = place.console("ming", usual()).await;
    console.say("yes flooded").await;
    for _ in 0..200 {
        console.expect("flooded\r\nflooded").await;
    }
    console.pty.write_all(b"\x03").await.unwrap();
    console.expect(PROMPT).await;
    console.say("echo still $((40+2))").await;
    console.expect("still 42").await;
    place.target.shutdown().await.unwrap();
}

/// A client that trusts: the tests with OpenSSH pin the host key.
struct Trusting;

impl russh::client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        _key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

#[tokio::test]
async fn the_last_output_arrives_at_a_client_slower_than_its_shell() {
    let place = Place::new().await;
    // A window of 4 KiB and one message: what is not taken stays on the terminal.
    let config = russh::client::Config {
        window_size: 4096,
        maximum_packet_size: 4096,
        channel_buffer_size: 1,
        ..Default::default()
    };
    let mut client = russh::client::connect(Arc::new(config), place.target.addr(), Trusting).await.unwrap();
    let key = russh::keys::PrivateKey::from_openssh(place.target.client_key_pem()).unwrap();
    let key = russh::keys::PrivateKeyWithHashAlg::new(Arc::new(key), None);
    assert!(client.authenticate_publickey("ming", key).await.unwrap().success());
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await.unwrap();
    channel.request_shell(true).await.unwrap();
    channel.data_bytes("echo $$ > pid; touch listed; exec seq 1500\n").await.unwrap();
    // Another shell finds the process; the slow client takes nothing meanwhile.
    let home = place.console("ming", usual()).await.home().await;
    until("the shell did not start", || home.join("listed").exists()).await;
    let pid = fs::read_to_string(home.join("pid")).unwrap();
    until("the shell waits for its client", || !lives(pid.trim())).await;

    let (mut shown, mut status) = (Vec::new(), None);
    let reading = async {
        while let Some(message) = channel.wait().await {
            match message {
                russh::ChannelMsg::Data { data } => shown.extend_from_slice(&data),
                russh::ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                _ => {}
            }
        }
    };
    timeout(DEADLINE, reading).await.expect("the channel was not closed");
    let shown = text(&shown);
    assert!(shown.ends_with("1499\r\n1500\r\n"), "ends with {:?}", shown.lines().last());
    assert_eq!(status, Some(0));
    place.target.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shell_is_never_roots() {
    let place = Place::new().await;
    // Whoever runs this test: root's shells are nobody's, everybody else's are their own.
    let line = "test $(id -u) -ne 0 && test -O . && test -O $(tty) && test -w $HOME && exit 4\n";
    let shell = place.run("ming", &["-tt", "127.0.0.1"], line).await;
    assert_eq!(shell.status.code(), Some(4));
    place.target.shutdown().await.unwrap();
}
