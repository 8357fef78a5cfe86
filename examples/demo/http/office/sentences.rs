//! Changes and rows in words, in both languages: what a preview, the audit trail and its before and after say.

use rbac::{
    Assignment, AuditEntry, Change, DepartmentRow, DomainRow, Duty, DutyKind, Effect, Lang, PermissionRow,
    PolicyRows, RoleName, RoleRow, UserRow, Window, admin,
};

use super::labels::Labels;

/// One change in words.
pub(crate) fn change_words(change: &Change, labels: &Labels<'_>, lang: Lang) -> String {
    match lang {
        Lang::Zh => zh_users(change, labels)
            .or_else(|| zh_roles(change, labels))
            .unwrap_or_else(|| change.to_string()),
        _ => capital(&change.to_string()),
    }
}

/// What an entry of the audit trail changed, in words: in English as it was recorded, in Chinese worked out from its rows
/// before and after, so that a change which the same draft undid is not told.
pub(crate) fn entry_words(
    entry: &AuditEntry,
    labels: &Labels<'_>,
    rows: &PolicyRows,
    lang: Lang,
) -> Vec<String> {
    if lang != Lang::Zh {
        return entry.changes.clone();
    }
    let before = context(entry, rows).replaced(&entry.after, &entry.before);
    let after = before.clone().replaced(&entry.before, &entry.after);
    let words: Vec<_> = admin::changes_between(&before, &after)
        .iter()
        .map(|change| change_words(change, labels, lang))
        .collect();
    if words.is_empty() { entry.changes.clone() } else { words }
}

/// Everything that the rows of an entry name, whether it is still there or not.
fn context(entry: &AuditEntry, rows: &PolicyRows) -> PolicyRows {
    let mut known = PolicyRows::default();
    known.departments.clone_from(&rows.departments);
    let label = rbac::Label::default;
    for part in [&entry.before, &entry.after] {
        for parent in part.departments.values().filter_map(|row| row.parent) {
            known.departments.entry(parent).or_insert_with(|| DepartmentRow::new(label(), None));
        }
        for row in part.assignments.keys() {
            known.users.entry(row.user.clone()).or_insert_with(|| UserRow::new(label()));
            known.roles.entry(row.role.clone()).or_insert_with(|| RoleRow::new(label()));
            if let Some(domain) = &row.domain {
                known.domains.entry(domain.clone()).or_insert_with(|| DomainRow::new(label()));
            }
        }
        for row in part.grants.keys() {
            known.roles.entry(row.role.clone()).or_insert_with(|| RoleRow::new(label()));
            if let Some(name) = row.pattern.exact() {
                known.permissions.entry(name).or_insert_with(|| PermissionRow::new(label()));
            }
        }
        for edge in &part.inheritance {
            for role in [&edge.senior, &edge.junior] {
                known.roles.entry(role.clone()).or_insert_with(|| RoleRow::new(label()));
            }
        }
        for role in part.duties.values().flat_map(|duty| &duty.roles) {
            known.roles.entry(role.clone()).or_insert_with(|| RoleRow::new(label()));
        }
    }
    known
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn zh_users(change: &Change, labels: &Labels<'_>) -> Option<String> {
    Some(match change {
        Change::AddUser { user, label } => format!("新增用户 {label}（{user}）"),
        Change::SetUserLabel { user, label } => format!("用户 {user} 更名为“{label}”"),
        Change::SetUserActive { user, active: true } => format!("启用用户 {}", labels.user(user)),
        Change::SetUserActive { user, active: false } => format!("停用用户 {}", labels.user(user)),
        Change::SetUserDepartment { user, department: Some(department) } => {
            format!("将 {} 调入部门 {}", labels.user(user), labels.department(*department))
        }
        Change::SetUserDepartment { user, department: None } => format!("将 {} 移出部门", labels.user(user)),
        Change::RemoveUser { user } => format!("删除用户 {}", labels.user(user)),
        Change::Assign { assignment, window } => {
            format!("授予 {}", zh_assignment(assignment, *window, labels))
        }
        Change::Unassign { assignment } => {
            format!("收回 {}", zh_assignment(assignment, Window::ALWAYS, labels))
        }
        Change::AddDomain { domain, label } => format!("新增域 {label}（{domain}）"),
        Change::SetDomainLabel { domain, label } => format!("域 {domain} 更名为“{label}”"),
        Change::RemoveDomain { domain } => format!("删除域 {}", labels.domain(domain)),
        Change::AddDepartment { department, label, parent } => match parent {
            Some(parent) => format!("在 {} 下新增部门 {label}（{department}）", labels.department(*parent)),
            None => format!("新增顶级部门 {label}（{department}）"),
        },
        Change::SetDepartmentLabel { department, label } => format!("部门 {department} 更名为“{label}”"),
        Change::MoveDepartment { department, parent: Some(parent) } => {
            format!("将部门 {} 移到 {} 之下", labels.department(*department), labels.department(*parent))
        }
        Change::MoveDepartment { department, parent: None } => {
            format!("将部门 {} 移为顶级", labels.department(*department))
        }
        Change::RemoveDepartment { department } => format!("删除部门 {}", labels.department(*department)),
        _ => return None,
    })
}

fn zh_roles(change: &Change, labels: &Labels<'_>) -> Option<String> {
    let role_of = |role: &RoleName| labels.role(role);
    Some(match change {
        Change::AddRole { role, label } => format!("新增角色 {label}（{role}）"),
        Change::SetRoleLabel { role, label } => format!("角色 {role} 更名为“{label}”"),
        Change::SetRoleEnabled { role, enabled: true } => format!("启用角色 {}", role_of(role)),
        Change::SetRoleEnabled { role, enabled: false } => format!("停用角色 {}", role_of(role)),
        Change::SetDataScope { role, scope } => {
            format!("角色 {} 的数据范围设为“{}”", role_of(role), labels.data_scope(scope))
        }
        Change::RemoveRole { role } => format!("删除角色 {}", role_of(role)),
        Change::Grant { role, pattern, effect } => {
            let verb = if *effect == Effect::Allow { "允许" } else { "禁止" };
            format!("{verb}角色 {}：{pattern}", role_of(role))
        }
        Change::Revoke { role, pattern } => format!("撤销角色 {} 的规则 {pattern}", role_of(role)),
        Change::Inherit { senior, junior } => format!("角色 {} 继承 {}", role_of(senior), role_of(junior)),
        Change::Disinherit { senior, junior } => {
            format!("角色 {} 不再继承 {}", role_of(senior), role_of(junior))
        }
        Change::AddPermission { permission, label } => format!("登记权限 {label}（{permission}）"),
        Change::SetPermissionLabel { permission, label } => format!("权限 {permission} 更名为“{label}”"),
        Change::RemovePermission { permission } => format!("删除权限 {permission}"),
        Change::SetDuty { name, duty } => format!("设置职责分离 {name}：{}", zh_duty(duty, labels)),
        Change::RemoveDuty { name } => format!("删除职责分离 {name}"),
        _ => return None,
    })
}

fn zh_assignment(assignment: &Assignment, window: Window, labels: &Labels<'_>) -> String {
    let (user, role) = (labels.user(&assignment.user), labels.role(&assignment.role));
    let note = labels.place_and_time(assignment.domain.as_ref(), window);
    if note.is_empty() {
        format!("{user} 角色 {role}")
    } else {
        format!("{user} 角色 {role}（{note}）")
    }
}

fn zh_duty(duty: &Duty, labels: &Labels<'_>) -> String {
    let kind = if duty.kind == DutyKind::Static { "静态" } else { "动态" };
    let roles: Vec<_> = duty.roles.iter().map(|role| labels.role(role)).collect();
    format!("{kind}，{} 中至多 {} 个", roles.join("、"), duty.cardinality.saturating_sub(1))
}

/// A row, by what it is about and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowLine {
    /// What makes it this row: the same before and after.
    pub(crate) key: String,
    /// What it says of that.
    pub(crate) value: String,
}

