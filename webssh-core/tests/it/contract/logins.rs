//! Each way to log in, accepted and refused.

use std::fs;

use webssh_core::ssh::Connected;
use webssh_core::{Credentials, ErrorKind, Secret};

use super::for_each_backend;
use super::lab::{AnyBackend, Call, Keys, Person, key, keygen, locked_key, password, sshd};
use super::played::{PASSWORD, Played, Then, Wants};

for_each_backend!(
    a_password_is_accepted_or_refused,
    a_key_that_is_not_listed_is_refused,
    an_encrypted_key_needs_its_passphrase,
    a_key_that_cannot_be_read_is_invalid,
    questions_are_answered_by_a_person,
    a_person_who_does_not_answer_is_not_let_in,
    questions_without_end_are_ended,
    a_server_may_want_two_methods,
    methods_are_tried_in_order,
    a_shell_that_is_refused_is_an_error,
);

fn call(server: &Played, login: impl IntoIterator<Item = Credentials>) -> Call {
    Call::new(server.addr, "visitor", &server.host_key_line, login)
}

async fn a_password_is_accepted_or_refused(backend: AnyBackend) {
    let server = Played::start(Wants::Password, Then::Echoes).await;
    let connected = call(&server, [password(PASSWORD)]).connect(&backend).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
    let refused = call(&server, [password("guess")]).connect(&backend).await.unwrap();
    let Connected::LoginRefused { tried, offered } = refused else { panic!("{refused:?}") };
    assert_eq!(tried, ["password"]);
    assert_eq!(offered, ["password"]);
}

async fn a_key_that_is_not_listed_is_refused(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let call = Call::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [keys.stranger()]);
    let refused = call.connect(&backend).await.unwrap();
    let Connected::LoginRefused { tried, offered } = refused else { panic!("{refused:?}") };
    assert_eq!(tried, ["publickey"]);
    assert_eq!(offered, ["publickey"]);
}

async fn an_encrypted_key_needs_its_passphrase(backend: AnyBackend) {
    let (sshd, keys) = (sshd(), Keys::new());
    let file = keys.path("locked");
    fs::copy(sshd.client_key(), &file).unwrap();
    keygen(&["-p", "-a", "4", "-N", "open sesame", "-f", &file.to_string_lossy()]);
    let with = |credentials| Call::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [credentials]);
    let connected = with(locked_key(&file, "open sesame")).connect(&backend).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
    for wrong in [locked_key(&file, "wrong"), key(&file)] {
        let error = with(wrong).connect(&backend).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("passphrase"), "{error}");
    }
}

async fn a_key_that_cannot_be_read_is_invalid(backend: AnyBackend) {
    let sshd = sshd();
    let broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    let broken = Credentials::key(Secret::new(broken.to_owned()), None).unwrap();
    let call = Call::new(sshd.addr(), sshd.user(), &sshd.host_key_line(), [broken]);
    let error = call.connect(&backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

async fn questions_are_answered_by_a_person(backend: AnyBackend) {
    let server = Played::start(Wants::Answers, Then::Echoes).await;
    let mut call = call(&server, [Credentials::interactive()]);
    call.person = Person::who_says(&[&[PASSWORD, "123456"]]);
    let connected = call.connect(&backend).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
    assert_eq!(*call.person.asked.lock().unwrap(), ["Password: false|Code: true"]);

    call.person = Person::who_says(&[&[PASSWORD, "654321"]]);
    let refused = call.connect(&backend).await.unwrap();
    let Connected::LoginRefused { tried, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(tried, ["keyboard-interactive"]);
}

async fn a_person_who_does_not_answer_is_not_let_in(backend: AnyBackend) {
    let server = Played::start(Wants::Answers, Then::Echoes).await;
    let too_few_or_many: [&[&[&str]]; 3] = [&[], &[&[PASSWORD]], &[&[PASSWORD, "123456", "more"]]];
    for answers in too_few_or_many {
        let mut call = call(&server, [Credentials::interactive()]);
        call.person = Person::who_says(answers);
        let refused = call.connect(&backend).await.unwrap();
        assert!(matches!(refused, Connected::LoginRefused { .. }), "{answers:?}: {refused:?}");
    }
}

async fn questions_without_end_are_ended(backend: AnyBackend) {
    let server = Played::start(Wants::EverMore, Then::Echoes).await;
    let mut call = call(&server, [Credentials::interactive()]);
    let (first, more): (&[&str], &[&str]) = (&["a", "b"], &["more"]);
    let answers: Vec<&[&'static str]> = [first].into_iter().chain([more; 200]).collect();
    call.person = Person::who_says(&answers);
    // A backend may lose patience before the person does.
    match call.connect(&backend).await {
        Ok(connected) => assert!(matches!(connected, Connected::LoginRefused { .. }), "{connected:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{error}"),
    }
}

async fn a_server_may_want_two_methods(backend: AnyBackend) {
    let keys = Keys::new();
    let server = Played::start(Wants::KeyThenPassword, Then::Echoes).await;
    let key = keys.stranger();
    let connected = call(&server, [key.clone(), password(PASSWORD)]).connect(&backend).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
    assert_eq!(server.tried(), ["publickey", "password"]);
    let refused = call(&server, [key]).connect(&backend).await.unwrap();
    assert!(
        matches!(&refused, Connected::LoginRefused { tried, .. } if tried == &["publickey"]),
        "{refused:?}"
    );
}

async fn methods_are_tried_in_order(backend: AnyBackend) {
    let server = Played::start(Wants::Password, Then::Echoes).await;
    let login = [password("first"), password("second"), password(PASSWORD), password("never")];
    let connected = call(&server, login).connect(&backend).await.unwrap();
    assert!(matches!(connected, Connected::Open(_)), "{connected:?}");
    assert_eq!(server.tried(), ["password"; 3]);
}

async fn a_shell_that_is_refused_is_an_error(backend: AnyBackend) {
    let server = Played::start(Wants::Password, Then::RefusesShell).await;
    let error = call(&server, [password(PASSWORD)]).connect(&backend).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{error}");
}
