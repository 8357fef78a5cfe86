//! The token endpoint: a code becomes tokens, once (RFC 6749, section 4.1.3; OpenID Connect Core 1.0, section 3.1.3).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::claims::{Claims, Lifetime, TokenId};
use crate::error::{Error, ErrorKind};
use crate::form::Form;
use crate::provider::authorize::CodeBody;
use crate::provider::id_token::IdToken;
use crate::provider::reply::{self, Refusal};
use crate::provider::scope::Scopes;
use crate::provider::userinfo::may_go_on;
use crate::provider::{Caller, Provider};
use crate::refresh::names::ClientId;
use crate::session::SessionId;
use crate::sites::grant::{GrantBinding, GrantKey, GrantKind, GrantSecret};
use crate::sites::registry::AuthenticatedClient;
use crate::sites::site_session::SiteSession;
use crate::sites::{PresentedGrant, Redeemed};
use crate::store::At;
use crate::ticket::{challenge_s256, is_verifier};
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// The claim of an access token that names its session, as in id tokens.
pub(crate) const SID: &str = "sid";
/// The claim of an access token that names the grant it came from.
pub(crate) const GRANT: &str = "grant_id";
/// The claim that names who acts as the subject (RFC 8693, section 4.1), as in id tokens.
const ACTOR: &str = "act";

/// What an access token is made of, besides its time.
pub(crate) struct Access<'a> {
    pub(crate) client: &'a ClientId,
    pub(crate) user: &'a UserId,
    /// Who acts as the user, if it is somebody else.
    pub(crate) actor: Option<&'a UserId>,
    pub(crate) session: &'a SessionId,
    pub(crate) scopes: &'a Scopes,
    pub(crate) grant: &'a TokenId,
}

/// What a code gave, before it becomes a reply.
struct Redemption {
    session: SiteSession,
    scopes: Scopes,
    nonce: Option<String>,
}

impl Provider {
    /// Answers a request to the token endpoint.
    ///
    /// A code that comes a second time is refused, and what it gave before is revoked: refresh tokens at once, access
    /// tokens at userinfo at once and elsewhere when they expire, in [`ProviderConfig::token_life`].
    ///
    /// # Errors
    /// Those of the stores: answer 503. After a transient one the code may be spent.
    ///
    /// [`ProviderConfig::token_life`]: crate::ProviderConfig::token_life
    pub async fn token(
        &self,
        request: &Request<Bytes>,
        caller: Caller<'_>,
    ) -> Result<Response<Bytes>, Error> {
        if let Err(after_secs) = self.pace.ask(caller.from, caller.now) {
            return Ok(reply::too_many(after_secs));
        }
        if request.method() != Method::POST {
            return Ok(reply::wrong_method("POST"));
        }
        let form = match token_form(request) {
            Ok(form) => form,
            Err(refusal) => return Ok(refusal.reply()),
        };
        let client = match self.client_of(request.headers(), &form, caller.now).await? {
            Ok(client) => client,
            Err(refusal) => return Ok(refusal.reply()),
        };
        let given = match form.value("grant_type") {
            Some("authorization_code") => self.by_code(&client, &form, caller.now).await?,
            Some("refresh_token") if self.may_refresh() => {
                self.by_refresh_token(&client, &form, caller.now).await?
            }
            Some(_) => Err(Refusal::new("unsupported_grant_type", "this grant type is not supported")),
            None => Err(Refusal::request("the grant type is missing")),
        };
        Ok(given.map_or_else(Refusal::reply, |body| reply::json(StatusCode::OK, &Value::Object(body))))
    }

