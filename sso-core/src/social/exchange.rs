//! From a code to an identity, one request and one reply at a time, without input and output.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Map;

use crate::error::Error;
use crate::social::attempt::Attempt;
use crate::social::callback::GrantCode;
use crate::social::hidden::Hidden;
use crate::social::identity::{Identity, Subject, UnionId};
use crate::social::provider::{Protocol, Provider};
use crate::social::refused::SocialRefused;
use crate::social::reply::{Members, Reply};
use crate::social::{github, oidc, qq, wechat, weibo};
use crate::time::UnixMillis;

/// An exchange that waits for the reply to its [`request`](Self::request).
///
/// Its `Debug` prints neither the address, which holds secrets, nor a token.
///
/// ```
/// use sso_core::social::{Exchange, Progress, SocialRefused};
/// use sso_core::{Error, HttpClient, UnixMillis};
///
/// /// What [`SignIn`](sso_core::social::SignIn) does with it.
/// async fn run(http: &dyn HttpClient, mut exchange: Exchange) -> Result<Progress, Error> {
///     loop {
///         let reply = http.send(exchange.request().clone()).await?;
///         match exchange.read(&reply, UnixMillis::now())? {
///             Progress::Next(next) => exchange = *next,
///             done => return Ok(done),
///         }
///     }
/// }
/// ```
pub struct Exchange {
    provider: Provider,
    code: GrantCode,
    nonce: Hidden,
    stage: Stage,
    request: Request<Bytes>,
}

/// What a reply led to.
#[derive(Debug)]
#[must_use]
pub enum Progress {
    /// There is another request to send.
    Next(Box<Exchange>),
    /// The provider says who it is.
    Identified(Box<Identity>),
    /// The provider says no, or what it says is not for us.
    Refused(SocialRefused),
}

/// Which reply is awaited, and what is known by then.
pub(crate) enum Stage {
    QqToken,
    QqMe { token: Hidden },
    QqProfile { token: Hidden, subject: Subject, unionid: Option<UnionId> },
    WechatToken,
    WechatProfile { token: Hidden, subject: Subject, unionid: Option<UnionId> },
    WeiboToken,
    WeiboTokenInfo { token: Hidden, uid: Option<String> },
    WeiboProfile { token: Hidden, subject: Subject },
    WeiboEmail { token: Hidden, identity: Box<Identity> },
    GithubToken,
    GithubProfile { token: Hidden },
    GithubEmails { token: Hidden, identity: Box<Identity> },
    OidcToken,
    OidcKeys { token: Hidden, id_token: Hidden },
    OidcProfile { token: Hidden, identity: Box<Identity> },
}

/// Where a reply leads.
pub(crate) enum Move {
    Send(Stage, Request<Bytes>),
    Identified(Identity),
    Refused(SocialRefused),
}

impl Exchange {
    pub(crate) fn begin(provider: &Provider, code: &GrantCode, attempt: &Attempt) -> Result<Self, Error> {
        let (stage, request) = match &provider.protocol {
            Protocol::Qq { .. } => (Stage::QqToken, qq::redeem(provider, code)?),
            Protocol::WechatQr | Protocol::WechatInApp => {
                (Stage::WechatToken, wechat::redeem(provider, code)?)
            }
            Protocol::Weibo => (Stage::WeiboToken, weibo::redeem(provider, code)?),
            Protocol::Github => (Stage::GithubToken, github::redeem(provider, code, attempt)?),
            Protocol::Oidc(discovery) => {
                (Stage::OidcToken, oidc::redeem(provider, discovery, code, attempt)?)
            }
        };
        let nonce = Hidden::new(attempt.nonce());
        Ok(Self { provider: provider.clone(), code: code.clone(), nonce, stage, request })
    }

    /// What to send now. Its address and its body may hold secrets: log neither.
    #[must_use]
    pub fn request(&self) -> &Request<Bytes> {
        &self.request
    }

    /// Reads the reply to the request, at a time that ID tokens are checked against.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the reply is none of its protocol; `Unavailable`, transient, if the provider is out
    /// of order or overrun; `Misuse` if it says that the application is registered or configured otherwise.
    pub fn read(self, response: &Response<Bytes>, now: UnixMillis) -> Result<Progress, Error> {
        let Self { provider, code, nonce, stage, .. } = self;
        let secrets =
            [Some(provider.app.secret.clone()), stage.token().cloned(), Some(Hidden::new(code.expose()))];
        let reply = Reply::new(&provider.name, response)?;
        Ok(match stage.read(&provider, &nonce, reply, now)? {
            Move::Send(stage, request) => {
                Progress::Next(Box::new(Self { provider, code, nonce, stage, request }))
            }
            Move::Identified(identity) => Progress::Identified(Box::new(identity)),
            Move::Refused(refused) => Progress::Refused(without(refused, secrets.iter().flatten())),
        })
    }
}

