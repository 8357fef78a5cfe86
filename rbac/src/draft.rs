//! Several changes that are made together or not at all, who makes them, and why.

use std::fmt;

use crate::change::Change;
use crate::name::{Label, Reason, UserId};
use crate::session::Session;
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
    session: Option<Session>,
    changes: Vec<Change>,
    reason: Reason,
    expected: Option<PolicyVersion>,
}

impl Draft {
    /// Nothing yet, by this actor.
    #[must_use]
    pub fn new(actor: Actor) -> Self {
        Self { actor, session: None, changes: Vec::new(), reason: Reason::default(), expected: None }
    }

    /// Nothing yet, by the user of a session: only its roles count for what the user may change and give. So a user
    /// whose roles must not be used together can change something at all.
    ///
    /// ```
    /// use rbac::{Actor, Draft, Policy, PolicyRows, UnixMillis, UserRow};
    ///
    /// let mut rows = PolicyRows::default();
    /// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
    /// let policy = Policy::compile(&rows)?;
    /// let session = policy.at(UnixMillis::EPOCH).session(&"alice".parse()?, [])?;
    /// let draft = Draft::in_session(session);
    /// assert_eq!(draft.actor(), &Actor::User("alice".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn in_session(session: Session) -> Self {
        let actor = Actor::User(session.user().clone());
        Self { session: Some(session), ..Self::new(actor) }
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

    /// The session that it is made in, if it is made in one.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
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
