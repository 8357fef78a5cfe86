//! All clients by name, and the proof that a request comes from one of them.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::refresh::names::ClientId;
use crate::sites::client::{Client, ClientProof};
use crate::sites::secret::ClientSecretHash;

/// The registered clients. A clone is the same registry; a changed one is a new value.
///
/// ```
/// use sso_core::{Client, ClientId, ClientSecret, Clients};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let secret = ClientSecret::random()?;
/// let clients = Clients::new([Client::with_secret(ClientId::new("shop")?, secret.hash())])?;
/// assert!(clients.authenticate("shop", secret.expose()).is_some());
/// assert!(clients.authenticate("shop", "another").is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Clients {
    by_id: Arc<BTreeMap<ClientId, Arc<Client>>>,
}

impl Clients {
    /// The most clients of a registry.
    pub const CLIENTS_MAX: usize = 10_000;

    /// A registry of these clients.
    ///
    /// # Errors
    /// `InvalidInput` if two have one name or they are more than [`Clients::CLIENTS_MAX`].
    pub fn new(clients: impl IntoIterator<Item = Client>) -> Result<Self, Error> {
        let mut by_id = BTreeMap::new();
        for client in clients {
            if by_id.len() >= Self::CLIENTS_MAX {
                return Err(Error::new(ErrorKind::InvalidInput, "a registry has at most 10000 clients"));
            }
            if !client.id.as_str().bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::new(ErrorKind::InvalidInput, "the id of a client here is visible ascii"));
            }
            if let Some(other) = by_id.insert(client.id.clone(), Arc::new(client)) {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("two clients have the name `{}`", other.id.as_str().escape_debug()),
                ));
            }
        }
        Ok(Self { by_id: Arc::new(by_id) })
    }

    /// The client of this name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Client>> {
        ClientId::new(id).ok().and_then(|id| self.by_id.get(&id))
    }

    /// The client, if this is its secret. A stranger takes as long as a wrong secret.
    #[must_use]
    pub fn authenticate(&self, id: &str, secret: &str) -> Option<AuthenticatedClient> {
        let client = self.find(id);
        let nobody = [ClientSecretHash::NOBODY];
        let kept = match client.map(|client| &client.proof) {
            Some(ClientProof::Secrets(secrets)) => secrets.as_slice(),
            _ => nobody.as_slice(),
        };
        // Every kept secret is compared, whether one before it has matched or not.
        let matched = kept.iter().filter(|hash| hash.matches(secret)).count() > 0;
        client.filter(|_| matched).map(|client| AuthenticatedClient(Arc::clone(client)))
    }
}

/// A client that has proved who it is. Only this crate makes one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// For a proof that was checked elsewhere in this crate.
    pub(crate) fn proved(client: &Arc<Client>) -> Self {
        Self(Arc::clone(client))
    }
}

impl Deref for AuthenticatedClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}
