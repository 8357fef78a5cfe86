//! The names of keys. All of one bucket carry one hash tag, so that a cluster keeps them on one node.

use std::sync::Arc;

use crate::error::Error;
use crate::secret::SessionKey;
use crate::store::key_prefix;
use crate::user_id::UserTag;

/// What all keys begin with.
#[derive(Clone, Debug)]
pub(super) struct Keys(Arc<str>);

/// The lists of a user, and of the user's bucket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) index: String,
    pub(super) names: String,
    pub(super) ends: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Result<Self, Error> {
        Ok(Self(Arc::from(key_prefix::checked(prefix)?)))
    }

    pub(super) fn prefix(&self) -> &str {
        &self.0
    }

    pub(super) fn session(&self, key: &SessionKey) -> String {
        format!("{{{}:{:02x}}}:s:{}", self.0, key.tag().bucket(), key.digest_text())
    }

    pub(super) fn lists(&self, tag: UserTag) -> Lists {
        let bucket = tag.bucket();
        let index = format!("{{{}:{bucket:02x}}}:u:{tag}", self.0);
        Lists { index, names: self.names(bucket), ends: self.ends(bucket) }
    }

    pub(super) fn names(&self, bucket: u8) -> String {
        format!("{{{}:{bucket:02x}}}:o", self.0)
    }

    pub(super) fn ends(&self, bucket: u8) -> String {
        format!("{{{}:{bucket:02x}}}:x", self.0)
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self(Arc::from("gh"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::secret::SessionSecret;
    use crate::user_id::UserId;

    #[test]
    fn all_keys_of_a_user_share_one_hash_tag_and_hold_neither_user_nor_secret() {
        let keys = Keys::new("shop").unwrap();
        let user = UserId::new("a:{b}*\n").unwrap();
        let key = SessionSecret::new(&user, [9; 32]).key();
        let tag = user.tag().to_string();
        let begin = format!("{{shop:{}}}", tag.split_at(2).0);
        assert_eq!(keys.session(&key), format!("{begin}:s:{}", key.digest_text()));
        let lists = Lists {
            index: format!("{begin}:u:{tag}"),
            names: format!("{begin}:o"),
            ends: format!("{begin}:x"),
        };
        assert_eq!(keys.lists(user.tag()), lists);
        for bad in ["", "{a}", "a b", "a\n", &"x".repeat(33)] {
            assert_eq!(Keys::new(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad:?}");
        }
    }
}
