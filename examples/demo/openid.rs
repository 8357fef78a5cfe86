//! The school as an OpenID provider: the two parts that other sites talk to, and what they may know of its people.

use serde_json::{Map, Value, json};
use sso_core::{Accounts, BoxFuture, Error, Provider, SingleLogout, UserId};

use crate::school::School;

/// Signing in at other sites, and telling them when it is over.
#[derive(Debug)]
pub(crate) struct Openid {
    pub(crate) provider: Provider,
    pub(crate) single_logout: SingleLogout,
}

impl Accounts for School {
    fn claims<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Option<Map<String, Value>>, Error>> {
        Box::pin(async move {
            let account = self.account(user.as_str()).await;
            let account = account
                .map_err(|cause| Error::unavailable("the school's accounts cannot be read").because(cause))?;
            Ok(account.map(|account| {
                Map::from_iter([
                    ("name".to_owned(), json!(account.display_name)),
                    ("preferred_username".to_owned(), json!(account.login)),
                ])
            }))
        })
    }
}
