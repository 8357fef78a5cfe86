//! The changes that make some rows of others, in an order in which each fits.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::Change;
use crate::name::{DepartmentId, RoleName};
use crate::rows::{Assignment, DepartmentRow, Effect, Inheritance, PolicyRows, RoleRow, UserRow};
use crate::store::AuditEntry;

/// The changes that undo a draft: they bring the rows back that went or became others by it, and take away those that
/// came. What later drafts did to the same rows is undone with it; all other rows stay.
///
/// They are changes like any others, so the rules may refuse them: revert an entry on rows as they are now, put the
/// changes into a draft, and look at its [`preview`](crate::admin::preview). They are none if nothing is left to undo.
///
/// # Examples
///
/// ```
/// use rbac::{Actor, Change, Draft, HistoryQuery, MemoryStore, PolicyRows, PolicyStore, UnixMillis, admin};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::default();
/// let draft = Draft::new(Actor::System("setup".parse()?));
/// let add = draft.clone().change(Change::AddUser { user: "alice".parse()?, label: "Alice".parse()? });
/// assert!(matches!(store.commit(&add, UnixMillis::EPOCH).await?, rbac::Applied::Done(_)));
///
/// let entry = store.history(&HistoryQuery::latest(1)).await?.remove(0);
/// let undo = admin::revert(&store.load().await?.rows, &entry);
/// assert_eq!(undo, [Change::RemoveUser { user: "alice".parse()? }]);
/// assert!(matches!(store.commit(&draft.changes_of(undo), UnixMillis::EPOCH).await?, rbac::Applied::Done(_)));
/// assert_eq!(store.load().await?.rows, PolicyRows::default());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn revert(now: &PolicyRows, entry: &AuditEntry) -> Vec<Change> {
    changes_between(now, &now.clone().replaced(&entry.after, &entry.before))
}

/// The changes that make the second rows of the first, in an order in which each fits the rows that those before it
/// left. Unreadable rows are not looked at: no change touches them.
#[must_use]
pub fn changes_between(now: &PolicyRows, wanted: &PolicyRows) -> Vec<Change> {
    let (went, came) = now.difference(wanted);
    let mut between = Between { now, wanted, went, came, changes: Vec::new() };
    // First what refers to others goes, then what is referred to; then all of that comes in the other order.
    between.duties_in_the_way();
    between.gone_relations();
    between.gone_names();
    between.departments();
    between.names();
    between.users_and_roles();
    between.gone_departments();
    between.relations();
    between.changes
}

struct Between<'a> {
    now: &'a PolicyRows,
    wanted: &'a PolicyRows,
    went: PolicyRows,
    came: PolicyRows,
    changes: Vec<Change>,
}

