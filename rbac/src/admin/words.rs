//! Refusals in words, each with its remedy, in both languages.

use std::fmt;

use super::{Gainer, Refusal, Refused};
use crate::name::{DomainName, RoleName};
use crate::words::Lang;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Lang::En))
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// The refusal in a language, with the number of the change, counted from 1.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        let why = self.why.words(lang);
        match (self.at, lang) {
            (None, _) => why,
            (Some(at), Lang::Zh) => format!("第 {} 项更改：{why}", at.saturating_add(1)),
            (Some(at), _) => format!("change {}: {why}", at.saturating_add(1)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(Lang::En))
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// The refusal in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.in_chinese().or_else(|| self.rule_in_chinese()),
            _ => self.in_english().or_else(|| self.rule_in_english()),
        }
        .unwrap_or_default()
    }

    fn in_english(&self) -> Option<String> {
        Some(match self {
            Self::UnknownUser(user) => format!("there is no user `{user}`; add the user first"),
            Self::UnknownRole(role) => format!("there is no role `{role}`; add the role first"),
            Self::UnknownPermission(name) => format!("permission `{name}` is not registered; add it first"),
            Self::UnknownDomain(domain) => format!("there is no domain `{domain}`; add it first"),
            Self::UnknownDepartment(id) => format!("there is no department `{id}`; add it first"),
            Self::AlreadyThere => "it is so already".to_owned(),
            Self::NotThere => "what should be taken away is not there".to_owned(),
            Self::Empty => "the draft holds no change; add one".to_owned(),
            Self::TooManyChanges { changes_max } => {
                format!("the draft holds more than {changes_max} changes; divide it")
            }
            Self::TooMuchToCompare { comparisons_max } => {
                format!("checking the draft takes more than {comparisons_max} comparisons; divide it")
            }
            Self::Changed { version } => {
                format!("the policy was changed meanwhile and is at version `{version}`; look at it again")
            }
            Self::DepartmentInUse(id) => {
                format!("department `{id}` has users, departments below it or data scopes; move those first")
            }
            Self::TooManyRoles { roles_max } => {
                format!("there are {roles_max} roles, the most there may be; remove one first")
            }
            Self::TooManyPermissions { permissions_max } => {
                format!("there are {permissions_max} permissions, the most there may be; remove one first")
            }
            _ => return None,
        })
    }

    /// The refusals that rest on a rule about rights.
    fn rule_in_english(&self) -> Option<String> {
        Some(match self {
            Self::Cycle(path) => {
                format!("roles would inherit each other in a circle: {}; break it elsewhere first", way(path))
            }
            Self::DepartmentCycle(path) => {
                format!("departments would belong to each other: {}; choose another parent", way(path))
            }
            Self::RoleInDuty { role, duty } => {
                format!("role `{role}` is part of separation of duty `{duty}`; change that first")
            }
            Self::DutyShape(duty) => format!(
                "separation of duty `{duty}` needs two roles, and a cardinality from 2 to their number"
            ),
            Self::DutyViolated { duty, user, domain, roles } => format!(
                "user `{user}` would have {}{}, too many for separation of duty `{duty}`; take one away",
                roles_in(roles, "roles ", ", "),
                place(domain.as_ref(), " in domain `", "`"),
            ),
            Self::LastAdministrator => "nobody would be left who may change the whole policy for good; \
                                        make another administrator first"
                .to_owned(),
            Self::SelfLockOut(name) => {
                format!("you would lose `{name}` by your own hand; let another administrator do it")
            }
            Self::NotPermitted(name) => {
                format!("this change needs permission `{name}`, which you do not have")
            }
            Self::Escalation { gained_by, permissions } => format!(
                "{} would gain {}, which you do not hold; leave it to somebody who does",
                gainer(gained_by, "user", "role"),
                listed(permissions),
            ),
            Self::PatternEscalation { role, pattern } => format!(
                "role `{role}` would gain `{pattern}`, which reaches further than what you hold; \
                 leave it to somebody who holds it"
            ),
            Self::ScopeEscalation { gained_by, permission } => format!(
                "{} would see rows for `{permission}` that are not open to you; leave it to somebody who sees them",
                gainer(gained_by, "user", "role"),
            ),
            Self::OutOfReach(user) => {
                format!("user `{user}` is outside the departments that are open to you for this; ask there")
            }
            Self::DepartmentOutOfReach(id) => {
                format!("department `{id}` is not open to you for this; ask somebody to whom it is")
            }
            _ => return None,
        })
    }

    fn in_chinese(&self) -> Option<String> {
        Some(match self {
            Self::UnknownUser(user) => format!("用户 `{user}` 不存在；请先添加该用户"),
            Self::UnknownRole(role) => format!("角色 `{role}` 不存在；请先添加该角色"),
            Self::UnknownPermission(name) => format!("权限 `{name}` 未登记；请先登记"),
            Self::UnknownDomain(domain) => format!("域 `{domain}` 不存在；请先添加"),
            Self::UnknownDepartment(id) => format!("部门 `{id}` 不存在；请先添加"),
            Self::AlreadyThere => "已经如此".to_owned(),
            Self::NotThere => "要移除的内容不存在".to_owned(),
            Self::Empty => "没有任何更改；请至少添加一项".to_owned(),
            Self::TooManyChanges { changes_max } => format!("更改超过 {changes_max} 项；请分批提交"),
            Self::TooMuchToCompare { comparisons_max } => {
                format!("检查这些更改需要超过 {comparisons_max} 次比较；请分批提交")
            }
            Self::Changed { version } => format!("策略已被他人更改，现为版本 `{version}`；请重新查看"),
            Self::DepartmentInUse(id) => format!("部门 `{id}` 仍有用户、下级部门或数据范围；请先移走"),
            Self::TooManyRoles { roles_max } => format!("角色已达上限 {roles_max} 个；请先移除一个"),
            Self::TooManyPermissions { permissions_max } => {
                format!("权限已达上限 {permissions_max} 个；请先移除一个")
            }
            _ => return None,
        })
    }

    fn rule_in_chinese(&self) -> Option<String> {
        Some(match self {
            Self::Cycle(path) => format!("角色继承将形成环：{}；请先在别处断开", way(path)),
            Self::DepartmentCycle(path) => format!("部门隶属将形成环：{}；请另选上级部门", way(path)),
            Self::RoleInDuty { role, duty } => {
                format!("角色 `{role}` 属于职责分离 `{duty}`；请先修改该职责分离")
            }
            Self::DutyShape(duty) => {
                format!("职责分离 `{duty}` 至少需要两个角色，基数须在 2 与角色数之间")
            }
            Self::DutyViolated { duty, user, domain, roles } => format!(
                "用户 `{user}` {}将同时拥有{}，违反职责分离 `{duty}`；请收回其中之一",
                place(domain.as_ref(), "在域 `", "` 中"),
                roles_in(roles, "角色 ", "、"),
            ),
            Self::LastAdministrator => "将没有人能长期管理整个策略；请先指定另一位管理员".to_owned(),
            Self::SelfLockOut(name) => format!("您将亲手失去权限 `{name}`；请由其他管理员操作"),
            Self::NotPermitted(name) => format!("此更改需要权限 `{name}`，您没有该权限"),
            Self::Escalation { gained_by, permissions } => format!(
                "{} 将获得您没有的权限 {}；请由拥有者操作",
                gainer(gained_by, "用户", "角色"),
                listed(permissions),
            ),
            Self::PatternEscalation { role, pattern } => {
                format!("角色 `{role}` 将获得 `{pattern}`，超出您所拥有的范围；请由拥有者操作")
            }
            Self::ScopeEscalation { gained_by, permission } => format!(
                "{} 将因 `{permission}` 看到您看不到的数据；请由能看到的人操作",
                gainer(gained_by, "用户", "角色"),
            ),
            Self::OutOfReach(user) => format!("用户 `{user}` 不在您可管理的部门内；请联系其部门"),
            Self::DepartmentOutOfReach(id) => format!("部门 `{id}` 不在您可管理的范围内；请由可管理的人操作"),
            _ => return None,
        })
    }
}

