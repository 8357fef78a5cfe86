//! From rows to a policy: each part is read in one pass, and what names nothing is dropped and reported.

use super::Policy;
use super::assigned::Assigned;
use super::departments::Departments;
use super::duties::Duties;
use super::problem::Problem;
use super::registry::Registry;
use super::roles::{RoleNames, Roles};
use super::users::{UserEntry, Users};
use crate::catalogue::Catalogue;
use crate::error::Error;
use crate::name::DomainName;
use crate::rows::{DutyKind, PolicyRows};
use crate::store::Revision;

pub(super) fn compile(
    revision: Revision,
    catalogue: Option<&'static Catalogue>,
    rows: &PolicyRows,
    before: Option<&Policy>,
) -> Result<Policy, Error> {
    let mut problems = Vec::new();
    let registry = Registry::new(catalogue, rows, before.map(|before| &before.registry))?;
    let names = RoleNames::new(rows);
    let (roles, juniors_first) = Roles::new(rows, &names, &registry, &mut problems)?;
    let duties = Duties::new(rows, &names, &roles, &juniors_first, &mut problems);
    let departments = Departments::new(rows, &mut problems);
    let domains: Vec<DomainName> = rows.domains.keys().cloned().collect();
    let (mut users, assigned) = Assigned::read(rows, &names, &domains, &mut problems);
    problems.extend(rows.unreadable.iter().cloned().map(Problem::Unreadable));
    mark_plain(&mut users, &assigned, &duties);
    let users = Users::new(users);
    Ok(Policy { revision, registry, users, assigned, roles, domains, departments, duties, problems })
}

/// Marks the users for whom a check has nothing to look at but the bits of their roles: nearly all of them.
fn mark_plain(users: &mut [UserEntry], assigned: &Assigned, duties: &Duties) {
    for (at, user) in (0..).zip(users) {
        let permanent = assigned.permanent(at);
        let roles = permanent.iter().copied();
        user.plain = user.active
            && assigned.limited(at).is_empty()
            && (!duties.any_dynamic() || duties.breaches(DutyKind::Dynamic, roles).is_empty());
        if let (true, &[role]) = (user.plain, permanent) {
            user.only_role = role;
        }
    }
}
