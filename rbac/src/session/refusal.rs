//! Why a session is not opened, or a role not activated.

use std::fmt;

use crate::name::{DomainName, DutyName, RoleName, UserId};
use crate::words::{Lang, Say};

/// Why a session is not opened, or a role not activated. An expected "no": nothing is broken, and nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionRefusal {
    /// There is no such user.
    UnknownUser {
        /// Who.
        user: UserId,
    },
    /// The user is switched off.
    InactiveUser {
        /// Who.
        user: UserId,
    },
    /// The role is not the user's to activate, now and here.
    NotAuthorised {
        /// The role.
        role: RoleName,
    },
    /// The roles must not be active together; choose fewer.
    DutyViolated {
        /// The separation of duty.
        duty: DutyName,
        /// The roles of the set that would be active, inherited ones among them, in order of name.
        roles: Vec<RoleName>,
    },
    /// The session belongs to another domain than the view; open one for each domain.
    OtherDomain {
        /// Where the session is good; everywhere if none.
        domain: Option<DomainName>,
    },
}

impl SessionRefusal {
    /// The refusal in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Say for SessionRefusal {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        match (lang, self) {
            (Lang::En, Self::UnknownUser { user }) => write!(f, "there is no user `{user}`"),
            (Lang::Zh, Self::UnknownUser { user }) => write!(f, "没有用户 `{user}`"),
            (Lang::En, Self::InactiveUser { user }) => write!(f, "user `{user}` is not active"),
            (Lang::Zh, Self::InactiveUser { user }) => write!(f, "用户 `{user}` 已停用"),
            (Lang::En, Self::NotAuthorised { role }) => {
                write!(f, "the user does not have role `{role}` now and here")
            }
            (Lang::Zh, Self::NotAuthorised { role }) => write!(f, "用户此时此处没有角色 `{role}`"),
            (Lang::En, Self::DutyViolated { duty, roles }) => {
                f.write_str("roles")?;
                roles.iter().try_for_each(|role| write!(f, " `{role}`"))?;
                write!(f, " must not be active together (separation of duties `{duty}`); choose fewer")
            }
            (Lang::Zh, Self::DutyViolated { duty, roles }) => {
                f.write_str("角色")?;
                roles.iter().try_for_each(|role| write!(f, " `{role}`"))?;
                write!(f, " 不能同时激活（职责分离 `{duty}`），请减少选择")
            }
            (Lang::En, Self::OtherDomain { domain: Some(domain) }) => {
                write!(f, "the session is good in domain `{domain}` only; open another one here")
            }
            (Lang::Zh, Self::OtherDomain { domain: Some(domain) }) => {
                write!(f, "会话只在域 `{domain}` 内有效，请在此处另开会话")
            }
            (Lang::En, Self::OtherDomain { domain: None }) => {
                f.write_str("the session was opened outside of domains; open another one here")
            }
            (Lang::Zh, Self::OtherDomain { domain: None }) => {
                f.write_str("会话不属于任何域，请在此处另开会话")
            }
        }
    }
}

impl fmt::Display for SessionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl std::error::Error for SessionRefusal {}
