//! Who gains and who loses what by a change: the difference between two policies, people who fare alike together.

use std::collections::{BTreeMap, BTreeSet};

use rbac::{DepartmentId, DiffGroup, PermissionName, Preview, Refusal, Scope, ScopeChange};
use serde::Serialize;

use super::desk::Desk;
use super::labels::Labels;
use super::text::with;

/// Users named in one group; the others are counted.
const USERS_SHOWN_MAX: usize = 8;
/// Permissions named of one group, gained and lost each.
const PERMISSIONS_SHOWN_MAX: usize = 24;

/// People who fare alike.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gain {
    pub(crate) users: Vec<Named>,
    /// How many fare alike beside those who are named.
    pub(crate) others: usize,
    #[serde(skip)]
    pub(crate) others_words: String,
    /// Where; empty for everywhere.
    pub(crate) domain: String,
    pub(crate) gained: Vec<Named>,
    pub(crate) lost: Vec<Named>,
    /// Permissions that are not named any more.
    pub(crate) more: usize,
    /// What they may as before, but for other rows.
    pub(crate) rows: Vec<RowsLine>,
}

/// Rows that come or go for some permissions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RowsLine {
    pub(crate) permissions: Vec<Named>,
    /// Permissions that are not named any more.
    pub(crate) more: usize,
    /// All rows that were open, in words.
    pub(crate) before: String,
    /// All rows that are open from then on.
    pub(crate) after: String,
    /// What comes, such as a department.
    pub(crate) gained: Vec<String>,
    /// What goes.
    pub(crate) lost: Vec<String>,
}

/// A name and what people see.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) label: String,
}

/// The groups of a preview's difference, as far as the visitor may see their users. What is refused because it is not
/// theirs to do is not worked out for them either.
pub(crate) fn gains(desk: &Desk, labels: &Labels<'_>, preview: &Preview) -> Vec<Gain> {
    let foreign = |why: &Refusal| matches!(why, Refusal::NotPermitted(_) | Refusal::OutOfReach(_));
    if preview.refused.as_ref().is_some_and(|refused| foreign(&refused.why)) {
        return Vec::new();
    }
    preview.diff.groups().iter().filter_map(|group| gain(desk, labels, group)).collect()
}

fn gain(desk: &Desk, labels: &Labels<'_>, group: &DiffGroup) -> Option<Gain> {
    let reach = desk.reach();
    let known = |user: &&rbac::UserId| !desk.rows().users.contains_key(*user) || reach.sees(user);
    let seen: Vec<_> = group.users.iter().filter(known).collect();
    let others = seen.len().saturating_sub(USERS_SHOWN_MAX);
    let user = |user: &&rbac::UserId| Named { name: user.to_string(), label: labels.user(user) };
    let shown = |names: &[PermissionName]| -> Vec<Named> {
        let named = |name: &PermissionName| Named { name: name.to_string(), label: labels.permission(name) };
        names.iter().take(PERMISSIONS_SHOWN_MAX).map(named).collect()
    };
    let (gained, lost) = (shown(&group.gained), shown(&group.lost));
    let all = group.gained.len() + group.lost.len();
    (!seen.is_empty()).then(|| Gain {
        users: seen.iter().take(USERS_SHOWN_MAX).map(user).collect(),
        others,
        others_words: with(desk.t.and_others, others),
        domain: group.domain.as_ref().map(|domain| labels.domain(domain)).unwrap_or_default(),
        more: all.saturating_sub(gained.len() + lost.len()),
        rows: rows(desk, labels, &group.rescoped),
        gained,
        lost,
    })
}

/// The changes of rows, permissions with the same change together.
fn rows(desk: &Desk, labels: &Labels<'_>, changed: &[ScopeChange]) -> Vec<RowsLine> {
    let mut alike: BTreeMap<(&Scope, &Scope), Vec<&PermissionName>> = BTreeMap::new();
    for change in changed {
        alike.entry((&change.before, &change.after)).or_default().push(&change.permission);
    }
    let line = |((before, after), names): ((&Scope, &Scope), Vec<&PermissionName>)| {
        let named = |name: &&PermissionName| Named { name: name.to_string(), label: labels.permission(name) };
        let permissions: Vec<_> = names.iter().take(PERMISSIONS_SHOWN_MAX).map(named).collect();
        RowsLine {
            more: names.len().saturating_sub(permissions.len()),
            permissions,
            before: labels.scope(before),
            after: labels.scope(after),
            gained: only_in(desk, labels, after, before),
            lost: only_in(desk, labels, before, after),
        }
    };
    alike.into_iter().map(line).collect()
}

/// What of the first rows is not among the second.
fn only_in(desk: &Desk, labels: &Labels<'_>, wide: &Scope, narrow: &Scope) -> Vec<String> {
    let (all, departments, own) = difference(wide, narrow);
    let all = all.then(|| desk.t.scope_all.to_owned());
    let own = own.then(|| desk.t.scope_own.to_owned());
    all.into_iter().chain(departments.into_iter().map(|id| labels.department(id))).chain(own).collect()
}

/// Whether all rows, which departments and whether own rows are in the first alone. All rows hold everything else.
fn difference(wide: &Scope, narrow: &Scope) -> (bool, BTreeSet<DepartmentId>, bool) {
    if narrow.all {
        return (false, BTreeSet::new(), false);
    }
    let departments = wide.departments.difference(&narrow.departments).copied().collect();
    (wide.all, departments, wide.own && !narrow.own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_and_go_by_department() {
        let rows = |all, departments: &[i64], own| Scope {
            all,
            departments: departments.iter().copied().map(DepartmentId::new).collect(),
            own,
        };
        let (one, two) = (rows(false, &[1, 2], true), rows(false, &[2, 3], false));
        assert_eq!(difference(&one, &two), (false, [DepartmentId::new(1)].into(), true));
        assert_eq!(difference(&two, &one), (false, [DepartmentId::new(3)].into(), false));
        let all = rows(true, &[], false);
        assert_eq!(difference(&all, &one), (true, BTreeSet::new(), false));
        assert_eq!(difference(&one, &all), (false, BTreeSet::new(), false));
    }
}
