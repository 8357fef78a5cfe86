//! New ways to what is switched off.
//!
//! Whoever has a disabled role that would give everything, and gets a second one, gains nothing as long as all that is
//! switched off is counted as if it were on. But each may be switched on alone, by somebody who does not know of the
//! other. So what a new assignment, grant or inheritance would bring, with all below it switched on, is compared with
//! what needs nothing to be switched on: the rest the actor has to hold.
//!
//! That is enough. What somebody has by several new links in a row is compared at the lowest of them, and again at each
//! above it; links that were there before bring nothing new. A role or a user that the draft itself switches on had
//! nothing before.

use std::collections::HashSet;
use std::rc::Rc;

use super::escalation::{Check, UserAt};
use super::graph::{Moment, Node, Rule, Through};
use super::holding::{Holding, Opened, Rules};
use super::rights::Rights;
use super::{Amended, Gainer, Refusal, gainers};
use crate::name::{RoleName, UserId};
use crate::rows::{Effect, PolicyRows};
use crate::scope::DataScope;

/// Whether nobody gets a new way to what the actor does not hold. The check counts what is switched off; `effective`
/// are the rights before as they have an effect.
pub(super) fn kept<'a>(
    check: &Check<'a, '_>,
    effective: &Rights<'a>,
    amended: &'a Amended,
) -> Result<(), Refusal> {
    let ways = Ways { check, effective };
    for role in gainers::changed_roles(amended) {
        ways.role(role)?;
    }
    ways.users(amended)
}

struct Ways<'a, 'c, 'r> {
    check: &'c Check<'a, 'r>,
    effective: &'c Rights<'a>,
}

impl<'a> Ways<'a, '_, '_> {
    fn role(&self, role: &'a RoleName) -> Result<(), Refusal> {
        let graph = &self.check.after.graph;
        let Some((place, node)) = graph.place(role).and_then(|place| Some((place, graph.node(place)?)))
        else {
            return Ok(());
        };
        let is = self.newly_below(place, node);
        if is.allow.len() == 0 && is.opened.is_empty() {
            return Ok(());
        }
        let was = self.old_node(node).map(|old| self.if_on(old)).unwrap_or_default();
        self.check.effort.spend(is.allow.len())?;
        self.check.role_permissions(role, &was, &is)?;
        self.rows(role, &was, &is)?;
        // Roles above open rows of their own for what they inherit.
        for above in graph.up([place], Through::All).into_iter().filter(|&above| above != place) {
            let Some(node) = graph.node(above).filter(|node| *node.scope != DataScope::Nothing) else {
                continue;
            };
            let carried = Rc::new(is.allow.clone());
            let opened = vec![Opened { role: node.name, carried, scope: node.scope }];
            let is = Holding { allow: Rules::default(), deny: is.deny.clone(), opened };
            let was = self.old_node(node).map(|old| self.if_on(old)).unwrap_or_default();
            self.rows(node.name, &was, &is)?;
        }
        Ok(())
    }

    /// What the role's new grants and inheritances bring, and the rows that it opens for it.
    fn newly_below(&self, place: usize, node: &Node<'a>) -> Holding<'a> {
        let after = self.check.after;
        let old = self.old_node(node);
        let inherited = old.map(|old| self.effective.graph.names(old.juniors())).unwrap_or_default();
        let is_new =
            |junior: &&usize| after.graph.node(**junior).is_some_and(|it| !inherited.contains(it.name));
        let mut is = after.held(node.juniors().iter().filter(is_new).copied());
        let had = |rule: &Rule<'a>| {
            let same = |old: &Rule<'a>| old.effect == Effect::Allow && old.what.pattern == rule.what.pattern;
            old.is_some_and(|old| old.rules.iter().any(same))
        };
        let allowed = node.rules.iter().filter(|rule| rule.effect == Effect::Allow && !had(rule));
        allowed.for_each(|rule| is.allow.add(*rule));
        if *node.scope != DataScope::Nothing {
            let same_rows = old.is_some_and(|old| old.scope == node.scope);
            let carried = if same_rows { Rc::new(is.allow.clone()) } else { after.carried_by(place) };
            if carried.len() > 0 {
                is.opened.push(Opened { role: node.name, carried, scope: node.scope });
            }
        }
        is.deny = after.held([place]).deny;
        is
    }

