//! The decision: permit or deny, and why.
//!
//! Denied by default; an inactive user first; then duties that must be kept apart; then a deny at any depth beats
//! every allow.

use std::fmt;

use crate::explain::find_trail;
use crate::name::{DomainName, DutyName, PermissionName, RoleName, UserId};
use crate::policy::PermissionId;
use crate::rows::Effect;
use crate::subject::{Standing, Subject};
use crate::view::View;
use crate::words::{Lang, Say};

/// Whether a user may. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Decision {
    /// Yes.
    Permit,
    /// No, and why not.
    Deny(DenyReason),
}

/// Why not. The words ([`Display`](fmt::Display) in English, [`words`](Self::words) in all languages) tell what is
/// missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenyReason {
    /// There is no such user.
    UnknownUser,
    /// The user is switched off.
    InactiveUser,
    /// The roles that the user has must not be used together (INCITS 359: DSD). The user has to open a session with
    /// fewer of them.
    RolesToChoose {
        /// The separation of duty.
        duty: DutyName,
    },
    /// A role of the user, or one it inherits, is denied it.
    ExplicitDeny {
        /// The role that the denying grant stands in.
        role: RoleName,
    },
    /// No role of the user is allowed it.
    NotGranted,
    /// The id belongs to another policy, to a catalogue that this one was not compiled with, or to a permission that
    /// is gone. A name that is not registered is an [`UnknownPermission`] instead.
    ForeignPermission,
}

/// What [`Subject::check`] says instead of yes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Denied {
    reason: DenyReason,
    permission: Option<PermissionName>,
}

/// A permission was asked for that is not registered: a slip in the program, not a "no" to the user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownPermission(PermissionName);

/// A domain was asked for that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownDomain(DomainName);

impl UnknownPermission {
    /// The permission that was asked for.
    #[must_use]
    pub const fn name(&self) -> &PermissionName {
        &self.0
    }
}

impl fmt::Display for UnknownPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permission `{}` is not registered; add it to the policy or correct the name", self.0)
    }
}

impl std::error::Error for UnknownPermission {}

impl UnknownDomain {
    pub(crate) fn new(domain: &DomainName) -> Self {
        Self(domain.clone())
    }

    /// The domain that was asked for.
    #[must_use]
    pub const fn name(&self) -> &DomainName {
        &self.0
    }
}

impl fmt::Display for UnknownDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no domain `{}`; add it to the policy or correct the name", self.0)
    }
}

impl std::error::Error for UnknownDomain {}

impl Decision {
    /// True for [`Decision::Permit`].
    #[must_use]
    pub const fn is_permit(&self) -> bool {
        matches!(self, Self::Permit)
    }
}

impl DenyReason {
    /// The reason in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Say for DenyReason {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        match (lang, self) {
            (Lang::En, Self::UnknownUser) => f.write_str("there is no such user"),
            (Lang::Zh, Self::UnknownUser) => f.write_str("没有该用户"),
            (Lang::En, Self::InactiveUser) => f.write_str("the user is not active"),
            (Lang::Zh, Self::InactiveUser) => f.write_str("用户已停用"),
            (Lang::En, Self::RolesToChoose { duty }) => {
                write!(
                    f,
                    "the roles break the separation of duty `{duty}`, choose fewer of them for a session"
                )
            }
            (Lang::Zh, Self::RolesToChoose { duty }) => {
                write!(f, "角色违反职责分离 `{duty}`，请在会话中选用较少的角色")
            }
            (Lang::En, Self::ExplicitDeny { role }) => write!(f, "role `{role}` is denied it"),
            (Lang::Zh, Self::ExplicitDeny { role }) => write!(f, "角色 `{role}` 被明确拒绝"),
            (Lang::En, Self::NotGranted) => f.write_str("no role of the user is allowed it"),
            (Lang::Zh, Self::NotGranted) => f.write_str("用户的角色均未获授权"),
            (Lang::En, Self::ForeignPermission) => f.write_str("this policy does not know the permission"),
            (Lang::Zh, Self::ForeignPermission) => f.write_str("当前策略没有该权限"),
        }
    }
}

impl fmt::Display for DenyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl Denied {
    /// Why.
    #[must_use]
    pub const fn reason(&self) -> &DenyReason {
        &self.reason
    }

    /// What was asked for; none for [`DenyReason::ForeignPermission`].
    #[must_use]
    pub const fn permission(&self) -> Option<&PermissionName> {
        self.permission.as_ref()
    }

    /// The denial in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Say for Denied {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        match (lang, &self.permission) {
            (Lang::En, Some(permission)) => write!(f, "`{permission}` is denied: ")?,
            (Lang::Zh, Some(permission)) => write!(f, "`{permission}` 被拒绝：")?,
            (Lang::En, None) => f.write_str("denied: ")?,
            (Lang::Zh, None) => f.write_str("被拒绝：")?,
        }
        self.reason.say(f, lang)
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl std::error::Error for Denied {}

impl View<'_> {
    /// Decides, with the reason. Where only yes or no matters, [`Subject::can`] is faster.
    ///
    /// # Errors
    ///
    /// [`UnknownPermission`] if the permission is not registered.
    pub fn decide(self, user: &UserId, permission: &PermissionName) -> Result<Decision, UnknownPermission> {
        let bit = self.bit_of(permission)?;
        let subject = self.subject(user);
        Ok(subject.map_or(Decision::Deny(DenyReason::UnknownUser), |subject| subject.decide_bit(bit)))
    }

    pub(crate) fn bit_of(self, permission: &PermissionName) -> Result<u32, UnknownPermission> {
        let bit = self.policy().registry().bit_of(permission.as_str());
        bit.ok_or_else(|| UnknownPermission(permission.clone()))
    }
}

impl Subject<'_> {
    /// As [`can`](Self::can), with the reason of a no: for `?` in a handler.
    ///
    /// # Errors
    ///
    /// [`Denied`] if it is not permitted.
    pub fn check(self, permission: impl Into<PermissionId>) -> Result<(), Denied> {
        let Some(bit) = self.policy().registry().bit(permission.into()) else {
            return Err(Denied { reason: DenyReason::ForeignPermission, permission: None });
        };
        match self.decide_bit(bit) {
            Decision::Permit => Ok(()),
            Decision::Deny(reason) => {
                Err(Denied { reason, permission: self.policy().registry().name(bit).cloned() })
            }
        }
    }

    /// As [`View::decide`], for what is active of this user.
    ///
    /// # Errors
    ///
    /// [`UnknownPermission`] if the permission is not registered.
    pub fn decide(self, permission: &PermissionName) -> Result<Decision, UnknownPermission> {
        self.view().bit_of(permission).map(|bit| self.decide_bit(bit))
    }

    pub(crate) fn decide_bit(self, bit: u32) -> Decision {
        match self.standing() {
            Standing::Inactive => return Decision::Deny(DenyReason::InactiveUser),
            Standing::ToChoose(set) => {
                if let Some(set) = self.policy().duties().set(set) {
                    return Decision::Deny(DenyReason::RolesToChoose { duty: set.name.clone() });
                }
            }
            Standing::Plain | Standing::Limited => {}
        }
        if self.has(bit) {
            return Decision::Permit;
        }
        Decision::Deny(match find_trail(self, bit, Effect::Deny) {
            Some(trail) => DenyReason::ExplicitDeny { role: trail.granted_role().clone() },
            None => DenyReason::NotGranted,
        })
    }
}
