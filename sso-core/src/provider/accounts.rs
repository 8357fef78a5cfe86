//! What the application tells a provider of its users.

use std::fmt::Debug;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::store::BoxFuture;
use crate::user_id::UserId;

/// The users, as far as clients may know them.
pub trait Accounts: Send + Sync + Debug {
    /// The claims of a user under their standard names (OpenID Connect Core 1.0, section 5.1): `name`, `email`,
    /// `email_verified`, ... All that the application knows may be given: the provider shows a client only what its
    /// scopes allow. `None` if there is no such user any more.
    ///
    /// # Errors
    /// `Unavailable` if the users cannot be looked up.
    fn claims<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Option<Map<String, Value>>, Error>>;
}
