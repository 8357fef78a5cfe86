//! The rules about the draft as a whole: nobody breaks a separation of duty, locks everybody or oneself out, touches
//! whom one may not reach, or gives what one does not hold.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::acting::Acting;
use super::graph::Moment;
use super::guarded::{Guard, Guards};
use super::needs::Need;
use super::rights::Rights;
use super::{Amended, Refusal, Refused, duties, escalation, needs, reach};
use crate::change::Change;
use crate::draft::Draft;
use crate::name::{DomainName, PermissionName, UserId};
use crate::rows::{Effect, PolicyRows};
use crate::time::UnixMillis;

/// Whether a user has the permissions that each change needs, and reaches whom it touches. The program itself needs none.
pub(super) fn permitted(
    before: &Rights<'_>,
    acting: Acting<'_>,
    changes: &[Change],
    now: UnixMillis,
) -> Result<(), Refused> {
    let mut held: BTreeMap<Option<&DomainName>, Guards> = BTreeMap::new();
    let given = OnceCell::new();
    for (at, change) in changes.iter().enumerate() {
        let Need { guard, domain, .. } = needs::of(change);
        let guards =
            held.entry(domain).or_insert_with(|| before.acting_guards(acting, Moment { domain, at: now }));
        if !guards.has(guard) {
            return Err(Refusal::NotPermitted(guard.name()).of(at));
        }
        // Grants that the draft itself makes need it as well.
        if let Change::RemovePermission { permission } = change
            && given.get_or_init(|| given_by_name(before.graph.rows)).contains(permission)
            && !guards.has(Guard::RoleEdit)
        {
            return Err(Refusal::NotPermitted(Guard::RoleEdit.name()).of(at));
        }
    }
    if may_escalate(before, acting, now) { Ok(()) } else { reach::met(before, acting, changes, now) }
}

/// The permissions that some role is granted by their names: such grants go with them.
fn given_by_name(rows: &PolicyRows) -> HashSet<PermissionName> {
    let given = rows.grants.iter().filter(|(_, effect)| **effect == Effect::Allow);
    given.filter_map(|(row, _)| row.pattern.exact()).collect()
}

/// Whether what the draft comes to keeps all rules.
pub(super) fn kept<'a>(
    before: &Rights<'a>,
    amended: &'a Amended,
    draft: &'a Draft,
    now: UnixMillis,
) -> Result<(), Refused> {
    let after = Rights::new(&amended.rows);
    duties::kept(&before.graph, &after.graph, &amended.after).map_err(Refusal::whole)?;
    if !after.has_administrator(now) && before.has_administrator(now) {
        return Err(Refusal::LastAdministrator.whole());
    }
    let Some(acting) = Acting::of(draft) else { return Ok(()) };
    stays_in(before, &after, acting.user, now).map_err(Refusal::whole)?;
    if may_escalate(before, acting, now) {
        Ok(())
    } else {
        delegated(before, &after, amended, draft, acting, now)
    }
}

fn may_escalate(before: &Rights<'_>, acting: Acting<'_>, now: UnixMillis) -> bool {
    before.acting_guards(acting, Moment { domain: None, at: now }).has(Guard::Escalate)
}

/// The rules for those who may not escalate.
fn delegated<'a>(
    before: &Rights<'a>,
    after: &Rights<'a>,
    amended: &'a Amended,
    draft: &'a Draft,
    acting: Acting<'a>,
    now: UnixMillis,
) -> Result<(), Refused> {
    reach::kept(before, after, acting, draft.changes(), now)?;
    escalation::kept(before, after, amended, acting, now).map_err(Refusal::whole)
}

/// The permissions over the policy that a draft rests on, if a user makes it.
pub(super) fn needed<'a>(
    before: &Rights<'a>,
    amended: Option<&'a Amended>,
    draft: &'a Draft,
    now: UnixMillis,
) -> BTreeSet<PermissionName> {
    let Some(acting) = Acting::of(draft) else { return BTreeSet::new() };
    let mut needed: BTreeSet<_> =
        draft.changes().iter().map(|change| needs::of(change).guard.name()).collect();
    let given = given_by_name(before.graph.rows);
    let takes = |change: &Change| matches!(change, Change::RemovePermission { permission } if given.contains(permission));
    if draft.changes().iter().any(takes) {
        needed.insert(Guard::RoleEdit.name());
    }
    let Some(amended) = amended.filter(|_| may_escalate(before, acting, now)) else { return needed };
    if delegated(before, &Rights::new(&amended.rows), amended, draft, acting, now).is_err() {
        needed.insert(Guard::Escalate.name());
    }
    needed
}

/// Whether a user keeps all permissions over the policy that the user has, now and later, in every domain that stays.
fn stays_in(before: &Rights<'_>, after: &Rights<'_>, user: &UserId, now: UnixMillis) -> Result<(), Refusal> {
    for moment in moments(before.graph.rows, after.graph.rows, user, now) {
        let (had, has) = (before.guards(user, moment), after.guards(user, moment));
        if let Some(lost) = had.first_without(has) {
            return Err(Refusal::SelfLockOut(lost));
        }
    }
    Ok(())
}

/// When and where the rights of a user may become others: everywhere, and in each domain with an assignment as far as
/// the domain stays; now, and whenever an assignment begins or ends that counts there.
pub(super) fn moments<'a>(
    before: &'a PolicyRows,
    after: &'a PolicyRows,
    user: &'a UserId,
    now: UnixMillis,
) -> BTreeSet<Moment<'a>> {
    let mut times: BTreeMap<Option<&DomainName>, BTreeSet<UnixMillis>> = BTreeMap::new();
    times.entry(None).or_default().insert(now);
    for (row, window) in before.assignments_of(user).chain(after.assignments_of(user)) {
        let domain = row.domain.as_ref();
        if domain.is_none_or(|domain| after.domains.contains_key(domain)) {
            let edges = [window.not_before(), window.not_after()].into_iter().flatten();
            times.entry(domain).or_default().extend(edges.filter(|&edge| edge > now));
        }
    }
    let everywhere = times.get(&None).cloned().unwrap_or_default();
    let here = |(&domain, own): (&Option<&'a DomainName>, &BTreeSet<UnixMillis>)| -> Vec<Moment<'a>> {
        own.union(&everywhere).map(|&at| Moment { domain, at }).collect()
    };
    times.iter().flat_map(here).collect()
}