impl Between<'_> {
    /// A set that goes, and one that still holds a role that goes: it comes back as it is wanted.
    fn duties_in_the_way(&mut self) {
        let Self { now, wanted, .. } = self;
        let goes = |role: &RoleName| !wanted.roles.contains_key(role);
        let in_the_way = now.duties.iter().filter(|(name, duty)| {
            !wanted.duties.contains_key(*name)
                || (self.came.duties.contains_key(*name) && duty.roles.iter().any(goes))
        });
        self.changes.extend(in_the_way.map(|(name, _)| Change::RemoveDuty { name: name.clone() }));
    }

    /// What goes with a user, role, domain or permission that goes needs no change of its own. No deny goes with a
    /// permission.
    fn gone_relations(&mut self) {
        let Self { wanted, went, changes, .. } = self;
        let stays = |row: &Assignment| {
            let placed = row.domain.as_ref().is_none_or(|domain| wanted.domains.contains_key(domain));
            placed && wanted.users.contains_key(&row.user) && wanted.roles.contains_key(&row.role)
        };
        let gone = went.assignments.keys().filter(|row| !wanted.assignments.contains_key(*row) && stays(row));
        changes.extend(gone.map(|row| Change::Unassign { assignment: row.clone() }));
        for (row, &effect) in went.grants.iter().filter(|(row, _)| !wanted.grants.contains_key(*row)) {
            let goes = |name| went.permissions.contains_key(&name) && !wanted.permissions.contains_key(&name);
            let goes_along = effect == Effect::Allow && row.pattern.exact().is_some_and(goes);
            if wanted.roles.contains_key(&row.role) && !goes_along {
                changes.push(Change::Revoke { role: row.role.clone(), pattern: row.pattern.clone() });
            }
        }
        for Inheritance { senior, junior } in &went.inheritance {
            if wanted.roles.contains_key(senior) && wanted.roles.contains_key(junior) {
                changes.push(Change::Disinherit { senior: senior.clone(), junior: junior.clone() });
            }
        }
    }

    fn gone_names(&mut self) {
        let Self { wanted, went, changes, .. } = self;
        let users = went.users.keys().filter(|user| !wanted.users.contains_key(*user));
        changes.extend(users.map(|user| Change::RemoveUser { user: user.clone() }));
        let roles = went.roles.keys().filter(|role| !wanted.roles.contains_key(*role));
        changes.extend(roles.map(|role| Change::RemoveRole { role: role.clone() }));
        let permissions = went.permissions.keys().filter(|name| !wanted.permissions.contains_key(*name));
        changes.extend(permissions.map(|name| Change::RemovePermission { permission: name.clone() }));
        let domains = went.domains.keys().filter(|domain| !wanted.domains.contains_key(*domain));
        changes.extend(domains.map(|domain| Change::RemoveDomain { domain: domain.clone() }));
    }

    /// From the top down, so that each moves under one that is in its place already and no circle comes up.
    fn departments(&mut self) {
        for department in from_the_top(self.wanted) {
            let Some(row) = self.came.departments.get(&department) else { continue };
            let DepartmentRow { label, parent } = row.clone();
            match self.now.departments.get(&department) {
                None => self.changes.push(Change::AddDepartment { department, label, parent }),
                Some(old) => {
                    if old.label != label {
                        self.changes.push(Change::SetDepartmentLabel { department, label });
                    }
                    if old.parent != parent {
                        self.changes.push(Change::MoveDepartment { department, parent });
                    }
                }
            }
        }
    }

    fn names(&mut self) {
        let Self { now, came, changes, .. } = self;
        for (permission, row) in &came.permissions {
            let (permission, label) = (permission.clone(), row.label.clone());
            changes.push(match now.permissions.get(&permission) {
                None => Change::AddPermission { permission, label },
                Some(_) => Change::SetPermissionLabel { permission, label },
            });
        }
        for (domain, row) in &came.domains {
            let (domain, label) = (domain.clone(), row.label.clone());
            changes.push(match now.domains.get(&domain) {
                None => Change::AddDomain { domain, label },
                Some(_) => Change::SetDomainLabel { domain, label },
            });
        }
    }

    fn users_and_roles(&mut self) {
        let Self { now, came, changes, .. } = self;
        for (user, row) in &came.users {
            let old = now.users.get(user);
            let fresh = UserRow::new(row.label.clone());
            if old.is_none() {
                changes.push(Change::AddUser { user: user.clone(), label: row.label.clone() });
            }
            let old = old.unwrap_or(&fresh);
            if old.label != row.label {
                changes.push(Change::SetUserLabel { user: user.clone(), label: row.label.clone() });
            }
            if old.active != row.active {
                changes.push(Change::SetUserActive { user: user.clone(), active: row.active });
            }
            if old.department != row.department {
                changes.push(Change::SetUserDepartment { user: user.clone(), department: row.department });
            }
        }
        for (role, row) in &came.roles {
            let old = now.roles.get(role);
            let fresh = RoleRow::new(row.label.clone());
            if old.is_none() {
                changes.push(Change::AddRole { role: role.clone(), label: row.label.clone() });
            }
            let old = old.unwrap_or(&fresh);
            if old.label != row.label {
                changes.push(Change::SetRoleLabel { role: role.clone(), label: row.label.clone() });
            }
            if old.enabled != row.enabled {
                changes.push(Change::SetRoleEnabled { role: role.clone(), enabled: row.enabled });
            }
            if old.data_scope != row.data_scope {
                changes.push(Change::SetDataScope { role: role.clone(), scope: row.data_scope.clone() });
            }
        }
    }

    /// From below upwards: each is empty when its turn comes.
    fn gone_departments(&mut self) {
        let gone = from_the_top(self.now).into_iter().rev();
        let gone = gone.filter(|department| !self.wanted.departments.contains_key(department));
        self.changes.extend(gone.map(|department| Change::RemoveDepartment { department }));
    }

    fn relations(&mut self) {
        let Self { now, wanted, went, came, changes } = self;
        for Inheritance { senior, junior } in &came.inheritance {
            changes.push(Change::Inherit { senior: senior.clone(), junior: junior.clone() });
        }
        // A permission that goes takes along the grants that give it. Some are wanted: the program may declare it.
        let gone = |name| went.permissions.contains_key(&name) && !wanted.permissions.contains_key(&name);
        let taken = wanted.grants.iter().filter(|&(row, &effect)| {
            effect == Effect::Allow
                && now.grants.contains_key(row)
                && !came.grants.contains_key(row)
                && row.pattern.exact().is_some_and(gone)
        });
        for (row, &effect) in came.grants.iter().chain(taken) {
            changes.push(Change::Grant { role: row.role.clone(), pattern: row.pattern.clone(), effect });
        }
        for (row, &window) in &came.assignments {
            changes.push(Change::Assign { assignment: row.clone(), window });
        }
        for (name, duty) in &came.duties {
            changes.push(Change::SetDuty { name: name.clone(), duty: duty.clone() });
        }
    }
}

/// All departments, parents before children; those of a circle, and those below one, at the end.
fn from_the_top(rows: &PolicyRows) -> Vec<DepartmentId> {
    let mut children: BTreeMap<DepartmentId, Vec<DepartmentId>> = BTreeMap::new();
    let mut order = Vec::new();
    for (&department, row) in &rows.departments {
        match row.parent.filter(|parent| rows.departments.contains_key(parent)) {
            Some(parent) => children.entry(parent).or_default().push(department),
            None => order.push(department),
        }
    }
    let mut done = 0;
    while let Some(department) = order.get(done) {
        order.extend(children.remove(department).into_iter().flatten());
        done += 1;
    }
    let met: BTreeSet<_> = order.iter().copied().collect();
    order.extend(rows.departments.keys().filter(|department| !met.contains(*department)));
    order
}
