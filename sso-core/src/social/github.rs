//! GitHub: token with PKCE, then profile, then the address that is primary and verified.

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, HeaderName};

use crate::error::{Error, ErrorKind};
use crate::social::attempt::Attempt;
use crate::social::callback::GrantCode;
use crate::social::exchange::{Move, Stage, access_token, subject};
use crate::social::hidden::Hidden;
use crate::social::identity::{self, Email, Identity};
use crate::social::provider::Provider;
use crate::social::refused::SocialRefused;
use crate::social::reply::{Reply, text, text_or_number, words};
use crate::social::request;

pub(crate) fn authorize(provider: &Provider, attempt: &Attempt) -> String {
    request::with_query(
        &format!("{}/login/oauth/authorize", provider.bases.browser),
        &[
            ("client_id", &provider.app.id),
            ("redirect_uri", &provider.app.redirect_uri),
            ("scope", &provider.scopes.join(" ")),
            ("state", attempt.state().as_str()),
            ("code_challenge", &attempt.code_challenge()),
            ("code_challenge_method", "S256"),
        ],
    )
}

pub(crate) fn redeem(
    provider: &Provider,
    code: &GrantCode,
    attempt: &Attempt,
) -> Result<Request<Bytes>, Error> {
    request::post(
        &format!("{}/login/oauth/access_token", provider.bases.server),
        &[
            ("client_id", &provider.app.id),
            ("client_secret", provider.app.secret.expose()),
            ("code", code.expose()),
            ("redirect_uri", &provider.app.redirect_uri),
            ("code_verifier", &attempt.code_verifier()),
        ],
    )
}

/// Refusals come with status 200.
pub(crate) fn read_token(provider: &Provider, reply: Reply<'_>) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(code) = text(&members, "error") {
        return judge(reply, code, words(&members, "error_description")).map(Move::Refused);
    }
    let token = access_token(reply, &members)?;
    if !text(&members, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(reply.broken("sends a token that is no bearer token"));
    }
    let request = api(provider, "/user", &token)?;
    Ok(Move::Send(Stage::GithubProfile { token }, request))
}

pub(crate) fn read_profile(provider: &Provider, reply: Reply<'_>, token: Hidden) -> Result<Move, Error> {
    let members = reply.json()?;
    if reply.succeeded().is_err() {
        return Ok(Move::Refused(SocialRefused::says(&reply.status(), words(&members, "message"))));
    }
    let id = text_or_number(&members, "id");
    let identity = Identity {
        name: identity::name(&members, &["name", "login"]),
        avatar: identity::avatar(&members, &["avatar_url"]),
        claims: identity::bounded(members),
        ..Identity::bare(provider, subject(reply, id.as_deref())?)
    };
    if !provider.scopes.iter().any(|scope| scope == "user:email" || scope == "user") {
        return Ok(Move::Identified(identity));
    }
    let request = api(provider, "/user/emails", &token)?;
    Ok(Move::Send(Stage::GithubEmails { token, identity: Box::new(identity) }, request))
}

/// A user may have withheld the scope: then there is no address.
pub(crate) fn read_emails(reply: Reply<'_>, identity: Identity) -> Move {
    Move::Identified(Identity { email: primary(reply), ..identity })
}

/// The address that is both primary and verified, and no other one.
fn primary(reply: Reply<'_>) -> Option<Email> {
    let Ok(body) = reply.any_json() else { return None };
    let says = |entry: &serde_json::Value, name: &str| entry.get(name).and_then(serde_json::Value::as_bool);
    let entry = body
        .as_array()?
        .iter()
        .find(|entry| says(entry, "primary") == Some(true) && says(entry, "verified") == Some(true))?;
    identity::email(entry.get("email")?.as_str()?, true)
}

fn api(provider: &Provider, path: &str, token: &Hidden) -> Result<Request<Bytes>, Error> {
    let request = request::get(&format!("{}{path}", provider.bases.api), &[])?;
    let request = request::with_header(request, ACCEPT, "application/vnd.github+json");
    let version = HeaderName::from_static("x-github-api-version");
    let request = request::with_header(request, version, "2022-11-28");
    request::authorized(request, &format!("Bearer {}", token.expose()))
}

/// What a word of GitHub's means for this sign-in.
fn judge(reply: Reply<'_>, code: &str, text: &str) -> Result<SocialRefused, Error> {
    let misuse = |what: &str| Err(Error::new(ErrorKind::Misuse, format!("`{}` {what}", reply.provider)));
    match code {
        "bad_verification_code" => Ok(SocialRefused::CodeExpired),
        "access_denied" => Ok(SocialRefused::Denied),
        "incorrect_client_credentials" => misuse("refuses the app's secret: compare it with its settings"),
        "redirect_uri_mismatch" => misuse("refuses the redirect address: register it in its settings"),
        _ => Ok(SocialRefused::says(code, text)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    #[test]
    fn only_a_primary_verified_address_counts() {
        let found = |body: &'static str| {
            let response = Response::new(Bytes::from_static(body.as_bytes()));
            primary(Reply::new("github", &response).unwrap()).map(|email| email.address)
        };
        let entry = |mail: &str, primary: bool, verified: bool| {
            format!(r#"{{"email":"{mail}","primary":{primary},"verified":{verified}}}"#)
        };
        let all = [entry("a@x", true, false), entry("b@x", false, true), entry("c@x", true, true)].join(",");
        assert_eq!(found(format!("[{all}]").leak()).as_deref(), Some("c@x"));
        assert_eq!(found(format!("[{}]", entry("a@x", true, false)).leak()), None);
        for bad in ["", "[]", "{}", "[1,null]", r#"[{"primary":true,"verified":true}]"#] {
            assert_eq!(found(bad), None, "{bad}");
        }
    }
}
