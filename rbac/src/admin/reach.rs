//! Whose record a user may touch, and which places in the tree of departments: those that are open to the user for the
//! permission that it needs.
//!
//! Where there are no departments everybody is within reach. So the last one is taken away only by those to whom all
//! rows are open. A new department stands in nobody's way.

use std::collections::BTreeMap;

use super::graph::{Moment, What};
use super::guarded::Guard;
use super::needs::{self, Need};
use super::rights::Rights;
use super::{Refusal, Refused};
use crate::change::Change;
use crate::name::{DepartmentId, DomainName, UserId};
use crate::scope::Scope;
use crate::time::UnixMillis;
use crate::wildcard::PermissionPattern;

/// Whether all users whom the changes touch are within reach, where they were and where they are to be, and all
/// departments that change their place. So nobody fetches users or departments from elsewhere, or leaves new ones there.
pub(super) fn kept<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    actor: &UserId,
    changes: &[Change],
    now: UnixMillis,
) -> Result<(), Refused> {
    if before.graph.rows.departments.is_empty() {
        return Ok(());
    }
    let mut scopes: BTreeMap<(Guard, Option<&DomainName>), Scope> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let Need { guard, domain, user } = needs::of(change);
        let moment = Moment { domain, at: now };
        let open = || scope_of(before, after, actor, guard, moment);
        let scope = scopes.entry((guard, domain)).or_insert_with(open);
        if let Some(department) = first_out_of_reach(before, after, change, scope) {
            return Err(Refusal::DepartmentOutOfReach(department).of(at));
        }
        let Some(user) = user else { continue };
        if !within(before, user, scope, actor) || !within(after, user, scope, actor) {
            return Err(Refusal::OutOfReach(user.clone()).of(at));
        }
    }
    Ok(())
}

/// Of the departments whose place the change is about, the first that was there and is not open.
fn first_out_of_reach(
    before: &Rights<'_>,
    after: &Rights<'_>,
    change: &Change,
    scope: &Scope,
) -> Option<DepartmentId> {
    let was_under = |department| before.graph.rows.departments.get(&department).and_then(|row| row.parent);
    let places = match *change {
        Change::AddDepartment { parent, .. } => [None, None, parent],
        Change::MoveDepartment { department, parent } => [Some(department), was_under(department), parent],
        Change::RemoveDepartment { department } => [Some(department), None, None],
        _ => return None,
    };
    let none_left = after.graph.rows.departments.is_empty();
    let open = |department| scope.all || (!none_left && scope.departments.contains(&department));
    places.into_iter().flatten().find(|&department| before.tree.contains(department) && !open(department))
}

/// What is open to the actor as it was, and with it the departments that are new below.
fn scope_of<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    actor: &UserId,
    guard: Guard,
    moment: Moment<'_>,
) -> Scope {
    let pattern = PermissionPattern::from(guard.name());
    let held = before.held_by(actor, moment);
    let open = |rights: &Rights<'a>| rights.open(&held, before.home(actor)).to(What::new(&pattern));
    let mut scope = open(before);
    let new = open(after).departments.into_iter().filter(|&department| !before.tree.contains(department));
    scope.departments.extend(new);
    scope
}

/// A user who is not there, not yet or not any more, stands in nobody's way.
fn within(rights: &Rights<'_>, user: &UserId, scope: &Scope, actor: &UserId) -> bool {
    let Some(row) = rights.graph.rows.users.get(user) else { return true };
    scope.all
        || (scope.own && user == actor)
        || row.department.is_some_and(|department| scope.departments.contains(&department))
}
