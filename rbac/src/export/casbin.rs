//! A policy as a model and a policy of casbin. What casbin cannot say is left out, and only ever takes away.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::{LeftOut, write_record};
use crate::name::{PermissionName, RoleName, UserId};
use crate::rows::{Assignment, Duty, DutyKind, Effect, Grant, PolicyRows};
use crate::time::Window;

/// The domain in which only what holds everywhere holds: ask with it where no domain is meant.
const NOWHERE: &str = "_";
/// casbin follows no more links than these from a user to a role.
const LINKS_MAX: usize = 9;

const MODEL: &str = "[request_definition]
r = sub, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

const MODEL_WITH_DOMAINS: &str = "[request_definition]
r = sub, dom, obj, act

[policy_definition]
p = sub, obj, act, eft

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = g(r.sub, p.sub, r.dom) && r.obj == p.obj && r.act == p.act
";

/// A policy as casbin has it, and what is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CasbinExport {
    /// The model file.
    pub model: String,
    /// The policy: `p` and `g` lines.
    pub policy: String,
    /// What casbin cannot say.
    pub left_out: Vec<LeftOut>,
}

/// Writes a policy for casbin.
///
/// - A permission `course:page:edit` is the object `course:page` and the action `edit`.
/// - A role is called `role:NAME`, because casbin keeps users and roles in one set of names.
/// - With domains each link stands once for each domain, and for `_`, in which only what holds everywhere holds: ask
///   with it where no domain is meant.
/// - A pattern is written out for the registered permissions: later ones do not follow.
///
/// Left out are assignments with a window, inactive users, disabled roles, separations of duty, data scopes, permissions
/// of one segment, and assignments of roles with longer chains than casbin follows. Where a role that is left out denies
/// something, or dynamic duties would be used together, the user is left out as a whole: nobody may more than before.
///
/// ```
/// use rbac::{export, import};
///
/// let table = "kind,name,role\nuser,alice,\nrole,editor,\npermission,course:edit,\npermission,course:view,\n\
///              grant,course:*,editor\nassignment,alice,editor\n";
/// let casbin = export::casbin(&import::csv(table)?.rows);
/// assert_eq!(casbin.policy, "p, role:editor, course, edit, allow\np, role:editor, course, view, allow\n\
///                            g, alice, role:editor\n");
/// # Ok::<(), rbac::Error>(())
/// ```
#[must_use]
pub fn casbin(rows: &PolicyRows) -> CasbinExport {
    let mut export = Export { rows, domains: Vec::new(), out: CasbinExport::default() };
    let domains = !rows.domains.is_empty();
    export.out.model = if domains { MODEL_WITH_DOMAINS } else { MODEL }.to_owned();
    if domains {
        export.domains = rows.domains.keys().map(|domain| domain.as_str().to_owned()).collect();
        export.domains.push(free_domain(rows));
    }
    export.grants();
    export.links();
    export.assignments();
    export.rest();
    export.out
}

/// `_`, or more of them if that is a domain.
fn free_domain(rows: &PolicyRows) -> String {
    let mut name = NOWHERE.to_owned();
    while rows.domains.contains_key(name.as_str()) {
        name.push_str(NOWHERE);
    }
    name
}

struct Export<'a> {
    rows: &'a PolicyRows,
    /// All domains, and the one that is none; empty without domains.
    domains: Vec<String>,
    out: CasbinExport,
}

impl<'a> Export<'a> {
    fn leave_out(&mut self, place: impl Into<String>, what: &str, why: &str) {
        self.out.left_out.push(LeftOut::new(place, what, why));
    }

    fn line(&mut self, fields: &[&str]) {
        write_record(&mut self.out.policy, fields, ", ");
    }

    fn is_on(&self, role: &RoleName) -> bool {
        self.rows.roles.get(role).is_some_and(|row| row.enabled)
    }

