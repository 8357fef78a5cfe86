//! WeChat, both ways: the QR code of the open platform and pages inside the client. Errors come with status 200.

use bytes::Bytes;
use http::Request;

use crate::error::{Error, ErrorKind};
use crate::social::attempt::Attempt;
use crate::social::callback::GrantCode;
use crate::social::exchange::{Move, Stage, access_token, subject, unionid};
use crate::social::identity::{self, Identity, Subject, UnionId};
use crate::social::provider::Provider;
use crate::social::refused::SocialRefused;
use crate::social::reply::{Members, Reply, error_code, text, text_or_number, words};
use crate::social::request;

/// The page with the QR code. Without the fragment it shows nothing.
pub(crate) fn authorize_qr(provider: &Provider, attempt: &Attempt) -> String {
    format!("{}#wechat_redirect", page(provider, attempt, "/connect/qrconnect", &[]))
}

/// The question inside the client. `connect_redirect` keeps it from calling back twice, mostly.
pub(crate) fn authorize_in_app(provider: &Provider, attempt: &Attempt) -> String {
    let once = [("connect_redirect", "1")];
    format!("{}#wechat_redirect", page(provider, attempt, "/connect/oauth2/authorize", &once))
}

/// The client compares the pairs with what it expects in this order.
fn page(provider: &Provider, attempt: &Attempt, path: &str, more: request::Pairs<'_>) -> String {
    let scope = provider.scopes.join(",");
    let mut pairs = vec![
        ("appid", provider.app.id.as_str()),
        ("redirect_uri", provider.app.redirect_uri.as_str()),
        ("response_type", "code"),
        ("scope", scope.as_str()),
        ("state", attempt.state().as_str()),
    ];
    pairs.extend_from_slice(more);
    request::with_query(&format!("{}{path}", provider.bases.browser), &pairs)
}

pub(crate) fn redeem(provider: &Provider, code: &GrantCode) -> Result<Request<Bytes>, Error> {
    request::get(
        &format!("{}/sns/oauth2/access_token", provider.bases.server),
        &[
            ("appid", &provider.app.id),
            ("secret", provider.app.secret.expose()),
            ("code", code.expose()),
            ("grant_type", "authorization_code"),
        ],
    )
}

pub(crate) fn read_token(provider: &Provider, reply: Reply<'_>) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    let token = access_token(reply, &members)?;
    let (subject, unionid) = (subject(reply, text(&members, "openid"))?, unionid(reply, &members)?);
    if !shows_profile(words(&members, "scope")) {
        return Ok(Move::Identified(Identity { unionid, ..Identity::bare(provider, subject) }));
    }
    let pairs = [("access_token", token.expose()), ("openid", subject.as_str()), ("lang", "zh_CN")];
    let request = request::get(&format!("{}/sns/userinfo", provider.bases.api), &pairs)?;
    Ok(Move::Send(Stage::WechatProfile { token, subject, unionid }, request))
}

/// Whether a scope, a list that may end with a comma, opens the profile.
fn shows_profile(scope: &str) -> bool {
    scope.split(',').any(|word| matches!(word.trim(), "snsapi_userinfo" | "snsapi_login"))
}

pub(crate) fn read_profile(
    provider: &Provider,
    reply: Reply<'_>,
    subject: Subject,
    known: Option<UnionId>,
) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(refused) = refusal(reply, &members)? {
        return Ok(Move::Refused(refused));
    }
    reply.succeeded()?;
    if text(&members, "openid") != Some(subject.as_str()) {
        return Err(reply.broken("sends the profile of somebody else"));
    }
    let told = unionid(reply, &members)?;
    if known.is_some() && told.is_some() && known != told {
        return Err(reply.broken("sends two unionids of one user"));
    }
    Ok(Move::Identified(Identity {
        unionid: told.or(known),
        name: identity::name(&members, &["nickname"]),
        avatar: identity::avatar(&members, &["headimgurl"]),
        claims: identity::bounded(members),
        ..Identity::bare(provider, subject)
    }))
}

/// An `errcode` other than 0, or a user who is nobody.
fn refusal(reply: Reply<'_>, members: &Members) -> Result<Option<SocialRefused>, Error> {
    if let Some(code) = error_code(members, "errcode") {
        return judge(reply, &code, words(members, "errmsg")).map(Some);
    }
    let snapshot =
        members.get("is_snapshotuser").is_some_and(|value| value == &serde_json::Value::Bool(true))
            || text_or_number(members, "is_snapshotuser").is_some_and(|value| value != "0");
    Ok(snapshot.then_some(SocialRefused::SnapshotUser))
}

/// What a number of WeChat's means for this sign-in.
fn judge(reply: Reply<'_>, code: &str, text: &str) -> Result<SocialRefused, Error> {
    let misuse = |what: &str| Error::new(ErrorKind::Misuse, format!("`{}` {what} ({code})", reply.provider));
    match code {
        "40163" => Ok(SocialRefused::CodeUsed),
        "40029" | "41008" | "42003" => Ok(SocialRefused::CodeExpired),
        "40013" | "41002" => Err(misuse("does not know this app id: compare it with the console")),
        "40125" | "41004" => Err(misuse("refuses the app's secret: compare it with the console")),
        "48001" => Err(misuse("does not let this app read profiles: apply for it in the console")),
        "-1" | "45009" | "45011" => {
            let words = format!("`{}` is overrun ({code})", reply.provider);
            Err(Error::new(ErrorKind::Unavailable, words).transient())
        }
        _ => Ok(SocialRefused::says(code, text)),
    }
}
