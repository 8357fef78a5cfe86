//! Refresh tokens of a provider (RFC 6749, section 6; RFC 9700, section 4.14): a family for each code that asked
//! for offline access.
//!
//! The family's name is decided before the code is redeemed, so that whoever redeems the code again names the family
//! that has to end.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::claims::TokenId;
use crate::edge;
use crate::error::{Error, ErrorKind};
use crate::form::Form;
use crate::provider::Provider;
use crate::provider::reply::Refusal;
use crate::provider::scope::{OFFLINE, Scopes};
use crate::provider::token::Access;
use crate::provider::userinfo::may_go_on;
use crate::refresh::names::{ClientId, FamilyId, FamilyKey, Scope};
use crate::refresh::request::{Grant, NewFamily, Presented};
use crate::refresh::rule::RotateOutcome;
use crate::refresh::secret::RefreshSecret;
use crate::refresh::{Family, RevokeFamily};
use crate::sites::registry::AuthenticatedClient;
use crate::sites::site_session::SiteSession;
use crate::store::At;
use crate::time::UnixMillis;
use crate::user_id::UserId;

/// What all tokens that come from one code share.
pub(crate) struct NewChain {
    /// The name under which it is revoked: that of the refresh tokens' family, if there will be one.
    pub(crate) name: TokenId,
    handle: Zeroizing<[u8; 16]>,
}

impl Provider {
    /// Whether this provider gives refresh tokens at all.
    pub(crate) fn may_refresh(&self) -> bool {
        self.refresh.is_some()
    }

    pub(crate) fn new_grant(&self) -> Result<NewChain, Error> {
        let handle = Zeroizing::new(edge::random()?);
        let name = TokenId::from_kept(&FamilyId::of_handle(&handle).to_string());
        Ok(NewChain { name, handle })
    }

    /// The first token of a family, if offline access was granted.
    pub(crate) async fn first_refresh_token(
        &self,
        client: &ClientId,
        session: &SiteSession,
        scopes: &Scopes,
        chain: &NewChain,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let Some((store, limits)) = self.refresh.as_ref().filter(|_| scopes.has(OFFLINE)) else {
            return Ok(None);
        };
        let grant = Grant::new(client.clone())
            .with_scope(Scope::new(scopes.to_string())?)
            .with_session(session.session.clone());
        let (family, secret) = NewFamily::open(session.user.clone(), grant, *chain.handle, edge::random()?);
        store.issue(&family, *limits, At::Server).await?;
        Ok(Some(secret.expose()))
    }

    /// Ends the family of a code that came twice.
    pub(crate) async fn revoke_refresh(&self, user: &UserId, gave: Option<&TokenId>) -> Result<(), Error> {
        let family = gave.and_then(|name| FamilyId::parse(name.as_str()));
        let (Some((store, limits)), Some(family)) = (&self.refresh, family) else {
            return Ok(());
        };
        let key = FamilyKey::new(user, family);
        match store.revoke_family(&key, None, *limits, At::Server).await? {
            // None was given, or it has ended now or before: in every case none goes on.
            RevokeFamily::Unknown | RevokeFamily::AlreadyEnded(_) | RevokeFamily::Revoked => Ok(()),
            RevokeFamily::WrongClient => {
                Err(Error::new(ErrorKind::Corrupt, "the store asks which client a family belongs to"))
            }
        }
    }

    pub(crate) async fn by_refresh_token(
        &self,
        client: &AuthenticatedClient,
        form: &Form,
        now: UnixMillis,
    ) -> Result<Result<Map<String, Value>, Refusal>, Error> {
        let Some((store, limits)) = &self.refresh else {
            return Ok(Err(UNKNOWN));
        };
        let Some(shown) = form.value("refresh_token") else {
            return Ok(Err(Refusal::request("the refresh token is missing")));
        };
        let Ok(asked) = form.value("scope").map(Scope::new).transpose() else {
            return Ok(Err(TOO_WIDE));
        };
        let Some(secret) = RefreshSecret::parse(shown) else {
            return Ok(Err(UNKNOWN));
        };
        let presented = Presented::new(&secret, client.id().clone(), asked.clone(), edge::random()?);
        let (family, nonce) = match store.rotate(&presented, *limits, At::Server).await? {
            RotateOutcome::Rotated(family) => (family, *presented.nonce()),
            RotateOutcome::Replayed(family, nonce) => (family, nonce),
            RotateOutcome::ScopeTooWide(_) => return Ok(Err(TOO_WIDE)),
            RotateOutcome::Reused(_)
            | RotateOutcome::WrongClient(_)
            | RotateOutcome::Ended(_)
            | RotateOutcome::Unknown => return Ok(Err(UNKNOWN)),
        };
        let scope = asked.or_else(|| family.scope.clone());
        self.refreshed(client, &family, scope.as_ref(), &secret.child(&nonce), now).await
    }

    /// The tokens of a family that goes on, unless its code was used twice, its user is gone or its client may not
    /// have offline access any more.
    async fn refreshed(
        &self,
        client: &AuthenticatedClient,
        family: &Family,
        scope: Option<&Scope>,
        next: &RefreshSecret,
        now: UnixMillis,
    ) -> Result<Result<Map<String, Value>, Refusal>, Error> {
        let scopes = |scope: Option<&Scope>| scope.and_then(|scope| Scopes::parse(scope.as_str()));
        let (Some(asked), Some(granted), Some(session)) =
            (scopes(scope), scopes(family.scope.as_ref()), &family.session)
        else {
            return Err(Error::new(ErrorKind::Corrupt, "the store holds a refresh token of another kind"));
        };
        let chain = TokenId::from_kept(&family.id.to_string());
        let may_now = |scopes: &Scopes| scopes.granted_to(client, &self.config, true);
        let (asked, granted) = (may_now(&asked), may_now(&granted));
        let standing = self.store.standing(session, &chain, At::Server).await?;
        let goes_on = granted.has(OFFLINE)
            && may_go_on(standing, &granted)
            && self.accounts.claims(&family.user).await?.is_some();
        if !goes_on {
            self.revoke_refresh(&family.user, Some(&chain)).await?;
            return Ok(Err(UNKNOWN));
        }
        if asked.words().next().is_none() {
            return Ok(Err(TOO_WIDE));
        }
        let access = Access {
            client: client.id(),
            user: &family.user,
            // Whoever acts as somebody else gets no refresh token.
            actor: None,
            session,
            scopes: &asked,
            grant: &chain,
        };
        let mut body = self.access_token(&access, now)?;
        body.insert("refresh_token".to_owned(), json!(next.expose().as_str()));
        Ok(Ok(body))
    }
}

const UNKNOWN: Refusal = Refusal::grant("the refresh token is unknown, has expired or was used before");
const TOO_WIDE: Refusal = Refusal::new("invalid_scope", "the scope is wider than what was granted");
