//! Separation of duty over what is authorised (INCITS 359: SSD), and the sets that a user without a session breaks.
//!
//! Only what a draft makes worse is refused: rows that broke a rule before do not stand in the way of mending them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Refusal;
use super::graph::{Graph, Through};
use crate::name::{DomainName, DutyName, RoleName, UserId};
use crate::rows::{Duty, DutyKind, PolicyRows};

/// The sets of one kind, turned round: for each role the members that come with having it.
#[derive(Debug)]
pub(super) struct Duties<'a> {
    sets: Vec<(&'a DutyName, &'a Duty)>,
    /// By place of the role: the place of the set, and the member.
    brought: HashMap<usize, BTreeSet<(usize, &'a RoleName)>>,
}

impl<'a> Duties<'a> {
    pub(super) fn new(graph: &Graph<'a>, kind: DutyKind) -> Self {
        let through = match kind {
            DutyKind::Static => Through::All,
            DutyKind::Dynamic => Through::Enabled,
        };
        let of_kind = graph.rows.duties.iter().filter(|(_, duty)| duty.kind == kind && duty.cardinality >= 2);
        let mut duties = Self { sets: of_kind.collect(), brought: HashMap::new() };
        for (set, (_, duty)) in duties.sets.iter().enumerate() {
            for member in &duty.roles {
                for role in graph.up(graph.place(member), through) {
                    duties.brought.entry(role).or_default().insert((set, member));
                }
            }
        }
        duties
    }

    fn concerns(&self, role: usize) -> bool {
        self.brought.contains_key(&role)
    }

    /// The sets of which these roles bring too many, and which.
    pub(super) fn broken(
        &self,
        roles: impl IntoIterator<Item = usize>,
    ) -> BTreeMap<&'a DutyName, Vec<&'a RoleName>> {
        let brought = roles.into_iter().filter_map(|role| self.brought.get(&role)).flatten().copied();
        let together: BTreeSet<(usize, &RoleName)> = brought.collect();
        let mut members: BTreeMap<usize, Vec<&RoleName>> = BTreeMap::new();
        for (set, member) in together {
            members.entry(set).or_default().push(member);
        }
        let too_many = |(set, members): (usize, Vec<&'a RoleName>)| {
            let (name, duty) = self.sets.get(set)?;
            let cardinality = usize::try_from(duty.cardinality).unwrap_or(usize::MAX);
            (members.len() >= cardinality).then_some((*name, members))
        };
        members.into_iter().filter_map(too_many).collect()
    }

    fn broken_by(
        &self,
        graph: &Graph<'a>,
        user: &UserId,
        domain: Option<&DomainName>,
    ) -> BTreeMap<&'a DutyName, Vec<&'a RoleName>> {
        self.broken(graph.assigned(user, domain).map(|(role, _)| role))
    }
}

/// Whether all users keep the static sets, at whatever times, in each domain; `came` are the rows that are new.
pub(super) fn kept(before: &Graph<'_>, after: &Graph<'_>, came: &PolicyRows) -> Result<(), Refusal> {
    let duties = Duties::new(after, DutyKind::Static);
    if duties.sets.is_empty() {
        return Ok(());
    }
    let all = !came.inheritance.is_empty() || !came.duties.is_empty();
    let rows = if all { &after.rows.assignments } else { &came.assignments };
    let concerned = |role: &RoleName| after.place(role).is_some_and(|place| duties.concerns(place));
    let users: BTreeSet<&UserId> =
        rows.keys().filter(|row| concerned(&row.role)).map(|row| &row.user).collect();
    let duties_before = std::cell::LazyCell::new(|| Duties::new(before, DutyKind::Static));
    for user in users {
        for domain in places(after, user) {
            let broken = duties.broken_by(after, user, domain);
            if broken.is_empty() {
                continue;
            }
            let was = duties_before.broken_by(before, user, domain);
            let worse = |(duty, roles): &(&DutyName, Vec<&RoleName>)| {
                was.get(*duty).is_none_or(|was| !roles.iter().all(|role| was.contains(role)))
            };
            if let Some((duty, roles)) = broken.into_iter().find(worse) {
                return Err(violated(duty, user, domain, &roles));
            }
        }
    }
    Ok(())
}

fn violated(duty: &DutyName, user: &UserId, domain: Option<&DomainName>, roles: &[&RoleName]) -> Refusal {
    Refusal::DutyViolated {
        duty: duty.clone(),
        user: user.clone(),
        domain: domain.cloned(),
        roles: roles.iter().copied().cloned().collect(),
    }
}

/// Everywhere, and each domain that the user has a role in.
fn places<'a>(graph: &Graph<'a>, user: &'a UserId) -> BTreeSet<Option<&'a DomainName>> {
    let domains = graph.rows.assignments_of(user).filter_map(|(row, _)| row.domain.as_ref());
    domains.map(Some).chain([None]).collect()
}
