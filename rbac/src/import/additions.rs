//! Imported rows into a policy that holds some already: what to add, and what stands against it.

use std::collections::{BTreeMap, BTreeSet};

use super::LeftOut;
use super::wider::Wider;
use crate::change::Change;
use crate::name::{DepartmentId, Label};
use crate::rows::{PolicyRows, RoleRow, UserRow};
use crate::scope::DataScope;

/// What brings rows into a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Additions {
    /// The changes, in an order in which each finds what it needs. None of them alters or takes away what is there.
    pub changes: Vec<Change>,
    /// What is there already and says something else. It stays as it is.
    pub conflicts: Vec<LeftOut>,
}

/// The changes that bring rows into a policy that holds some already. They only add: where both say something about
/// the same, the policy's word stays, and the difference is a conflict to look at.
///
/// A role that is there may give more than the imported one of the same name: allow or inherit something that only the
/// policy knows of, open more rows, or be enabled where the imported one is not. Each such thing is a conflict, and
/// nobody new is assigned the role or one that inherits it, so that nobody may more than the import says: each assignment
/// that waits is a conflict too. So are the new ones of a user who is active here and not in the import. If a denial
/// waits, or comes by a role that is disabled here or at other times, all the user's imported assignments wait.
///
/// More than [`CHANGES_MAX`](crate::CHANGES_MAX) changes need several drafts, in their order.
///
/// ```
/// use rbac::{Actor, Draft, PolicyRows, import};
///
/// let now = PolicyRows::default();
/// let imported = import::csv("kind,name,label,status\nuser,alice,Alice,active\nrole,editor,Editor,enabled\n")?;
/// let additions = import::additions(&now, &imported.rows);
/// assert!(additions.conflicts.is_empty());
/// let draft = Draft::new(Actor::System("import".parse()?)).changes_of(additions.changes);
/// assert_eq!(draft.changes().len(), 2);
/// # Ok::<(), rbac::Error>(())
/// ```
#[must_use]
pub fn additions(now: &PolicyRows, wanted: &PolicyRows) -> Additions {
    let wider = Wider::new(now, wanted);
    let mut adding = Adding { now, wanted, wider, additions: Additions::default() };
    adding.names();
    adding.departments();
    adding.users();
    adding.roles();
    adding.relations();
    adding.assignments();
    adding.additions
}

struct Adding<'a> {
    now: &'a PolicyRows,
    wanted: &'a PolicyRows,
    wider: Wider<'a>,
    additions: Additions,
}

