//! Servers that misbehave on the way to a shell: each attempt ends with an error that names the culprit.

use std::io;

use webssh_core::ssh::{Connected, Shell};
use webssh_core::{Credentials, Error, ErrorKind};

use super::keys::string;
use super::peer::{Peer, Server, Stage};
use crate::contract::for_each_backend;
use crate::contract::lab::{AnyBackend, Call, Person, password};

for_each_backend!(
    a_server_that_leaves_at_any_stage,
    a_server_that_signs_something_else,
    lines_without_end_before_the_version,
    banners_without_end,
    refusals_without_end,
    more_prompts_than_anybody_answers,
    prompts_of_any_length,
    a_packet_of_any_length,
    a_packet_that_was_changed,
);

/// What becomes of a connection to a server that does this.
async fn met(
    backend: &AnyBackend,
    login: Credentials,
    script: impl Fn(&mut Peer) -> io::Result<()> + Send + 'static,
) -> (Result<Connected<Shell>, Error>, Person) {
    // A client that goes away is how most of these end.
    let server = Server::start(1, move |mut peer| drop(script(&mut peer)));
    let mut call = Call::new(server.addr, "visitor", &server.host_key_line, [login]);
    // Some of these servers would keep it for ever.
    call.options.connect_secs_max = 20;
    call.person = Person::who_says(&[&["one"]]);
    let connected = call.connect(backend).await;
    server.join();
    (connected, call.person)
}

async fn fails(
    backend: &AnyBackend,
    login: Credentials,
    script: impl Fn(&mut Peer) -> io::Result<()> + Send + 'static,
) -> ErrorKind {
    let error = met(backend, login, script).await.0.unwrap_err();
    println!("{error}: {:?}", std::error::Error::source(&error));
    error.kind()
}

/// Answers to a server that may be broken, or may be gone.
const EITHER: [ErrorKind; 2] = [ErrorKind::Unavailable, ErrorKind::PeerMisbehaved];

async fn a_server_that_leaves_at_any_stage(backend: AnyBackend) {
    for stage in Stage::ALL {
        let (met, _) = met(&backend, password("x"), move |peer| peer.play(stage)).await;
        match met {
            Ok(connected) => {
                assert!(matches!(connected, Connected::Open(_)), "{connected:?} at {stage:?}");
                assert_eq!(stage, Stage::Shell, "nothing is open before");
            }
            Err(error) => {
                assert!(stage < Stage::Shell && EITHER.contains(&error.kind()), "{error} at {stage:?}")
            }
        }
    }
}

async fn a_server_that_signs_something_else(backend: AnyBackend) {
    let kind = fails(&backend, password("x"), |peer| {
        peer.lies = true;
        peer.play(Stage::Login)
    });
    assert_eq!(kind.await, ErrorKind::PeerMisbehaved);
}

async fn lines_without_end_before_the_version(backend: AnyBackend) {
    let kind = fails(&backend, password("x"), |peer| {
        loop {
            peer.raw(b"come in, come in\r\n")?;
        }
    });
    assert!(EITHER.contains(&kind.await));
}

async fn banners_without_end(backend: AnyBackend) {
    let kind = fails(&backend, password("x"), |peer| {
        peer.play(Stage::Service)?;
        peer.wait_for_method(b"password")?;
        let banner = [&[53][..], &string(&[b'x'; 8 * 1024]), &string(b"")].concat();
        loop {
            peer.send(&banner)?;
        }
    });
    assert!(EITHER.contains(&kind.await));
}

async fn refusals_without_end(backend: AnyBackend) {
    let (met, _) = met(&backend, Credentials::interactive(), |peer| {
        peer.play(Stage::Service)?;
        loop {
            peer.refuse()?;
        }
    })
    .await;
    match met {
        Ok(connected) => assert!(matches!(connected, Connected::LoginRefused { .. }), "{connected:?}"),
        Err(error) => assert!(EITHER.contains(&error.kind()), "{error}"),
    }
}

/// One round of questions.
fn round(prompts: &[&[u8]]) -> Vec<u8> {
    let count = u32::try_from(prompts.len()).unwrap().to_be_bytes();
    let asked = prompts.iter().flat_map(|prompt| [string(prompt), vec![1]].concat());
    [&[60][..], &string(b"name"), &string(b"words"), &string(b""), &count]
        .concat()
        .into_iter()
        .chain(asked)
        .collect()
}

async fn more_prompts_than_anybody_answers(backend: AnyBackend) {
    for prompts in [17, 1_000] {
        let kind = fails(&backend, Credentials::interactive(), move |peer| {
            peer.play(Stage::Service)?;
            peer.wait_for_method(b"keyboard-interactive")?;
            peer.send(&round(&vec![&b"more"[..]; prompts]))?;
            peer.wait_for(61).map(|_| ())
        });
        assert_eq!(kind.await, ErrorKind::PeerMisbehaved);
    }
}

/// Words of any length are asked, cut to what can be shown.
async fn prompts_of_any_length(backend: AnyBackend) {
    let (met, person) = met(&backend, Credentials::interactive(), |peer| {
        peer.play(Stage::Service)?;
        peer.wait_for_method(b"keyboard-interactive")?;
        peer.send(&round(&[&[b'x'; 20_000]]))?;
        let answer = peer.wait_for(61)?;
        assert_eq!(answer, [&[61, 0, 0, 0, 1][..], &string(b"one")].concat());
        peer.send(&[52])?;
        peer.play_from(Stage::Login, Stage::Shell)
    })
    .await;
    assert!(matches!(met.unwrap(), Connected::Open(_)));
    let asked = person.asked.lock().unwrap().clone();
    assert_eq!(asked, [format!("{}true", "x".repeat(1024))]);
}

async fn a_packet_of_any_length(backend: AnyBackend) {
    for len in [0_u32, 1, 300_000, u32::MAX] {
        let kind = fails(&backend, password("x"), move |peer| {
            peer.play(Stage::Version)?;
            peer.raw(&len.to_be_bytes())?;
            peer.raw(&[0; 64])?;
            peer.wait_for(0).map(|_| ())
        });
        assert!(EITHER.contains(&kind.await), "{len}");
    }
}

async fn a_packet_that_was_changed(backend: AnyBackend) {
    let kind = fails(&backend, password("x"), |peer| {
        peer.play(Stage::Service)?;
        let mut packet = peer.packet(&[52]);
        packet[10] ^= 1;
        peer.raw(&packet)?;
        peer.wait_for(0).map(|_| ())
    });
    assert_eq!(kind.await, ErrorKind::PeerMisbehaved);
}