/// `a` → `b` → `a`.
fn way(path: &[impl fmt::Display]) -> String {
    path.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(" → ")
}

fn listed(names: &[impl fmt::Display]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

fn roles_in(roles: &[RoleName], what: &str, between: &str) -> String {
    let names: Vec<_> = roles.iter().map(|role| format!("`{role}`")).collect();
    format!("{what}{}", names.join(between))
}

fn place(domain: Option<&DomainName>, before: &str, after: &str) -> String {
    domain.map(|domain| format!("{before}{domain}{after}")).unwrap_or_default()
}

fn gainer(gainer: &Gainer, user: &str, role: &str) -> String {
    match gainer {
        Gainer::User(name) => format!("{user} `{name}`"),
        Gainer::Role(name) => format!("{role} `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Gainer, Lang, Refusal};
    use crate::name::DepartmentId;
    use crate::store::PolicyVersion;

    fn all() -> Vec<Refusal> {
        let role = || "r1".parse().unwrap();
        let permissions = || vec!["a:x".parse().unwrap()];
        let gained_by = || Gainer::Role(role());
        let mut all = vec![
            Refusal::UnknownUser("alice".parse().unwrap()),
            Refusal::UnknownRole(role()),
            Refusal::UnknownPermission("a:x".parse().unwrap()),
            Refusal::UnknownDomain("d1".parse().unwrap()),
            Refusal::UnknownDepartment(DepartmentId::new(7)),
            Refusal::AlreadyThere,
            Refusal::NotThere,
            Refusal::Empty,
            Refusal::TooManyChanges { changes_max: 7 },
            Refusal::TooMuchToCompare { comparisons_max: 7 },
            Refusal::Changed { version: PolicyVersion::new(7) },
            Refusal::Cycle(vec![role(), role()]),
            Refusal::DepartmentCycle(vec![DepartmentId::new(7)]),
            Refusal::DepartmentInUse(DepartmentId::new(7)),
            Refusal::RoleInDuty { role: role(), duty: "s1".parse().unwrap() },
            Refusal::DutyShape("s1".parse().unwrap()),
        ];
        let in_place = |domain| Refusal::DutyViolated {
            duty: "s1".parse().unwrap(),
            user: "alice".parse().unwrap(),
            domain,
            roles: vec![role(), role()],
        };
        all.extend([in_place(None), in_place(Some("d1".parse().unwrap()))]);
        all.extend([
            Refusal::LastAdministrator,
            Refusal::SelfLockOut("rbac:escalate".parse().unwrap()),
            Refusal::NotPermitted("rbac:user:edit".parse().unwrap()),
            Refusal::Escalation { gained_by: gained_by(), permissions: permissions() },
            Refusal::PatternEscalation { role: role(), pattern: "a:*".parse().unwrap() },
            Refusal::ScopeEscalation { gained_by: gained_by(), permission: "a:x".parse().unwrap() },
            Refusal::OutOfReach("alice".parse().unwrap()),
            Refusal::DepartmentOutOfReach(DepartmentId::new(7)),
            Refusal::TooManyRoles { roles_max: 7 },
            Refusal::TooManyPermissions { permissions_max: 7 },
        ]);
        all
    }

    #[test]
    fn every_refusal_has_words_in_both_languages() {
        for refusal in all() {
            let (en, zh) = (refusal.words(Lang::En), refusal.words(Lang::Zh));
            assert!(en.starts_with(|c: char| c.is_ascii_lowercase()), "{refusal:?}: {en}");
            assert!(!en.ends_with('.') && !zh.ends_with('。'), "{refusal:?}");
            assert!(en.is_ascii() || en.contains('→'), "{en}");
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{refusal:?}: {zh}");
            // What is named in one language is named in the other.
            let ticks =
                |words: &str| words.split('`').skip(1).step_by(2).map(String::from).collect::<Vec<_>>();
            let (mut in_en, mut in_zh) = (ticks(&en), ticks(&zh));
            in_en.sort();
            in_zh.sort();
            assert_eq!(in_en, in_zh, "{en} {zh}");
            // Between a name and a Chinese letter stands a blank, on either side.
            let letter = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            let parts: Vec<&str> = zh.split('`').collect();
            for (at, part) in parts.iter().enumerate().step_by(2) {
                assert!(at == 0 || !part.starts_with(letter), "{zh}");
                assert!(at + 1 == parts.len() || !part.ends_with(letter), "{zh}");
            }
        }
    }
}
