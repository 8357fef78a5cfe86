//! How sessions end: by themselves, by their server, by the network, by their limits.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use testkit::{Proxy, Sshd};
use tokio::time::timeout;
use webssh_core::ssh::Output;
use webssh_core::{ChannelEnd, ErrorKind};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, Keys, nobody, password, sshd};
use super::played::{PASSWORD, Played, Then, Wants};
use super::processes::Below;
use super::screen::{DEADLINE, Screen, wait};
use super::traffic::stalled_flood;

for_each_backend!(
    the_exit_status_arrives,
    a_signal_has_a_name,
    a_server_need_not_name_a_status,
    a_server_that_is_killed_is_noticed,
    a_server_that_stops_is_noticed,
    a_network_that_is_silent_is_noticed,
    a_quiet_session_goes_on,
    a_session_whose_reader_stalls_goes_on,
    dropping_the_input_closes_the_shell,
    dropping_the_output_closes_the_shell,
    a_server_that_says_nothing_is_given_up,
    nobody_listens,
    a_session_ends_at_its_age,
);

fn lost(end: ChannelEnd) -> std::sync::Arc<webssh_core::Error> {
    match end {
        ChannelEnd::Lost(error) => error,
        other => panic!("{other:?}"),
    }
}

async fn the_exit_status_arrives(backend: AnyBackend) {
    let sshd = sshd();
    let call = Call::sshd(&sshd);
    for status in [0, 7, 255] {
        let mut screen = call.screen(&backend).await;
        screen.type_in(&format!("echo last''words; exit {status}\r")).await;
        let end = screen.end().await;
        assert!(matches!(end, ChannelEnd::Exited { status: found } if found == status), "{end:?}");
        assert!(String::from_utf8_lossy(&screen.shown).contains("lastwords"));
    }
}

async fn a_signal_has_a_name(backend: AnyBackend) {
    let sshd = sshd();
    let mut screen = Call::sshd(&sshd).screen(&backend).await;
    screen.type_in("exec sh -c 'kill -TERM $$'\r").await;
    let end = screen.end().await;
    assert!(matches!(&end, ChannelEnd::Killed { signal } if signal == "TERM"), "{end:?}");

    let (end, shown) = played(&backend, Then::IsKilled).await;
    assert!(matches!(&end, ChannelEnd::Killed { signal } if signal == "XCPU2J"), "{end:?}");
    assert_eq!(shown, b"last words");
}

async fn a_server_need_not_name_a_status(backend: AnyBackend) {
    for then in [Then::Closes, Then::OnlyEof] {
        let (end, shown) = played(&backend, then).await;
        assert!(matches!(end, ChannelEnd::Exited { status: 0 }), "{then:?}: {end:?}");
        assert_eq!(shown, b"last words", "{then:?}");
    }
}

/// How a shell of the played server ends, and what it shows.
async fn played(backend: &AnyBackend, then: Then) -> (ChannelEnd, Vec<u8>) {
    let server = Played::start(Wants::Password, then).await;
    let mut call = Call::new(server.addr, "visitor", &server.host_key_line, [password(PASSWORD)]);
    call.options.close_secs_max = 1;
    let mut screen = Screen::new(call.shell(backend).await);
    let end = screen.end().await;
    (end, screen.shown)
}

async fn a_server_that_is_killed_is_noticed(backend: AnyBackend) {
    let sshd = sshd();
    let mut screen = Call::sshd(&sshd).screen(&backend).await;
    Below::server(&sshd).kill();
    let error = lost(screen.end().await);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

/// How long the server of an impatient call may say nothing: longer than a busy machine stalls.
pub(crate) const UNANSWERED_SECS: u32 = 8;

/// What is said of a server that says nothing to such a call.
pub(crate) const UNANSWERED: &str = "did not answer for 8 seconds";

/// A call that loses patience early.
pub(crate) fn impatient(mut call: Call) -> Call {
    call.options.probe_secs = 1;
    call.options.unanswered_secs_max = UNANSWERED_SECS;
    call
}

/// The kernel of a stopped server goes on acknowledging, so only an answer says that it lives.
async fn a_server_that_stops_is_noticed(backend: AnyBackend) {
    let sshd = sshd();
    let mut screen = impatient(Call::sshd(&sshd)).screen(&backend).await;
    let below = Below::server(&sshd);
    below.stop();
    let error = lost(screen.end().await);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains(UNANSWERED), "{error:?}");
}

