//! Several changes that are made together or not at all, who makes them, and why.

use std::fmt;

use crate::change::Change;
use crate::name::{Label, Reason, UserId};
use crate::store::PolicyVersion;

/// The most changes that one draft may hold.
pub const CHANGES_MAX: usize = 100_000;

/// Who changes the policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A user of the policy. What the user may change, and to whom it may be given, is looked up in the policy.
    User(UserId),
    /// The program itself: a migration, an import, the first start. It may do what no user may, but it too cannot
    /// break a separation of duty or leave nobody in charge.
    System(Label),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "{user}"),
            Self::System(name) => write!(f, "system: {name}"),
        }
    }
}

/// Changes that are made together: checked as a whole, recorded under one version, or refused as a whole.
///
/// ```
/// use rbac::{Actor, Change, Draft};
///
/// let draft = Draft::new(Actor::System("setup".parse()?))
///     .change(Change::AddUser { user: "alice".parse()?, label: "Alice".parse()? })
///     .reason("first start".parse()?);
/// assert_eq!(draft.changes().len(), 1);
/// # Ok::<(), rbac::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    actor: Actor,
    changes: Vec<Change>,
    reason: Reason,
    expected: Option<PolicyVersion>,
}

impl Draft {
    /// Nothing yet, by this actor.
    #[must_use]
    pub fn new(actor: Actor) -> Self {
        Self { actor, changes: Vec::new(), reason: Reason::default(), expected: None }
    }

    /// One more change.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// More changes, in their order.
    #[must_use]
    pub fn changes_of(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// Why, for the audit trail.
    #[must_use]
    pub fn reason(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    /// Refuses the draft if the policy is not at this version any more: for a form that was filled in some time ago.
    #[must_use]
    pub const fn expect(mut self, version: PolicyVersion) -> Self {
        self.expected = Some(version);
        self
    }

    /// Who makes the changes.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The changes in their order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Why.
    #[must_use]
    pub const fn why(&self) -> &Reason {
        &self.reason
    }

    /// The version that the policy must be at.
    #[must_use]
    pub const fn expected(&self) -> Option<PolicyVersion> {
        self.expected
    }
}
