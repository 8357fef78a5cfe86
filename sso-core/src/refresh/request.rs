//! What a store is asked: to keep a new family, or to exchange a token that somebody shows.

use crate::refresh::names::{ClientId, FamilyKey, Scope};
use crate::refresh::secret::{RefreshSecret, SecretDigest};
use crate::session::SessionId;
use crate::user_id::UserId;

/// What a family is granted to, besides the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The client that may use the tokens.
    pub client: ClientId,
    /// The session that the family dies with.
    pub session: Option<SessionId>,
    /// What is granted.
    pub scope: Option<Scope>,
}

impl Grant {
    /// A grant to a client, bound to no session and without a scope.
    #[must_use]
    pub fn new(client: ClientId) -> Self {
        Self { client, session: None, scope: None }
    }

    /// Lets the family die with a session of its user. A [`Refresher`](crate::Refresher) sees to it if it knows the
    /// [`sessions`](crate::Refresher::sessions). Else whoever ends the session revokes its families, see
    /// [`Refresher::session_ended`](crate::Refresher::session_ended), and a session that expires unseen ends none.
    #[must_use]
    pub fn with_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// Says what is granted.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }
}

/// A family that is not in a store yet. Its key, its user and its first secret belong together by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFamily {
    key: FamilyKey,
    user: UserId,
    grant: Grant,
    first: SecretDigest,
}

impl NewFamily {
    /// A new family and its first secret, from 48 bytes of a cryptographic random source.
    #[must_use]
    pub fn open(user: UserId, grant: Grant, handle: [u8; 16], random: [u8; 32]) -> (Self, RefreshSecret) {
        let secret = RefreshSecret::new(&user, handle, random);
        (Self { key: secret.family(), user, grant, first: secret.digest() }, secret)
    }

    /// Where the family will be kept.
    #[must_use]
    pub fn key(&self) -> FamilyKey {
        self.key
    }

    /// Whose family it will be.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// What it is granted to.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The digest of its first secret.
    #[must_use]
    pub fn first(&self) -> SecretDigest {
        self.first
    }
}

/// A token that somebody shows, as a store may see it, and the child that it would be exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    key: FamilyKey,
    digest: SecretDigest,
    nonce: [u8; 32],
    child: SecretDigest,
    client: ClientId,
    scope: Option<Scope>,
}

impl Presented {
    /// A token that a client shows, whom the application has authenticated or knows to be public. `nonce` is 32
    /// bytes of a cryptographic random source. `scope` is what the client asks for; all that was granted if
    /// `None`.
    #[must_use]
    pub fn new(secret: &RefreshSecret, client: ClientId, scope: Option<Scope>, nonce: [u8; 32]) -> Self {
        let child = secret.child(&nonce).digest();
        Self { key: secret.family(), digest: secret.digest(), nonce, child, client, scope }
    }

    /// The key of the family.
    #[must_use]
    pub fn key(&self) -> FamilyKey {
        self.key
    }

    /// The digest of the token.
    #[must_use]
    pub fn digest(&self) -> SecretDigest {
        self.digest
    }

    /// What the child comes from, if it is to come.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }

    /// The digest of the child.
    #[must_use]
    pub fn child(&self) -> SecretDigest {
        self.child
    }

    /// Who shows it.
    #[must_use]
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// What is asked for.
    #[must_use]
    pub fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }
}