async fn a_network_that_is_silent_is_noticed(backend: AnyBackend) {
    let sshd = sshd();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let mut screen = impatient(Call::sshd_at(&sshd, proxy.addr())).screen(&backend).await;
    proxy.drop_requests();
    let error = lost(screen.end().await);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains(UNANSWERED), "{error:?}");
    wait("the connection is cut", || proxy.connections() == 0);
}

/// Waits until several probes have left, over a longer time than one may stay unanswered.
fn several_probes(proxy: &Proxy) {
    let (started, longer) = (Instant::now(), Duration::from_secs((UNANSWERED_SECS + 2).into()));
    let mut probes = 0;
    while probes < 4 || started.elapsed() < longer {
        let before = proxy.requests_bytes();
        wait("a probe leaves", || proxy.requests_bytes() > before);
        probes += 1;
    }
}

async fn a_quiet_session_goes_on(backend: AnyBackend) {
    let sshd = sshd();
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let mut screen = impatient(Call::sshd_at(&sshd, proxy.addr())).screen(&backend).await;
    several_probes(&proxy);
    screen.run("echo still-$((1+1))", "still-2").await;
}

async fn a_session_whose_reader_stalls_goes_on(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let proxy = Proxy::start(sshd.addr()).unwrap();
    let mut screen = impatient(Call::sshd_at(&sshd, proxy.addr())).screen(&backend).await;
    stalled_flood(&mut screen, &keys.path("")).await;
    several_probes(&proxy);
    screen.type_in("\x03").await;
    screen.run("echo still-$((1+1))", "still-2").await;
}

/// A shell that leaves a mark when its terminal goes away.
async fn leaves_a_mark(sshd: &Sshd, keys: &Keys, backend: &AnyBackend) -> (Screen, PathBuf) {
    let mut screen = Call::sshd(sshd).screen(backend).await;
    let mark = keys.path("mark");
    let command =
        format!("trap 'touch {}; exit' HUP; echo re''ady; while :; do sleep 0.1; done", mark.display());
    screen.run(&command, "ready").await;
    (screen, mark)
}

async fn dropping_the_input_closes_the_shell(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let (screen, mark) = leaves_a_mark(&sshd, &keys, &backend).await;
    let Screen { input, mut output, .. } = screen;
    drop(input);
    wait("the shell is closed", || mark.exists());
    let ended = async { while let Output::Bytes(_) = output.recv().await {} };
    timeout(DEADLINE, ended).await.expect("the output ends as well");
}

async fn dropping_the_output_closes_the_shell(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let (screen, mark) = leaves_a_mark(&sshd, &keys, &backend).await;
    let Screen { input, output, .. } = screen;
    drop(output);
    wait("the shell is closed", || mark.exists());
    let ended = async { while input.send(Bytes::from_static(b"x")).await.is_ok() {} };
    timeout(DEADLINE, ended).await.expect("the input ends as well");
}

async fn a_server_that_says_nothing_is_given_up(backend: AnyBackend) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut call = Call::new(silent.local_addr().unwrap(), "nobody", "", [password("x")]);
    call.options.connect_secs_max = 1;
    let error = call.connect(&backend).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("1 seconds"), "{error}");
    let (mut socket, _) = silent.accept().unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.read_to_end(&mut Vec::new()).expect("the connection is closed");
}

async fn nobody_listens(backend: AnyBackend) {
    let (addr, _kept) = nobody();
    let error = Call::new(addr, "nobody", "", [password("x")]).connect(&backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

async fn a_session_ends_at_its_age(backend: AnyBackend) {
    let sshd = sshd();
    let mut call = Call::sshd(&sshd);
    call.options.session_secs_max = 1;
    let mut screen = Screen::new(call.shell(&backend).await);
    let error = lost(screen.end().await);
    assert!(error.to_string().contains("session_secs_max"), "{error}");
}