    fn grants(&mut self) {
        // A denial of one pattern and an allowance by another both stand: casbin's effect is that of this crate.
        let mut written = BTreeSet::new();
        let rows = self.rows;
        for (grant, &effect) in &rows.grants {
            let place = format!("role `{}`", grant.role);
            if !self.is_on(&grant.role) {
                self.leave_out(place, &grant.pattern.to_string(), "the role is disabled, or not there");
                continue;
            }
            let names = self.permissions(grant);
            if grant.pattern.exact().is_none() {
                let why = format!("written out as {} permissions; later ones do not follow", names.len());
                self.leave_out(place.clone(), &grant.pattern.to_string(), &why);
            } else if names.is_empty() {
                self.leave_out(place.clone(), &grant.pattern.to_string(), "the permission is not registered");
            }
            for name in names {
                match name.as_str().rsplit_once(':') {
                    Some((object, action)) if written.insert((grant.role.clone(), name, effect)) => {
                        let role = role_text(&grant.role);
                        self.line(&["p", &role, object, action, effect.as_str()]);
                    }
                    Some(_) => {}
                    None => {
                        let why = "casbin wants an object and an action; the permission has one segment only";
                        self.leave_out(place.clone(), name.as_str(), why);
                    }
                }
            }
        }
    }

    fn permissions(&self, grant: &Grant) -> Vec<&'a PermissionName> {
        self.rows.permissions.keys().filter(|name| grant.pattern.matches(name)).collect()
    }

    fn links(&mut self) {
        for row in &self.rows.inheritance {
            if self.is_on(&row.senior) && self.is_on(&row.junior) {
                self.link(&role_text(&row.senior), &role_text(&row.junior), None);
            } else {
                let what = format!("inherits `{}`", row.junior);
                self.leave_out(
                    format!("role `{}`", row.senior),
                    &what,
                    "one of the two is disabled, or not there",
                );
            }
        }
    }

    fn assignments(&mut self) {
        let (far, denying) = (self.too_far(), self.denying());
        let lost = |row: &Assignment, window: &Window| {
            let left_out = !window.is_always() || far.contains(&row.role);
            left_out && denying.contains(&row.role)
        };
        let rows = self.rows.assignments.iter().filter(|(row, window)| lost(row, window));
        let unsafe_users: BTreeSet<&UserId> = rows.map(|(row, _)| &row.user).collect();
        let choosing = self.choosing();
        let rows = self.rows;
        for (row, window) in &rows.assignments {
            let place = format!("user `{}`", row.user);
            let why = if !self.rows.users.get(&row.user).is_some_and(|user| user.active) {
                "the user is inactive, or not there"
            } else if !self.is_on(&row.role) {
                "the role is disabled, or not there"
            } else if unsafe_users.contains(&row.user) {
                "a role of the user that denies something cannot be carried over; without it the user might do more"
            } else if choosing.contains(&row.user) {
                "casbin has no sessions: the user would use roles together that a dynamic separation of duty keeps apart"
            } else if !window.is_always() {
                "casbin knows no times; add the link while it holds"
            } else if row.domain.as_ref().is_some_and(|domain| !self.rows.domains.contains_key(domain)) {
                "there is no such domain"
            } else if row.user.as_str().starts_with(ROLE_PREFIX) || row.user.as_str().starts_with('#') {
                "the user would be taken for a role or a comment"
            } else if far.contains(&row.role) {
                "casbin stops after ten links, and would not find what the role inherits, nor what it is denied"
            } else {
                self.assign(row);
                continue;
            };
            self.leave_out(place, row.role.as_str(), why);
        }
    }

    fn assign(&mut self, row: &Assignment) {
        let user: &UserId = &row.user;
        self.link(user.as_str(), &role_text(&row.role), row.domain.as_ref().map(AsRef::as_ref));
    }

    /// A link, in one domain or in all.
    fn link(&mut self, upper: &str, lower: &str, domain: Option<&str>) {
        if self.domains.is_empty() {
            return self.line(&["g", upper, lower]);
        }
        for domain in domain.map_or_else(|| self.domains.clone(), |domain| vec![domain.to_owned()]) {
            self.line(&["g", upper, lower, &domain]);
        }
    }

    /// Roles from which some role below is more links away than casbin follows.
    fn too_far(&self) -> BTreeSet<RoleName> {
        let mut juniors: BTreeMap<&RoleName, Vec<&RoleName>> = BTreeMap::new();
        for row in &self.rows.inheritance {
            juniors.entry(&row.senior).or_default().push(&row.junior);
        }
        let is_far = |start: &&RoleName| {
            let (mut seen, mut level) = (BTreeSet::from([*start]), vec![*start]);
            // The link from the user to the role is the first.
            for _ in 0..LINKS_MAX {
                let below = level.iter().filter_map(|role| juniors.get(role)).flatten().copied();
                level = below.filter(|role| seen.insert(role)).collect();
            }
            !level.is_empty()
        };
        juniors.keys().copied().filter(is_far).cloned().collect()
    }

    /// Enabled roles that deny something, themselves or through enabled roles that they inherit.
    fn denying(&self) -> BTreeSet<RoleName> {
        let mut seniors: BTreeMap<&RoleName, Vec<&RoleName>> = BTreeMap::new();
        for row in
            self.rows.inheritance.iter().filter(|row| self.is_on(&row.senior) && self.is_on(&row.junior))
        {
            seniors.entry(&row.junior).or_default().push(&row.senior);
        }
        let denied = self.rows.grants.iter().filter(|(_, effect)| **effect == Effect::Deny);
        let mut open: Vec<&RoleName> =
            denied.map(|(grant, _)| &grant.role).filter(|role| self.is_on(role)).collect();
        let mut denying: BTreeSet<RoleName> = open.iter().copied().cloned().collect();
        while let Some(role) = open.pop() {
            let above = seniors.get(role).into_iter().flatten().copied();
            open.extend(above.filter(|role| denying.insert((*role).clone())));
        }
        denying
    }

    /// Users who have too many roles of a dynamic separation of duty, whenever and wherever they have them.
    fn choosing(&self) -> BTreeSet<&'a UserId> {
        let mut juniors: BTreeMap<&RoleName, Vec<&RoleName>> = BTreeMap::new();
        for row in &self.rows.inheritance {
            juniors.entry(&row.senior).or_default().push(&row.junior);
        }
        let mut assigned: BTreeMap<&UserId, Vec<&RoleName>> = BTreeMap::new();
        for row in self.rows.assignments.keys() {
            assigned.entry(&row.user).or_default().push(&row.role);
        }
        let dynamic: Vec<&Duty> =
            self.rows.duties.values().filter(|duty| duty.kind == DutyKind::Dynamic).collect();
        assigned.retain(|_, open| {
            let mut authorised: BTreeSet<&RoleName> = open.iter().copied().collect();
            while let Some(role) = open.pop() {
                let below = juniors.get(role).into_iter().flatten().copied();
                open.extend(below.filter(|role| authorised.insert(role)));
            }
            let too_many = |duty: &&Duty| {
                let had = duty.roles.iter().filter(|role| authorised.contains(role)).count();
                u32::try_from(had).is_ok_and(|had| had >= duty.cardinality)
            };
            dynamic.iter().any(too_many)
        });
        assigned.into_keys().collect()
    }

    fn rest(&mut self) {
        for name in self.rows.duties.keys() {
            self.leave_out("separation of duty", name.as_str(), "casbin has none over inherited roles");
        }
        for (role, row) in &self.rows.roles {
            if row.data_scope != crate::scope::DataScope::Nothing {
                let why = "casbin opens no rows; keep the data scopes in the program";
                self.leave_out(format!("role `{role}`"), &row.data_scope.to_string(), why);
            }
        }
        for row in &self.rows.unreadable {
            let why = "the stored row could not be read; correct or delete it";
            self.out.left_out.push(LeftOut::new(row.table.clone(), &row.fault, why));
        }
    }
}

const ROLE_PREFIX: &str = "role:";

fn role_text(role: &RoleName) -> String {
    format!("{ROLE_PREFIX}{role}")
}
