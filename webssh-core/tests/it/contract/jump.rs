//! The way through a jump host: two sessions, one inside the other.

use webssh_core::ssh::{Connected, Dial, Shell};
use webssh_core::{ChannelEnd, Error, ErrorKind, HostKeys, HostVerdict, KnownHosts, Login};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, Keys, nobody, sshd};
use super::processes::Below;
use super::screen::{Screen, wait};
use super::traffic::stalled_flood;

for_each_backend!(
    a_shell_behind_a_jump_host,
    a_refusal_of_the_jump_host_is_told_apart,
    a_host_behind_a_jump_host_is_judged,
    a_jump_host_that_cannot_reach_the_host,
    a_jump_host_that_is_killed_is_noticed,
    a_flood_behind_a_jump_host_can_be_stopped,
    a_chain_has_an_end,
);

async fn through(jump: &Call, call: &Call, backend: &AnyBackend) -> Result<Connected<Shell>, Error> {
    let jump = jump.dial(None);
    backend.shell(&call.dial(Some(&jump))).await
}

async fn screen(jump: &Call, call: &Call, backend: &AnyBackend) -> Screen {
    match through(jump, call, backend).await.unwrap() {
        Connected::Open(shell) => Screen::ready(shell).await,
        refused => panic!("{refused:?}"),
    }
}

async fn a_shell_behind_a_jump_host(backend: AnyBackend) {
    let (near, far) = (sshd(), sshd());
    let mut screen = screen(&Call::sshd(&near), &Call::sshd(&far), &backend).await;
    // Its host key is that of the far server, so this is where it is.
    screen.run("seq 1 100000 | tail -1; echo at''home", "athome").await;
    assert!(String::from_utf8_lossy(&screen.shown).contains("100000"));
    screen.type_in("exit 3\r").await;
    let end = screen.end().await;
    assert!(matches!(end, ChannelEnd::Exited { status: 3 }), "{end:?}");
}

async fn a_refusal_of_the_jump_host_is_told_apart(backend: AnyBackend) {
    let (near, far, keys) = (sshd(), sshd(), Keys::new());
    let call = Call::sshd(&far);
    let mut jump = Call::sshd(&near);
    jump.hosts = HostKeys::strict(KnownHosts::default());
    let refused = through(&jump, &call, &backend).await.unwrap();
    let Connected::JumpRefused { target, refusal } = refused else { panic!("{refused:?}") };
    assert_eq!(target.port(), near.addr().port());
    assert!(matches!(*refusal, Connected::HostRefused(HostVerdict::Unknown { .. })), "{refusal:?}");

    let mut jump = Call::sshd(&near);
    jump.login = Login::new([keys.stranger()]);
    let refused = through(&jump, &call, &backend).await.unwrap();
    let Connected::JumpRefused { refusal, .. } = refused else { panic!("{refused:?}") };
    assert!(matches!(*refusal, Connected::LoginRefused { .. }), "{refusal:?}");
}

async fn a_host_behind_a_jump_host_is_judged(backend: AnyBackend) {
    let (near, far) = (sshd(), sshd());
    let mut call = Call::sshd(&far);
    call.hosts = HostKeys::strict(KnownHosts::parse(&near.host_key_line()).unwrap());
    let refused = through(&Call::sshd(&near), &call, &backend).await.unwrap();
    assert!(matches!(refused, Connected::HostRefused(HostVerdict::Unknown { .. })), "{refused:?}");
}

async fn a_jump_host_that_cannot_reach_the_host(backend: AnyBackend) {
    let near = sshd();
    let (addr, _kept) = nobody();
    let error = through(&Call::sshd(&near), &Call::new(addr, "nobody", "", []), &backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

async fn a_jump_host_that_is_killed_is_noticed(backend: AnyBackend) {
    let (near, far) = (sshd(), sshd());
    let mut screen = screen(&Call::sshd(&near), &Call::sshd(&far), &backend).await;
    Below::server(&near).kill();
    let end = screen.end().await;
    let ChannelEnd::Lost(error) = end else { panic!("{end:?}") };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

async fn a_flood_behind_a_jump_host_can_be_stopped(backend: AnyBackend) {
    let (near, far, keys) = (sshd(), sshd(), Keys::new());
    let mut screen = screen(&Call::sshd(&near), &Call::sshd(&far), &backend).await;
    stalled_flood(&mut screen, &keys.path("")).await;
    let marker = keys.path("stopped");
    screen.type_in("\x03").await;
    screen.type_in(&format!("touch {}\r", marker.display())).await;
    wait("ctrl-c gets through", || marker.exists());
    screen.run("echo over-$((1+1))", "over-2").await;
}

async fn a_chain_has_an_end(backend: AnyBackend) {
    let sshd = sshd();
    let call = Call::sshd(&sshd);
    let (one, two, three, four, five);
    one = call.dial(None);
    two = call.dial(Some(&one));
    three = call.dial(Some(&two));
    four = call.dial(Some(&three));
    five = call.dial(Some(&four));
    let longest = backend.shell(&five).await.unwrap();
    assert!(matches!(longest, Connected::Open(_)), "{longest:?}");
    let six: Dial<'_> = call.dial(Some(&five));
    let error = backend.shell(&six).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse, "{error}");
}