    /// The role as it was; none if it was not there or is switched on now.
    fn old_node(&self, node: &Node<'a>) -> Option<&Node<'a>> {
        let graph = &self.effective.graph;
        let old = graph.node(graph.place(node.name)?)?;
        (old.enabled || !node.enabled).then_some(old)
    }

    /// What came with a role, had it been on, without anything else being switched on. What it denied is left out: a
    /// deny that is lifted has been looked at.
    fn if_on(&self, node: &Node<'a>) -> Holding<'a> {
        let mut holding = self.effective.held(node.juniors().iter().copied());
        let allowed = node.rules.iter().filter(|rule| rule.effect == Effect::Allow);
        allowed.for_each(|rule| holding.allow.add(*rule));
        if *node.scope != DataScope::Nothing {
            let carried = Rc::new(holding.allow.clone());
            holding.opened.push(Opened { role: node.name, carried, scope: node.scope });
        }
        Holding { deny: Rules::default(), ..holding }
    }

    fn rows(&self, role: &RoleName, was: &Holding<'a>, is: &Holding<'a>) -> Result<(), Refusal> {
        let check = self.check;
        let mut met = HashSet::new();
        for opened in &is.opened {
            check.effort.spend(opened.carried.len())?;
            for rule in opened.carried.iter().filter(|rule| !is.deny.cover(rule.what)) {
                if !met.insert((opened.scope, rule.what.pattern)) {
                    continue;
                }
                check.effort.spend(was.opened.len())?;
                let open_before = was.scopes(rule.what).any(|old| old.scope.includes(opened.scope));
                let may = |giver| check.may_open(giver, rule.what, opened.scope);
                if !open_before && !check.giver.everywhere.iter().all(may) {
                    return Err(check.rows_refused(Gainer::Role(role.clone()), rule, is));
                }
            }
        }
        Ok(())
    }

    fn users(&self, amended: &'a Amended) -> Result<(), Refusal> {
        let mut passed = HashSet::new();
        for user in gainers::changed_users(amended).into_iter().filter(|user| self.check.after.counts(user)) {
            for moment in self.check.moments(user) {
                let (had, new) = self.roles(user, moment);
                let homes = [self.effective.home(user), self.check.after.home(user)];
                let seen = user != self.check.giver.user
                    && !passed.insert((had.clone(), new.clone(), homes, moment.domain));
                if !seen && !new.is_empty() {
                    self.user(UserAt { user, moment }, &had, &new)?;
                }
            }
        }
        Ok(())
    }

    /// The roles that a user had at a moment, and those that came, were the user active. One who is let in had none.
    fn roles(&self, user: &UserId, moment: Moment<'_>) -> (Vec<&'a RoleName>, Vec<&'a RoleName>) {
        let named = |rights: &Rights<'a>| -> Vec<&'a RoleName> {
            let places = rights.graph.roles_if_active(user, moment).into_iter();
            places.filter_map(|place| rights.graph.node(place)).map(|node| node.name).collect()
        };
        let is_let_in = !self.effective.counts(user) && is_active(self.check.after.graph.rows, user);
        let had = if is_let_in { Vec::new() } else { named(self.effective) };
        let new = named(self.check.after).into_iter().filter(|role| !had.contains(role)).collect();
        (had, new)
    }

    fn user(&self, gainer: UserAt<'a>, had: &[&RoleName], new: &[&RoleName]) -> Result<(), Refusal> {
        let Self { check, effective } = *self;
        let was = effective.held(had.iter().filter_map(|role| effective.graph.place(role)));
        let was = Holding { deny: Rules::default(), ..was };
        let mut is = check.after.held(new.iter().filter_map(|role| check.after.graph.place(role)));
        is.deny = check.after.held(check.after.roles_of(gainer.user, gainer.moment)).deny;
        let at = if gainer.user == check.giver.user { gainer.moment.at } else { check.giver.now };
        check.gained(gainer.user, &check.giver.at(Moment { at, ..gainer.moment }), &was, &is)
    }
}

fn is_active(rows: &PolicyRows, user: &UserId) -> bool {
    rows.users.get(user).is_some_and(|row| row.active)
}
