//! Who holds what by some rows: the permissions that guard the policy, and all others as the patterns they rest on.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::duties::Duties;
use super::graph::{Graph, Moment, Through};
use super::guarded::{self, Guards, Says};
use super::holding::{Holding, Open, Opened, Rules};
use super::tree::Tree;
use crate::name::{DepartmentId, UserId};
use crate::rows::{DutyKind, Effect, PolicyRows};
use crate::scope::DataScope;
use crate::time::UnixMillis;

/// Rows, ready to be asked about rights.
#[derive(Debug)]
pub(super) struct Rights<'a> {
    pub(super) graph: Graph<'a>,
    pub(super) tree: Tree<'a>,
    counted: Counted,
    said: Vec<Says>,
    dynamic: Duties<'a>,
    /// What each role allows with all that it inherits; filled when asked.
    carried: RefCell<HashMap<usize, Rc<Rules<'a>>>>,
}

/// What counts of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// What has an effect.
    Effective,
    /// With it all that disabled roles would give, to inactive users too. What disabled roles deny does not count:
    /// nothing says that they will be switched on together.
    SwitchedOff,
}

impl<'a> Rights<'a> {
    pub(super) fn new(rows: &'a PolicyRows) -> Self {
        Self::counting(rows, Counted::Effective)
    }

    pub(super) fn counting(rows: &'a PolicyRows, counted: Counted) -> Self {
        let graph = Graph::new(rows);
        let said = guarded::said_by_roles(&graph);
        let dynamic = Duties::new(&graph, DutyKind::Dynamic);
        Self { tree: Tree::new(rows), counted, said, dynamic, carried: RefCell::default(), graph }
    }

    /// The permissions over the policy that a user has at a moment, without a session.
    pub(super) fn guards(&self, user: &UserId, moment: Moment<'_>) -> Guards {
        let roles = self.graph.roles_of(user, moment);
        if self.breaks_dynamic(&roles) {
            return Guards::default();
        }
        roles.into_iter().map(|role| self.says(role)).fold(Says::default(), Says::and).granted()
    }

    /// True if somebody active has all of them everywhere, from now on without an end. What denies counts even if it
    /// only begins later or will end.
    pub(super) fn has_administrator(&self, now: UnixMillis) -> bool {
        let mut candidates = BTreeSet::new();
        for (row, window) in &self.graph.rows.assignments {
            let lasting = window.holds(now) && window.not_after().is_none() && row.domain.is_none();
            let gives = |place| !self.says(place).granted().is_none();
            if lasting && self.graph.place(&row.role).is_some_and(gives) {
                candidates.insert(&row.user);
            }
        }
        candidates.into_iter().any(|user| self.is_administrator(user, now))
    }

    fn is_administrator(&self, user: &UserId, now: UnixMillis) -> bool {
        let active = self.is_active(user);
        let mut says = Says::default();
        let mut roles = Vec::new();
        for (role, window) in self.graph.assigned(user, None) {
            let over = window.not_after().is_some_and(|end| end <= now);
            if over {
                continue;
            }
            roles.push(role);
            let lasting = window.holds(now) && window.not_after().is_none();
            says = says.and(if lasting { self.says(role) } else { self.says(role).denying() });
        }
        active && says.granted() == Guards::all() && self.dynamic.broken(roles).is_empty()
    }

    /// True if these roles must not be used together.
    pub(super) fn breaks_dynamic(&self, roles: &BTreeSet<usize>) -> bool {
        !self.dynamic.broken(roles.iter().copied()).is_empty()
    }

    pub(super) fn says(&self, role: usize) -> Says {
        self.said.get(role).copied().unwrap_or_default()
    }

    /// What comes with having these roles.
    pub(super) fn held(&self, roles: impl IntoIterator<Item = usize>) -> Holding<'a> {
        let mut holding = Holding::default();
        let roles: Vec<usize> = roles.into_iter().collect();
        let denying = match self.counted {
            Counted::Effective => None,
            Counted::SwitchedOff => Some(self.graph.down(roles.iter().copied(), Through::Enabled)),
        };
        for place in self.graph.down(roles, self.through()) {
            let Some(node) = self.graph.node(place) else { continue };
            let denies = denying.as_ref().is_none_or(|denying| denying.contains(&place));
            for rule in &node.rules {
                match rule.effect {
                    Effect::Allow => holding.allow.add(*rule),
                    Effect::Deny if denies => holding.deny.add(*rule),
                    Effect::Deny => {}
                }
            }
            if *node.scope != DataScope::Nothing {
                let carried = self.carried_by(place);
                holding.opened.push(Opened { role: node.name, carried, scope: node.scope });
            }
        }
        holding
    }

    /// What a role allows with all that it inherits.
    pub(super) fn carried_by(&self, role: usize) -> Rc<Rules<'a>> {
        if let Some(rules) = self.carried.borrow().get(&role) {
            return Rc::clone(rules);
        }
        let mut rules = Rules::default();
        let below = self.graph.down([role], self.through());
        let nodes = below.into_iter().filter_map(|place| self.graph.node(place));
        let all = nodes.flat_map(|node| &node.rules);
        all.filter(|rule| rule.effect == Effect::Allow).for_each(|rule| rules.add(*rule));
        let rules = Rc::new(rules);
        self.carried.borrow_mut().insert(role, Rc::clone(&rules));
        rules
    }

    /// The roles that count of a user at a moment.
    pub(super) fn roles_of(&self, user: &UserId, moment: Moment<'_>) -> BTreeSet<usize> {
        match self.counted {
            Counted::Effective => self.graph.roles_of(user, moment),
            Counted::SwitchedOff => self.graph.roles_if_active(user, moment),
        }
    }

    /// The roles that pass on what they inherit.
    pub(super) fn through(&self) -> Through {
        match self.counted {
            Counted::Effective => Through::Enabled,
            Counted::SwitchedOff => Through::All,
        }
    }

    /// True if what the user has counts.
    pub(super) fn counts(&self, user: &UserId) -> bool {
        match self.counted {
            Counted::Effective => self.is_active(user),
            Counted::SwitchedOff => self.graph.rows.users.contains_key(user),
        }
    }

    /// True if a role is disabled or a user inactive.
    pub(super) fn has_switched_off(&self) -> bool {
        let PolicyRows { roles, users, .. } = self.graph.rows;
        roles.values().any(|row| !row.enabled) || users.values().any(|row| !row.active)
    }

    /// True if there is such a user, and active.
    fn is_active(&self, user: &UserId) -> bool {
        self.graph.rows.users.get(user).is_some_and(|row| row.active)
    }

    /// The department of a user.
    pub(super) fn home(&self, user: &UserId) -> Option<DepartmentId> {
        self.graph.rows.users.get(user).and_then(|row| row.department)
    }

    /// The rows that come with a holding for somebody of this department.
    pub(super) fn open(&self, holding: &Holding<'a>, home: Option<DepartmentId>) -> Open<'a> {
        let resolved =
            |opened: &Opened<'a>| (Rc::clone(&opened.carried), self.tree.resolve(opened.scope, home));
        Open(holding.opened.iter().map(resolved).collect())
    }
}