impl Adding<'_> {
    fn change(&mut self, change: Change) {
        self.additions.changes.push(change);
    }

    fn conflict(&mut self, place: String, what: &str, why: impl Into<String>) {
        self.additions.conflicts.push(LeftOut::new(place, what, why));
    }

    /// An empty label says nothing, so it is no conflict.
    fn label(&mut self, place: String, here: &Label, wanted: &Label) {
        if here != wanted && !wanted.as_str().is_empty() {
            self.conflict(place, wanted.as_str(), format!("its label is `{here}` and stays"));
        }
    }

    fn names(&mut self) {
        for (name, row) in &self.wanted.permissions {
            match self.now.permissions.get(name) {
                None => {
                    self.change(Change::AddPermission { permission: name.clone(), label: row.label.clone() })
                }
                Some(here) => self.label(format!("permission `{name}`"), &here.label, &row.label),
            }
        }
        for (name, row) in &self.wanted.domains {
            match self.now.domains.get(name) {
                None => self.change(Change::AddDomain { domain: name.clone(), label: row.label.clone() }),
                Some(here) => self.label(format!("domain `{name}`"), &here.label, &row.label),
            }
        }
    }

    /// Each after the one that it belongs to; what stands in a circle is a conflict.
    fn departments(&mut self) {
        let mut below: BTreeMap<DepartmentId, Vec<DepartmentId>> = BTreeMap::new();
        let mut ready: Vec<DepartmentId> = Vec::new();
        let mut waiting = BTreeSet::new();
        for (&id, row) in &self.wanted.departments {
            if let Some(here) = self.now.departments.get(&id) {
                self.label(format!("department `{id}`"), &here.label, &row.label);
                if here.parent != row.parent {
                    let why = format!("it belongs to {} and stays there", department_text(here.parent));
                    self.conflict(format!("department `{id}`"), &department_text(row.parent), why);
                }
                continue;
            }
            waiting.insert(id);
            match row.parent.filter(|parent| !self.now.departments.contains_key(parent)) {
                None => ready.push(id),
                Some(parent) => below.entry(parent).or_default().push(id),
            }
        }
        ready.reverse();
        while let Some(id) = ready.pop() {
            waiting.remove(&id);
            ready.extend(below.remove(&id).into_iter().flatten().rev());
            if let Some(row) = self.wanted.departments.get(&id) {
                self.change(Change::AddDepartment {
                    department: id,
                    label: row.label.clone(),
                    parent: row.parent,
                });
            }
        }
        for id in waiting {
            let why = "what it belongs to is not there, or departments belong to each other in a circle";
            self.conflict(format!("department `{id}`"), &id.to_string(), why);
        }
    }

    fn users(&mut self) {
        for (user, row) in &self.wanted.users {
            let Some(here) = self.now.users.get(user) else {
                self.change(Change::AddUser { user: user.clone(), label: row.label.clone() });
                if row.department.is_some() {
                    self.change(Change::SetUserDepartment { user: user.clone(), department: row.department });
                }
                if !row.active {
                    self.change(Change::SetUserActive { user: user.clone(), active: false });
                }
                continue;
            };
            let place = || format!("user `{user}`");
            self.label(place(), &here.label, &row.label);
            let UserRow { active, department, .. } = *here;
            if active != row.active {
                let stays = if active {
                    "the user is active and stays so"
                } else {
                    "the user is inactive and stays so"
                };
                self.conflict(place(), if row.active { "active" } else { "inactive" }, stays);
            }
            if department != row.department {
                let why = format!("the user is in {} and stays there", department_text(department));
                self.conflict(place(), &department_text(row.department), why);
            }
        }
    }

    fn roles(&mut self) {
        for (role, row) in &self.wanted.roles {
            let Some(here) = self.now.roles.get(role) else {
                self.change(Change::AddRole { role: role.clone(), label: row.label.clone() });
                if !row.enabled {
                    self.change(Change::SetRoleEnabled { role: role.clone(), enabled: false });
                }
                if row.data_scope != DataScope::Nothing {
                    self.change(Change::SetDataScope { role: role.clone(), scope: row.data_scope.clone() });
                }
                continue;
            };
            let place = || format!("role `{role}`");
            self.label(place(), &here.label, &row.label);
            let RoleRow { enabled, data_scope, .. } = here;
            if *enabled != row.enabled {
                let stays = if *enabled {
                    "the role is enabled and stays so"
                } else {
                    "the role is disabled and stays so"
                };
                self.conflict(place(), if row.enabled { "enabled" } else { "disabled" }, stays);
            }
            if *data_scope != row.data_scope {
                let why = format!("the role opens {data_scope} and stays so");
                self.conflict(place(), &row.data_scope.to_string(), why);
            }
        }
    }

    fn relations(&mut self) {
        for inheritance in self.wanted.inheritance.difference(&self.now.inheritance) {
            let (senior, junior) = (inheritance.senior.clone(), inheritance.junior.clone());
            self.change(Change::Inherit { senior, junior });
        }
        for (grant, &effect) in &self.wanted.grants {
            match self.now.grants.get(grant) {
                None => {
                    let (role, pattern) = (grant.role.clone(), grant.pattern.clone());
                    self.change(Change::Grant { role, pattern, effect });
                }
                Some(&here) if here == effect => {}
                Some(here) => {
                    let what = format!("{effect} {}", grant.pattern);
                    self.conflict(
                        format!("role `{}`", grant.role),
                        &what,
                        format!("it says {here} and stays so"),
                    );
                }
            }
        }
        for (name, duty) in &self.wanted.duties {
            match self.now.duties.get(name) {
                None => self.change(Change::SetDuty { name: name.clone(), duty: duty.clone() }),
                Some(here) if here == duty => {}
                Some(_) => {
                    let why = "a set of this name is there and says something else; it stays";
                    self.conflict(format!("separation of duty `{name}`"), name.as_str(), why);
                }
            }
        }
    }

    /// None by which somebody would get more than the import says.
    fn assignments(&mut self) {
        for (role, what) in std::mem::take(&mut self.wider.beyond) {
            let why = "the imported role lacks it; until both agree nobody new is assigned the role";
            self.conflict(format!("role `{role}`"), &what, why);
        }
        for (assignment, &window) in &self.wanted.assignments {
            let why = match self.now.assignments.get(assignment) {
                Some(here) if *here == window => continue,
                Some(_) => "the user has the role at other times, and these stay".to_owned(),
                None => {
                    let Some(why) = self.wider.holds_back(assignment) else {
                        self.change(Change::Assign { assignment: assignment.clone(), window });
                        continue;
                    };
                    why
                }
            };
            self.conflict(format!("user `{}`", assignment.user), assignment.role.as_str(), why);
        }
    }
}

fn department_text(department: Option<DepartmentId>) -> String {
    department.map_or_else(|| "no department".to_owned(), |id| format!("department `{id}`"))
}
