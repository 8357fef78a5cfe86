//! Sessions (INCITS 359): a user, a domain, and the roles that are chosen to be active.

mod refusal;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::refusal::SessionRefusal;
use crate::name::{DomainName, RoleName, UserId};
use crate::policy::{PermissionId, Policy, Through};
use crate::rows::DutyKind;
use crate::subject::Subject;
use crate::view::View;

/// Which of the roles that a user has are active. Without a session all of them are.
///
/// A session is a value: keep it wherever the application keeps its sessions. It holds names and gives nothing by
/// itself: each time it is used it is looked up in the policy of the moment, so a role that was revoked or has expired
/// drops out until it is assigned again, and a separation of duty that came later holds.
///
/// # Examples
///
/// ```
/// use rbac::{
///     Assignment, Duty, DutyKind, Effect, Grant, Policy, PolicyRows, RoleRow, SessionRefusal, UnixMillis, UserRow,
///     Window, perm,
/// };
///
/// let mut rows = PolicyRows::default();
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// for role in ["cashier", "auditor"] {
///     rows.roles.insert(role.parse()?, RoleRow::new("".parse()?));
///     rows.assignments.insert(Assignment::new("alice".parse()?, role.parse()?), Window::ALWAYS);
/// }
/// rows.grants.insert(Grant::new("auditor".parse()?, "rbac:audit:view".parse()?), Effect::Allow);
/// let roles = ["cashier".parse()?, "auditor".parse()?].into();
/// rows.duties.insert("till".parse()?, Duty::new("".parse()?, DutyKind::Dynamic, 2, roles));
///
/// let policy = Policy::compile(&rows)?;
/// let view = policy.at(UnixMillis::EPOCH);
/// // Both roles at once are too many, so without a session nothing is permitted.
/// assert!(!view.subject_str("alice").expect("added above").can(perm::audit::VIEW));
///
/// let mut session = view.session(&"alice".parse()?, ["auditor".parse()?])?;
/// assert!(session.can(view, perm::audit::VIEW));
/// let refusal = session.add_role(view, "cashier".parse()?).unwrap_err();
/// assert!(matches!(refusal, SessionRefusal::DutyViolated { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    user: UserId,
    domain: Option<DomainName>,
    roles: BTreeSet<RoleName>,
}

impl View<'_> {
    /// Opens a session in the domain of the view, with these roles active (`CreateSession`).
    ///
    /// Active can be any role that is assigned, holding now and here, and any that it inherits through enabled roles.
    ///
    /// # Errors
    ///
    /// [`SessionRefusal`] if a role is not the user's to activate, or if the roles must not be active together.
    pub fn session(
        self,
        user: &UserId,
        roles: impl IntoIterator<Item = RoleName>,
    ) -> Result<Session, SessionRefusal> {
        let session = Session {
            user: user.clone(),
            domain: self.domain().cloned(),
            roles: roles.into_iter().collect(),
        };
        session.check(self)?;
        Ok(session)
    }
}

impl Session {
    /// Whose session it is.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// Where it is good; everywhere if none: then only assignments without a domain take part.
    #[must_use]
    pub const fn domain(&self) -> Option<&DomainName> {
        self.domain.as_ref()
    }

    /// The roles that were chosen, in order of name, whether they are still the user's or not.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.iter()
    }

    /// One more role becomes active (`AddActiveRole`). Roles that are no longer the user's do not count.
    ///
    /// # Errors
    ///
    /// [`SessionRefusal`], as [`View::session`]; then the session is as it was.
    pub fn add_role(&mut self, view: View<'_>, role: RoleName) -> Result<(), SessionRefusal> {
        let mut wanted = self.clone();
        if let Some(active) = self.resume(view) {
            wanted.roles = active.roles().cloned().collect();
        }
        wanted.roles.insert(role.clone());
        wanted.check(view)?;
        self.roles.insert(role);
        Ok(())
    }

    /// A role is no longer active (`DropActiveRole`). True if it was chosen.
    pub fn drop_role(&mut self, role: &RoleName) -> bool {
        self.roles.remove(role)
    }

    /// The session in the policy of the moment; none if the user is gone, or if the view is of another domain.
    ///
    /// Roles that are not the user's there and then are left out. If the others must not be active together, because a
    /// rule came later, everything is denied with [`DenyReason::RolesToChoose`](crate::DenyReason::RolesToChoose) until
    /// roles are dropped.
    #[must_use]
    pub fn resume<'a>(&self, view: View<'a>) -> Option<ActiveSession<'a>> {
        let subject = view.subject(&self.user).filter(|_| view.domain() == self.domain())?;
        let policy = view.policy();
        let authorised = policy.closure(subject.held_roles(), Through::Enabled);
        let chosen = self.roles.iter().filter_map(|role| policy.role_table().find(role.as_str()));
        Some(ActiveSession { subject, roles: chosen.filter(|&role| authorised.contains(role)).collect() })
    }

    /// True if the permission is permitted in this session. To ask more than once, [`resume`](Self::resume) first.
    #[must_use]
    pub fn can(&self, view: View<'_>, permission: impl Into<PermissionId>) -> bool {
        self.resume(view).is_some_and(|active| active.subject().can(permission))
    }

    /// The rule: active roles ⊆ authorised roles, and no dynamic set has too many of what is active with them.
    fn check(&self, view: View<'_>) -> Result<(), SessionRefusal> {
        let Some(subject) = view.subject(&self.user) else {
            return Err(SessionRefusal::UnknownUser { user: self.user.clone() });
        };
        let Some(active) = self.resume(view) else {
            return Err(SessionRefusal::OtherDomain { domain: self.domain.clone() });
        };
        if !subject.is_active() {
            return Err(SessionRefusal::InactiveUser { user: self.user.clone() });
        }
        let mut left = active.roles();
        let mut next = left.next();
        for role in &self.roles {
            if next != Some(role) {
                return Err(SessionRefusal::NotAuthorised { role: role.clone() });
            }
            next = left.next();
        }
        match active.breach() {
            None => Ok(()),
            Some(refusal) => Err(refusal),
        }
    }
}

/// A [`Session`] in the policy of one moment, with the roles that are the user's there and then.
#[derive(Clone, Debug)]
pub struct ActiveSession<'a> {
    subject: Subject<'a>,
    /// In order of name.
    roles: Vec<u32>,
}

impl ActiveSession<'_> {
    /// The user with the roles of the session only, to be asked anything that a user can be asked.
    ///
    /// What a role that is not active denies stays denied: no choice of roles gives more than all of them together.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        self.subject.choosing(&self.roles)
    }

    /// The active roles, without those they inherit, in order of name.
    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.roles.iter().filter_map(|&role| self.policy().role_name(role))
    }

    const fn policy(&self) -> &Policy {
        self.subject.view().policy()
    }

    /// The first dynamic set that the active roles break.
    fn breach(&self) -> Option<SessionRefusal> {
        let duties = self.policy().duties();
        let breach = duties.breaches(DutyKind::Dynamic, self.roles.iter().copied()).into_iter().next()?;
        let roles = breach.roles.iter().filter_map(|&role| self.policy().role_name(role)).cloned().collect();
        duties.set(breach.set).map(|set| SessionRefusal::DutyViolated { duty: set.name.clone(), roles })
    }
}
