//! What the russh backend does beyond the contract.

use webssh_core::ssh::{Connected, Russh};
use webssh_core::{ChannelEnd, HostVerdict};

use super::ends::{UNANSWERED, impatient};
use super::lab::{AnyBackend, Call, Keys, key, keygen, public, server, sshd};
use super::processes::Below;
use super::traffic::stalled_flood;

fn russh() -> AnyBackend {
    std::sync::Arc::new(Russh)
}

/// What an honest server has under way is read even while nobody reads the output, so silence is silence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_russh_a_server_that_stops_while_nobody_reads_is_noticed() {
    if testkit::skipped("sshd") {
        return;
    }
    let (sshd, keys) = (sshd(), Keys::new());
    let mut screen = impatient(Call::sshd(&sshd)).screen(&russh()).await;
    stalled_flood(&mut screen, &keys.path("")).await;
    let below = Below::server(&sshd);
    below.stop();
    let ended = async { while screen.input.send("x".into()).await.is_ok() {} };
    tokio::time::timeout(super::screen::DEADLINE, ended).await.expect("the shell ends");
    let ChannelEnd::Lost(error) = screen.end().await else { panic!("the server did not say why") };
    assert!(error.to_string().contains(UNANSWERED), "{error:?}");
}

/// A certificate of an authority on record is asked for, shown and verified.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_russh_a_host_with_a_certificate_is_known() {
    if testkit::skipped("sshd") {
        return;
    }
    let keys = Keys::new();
    let (authority, host) = (keys.make("authority", "ed25519"), keys.make("host", "ed25519"));
    let certify = |principal: &str| {
        let (authority, host) = (authority.to_string_lossy(), host.to_string_lossy());
        let public = format!("{host}.pub");
        keygen(&["-s", &authority, "-I", "lab", "-h", "-n", principal, "-V", "-1m:+1h", &public]);
    };
    certify("127.0.0.1");
    let lines =
        [format!("HostKey {}", host.display()), format!("HostCertificate {}-cert.pub", host.display())];
    let start = || server().line(&lines[0]).line(&lines[1]).start().unwrap();
    let call_to = |sshd: &testkit::Sshd| {
        let line = format!("@cert-authority * {}", public(&authority));
        Call::new(sshd.addr(), sshd.user(), &line, [key(sshd.client_key())])
    };
    let right = start();
    let connected = call_to(&right).connect(&russh()).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");

    certify("another.example.org");
    let wrong = start();
    let refused = call_to(&wrong).connect(&russh()).await.unwrap();
    assert!(matches!(refused, Connected::HostRefused(HostVerdict::Certificate { .. })), "{refused:?}");
}
