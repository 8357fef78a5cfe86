//! Showing credentials to a server whose host key was accepted.

use std::sync::Arc;

use libssh2_sys as raw;
use ssh2::{ErrorCode, Session};
use tokio::task::spawn_blocking;

use super::link::{Link, session_error, under, would_block};
use crate::Credentials;
use crate::auth::Kind;
use crate::error::{Error, Inner};

pub(super) enum Login {
    Accepted,
    Refused,
}

/// Logs in. Each attempt runs on the blocking pool: opening an encrypted private key takes a while.
pub(super) async fn login(link: &Link, user: &str, credentials: Credentials) -> Result<Login, Error> {
    let doing = "logging in";
    let credentials = Arc::new(credentials);
    let mut ready = None;
    loop {
        let (session, socket) = (link.session().clone(), link.socket());
        let (user, shown) = (user.to_owned(), Arc::clone(&credentials));
        let attempt = spawn_blocking(move || {
            let show = || show(&session, &user, &shown);
            match ready {
                None => show(),
                Some(interest) => {
                    under(&socket, interest, show, |result| result.as_ref().is_err_and(would_block))
                }
            }
        });
        match attempt.await.map_err(|source| Inner::Cancelled { doing, source })? {
            Err(error) if would_block(&error) => ready = Some(link.wait(doing).await?),
            Err(error) => return refusal(error),
            // Partial success with more methods to come is not enough.
            Ok(()) if link.session().authenticated() => return Ok(Login::Accepted),
            Ok(()) => return Ok(Login::Refused),
        }
    }
}

fn show(session: &Session, user: &str, credentials: &Credentials) -> Result<(), ssh2::Error> {
    match credentials.kind() {
        Kind::Password(password) => session.userauth_password(user, password.reveal()),
        Kind::Key { private, passphrase } => {
            let passphrase = passphrase.as_ref().map(crate::Secret::reveal);
            session.userauth_pubkey_memory(user, None, private.reveal(), passphrase)
        }
    }
}

/// Tells "no" from a key that cannot be read and from a broken connection.
fn refusal(error: ssh2::Error) -> Result<Login, Error> {
    match error.code() {
        ErrorCode::Session(
            raw::LIBSSH2_ERROR_AUTHENTICATION_FAILED
            | raw::LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED
            | raw::LIBSSH2_ERROR_PASSWORD_EXPIRED,
        ) => Ok(Login::Refused),
        ErrorCode::Session(
            raw::LIBSSH2_ERROR_FILE
            | raw::LIBSSH2_ERROR_KEYFILE_AUTH_FAILED
            | raw::LIBSSH2_ERROR_METHOD_NOT_SUPPORTED,
        ) => {
            let rule = "its format is not supported, or the passphrase is wrong";
            Err(Inner::Credential { part: "private key", rule }.into())
        }
        _ => Err(session_error("logging in")(error)),
    }
}
