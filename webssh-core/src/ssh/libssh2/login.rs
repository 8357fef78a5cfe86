//! Showing credentials to a server whose host key was accepted: the methods in order, as far as the server
//! wants to go on with them.

use libssh2_sys as raw;
use ssh2::{ErrorCode, Session};
use tokio::task::{JoinHandle, spawn_blocking};

use super::interactive::Questions;
use super::link::{Link, session_error, would_block};
use super::{agent, interactive};
use crate::auth::Kind;
use crate::error::{Error, ErrorKind, Inner};
use crate::ssh::patience::Patience;
use crate::{Credentials, Login, Secret};

/// What libssh2 does, for messages.
const DOING: &str = "logging in";

/// The names of methods that are taken from a server, and their bytes.
const OFFERED_MAX: usize = 16;
const OFFERED_BYTES_MAX: usize = 64;

/// How a login ended.
pub(super) enum Outcome {
    Accepted,
    Refused { tried: Vec<&'static str>, offered: Vec<String> },
}

/// What one method came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The server is satisfied with it. It may want another one (RFC 4252, section 5.1).
    Accepted,
    Refused,
    /// The person does not answer: there is no going on.
    Declined,
}

/// Logs in. A method that the server does not offer is left for later: it may offer it once another one was
/// accepted.
pub(super) async fn login(
    link: &mut Link,
    user: &str,
    login: &Login,
    patience: &Patience<'_>,
) -> Result<Outcome, Error> {
    let mut waiting: Vec<&Credentials> = login.methods().iter().collect();
    let mut tried = Vec::new();
    let mut offered = offers(link, user, patience).await?;
    // How many methods had been tried when the server was last asked for its own.
    let mut asked_after = 0;
    while !link.session().authenticated() {
        let is_offered = |method: &&Credentials| offered.iter().any(|name| name == method.method());
        if let Some(next) = waiting.iter().position(is_offered) {
            let method = waiting.remove(next);
            tried.push(method.method());
            if show(link, user, method, patience).await? == Answer::Declined {
                return Ok(Outcome::Refused { tried, offered });
            }
            continue;
        }
        if tried.len() == asked_after {
            return Ok(Outcome::Refused { tried, offered });
        }
        // A method that was accepted may have opened another one. Asking again is an attempt of its own,
        // so it comes last.
        asked_after = tried.len();
        match offers(link, user, patience).await {
            Ok(now) => offered = now,
            // Many servers end the connection after some wrong attempts.
            Err(error) if error.is_transient() => return Ok(Outcome::Refused { tried, offered }),
            Err(error) => return Err(error),
        }
    }
    Ok(Outcome::Accepted)
}

/// The methods that the server would go on with. Asking is a login with no method, which a server without
/// any protection accepts.
async fn offers(link: &mut Link, user: &str, patience: &Patience<'_>) -> Result<Vec<String>, Error> {
    let user = user.to_owned();
    let call = move |session: &Session| session.auth_methods(&user).map(names);
    attempt(link, call, &mut Questions::none(), patience).await?.map_err(session_error(DOING))
}

fn names(list: &str) -> Vec<String> {
    let short = |name: &&str| (1..=OFFERED_BYTES_MAX).contains(&name.len());
    list.split(',').filter(short).take(OFFERED_MAX).map(str::to_owned).collect()
}

async fn show(
    link: &mut Link,
    user: &str,
    credentials: &Credentials,
    patience: &Patience<'_>,
) -> Result<Answer, Error> {
    let user = user.to_owned();
    match credentials.kind() {
        Kind::Password(password) => {
            let password = password.clone();
            let call = move |session: &Session| session.userauth_password(&user, password.reveal());
            answer(attempt(link, call, &mut Questions::none(), patience).await?)
        }
        Kind::Key { private, passphrase } => {
            let (private, passphrase) = (private.clone(), passphrase.clone());
            let call = move |session: &Session| {
                let passphrase = passphrase.as_ref().map(Secret::reveal);
                session.userauth_pubkey_memory(&user, None, private.reveal(), passphrase)
            };
            answer(attempt(link, call, &mut Questions::none(), patience).await?)
        }
        Kind::Interactive => interactive::login(link, user, patience).await,
        Kind::Agent { socket } => agent::login(link, &user, socket, patience).await,
    }
}

/// Repeats `call` on the blocking pool until it no longer would block: opening an encrypted private key
/// takes a while, an agent or a person takes longer. Meanwhile `questions` are put to the person.
pub(super) async fn attempt<T: Send + 'static>(
    link: &mut Link,
    mut call: impl FnMut(&Session) -> Result<T, ssh2::Error> + Send + 'static,
    questions: &mut Questions,
    patience: &Patience<'_>,
) -> Result<Result<T, ssh2::Error>, Error> {
    loop {
        let session = link.session().clone();
        let task = spawn_blocking(move || {
            let result = call(&session);
            (call, result)
        });
        let (again, result) = questions.put_while(task, link, patience).await?;
        match result {
            Err(error) if would_block(&error) => {
                link.wait(DOING).await?;
                call = again;
            }
            done => return Ok(done),
        }
    }
}

/// A task of the blocking pool that did not come back. libssh2's wrapper panics over words that are no UTF-8.
pub(super) async fn joined<T>(task: &mut JoinHandle<T>) -> Result<T, Error> {
    task.await.map_err(|source| {
        if source.is_panic() {
            return Inner::Session {
                doing: DOING,
                kind: ErrorKind::PeerMisbehaved,
                source: Box::new(source),
            }
            .into();
        }
        Inner::Cancelled { doing: DOING, source }.into()
    })
}

/// Tells "no" from a key that cannot be read and from a broken connection.
pub(super) fn answer(result: Result<(), ssh2::Error>) -> Result<Answer, Error> {
    let Err(error) = result else { return Ok(Answer::Accepted) };
    match error.code() {
        ErrorCode::Session(
            raw::LIBSSH2_ERROR_AUTHENTICATION_FAILED
            | raw::LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED
            | raw::LIBSSH2_ERROR_PASSWORD_EXPIRED,
        ) => Ok(Answer::Refused),
        ErrorCode::Session(
            raw::LIBSSH2_ERROR_FILE
            | raw::LIBSSH2_ERROR_KEYFILE_AUTH_FAILED
            | raw::LIBSSH2_ERROR_METHOD_NOT_SUPPORTED,
        ) => {
            let rule = "its format is not supported, or the passphrase is wrong";
            Err(Inner::Credential { part: "private key", rule }.into())
        }
        _ => Err(session_error(DOING)(error)),
    }
}