impl Stage {
    fn read(
        self,
        provider: &Provider,
        nonce: &Hidden,
        reply: Reply<'_>,
        now: UnixMillis,
    ) -> Result<Move, Error> {
        match self {
            Self::QqToken => qq::read_token(provider, reply),
            Self::QqMe { token } => qq::read_me(provider, reply, token),
            Self::QqProfile { subject, unionid, .. } => qq::read_profile(provider, reply, subject, unionid),
            Self::WechatToken => wechat::read_token(provider, reply),
            Self::WechatProfile { subject, unionid, .. } => {
                wechat::read_profile(provider, reply, subject, unionid)
            }
            Self::WeiboToken => weibo::read_token(provider, reply),
            Self::WeiboTokenInfo { token, uid } => {
                weibo::read_token_info(provider, reply, token, uid.as_deref())
            }
            Self::WeiboProfile { token, subject } => weibo::read_profile(provider, reply, token, subject),
            Self::WeiboEmail { identity, .. } => Ok(weibo::read_email(reply, *identity)),
            Self::GithubToken => github::read_token(provider, reply),
            Self::GithubProfile { token } => github::read_profile(provider, reply, token),
            Self::GithubEmails { identity, .. } => Ok(github::read_emails(reply, *identity)),
            Self::OidcToken => oidc::read_token(provider, reply, nonce, now),
            Self::OidcKeys { token, id_token } => {
                oidc::read_keys(provider, reply, token, &id_token, nonce, now)
            }
            Self::OidcProfile { identity, .. } => oidc::read_profile(reply, *identity),
        }
    }

    fn token(&self) -> Option<&Hidden> {
        match self {
            Self::QqToken | Self::WechatToken | Self::WeiboToken | Self::GithubToken | Self::OidcToken => {
                None
            }
            Self::QqMe { token }
            | Self::QqProfile { token, .. }
            | Self::WechatProfile { token, .. }
            | Self::WeiboTokenInfo { token, .. }
            | Self::WeiboProfile { token, .. }
            | Self::WeiboEmail { token, .. }
            | Self::GithubProfile { token }
            | Self::GithubEmails { token, .. }
            | Self::OidcKeys { token, .. }
            | Self::OidcProfile { token, .. } => Some(token),
        }
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("provider", &self.provider.name)
            .field("path", &self.request.uri().path())
            .finish_non_exhaustive()
    }
}

/// A refusal whose text repeats no secret that we sent: some providers echo what they got.
fn without<'a>(refused: SocialRefused, secrets: impl Iterator<Item = &'a Hidden>) -> SocialRefused {
    let SocialRefused::ProviderSays { mut code, mut text } = refused else { return refused };
    for secret in secrets {
        // A cut text may end with the beginning of a secret; eight characters give too little away.
        let head: String = secret.expose().chars().take(8).collect();
        if text.contains(&head) {
            text.clear();
        }
        if code.contains(&head) {
            code.clear();
        }
    }
    SocialRefused::ProviderSays { code, text }
}

impl Identity {
    /// Somebody of whom nothing but the identifier is known.
    pub(crate) fn bare(provider: &Provider, subject: Subject) -> Self {
        Self {
            provider: provider.name.clone(),
            kind: provider.kind(),
            issuer: provider.issuer().map(str::to_owned),
            app_id: provider.app.id.clone(),
            subject,
            unionid: None,
            name: None,
            avatar: None,
            email: None,
            claims: Map::new(),
        }
    }
}

/// The identifier of a user in a reply.
pub(crate) fn subject(reply: Reply<'_>, text: Option<&str>) -> Result<Subject, Error> {
    let subject = text.and_then(|text| Subject::new(text).ok());
    subject.ok_or_else(|| reply.broken("names no user"))
}

/// The unionid of a reply, if it has one.
pub(crate) fn unionid(reply: Reply<'_>, members: &Members) -> Result<Option<UnionId>, Error> {
    match members.get("unionid").and_then(|value| value.as_str()) {
        None | Some("") => Ok(None),
        Some(text) => match UnionId::new(text) {
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(reply.broken("sends a unionid that is none")),
        },
    }
}

/// The token of a reply.
pub(crate) fn access_token(reply: Reply<'_>, members: &Members) -> Result<Hidden, Error> {
    reply.succeeded()?;
    let text = members.get("access_token").and_then(|value| value.as_str());
    let text =
        text.filter(|text| (1..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()));
    text.map(Hidden::new).ok_or_else(|| reply.broken("sends no token"))
}
