//! OpenID Connect: code with PKCE, ID token, keys if they are not known yet, then the profile.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};
use crate::key_set::jwks::PublicKeySet;
use crate::social::attempt::Attempt;
use crate::social::callback::GrantCode;
use crate::social::discovery::{ClientAuth, Discovery};
use crate::social::exchange::{Move, Stage, access_token, subject};
use crate::social::hidden::Hidden;
use crate::social::id_token::{self, Expected, Trust};
use crate::social::identity::{self, Email, Identity};
use crate::social::provider::{Protocol, Provider};
use crate::social::refused::SocialRefused;
use crate::social::reply::{Members, Reply, text, words};
use crate::social::request;
use crate::time::UnixMillis;

pub(crate) fn authorize(provider: &Provider, discovery: &Discovery, attempt: &Attempt) -> String {
    request::with_query(
        &discovery.authorization_endpoint,
        &[
            ("response_type", "code"),
            ("client_id", &provider.app.id),
            ("redirect_uri", &provider.app.redirect_uri),
            ("scope", &provider.scopes.join(" ")),
            ("state", attempt.state().as_str()),
            ("nonce", &attempt.nonce()),
            ("code_challenge", &attempt.code_challenge()),
            ("code_challenge_method", "S256"),
        ],
    )
}

pub(crate) fn redeem(
    provider: &Provider,
    discovery: &Discovery,
    code: &GrantCode,
    attempt: &Attempt,
) -> Result<Request<Bytes>, Error> {
    let (app, verifier) = (&provider.app, attempt.code_verifier());
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", app.redirect_uri.as_str()),
        ("code_verifier", verifier.as_str()),
    ];
    match discovery.auth {
        ClientAuth::Post => {
            pairs.extend([("client_id", app.id.as_str()), ("client_secret", app.secret.expose())]);
            request::post(&discovery.token_endpoint, &pairs)
        }
        ClientAuth::Basic => {
            // Both parts are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
            let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = Zeroizing::new(format!("{}:{}", part(&app.id), part(app.secret.expose())));
            let credentials = Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes())));
            request::authorized(request::post(&discovery.token_endpoint, &pairs)?, &credentials)
        }
    }
}

pub(crate) fn read_token(
    provider: &Provider,
    reply: Reply<'_>,
    nonce: &Hidden,
    now: UnixMillis,
) -> Result<Move, Error> {
    let members = reply.json()?;
    if let Some(code) = text(&members, "error") {
        return judge(reply, code, words(&members, "error_description")).map(Move::Refused);
    }
    let token = access_token(reply, &members)?;
    if !text(&members, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
        return Err(reply.broken("sends a token that is no bearer token"));
    }
    let Some(id_token) = text(&members, "id_token").map(Hidden::new) else {
        return Err(reply.broken("sends no id token"));
    };
    let discovery = discovery(provider)?;
    match discovery.known_keys(now).filter(|keys| id_token::names_a_key_of(id_token.expose(), keys)) {
        Some(keys) => trust(provider, discovery, &keys, (token, &id_token, nonce, now), reply),
        None => Ok(Move::Send(Stage::OidcKeys { token, id_token }, request::get(&discovery.jwks_uri, &[])?)),
    }
}

pub(crate) fn read_keys(
    provider: &Provider,
    reply: Reply<'_>,
    token: Hidden,
    id_token: &Hidden,
    nonce: &Hidden,
    now: UnixMillis,
) -> Result<Move, Error> {
    reply.succeeded()?;
    let keys = PublicKeySet::from_jwks(reply.text()?).map_err(|source| {
        let words = format!("`{}` sends no key set that can be used", reply.provider);
        Error::with_source(ErrorKind::PeerMisbehaved, words, source)
    })?;
    let discovery = discovery(provider)?;
    discovery.keep_keys(keys.clone(), now);
    trust(provider, discovery, &keys, (token, id_token, nonce, now), reply)
}

fn discovery(provider: &Provider) -> Result<&Discovery, Error> {
    match &provider.protocol {
        Protocol::Oidc(discovery) => Ok(discovery),
        _ => Err(Error::new(ErrorKind::Misuse, "this provider does not speak openid connect")),
    }
}

/// Verifies the ID token, and asks for the profile if there is one to ask for.
fn trust(
    provider: &Provider,
    discovery: &Discovery,
    keys: &PublicKeySet,
    (token, id_token, nonce, now): (Hidden, &Hidden, &Hidden, UnixMillis),
    reply: Reply<'_>,
) -> Result<Move, Error> {
    let expected = Expected {
        issuer: discovery.issuer(),
        client_id: &provider.app.id,
        nonce: nonce.expose(),
        access_token: token.expose(),
        now,
    };
    let claims = match id_token::verify(id_token.expose(), keys, &expected)? {
        Trust::Claims(claims) => claims,
        Trust::Refused(refused) => return Ok(Move::Refused(refused)),
    };
    let subject = subject(reply, text(&claims, "sub"))?;
    let identity = described(Identity::bare(provider, subject), claims);
    let Some(address) = &discovery.userinfo_endpoint else { return Ok(Move::Identified(identity)) };
    let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
    let request = request::authorized(request::get(address, &[])?, &bearer)?;
    Ok(Move::Send(Stage::OidcProfile { token, identity: Box::new(identity) }, request))
}

/// The profile must be of the user of the ID token (section 5.3.2): tokens are swapped otherwise.
pub(crate) fn read_profile(reply: Reply<'_>, identity: Identity) -> Result<Move, Error> {
    let members = reply.json()?;
    reply.succeeded()?;
    if text(&members, "sub") != Some(identity.subject.as_str()) {
        return Err(reply.broken("sends the profile of somebody else"));
    }
    Ok(Move::Identified(described(identity, members)))
}

/// Adds what a set of claims says, and keeps what was known where it says nothing.
fn described(known: Identity, claims: Members) -> Identity {
    let mut all = known.claims;
    let verified = claims.get("email_verified") == Some(&Value::Bool(true));
    let email: Option<Email> = text(&claims, "email").and_then(|address| identity::email(address, verified));
    let name = identity::name(&claims, &["name", "preferred_username", "nickname"]);
    let avatar = identity::avatar(&claims, &["picture"]);
    all.extend(claims);
    // It was compared, and is of no use to anybody any more.
    all.remove("nonce");
    Identity {
        name: name.or(known.name),
        avatar: avatar.or(known.avatar),
        email: email.or(known.email),
        claims: identity::bounded(all),
        ..known
    }
}

/// What a word of the token endpoint means (RFC 6749, section 5.2).
fn judge(reply: Reply<'_>, code: &str, text: &str) -> Result<SocialRefused, Error> {
    let misuse = |what: &str| Err(Error::new(ErrorKind::Misuse, format!("`{}` {what}", reply.provider)));
    match code {
        "invalid_grant" => Ok(SocialRefused::CodeExpired),
        "access_denied" => Ok(SocialRefused::Denied),
        "invalid_client" => misuse("refuses the client id or its secret: compare them with its registration"),
        "unauthorized_client" => misuse("does not let this client use codes: change its registration"),
        "invalid_request" | "unsupported_grant_type" => {
            Err(reply.broken("does not understand a plain request"))
        }
        _ => Ok(SocialRefused::says(code, text)),
    }
}
