//! The explanation of a decision: the way from the user over roles to the grant, and the nearest ways to another
//! answer; as data and in words.

mod near;
mod trail;

use std::fmt;

pub use self::near::{NEAR_MISSES_MAX, NearMiss};
pub use self::trail::Trail;
pub(crate) use self::trail::find_trail;
use crate::decide::{Decision, DenyReason, UnknownPermission};
use crate::name::{DomainName, PermissionName, UserId};
use crate::rows::Effect;
use crate::subject::Subject;
use crate::view::View;
use crate::words::{Lang, Say};

/// A decision and what it rests on. [`Display`](fmt::Display) puts it in one English sentence,
/// [`words`](Self::words) in one of any language.
///
/// # Examples
///
/// ```
/// use rbac::{
///     Assignment, Effect, Grant, Inheritance, Lang, NearMiss, Policy, PolicyRows, RoleRow, UnixMillis, UserRow, Window,
/// };
///
/// let mut rows = PolicyRows::default();
/// rows.roles.insert("clerk".parse()?, RoleRow::new("Clerk".parse()?));
/// rows.roles.insert("chief".parse()?, RoleRow::new("Chief".parse()?));
/// rows.inheritance.insert(Inheritance::new("chief".parse()?, "clerk".parse()?));
/// rows.grants.insert(Grant::new("clerk".parse()?, "rbac:user:*".parse()?), Effect::Allow);
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// rows.users.insert("bob".parse()?, UserRow::new("Bob".parse()?));
/// rows.assignments.insert(Assignment::new("alice".parse()?, "chief".parse()?), Window::ALWAYS);
///
/// let policy = Policy::compile(&rows)?;
/// let view = policy.at(UnixMillis::EPOCH);
/// let why = view.explain(&"alice".parse()?, &"rbac:user:edit".parse()?)?;
/// assert_eq!(
///     why.to_string(),
///     "user `alice` may `rbac:user:edit`: `alice` → `chief` → `clerk` → allow `rbac:user:*`",
/// );
/// let why_not = view.explain(&"bob".parse()?, &"rbac:user:edit".parse()?)?;
/// assert_eq!(why_not.near_misses()[0], NearMiss::AssignRole { role: "chief".parse()? });
/// assert!(why_not.words(Lang::Zh).contains("分配角色 `chief`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    user: UserId,
    permission: PermissionName,
    domain: Option<DomainName>,
    decision: Decision,
    because: Option<Trail>,
    overruled: Option<Trail>,
    near: Vec<NearMiss>,
}

impl Explanation {
    /// Who was asked about.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// What was asked for.
    #[must_use]
    pub const fn permission(&self) -> &PermissionName {
        &self.permission
    }

    /// Where; none if it was asked everywhere.
    #[must_use]
    pub const fn domain(&self) -> Option<&DomainName> {
        self.domain.as_ref()
    }

    /// The decision, the same as [`View::decide`] gives.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The way to the grant that decided: an allowing one of a permit, a denying one of an explicit deny,
    /// none of any other deny.
    #[must_use]
    pub const fn because(&self) -> Option<&Trail> {
        self.because.as_ref()
    }

    /// The way to an allowing grant that an explicit deny beat, if there is one.
    #[must_use]
    pub const fn overruled(&self) -> Option<&Trail> {
        self.overruled.as_ref()
    }

    /// After a deny: what would make it a permit, each alone, the nearest first; at most [`NEAR_MISSES_MAX`].
    #[must_use]
    pub fn near_misses(&self) -> &[NearMiss] {
        &self.near
    }

    /// The explanation in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }

    fn say_question(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        let (user, permission, permit) = (&self.user, &self.permission, self.decision.is_permit());
        match (lang, permit) {
            (Lang::En, true) => write!(f, "user `{user}` may `{permission}`")?,
            (Lang::En, false) => write!(f, "user `{user}` may not `{permission}`")?,
            (Lang::Zh, true) => write!(f, "用户 `{user}` 可以 `{permission}`")?,
            (Lang::Zh, false) => write!(f, "用户 `{user}` 不可 `{permission}`")?,
        }
        match (lang, &self.domain) {
            (_, None) => Ok(()),
            (Lang::En, Some(domain)) => write!(f, " in domain `{domain}`"),
            (Lang::Zh, Some(domain)) => write!(f, "（域 `{domain}`）"),
        }
    }
}

impl Say for Explanation {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        let (colon, overrules, nearest, comma) = match lang {
            Lang::En => (": ", ", which overrules ", "; it would be permitted after one of: ", ", "),
            Lang::Zh => ("：", "，优先于 ", "；以下任一项即可获准：", "、"),
        };
        self.say_question(f, lang)?;
        f.write_str(colon)?;
        match (&self.because, &self.decision) {
            (Some(trail), _) => trail.write(f, &self.user, lang)?,
            (None, Decision::Deny(reason)) => reason.say(f, lang)?,
            (None, Decision::Permit) => {}
        }
        if let Some(trail) = &self.overruled {
            f.write_str(overrules)?;
            trail.write(f, &self.user, lang)?;
        }
        for (at, near) in self.near.iter().enumerate() {
            f.write_str(if at == 0 { nearest } else { comma })?;
            near.say(f, lang)?;
        }
        Ok(())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl View<'_> {
    /// Explains a decision. It takes microseconds, more the more roles there are: for people, not for each request.
    ///
    /// # Errors
    ///
    /// [`UnknownPermission`] if the permission is not registered.
    pub fn explain(
        self,
        user: &UserId,
        permission: &PermissionName,
    ) -> Result<Explanation, UnknownPermission> {
        self.bit_of(permission)?;
        if let Some(subject) = self.subject(user) {
            return subject.explain(permission);
        }
        Ok(Explanation {
            user: user.clone(),
            permission: permission.clone(),
            domain: self.domain().cloned(),
            decision: Decision::Deny(DenyReason::UnknownUser),
            because: None,
            overruled: None,
            near: Vec::new(),
        })
    }
}

impl Subject<'_> {
    /// As [`View::explain`], for what is active of this user.
    ///
    /// # Errors
    ///
    /// [`UnknownPermission`] if the permission is not registered.
    pub fn explain(self, permission: &PermissionName) -> Result<Explanation, UnknownPermission> {
        let bit = self.view().bit_of(permission)?;
        let decision = self.decide_bit(bit);
        let find = |effect| find_trail(self, bit, effect);
        let (because, overruled) = match &decision {
            Decision::Permit => (find(Effect::Allow), None),
            Decision::Deny(DenyReason::ExplicitDeny { .. }) => (find(Effect::Deny), find(Effect::Allow)),
            Decision::Deny(_) => (None, None),
        };
        let near = match &decision {
            Decision::Permit => Vec::new(),
            Decision::Deny(reason) => near::near_misses(self, bit, permission, reason),
        };
        let (user, permission) = (self.id().clone(), permission.clone());
        let domain = self.view().domain().cloned();
        Ok(Explanation { user, permission, domain, decision, because, overruled, near })
    }
}