    async fn by_code(
        &self,
        client: &AuthenticatedClient,
        form: &Form,
        now: UnixMillis,
    ) -> Result<Result<Map<String, Value>, Refusal>, Error> {
        let (key, binding) = match presented(form) {
            Ok(presented) => presented,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let grant = self.new_grant()?;
        let presented = PresentedGrant { client: client.id(), binding, gives: Some(&grant.name) };
        match self.store.redeem(&key, presented, At::Server).await? {
            Redeemed::Granted { user, body } => {
                let redemption = read(user, key.session(), &body)?;
                let tokens = self.first_tokens(client.id(), &redemption, &grant, now).await?;
                Ok(tokens.ok_or(USED_BEFORE))
            }
            Redeemed::Reused { user, gave } => {
                self.revoke_refresh(&user, gave.as_ref()).await?;
                Ok(Err(USED_BEFORE))
            }
            Redeemed::OtherClient => Ok(Err(Refusal::grant("the code was given to another client"))),
            Redeemed::OtherBinding => {
                Ok(Err(Refusal::grant("the redirect uri or the code verifier is another one")))
            }
            Redeemed::SessionEnded => Ok(Err(Refusal::grant("the user has signed out since"))),
            Redeemed::Unknown => Ok(Err(Refusal::grant("the code is unknown or has expired"))),
        }
    }

    /// The tokens of a code; `None` if the code has come a second time meanwhile.
    async fn first_tokens(
        &self,
        client: &ClientId,
        redemption: &Redemption,
        grant: &super::refresh::NewChain,
        now: UnixMillis,
    ) -> Result<Option<Map<String, Value>>, Error> {
        let Redemption { session, scopes, nonce } = redemption;
        let access = Access {
            client,
            user: &session.user,
            actor: session.actor.as_ref(),
            session: &session.session,
            scopes,
            grant: &grant.name,
        };
        let mut body = self.access_token(&access, now)?;
        let access_token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let id_token = IdToken {
            issuer: self.config.issuer.as_str(),
            client,
            session,
            nonce: nonce.as_deref(),
            access_token,
            algorithm: self.id_tokens.key().algorithm(),
            issued_at: now,
            life_secs: self.config.token_life.as_secs(),
        };
        let id_token = self.id_tokens.sign(&id_token.claims())?;
        body.insert("id_token".to_owned(), json!(id_token));
        if let Some(token) = self.first_refresh_token(client, session, scopes, grant).await? {
            // Whoever redeemed the code again, just before, found no family to revoke.
            let standing = self.store.standing(&session.session, &grant.name, At::Server).await?;
            if !may_go_on(standing, scopes) {
                self.revoke_refresh(&session.user, Some(&grant.name)).await?;
                return Ok(None);
            }
            body.insert("refresh_token".to_owned(), json!(token.as_str()));
        }
        Ok(Some(body))
    }

    /// The members of a reply that every grant has (RFC 6749, section 5.1).
    pub(crate) fn access_token(
        &self,
        access: &Access<'_>,
        now: UnixMillis,
    ) -> Result<Map<String, Value>, Error> {
        let Access { client, user, actor, session, scopes, grant } = access;
        let life = Lifetime::starting(now, self.config.token_life)?;
        let id = TokenId::random()?;
        let mut claims = Claims::new((*user).clone(), client.as_str(), &self.config.audience, id, life)?
            .with_scope(scopes.to_string())
            .with(SID, json!(session.as_str()))?
            .with(GRANT, json!(grant.as_str()))?;
        if let Some(actor) = actor {
            claims = claims.with(ACTOR, json!({ "sub": actor.as_str() }))?;
        }
        let members = [
            ("access_token", json!(self.issuer.issue(&claims)?)),
            ("token_type", json!("Bearer")),
            ("expires_in", json!(self.config.token_life.as_secs())),
            ("scope", json!(scopes.to_string())),
        ];
        Ok(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

const USED_BEFORE: Refusal = Refusal::grant("the code was used before: what it gave is revoked");

/// The form of a request, if it is one.
fn token_form(request: &Request<Bytes>) -> Result<Form, Refusal> {
    let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        return Err(Refusal::request("the body must be application/x-www-form-urlencoded"));
    }
    Form::parse(request.body()).map_err(|refused| Refusal::request(refused.words()))
}

/// Where the code is kept, and what it comes with.
fn presented(form: &Form) -> Result<(GrantKey, GrantBinding), Refusal> {
    let code = form.value("code").ok_or(Refusal::request("the code is missing"))?;
    let url = form.value("redirect_uri").ok_or(Refusal::request("the redirect uri is missing"))?;
    let verifier = form.value("code_verifier");
    if verifier.is_some_and(|verifier| !is_verifier(verifier)) {
        return Err(Refusal::grant("the code verifier is not 43 to 128 unreserved characters"));
    }
    let secret = GrantSecret::parse(code).ok_or(Refusal::grant("the code is unknown or has expired"))?;
    let challenge = verifier.map(challenge_s256);
    // A verifier without a challenge is refused like a challenge without a verifier (RFC 9700, section 2.1.1).
    Ok((secret.key(), GrantBinding::new(GrantKind::Code, url, challenge.as_deref())))
}

fn read(user: UserId, session: &SessionId, body: &str) -> Result<Redemption, Error> {
    let body: CodeBody = serde_json::from_str(body).map_err(|source| {
        Error::with_source(ErrorKind::Corrupt, "the store holds a code that cannot be read", source)
    })?;
    let scopes = Scopes::parse(&body.scope);
    let scopes =
        scopes.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the store holds a code that cannot be read"))?;
    let session = body.session.session(user, session)?;
    Ok(Redemption { session, scopes, nonce: body.nonce })
}
