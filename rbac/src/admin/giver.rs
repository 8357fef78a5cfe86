//! The actor of a draft, and what the actor holds to give on.

use std::collections::BTreeSet;

use super::acting::Acting;
use super::graph::Moment;
use super::holding::{Holding, Open};
use super::rights::Rights;
use crate::name::{DomainName, UserId};
use crate::time::UnixMillis;

/// The actor, and what the actor holds.
pub(super) struct Giver<'a, 'r> {
    rights: &'r Rights<'a>,
    acting: Acting<'a>,
    pub(super) user: &'a UserId,
    pub(super) now: UnixMillis,
    /// The domains in which the actor has roles.
    pub(super) domains: BTreeSet<Option<&'a DomainName>>,
    /// In each of them.
    pub(super) everywhere: Vec<(Holding<'a>, Open<'a>)>,
}

impl<'a, 'r> Giver<'a, 'r> {
    pub(super) fn new(rights: &'r Rights<'a>, acting: Acting<'a>, now: UnixMillis) -> Self {
        let (rows, user) = (rights.graph.rows, acting.user);
        let domains = rows.assignments_of(user).filter_map(|(row, _)| row.domain.as_ref());
        let known = domains.filter(|domain| rows.domains.contains_key(*domain));
        let domains: BTreeSet<_> = known.map(Some).chain([None]).collect();
        let mut giver = Self { rights, acting, user, now, domains, everywhere: Vec::new() };
        giver.everywhere = giver.domains.iter().map(|&domain| giver.at(Moment { domain, at: now })).collect();
        giver
    }

    /// What the actor holds at a moment, and the rows that come with it.
    pub(super) fn at(&self, moment: Moment<'_>) -> (Holding<'a>, Open<'a>) {
        let holding = self.rights.acting_holding(self.acting, moment);
        let open = self.rights.open(&holding, self.rights.home(self.user));
        (holding, open)
    }
}
