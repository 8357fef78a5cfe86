//! The people of the simulator.

use sha2::{Digest, Sha256};

use crate::jws;

/// A person who has an account with every provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimUser {
    /// By which the person is chosen: short and plain.
    pub name: String,
    /// What the person is called.
    pub nickname: String,
    /// Where the person reads mail.
    pub email: String,
    /// Whether WeChat shows the page to a virtual user in the person's stead.
    pub snapshot: bool,
}

impl SimUser {
    /// A person with an address at `example.com`.
    #[must_use]
    pub fn new(name: &str, nickname: &str) -> Self {
        let email = format!("{name}@example.com");
        Self { name: name.to_owned(), nickname: nickname.to_owned(), email, snapshot: false }
    }

    /// The person's openid with one application: another one with every other.
    pub(crate) fn openid(&self, app_id: &str) -> String {
        format!("o{}", self.digest(app_id).get(..27).unwrap_or_default())
    }

    /// The person's unionid with all applications of the simulator.
    pub(crate) fn unionid(&self) -> String {
        format!("u{}", self.digest("union").get(..27).unwrap_or_default())
    }

    /// A number, as Weibo and GitHub have it.
    pub(crate) fn number(&self) -> u64 {
        let digest = Sha256::digest(&self.name);
        digest.iter().take(5).fold(1, |sum, byte| sum << 8 | u64::from(*byte))
    }

    fn digest(&self, salt: &str) -> String {
        jws::encode(Sha256::digest(format!("{salt}\n{}", self.name)))
    }
}
