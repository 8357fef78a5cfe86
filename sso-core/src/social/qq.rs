//! QQ (connect.qq.com): token, then openid, then profile. Replies come as JSON, as JSONP or as forms.

use bytes::Bytes;
use http::Request;

use crate::error::{Error, ErrorKind};
use crate::social::attempt::Attempt;
use crate::social::callback::GrantCode;
use crate::social::exchange::{Move, Stage, access_token, subject, unionid};
use crate::social::hidden::Hidden;
use crate::social::identity::{self, Identity, Subject, UnionId};
use crate::social::provider::{Protocol, Provider};
use crate::social::refused::SocialRefused;
use crate::social::reply::{Members, Reply, error_code, text, text_or_number, words};
use crate::social::request;

/// Larger pictures first; the second may be there and empty.
const PICTURES: [&str; 6] =
    ["figureurl_qq_2", "figureurl_qq_1", "figureurl_qq", "figureurl_2", "figureurl_1", "figureurl"];

pub(crate) fn authorize(provider: &Provider, attempt: &Attempt) -> String {
    request::with_query(
        &format!("{}/oauth2.0/authorize", provider.bases.browser),
        &[
            ("response_type", "code"),
            ("client_id", &provider.app.id),
            ("redirect_uri", &provider.app.redirect_uri),
            ("state", attempt.state().as_str()),
            ("scope", &provider.scopes.join(",")),
        ],
    )
}

pub(crate) fn redeem(provider: &Provider, code: &GrantCode) -> Result<Request<Bytes>, Error> {
    request::get(
        &format!("{}/oauth2.0/token", provider.bases.server),
        &[
            ("grant_type", "authorization_code"),
            ("client_id", &provider.app.id),
            ("client_secret", provider.app.secret.expose()),
            ("code", code.expose()),
            ("redirect_uri", &provider.app.redirect_uri),
            ("fmt", "json"),
        ],
    )
}

pub(crate) fn read_token(provider: &Provider, reply: Reply<'_>) -> Result<Move, Error> {
    let members = reply.json_jsonp_or_form()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    let token = access_token(reply, &members)?;
    let mut pairs = vec![("access_token", token.expose()), ("fmt", "json")];
    if matches!(provider.protocol, Protocol::Qq { asks_unionid: true }) {
        pairs.push(("unionid", "1"));
    }
    let request = request::get(&format!("{}/oauth2.0/me", provider.bases.server), &pairs)?;
    Ok(Move::Send(Stage::QqMe { token }, request))
}

/// Whose token it is, and whose application's: a token of another one would sign its users in here.
pub(crate) fn read_me(provider: &Provider, reply: Reply<'_>, token: Hidden) -> Result<Move, Error> {
    let members = reply.json_jsonp_or_form()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    reply.succeeded()?;
    if text_or_number(&members, "client_id").as_deref() != Some(provider.app.id.as_str()) {
        return Ok(Move::Refused(SocialRefused::WrongApp));
    }
    let (subject, unionid) = (subject(reply, text(&members, "openid"))?, unionid(reply, &members)?);
    let pairs = [
        ("access_token", token.expose()),
        ("oauth_consumer_key", provider.app.id.as_str()),
        ("openid", subject.as_str()),
    ];
    let request = request::get(&format!("{}/user/get_user_info", provider.bases.api), &pairs)?;
    Ok(Move::Send(Stage::QqProfile { token, subject, unionid }, request))
}

pub(crate) fn read_profile(
    provider: &Provider,
    reply: Reply<'_>,
    subject: Subject,
    unionid: Option<UnionId>,
) -> Result<Move, Error> {
    let members = reply.json_jsonp_or_form()?;
    if let Some(code) = error_code(&members, "ret") {
        return Ok(Move::Refused(judge(reply, &code, words(&members, "msg"))?));
    }
    reply.succeeded()?;
    if !members.contains_key("ret") {
        return Err(reply.broken("sends no profile"));
    }
    Ok(Move::Identified(Identity {
        unionid,
        name: identity::name(&members, &["nickname"]),
        avatar: identity::avatar(&members, &PICTURES),
        claims: identity::bounded(members),
        ..Identity::bare(provider, subject)
    }))
}

/// The two ways in which token and openid are refused: `code` and `msg`, `error` and `error_description`.
fn refusal(reply: Reply<'_>, members: &Members) -> Result<Option<SocialRefused>, Error> {
    let found = [("error", "error_description"), ("code", "msg")]
        .into_iter()
        .find_map(|(code, text)| Some((error_code(members, code)?, words(members, text))));
    found.map(|(code, text)| judge(reply, &code, text)).transpose()
}

/// What a number of QQ's means for this sign-in.
fn judge(reply: Reply<'_>, code: &str, text: &str) -> Result<SocialRefused, Error> {
    let misuse = |what: &str| Error::new(ErrorKind::Misuse, format!("`{}` {what} ({code})", reply.provider));
    match code {
        "100020" => Ok(SocialRefused::CodeUsed),
        "100005" | "100019" => Ok(SocialRefused::CodeExpired),
        "100030" => Ok(SocialRefused::Denied),
        "100001" | "100008" => Err(misuse("does not know this app id: compare it with the console")),
        "100002" | "100009" => Err(misuse("refuses the app's secret: compare it with the console")),
        "100010" => Err(misuse("refuses the redirect address: register it in the console")),
        "100031" => Err(misuse("does not let this app read profiles: apply for it in the console")),
        "100000" | "100004" => Err(reply.broken("no longer speaks this protocol")),
        _ => Ok(SocialRefused::says(code, text)),
    }
}
