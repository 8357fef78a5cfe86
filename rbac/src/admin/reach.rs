//! Whose record a user may touch, and which places in the tree of departments: those that are open to the user for the
//! permission that it needs.
//!
//! Where there are no departments everybody is within reach. So the last one is taken away only by those to whom all
//! rows are open. A new department stands in nobody's way.

use std::collections::BTreeMap;

use super::acting::Acting;
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

/// Whether all users and departments that the changes touch are within reach where they are. It is asked before
/// anything is said about them, so that nobody learns by a refusal what those out of reach have.
pub(super) fn met<'a>(
    before: &Rights<'a>,
    acting: Acting<'_>,
    changes: &[Change],
    now: UnixMillis,
) -> Result<(), Refused> {
    if before.graph.rows.departments.is_empty() {
        return Ok(());
    }
    let mut scopes: BTreeMap<(Guard, Option<&DomainName>), Scope> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let Need { guard, domain, user } = needs::of(change);
        let open = || scope_of(before, before, acting, guard, Moment { domain, at: now });
        let scope = scopes.entry((guard, domain)).or_insert_with(open);
        if let Some(department) = first_out_of_reach(before, change, |department| is_open(scope, department))
        {
            return Err(Refusal::DepartmentOutOfReach(department).of(at));
        }
        if let Some(user) = user.filter(|user| !within(before, user, scope, acting.user)) {
            return Err(Refusal::OutOfReach(user.clone()).of(at));
        }
    }
    Ok(())
}

/// Whether all users whom the changes touch are within reach, where they were and where they are to be, and all
/// departments that change their place. So nobody fetches users or departments from elsewhere, or leaves new ones there.
pub(super) fn kept<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    acting: Acting<'_>,
    changes: &[Change],
    now: UnixMillis,
) -> Result<(), Refused> {
    if before.graph.rows.departments.is_empty() {
        return Ok(());
    }
    let none_left = after.graph.rows.departments.is_empty();
    let mut scopes: BTreeMap<(Guard, Option<&DomainName>), Scope> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let Need { guard, domain, user } = needs::of(change);
        let moment = Moment { domain, at: now };
        let open = || scope_of(before, after, acting, guard, moment);
        let scope = scopes.entry((guard, domain)).or_insert_with(open);
        let is_open = |department| scope.all || (!none_left && is_open(scope, department));
        if let Some(department) = first_out_of_reach(before, change, is_open) {
            return Err(Refusal::DepartmentOutOfReach(department).of(at));
        }
        let Some(user) = user else { continue };
        if !within(before, user, scope, acting.user) || !within(after, user, scope, acting.user) {
            return Err(Refusal::OutOfReach(user.clone()).of(at));
        }
    }
    Ok(())
}

/// Of the departments whose place the change is about, the first that was there and is not open.
fn first_out_of_reach(
    before: &Rights<'_>,
    change: &Change,
    is_open: impl Fn(DepartmentId) -> bool,
) -> Option<DepartmentId> {
    let was_under = |department| before.graph.rows.departments.get(&department).and_then(|row| row.parent);
    let places = match *change {
        Change::AddDepartment { parent, .. } => [None, None, parent],
        Change::MoveDepartment { department, parent } => [Some(department), was_under(department), parent],
        Change::RemoveDepartment { department } => [Some(department), None, None],
        _ => return None,
    };
    places.into_iter().flatten().find(|&department| before.tree.contains(department) && !is_open(department))
}

fn is_open(scope: &Scope, department: DepartmentId) -> bool {
    scope.all || scope.departments.contains(&department)
}

/// What is open to the actor as it was, and with it the departments that are new below.
fn scope_of<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    acting: Acting<'_>,
    guard: Guard,
    moment: Moment<'_>,
) -> Scope {
    let pattern = PermissionPattern::from(guard.name());
    let held = before.acting_holding(acting, moment);
    let open = |rights: &Rights<'a>| rights.open(&held, before.home(acting.user)).to(What::new(&pattern));
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
