//! Changes to the attributes of a session, as a value.

use std::collections::BTreeMap;

use crate::session::attributes::{AttributeName, AttributeValue};

/// Changes to the attributes of a session, made together or not at all.
///
/// ```
/// use sso_core::{AttributeName, Changes};
///
/// # fn main() -> Result<(), sso_core::Error> {
/// let name = AttributeName::new("cart_items")?;
/// // Only if nobody changed anything since the session was read at version 4.
/// let changes = Changes::new().set(name, 3).if_version(4);
/// assert_eq!(changes.expected_version(), Some(4));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    wanted: BTreeMap<AttributeName, Option<AttributeValue>>,
    expected_version: Option<u64>,
}

impl Changes {
    /// No change yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute, whether or not the session has it.
    #[must_use]
    pub fn set(mut self, name: AttributeName, value: impl Into<AttributeValue>) -> Self {
        self.wanted.insert(name, Some(value.into()));
        self
    }

    /// Takes an attribute away, whether or not the session has it.
    #[must_use]
    pub fn remove(mut self, name: AttributeName) -> Self {
        self.wanted.insert(name, None);
        self
    }

    /// Makes the changes only if the session is at this version still.
    #[must_use]
    pub const fn if_version(mut self, version: u64) -> Self {
        self.expected_version = Some(version);
        self
    }

    /// The version that the session must be at.
    #[must_use]
    pub const fn expected_version(&self) -> Option<u64> {
        self.expected_version
    }

    /// What is to be set (`Some`) and taken away (`None`), each name once.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&AttributeName, Option<&AttributeValue>)> {
        self.wanted.iter().map(|(name, value)| (name, value.as_ref()))
    }

    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }
}
