//! Weibo: token, then whose token it is, then profile and mail. Identifiers are numbers or text, as it likes.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::social::attempt::Attempt;
use crate::social::callback::GrantCode;
use crate::social::exchange::{Move, Stage, access_token, subject};
use crate::social::hidden::Hidden;
use crate::social::identity::{self, Email, Identity, Subject};
use crate::social::provider::Provider;
use crate::social::refused::SocialRefused;
use crate::social::reply::{Members, Reply, error_code, text_or_number, words};
use crate::social::request;

pub(crate) fn authorize(provider: &Provider, attempt: &Attempt) -> String {
    let scope = provider.scopes.join(",");
    let mut pairs = vec![
        ("client_id", provider.app.id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", provider.app.redirect_uri.as_str()),
        ("state", attempt.state().as_str()),
    ];
    if !scope.is_empty() {
        pairs.push(("scope", &scope));
    }
    request::with_query(&format!("{}/oauth2/authorize", provider.bases.browser), &pairs)
}

pub(crate) fn redeem(provider: &Provider, code: &GrantCode) -> Result<Request<Bytes>, Error> {
    request::post(
        &format!("{}/oauth2/access_token", provider.bases.server),
        &[
            ("client_id", &provider.app.id),
            ("client_secret", provider.app.secret.expose()),
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &provider.app.redirect_uri),
        ],
    )
}

/// The `uid` of this reply is not to be trusted, as Weibo itself warns: it is compared and no more.
pub(crate) fn read_token(provider: &Provider, reply: Reply<'_>) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    let token = access_token(reply, &members)?;
    let address = format!("{}/oauth2/get_token_info", provider.bases.server);
    let request = request::post(&address, &[("access_token", token.expose())])?;
    Ok(Move::Send(Stage::WeiboTokenInfo { token, uid: text_or_number(&members, "uid") }, request))
}

/// Whose token it is, and whose application's.
pub(crate) fn read_token_info(
    provider: &Provider,
    reply: Reply<'_>,
    token: Hidden,
    told: Option<&str>,
) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    reply.succeeded()?;
    if text_or_number(&members, "appkey").as_deref() != Some(provider.app.id.as_str()) {
        return Ok(Move::Refused(SocialRefused::WrongApp));
    }
    let uid = text_or_number(&members, "uid");
    if told.is_some() && told != uid.as_deref() {
        return Err(reply.broken("names two users of one token"));
    }
    let subject = subject(reply, uid.as_deref())?;
    let pairs = [("access_token", token.expose()), ("uid", subject.as_str())];
    let request = request::get(&format!("{}/2/users/show.json", provider.bases.api), &pairs)?;
    Ok(Move::Send(Stage::WeiboProfile { token, subject }, request))
}

pub(crate) fn read_profile(
    provider: &Provider,
    reply: Reply<'_>,
    token: Hidden,
    subject: Subject,
) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    reply.succeeded()?;
    let id = text_or_number(&members, "idstr").or_else(|| text_or_number(&members, "id"));
    if id.as_deref() != Some(subject.as_str()) {
        return Err(reply.broken("sends the profile of somebody else"));
    }
    let identity = Identity {
        name: identity::name(&members, &["screen_name", "name"]),
        avatar: identity::avatar(&members, &["avatar_hd", "avatar_large", "profile_image_url"]),
        claims: identity::bounded(members),
        ..Identity::bare(provider, subject)
    };
    if !provider.scopes.iter().any(|scope| scope == "email" || scope == "all") {
        return Ok(Move::Identified(identity));
    }
    let address = format!("{}/2/account/profile/email.json", provider.bases.api);
    let request = request::get(&address, &[("access_token", token.expose())])?;
    Ok(Move::Send(Stage::WeiboEmail { token, identity: Box::new(identity) }, request))
}

/// An object, an array of them, or a refusal of the scope, which leaves the user without an address.
pub(crate) fn read_email(reply: Reply<'_>, identity: Identity) -> Move {
    Move::Identified(Identity { email: found_email(reply), ..identity })
}

fn found_email(reply: Reply<'_>) -> Option<Email> {
    let Ok(body) = reply.any_json() else { return None };
    let entry = match &body {
        Value::Array(entries) => entries.first()?,
        other => other,
    };
    identity::email(entry.get("email")?.as_str()?, false)
}

fn refusal(reply: Reply<'_>, members: &Members) -> Result<Option<SocialRefused>, Error> {
    let Some(code) = error_code(members, "error_code").or_else(|| error_code(members, "error")) else {
        return Ok(None);
    };
    let text = Some(words(members, "error_description")).filter(|text| !text.is_empty());
    judge(reply, &code, text.unwrap_or(words(members, "error"))).map(Some)
}

/// What a number of Weibo's means for this sign-in.
fn judge(reply: Reply<'_>, code: &str, text: &str) -> Result<SocialRefused, Error> {
    let misuse = |what: &str| Error::new(ErrorKind::Misuse, format!("`{}` {what} ({code})", reply.provider));
    match code {
        "21330" => Ok(SocialRefused::Denied),
        "21325" | "21327" => Ok(SocialRefused::CodeExpired),
        "21322" => Err(misuse("refuses the redirect address: register it in the console")),
        "21324" => Err(misuse("refuses the app key or its secret: compare them with the console")),
        "21326" => Err(misuse("does not let this app sign users in: apply for it in the console")),
        "21323" | "21328" | "21329" => Err(reply.broken("no longer speaks this protocol")),
        "21331" | "10001" | "10002" | "10009" | "10010" | "10022" | "10023" | "10024" => {
            let words = format!("`{}` is overrun ({code})", reply.provider);
            Err(Error::new(ErrorKind::Unavailable, words).transient())
        }
        _ => Ok(SocialRefused::says(code, text)),
    }
}
