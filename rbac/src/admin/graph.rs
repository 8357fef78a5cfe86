//! The roles of some rows as a graph, for questions about who would have what.
//!
//! It is no [`Policy`](crate::Policy): circles of roles do no harm here, so that a draft can take one away, and grants
//! stay patterns, so that what they will match one day is seen too.

use std::collections::{BTreeSet, HashMap};

use crate::name::{DomainName, RoleName, UserId};
use crate::rows::{Effect, PolicyRows, RoleRow};
use crate::scope::DataScope;
use crate::time::{UnixMillis, Window};
use crate::wildcard::PermissionPattern;

/// Roles in order of name; elsewhere a role is its place here. Rows that name unknown roles take no part.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    pub(super) rows: &'a PolicyRows,
    nodes: Vec<Node<'a>>,
    places: HashMap<&'a RoleName, usize>,
}

#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) name: &'a RoleName,
    pub(super) enabled: bool,
    pub(super) scope: &'a DataScope,
    pub(super) rules: Vec<Rule<'a>>,
    juniors: Vec<usize>,
    seniors: Vec<usize>,
}

impl Node<'_> {
    /// The places of the roles that it inherits itself.
    pub(super) fn juniors(&self) -> &[usize] {
        &self.juniors
    }
}

/// One grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    pub(super) role: &'a RoleName,
    pub(super) what: What<'a>,
    pub(super) effect: Effect,
}

/// What a grant is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct What<'a> {
    pub(super) pattern: &'a PermissionPattern,
    /// It names one permission and nothing else.
    pub(super) is_exact: bool,
}

impl<'a> What<'a> {
    pub(super) fn new(pattern: &'a PermissionPattern) -> Self {
        Self { pattern, is_exact: pattern.exact().is_some() }
    }
}

/// Which roles a walk passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Through {
    /// Only enabled ones: what has an effect.
    Enabled,
    /// All of them: what somebody is authorised for.
    All,
}

/// Where and when something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment<'a> {
    pub(super) domain: Option<&'a DomainName>,
    pub(super) at: UnixMillis,
}

impl<'a> Graph<'a> {
    pub(super) fn new(rows: &'a PolicyRows) -> Self {
        let node = |(name, row): (&'a RoleName, &'a RoleRow)| Node {
            name,
            enabled: row.enabled,
            scope: &row.data_scope,
            rules: Vec::new(),
            juniors: Vec::new(),
            seniors: Vec::new(),
        };
        let places = rows.roles.keys().enumerate().map(|(at, name)| (name, at)).collect();
        let mut graph = Self { rows, nodes: rows.roles.iter().map(node).collect(), places };
        graph.read_grants();
        graph.read_inheritance();
        graph
    }

    fn read_grants(&mut self) {
        for (row, &effect) in &self.rows.grants {
            let place = self.places.get(&row.role).copied();
            if let Some(node) = place.and_then(|at| self.nodes.get_mut(at)) {
                node.rules.push(Rule { role: node.name, what: What::new(&row.pattern), effect });
            }
        }
    }

    fn read_inheritance(&mut self) {
        for row in &self.rows.inheritance {
            let (Some(senior), Some(junior)) = (self.place(&row.senior), self.place(&row.junior)) else {
                continue;
            };
            self.nodes.get_mut(senior).into_iter().for_each(|node| node.juniors.push(junior));
            self.nodes.get_mut(junior).into_iter().for_each(|node| node.seniors.push(senior));
        }
    }

    pub(super) fn place(&self, role: &RoleName) -> Option<usize> {
        self.places.get(role).copied()
    }

    pub(super) fn node(&self, place: usize) -> Option<&Node<'a>> {
        self.nodes.get(place)
    }

    pub(super) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// The names of the roles in these places.
    pub(super) fn names(&self, places: &[usize]) -> BTreeSet<&'a RoleName> {
        places.iter().filter_map(|&place| self.node(place)).map(|node| node.name).collect()
    }

    /// The roles that inherit this one themselves.
    pub(super) fn seniors(&self, place: usize) -> &[usize] {
        self.nodes.get(place).map(|node| node.seniors.as_slice()).unwrap_or_default()
    }

    pub(super) fn is_enabled(&self, place: usize) -> bool {
        self.nodes.get(place).is_some_and(|node| node.enabled)
    }

    /// These roles and all that they inherit.
    pub(super) fn down(&self, from: impl IntoIterator<Item = usize>, through: Through) -> BTreeSet<usize> {
        self.walk(from, through, |node| &node.juniors)
    }

    /// These roles and all that inherit them.
    pub(super) fn up(&self, from: impl IntoIterator<Item = usize>, through: Through) -> BTreeSet<usize> {
        self.walk(from, through, |node| &node.seniors)
    }

    /// Of these roles, those for which something is true of them or of a role that they inherit.
    pub(super) fn with_below(
        &self,
        roles: &BTreeSet<&'a RoleName>,
        through: Through,
        is_so: impl Fn(&Node<'a>) -> bool,
    ) -> BTreeSet<&'a RoleName> {
        let below = self.down(roles.iter().filter_map(|role| self.place(role)), through);
        let found = below.into_iter().filter(|&place| self.node(place).is_some_and(&is_so));
        let above = self.up(found, through).into_iter().filter_map(|place| self.node(place));
        above.map(|node| node.name).filter(|name| roles.contains(name)).collect()
    }

    fn walk(
        &self,
        from: impl IntoIterator<Item = usize>,
        through: Through,
        next: impl for<'b> Fn(&'b Node<'a>) -> &'b [usize],
    ) -> BTreeSet<usize> {
        let mut met = BTreeSet::new();
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(place) = open.pop() {
            let Some(node) = self.nodes.get(place) else { continue };
            if (through == Through::All || node.enabled) && met.insert(place) {
                open.extend_from_slice(next(node));
            }
        }
        met
    }

    /// The roles assigned to a user that count in a domain, and when. None if the user does not exist.
    pub(super) fn assigned<'b>(
        &'b self,
        user: &'b UserId,
        domain: Option<&'b DomainName>,
    ) -> impl Iterator<Item = (usize, Window)> + 'b {
        let known = self.rows.users.contains_key(user);
        let domain = domain.filter(|domain| self.rows.domains.contains_key(*domain));
        let here = move |of: &Option<DomainName>| of.is_none() || of.as_ref() == domain;
        let rows = self.rows.assignments_of(user).filter(move |(row, _)| known && here(&row.domain));
        rows.filter_map(|(row, window)| self.place(&row.role).map(|place| (place, window)))
    }

    /// The assigned roles of an active user that hold at a moment, in order of name; none of any other user.
    pub(super) fn roles_of(&self, user: &UserId, moment: Moment<'_>) -> BTreeSet<usize> {
        let active = self.rows.users.get(user).is_some_and(|row| row.active);
        if active { self.roles_if_active(user, moment) } else { BTreeSet::new() }
    }

    /// The assigned roles of a user that hold at a moment if the user is active by then, in order of name.
    pub(super) fn roles_if_active(&self, user: &UserId, moment: Moment<'_>) -> BTreeSet<usize> {
        let holding = self.assigned(user, moment.domain).filter(|(_, window)| window.holds(moment.at));
        holding.map(|(place, _)| place).collect()
    }
}