/// Some rows in words, one line each.
pub(crate) fn row_lines(rows: &PolicyRows, labels: &Labels<'_>, lang: Lang) -> Vec<RowLine> {
    let zh = lang == Lang::Zh;
    let say = |en: &'static str, zh_words: &'static str| if zh { zh_words } else { en };
    let line = |key: String, value: String| RowLine { key, value };
    let mut lines = Vec::new();
    for (id, row) in &rows.users {
        let state = if row.active { say("active", "启用") } else { say("inactive", "停用") };
        let department = row.department.map(|id| labels.department(id)).unwrap_or_default();
        lines.push(line(
            format!("{} {id}", say("user", "用户")),
            words(&[row.label.as_str(), state, &department]),
        ));
    }
    for (name, row) in &rows.roles {
        let state = if row.enabled { say("enabled", "启用") } else { say("disabled", "停用") };
        let scope = labels.data_scope(&row.data_scope);
        lines.push(line(
            format!("{} {name}", say("role", "角色")),
            words(&[row.label.as_str(), state, &scope]),
        ));
    }
    lines.extend(
        rows.permissions
            .iter()
            .map(|(name, row)| line(format!("{} {name}", say("permission", "权限")), row.label.to_string())),
    );
    lines.extend(
        rows.domains
            .iter()
            .map(|(name, row)| line(format!("{} {name}", say("domain", "域")), row.label.to_string())),
    );
    lines.extend(rows.departments.iter().map(|(id, row)| {
        let parent =
            row.parent.map(|parent| format!("{} {}", say("under", "上级"), labels.department(parent)));
        line(
            format!("{} {id}", say("department", "部门")),
            words(&[row.label.as_str(), &parent.unwrap_or_default()]),
        )
    }));
    lines.extend(said(rows, labels, say));
    lines
}

fn said(
    rows: &PolicyRows,
    labels: &Labels<'_>,
    say: impl Fn(&'static str, &'static str) -> &'static str,
) -> Vec<RowLine> {
    let line = |key: String, value: String| RowLine { key, value };
    let mut lines = Vec::new();
    lines.extend(rows.assignments.iter().map(|(assignment, window)| {
        let note = labels.place_and_time(assignment.domain.as_ref(), *window);
        let always = say("everywhere, always", "全域、长期").to_owned();
        let key = format!("{} → {}", labels.user(&assignment.user), labels.role(&assignment.role));
        line(key, if note.is_empty() { always } else { note })
    }));
    lines.extend(rows.grants.iter().map(|(grant, effect)| {
        let verb = if *effect == Effect::Allow { say("allow", "允许") } else { say("deny", "禁止") };
        line(format!("{} · {}", labels.role(&grant.role), grant.pattern), verb.to_owned())
    }));
    lines.extend(rows.inheritance.iter().map(|edge| {
        line(
            format!("{} ⊃ {}", labels.role(&edge.senior), labels.role(&edge.junior)),
            say("inherits", "继承").to_owned(),
        )
    }));
    lines.extend(rows.duties.iter().map(|(name, duty)| {
        let roles: Vec<_> = duty.roles.iter().map(|role| labels.role(role)).collect();
        let limit = duty.cardinality.saturating_sub(1).to_string();
        let value = words(&[duty.kind.as_str(), say("at most", "至多"), &limit, &roles.join(" / ")]);
        line(format!("{} {name}", say("duty", "职责分离")), value)
    }));
    lines
}

fn words(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" · ")
}
