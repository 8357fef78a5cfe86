//! What somebody holds: patterns that are allowed and denied, and the rows that are open for them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::graph::{Rule, What};
use crate::name::RoleName;
use crate::scope::{DataScope, Scope};
use crate::wildcard::PermissionPattern;

/// Grants of one effect, together.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules<'a> {
    exact: BTreeMap<&'a str, Rule<'a>>,
    wide: BTreeMap<&'a PermissionPattern, Rule<'a>>,
}

/// What somebody holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding<'a> {
    pub(super) allow: Rules<'a>,
    pub(super) deny: Rules<'a>,
    pub(super) opened: Vec<Opened<'a>>,
}

/// Rows that one role opens, for all that it carries.
#[derive(Clone, Debug)]
pub(super) struct Opened<'a> {
    pub(super) role: &'a RoleName,
    pub(super) carried: Rc<Rules<'a>>,
    pub(super) scope: &'a DataScope,
}

/// The rows themselves, for somebody of one department.
#[derive(Clone, Debug)]
pub(super) struct Open<'a>(pub(super) Vec<(Rc<Rules<'a>>, Scope)>);

impl<'a> Rules<'a> {
    pub(super) fn add(&mut self, rule: Rule<'a>) {
        if rule.what.is_exact {
            self.exact.insert(rule.what.pattern.as_str(), rule);
        } else {
            self.wide.insert(rule.what.pattern, rule);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.exact.len().saturating_add(self.wide.len())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule<'a>> {
        self.exact.values().chain(self.wide.values())
    }

    /// True if everything that it matches, now or later, is matched by one of these (Kubernetes' `Covers`): who holds
    /// each of today's permissions does not cover a `*`.
    pub(super) fn cover(&self, what: What<'_>) -> bool {
        (what.is_exact && self.exact.contains_key(what.pattern.as_str()))
            || self.wide.keys().any(|wide| wide.covers(what.pattern))
    }

    /// Those that match something that it matches too.
    pub(super) fn overlapping<'b>(&'b self, what: What<'b>) -> impl Iterator<Item = &'b Rule<'a>> {
        let overlaps = move |rule: &&Rule<'a>| rule.what.pattern.overlaps(what.pattern);
        // Of exact ones an exact one meets only itself: the usual case, without a walk.
        let same = self.exact.get(what.pattern.as_str()).filter(|_| what.is_exact);
        let others = (!what.is_exact).then(|| self.exact.values().filter(overlaps));
        same.into_iter().chain(others.into_iter().flatten()).chain(self.wide.values().filter(overlaps))
    }
}

impl<'a> Holding<'a> {
    /// True if all that it matches is held, but for what is excused: whoever gains it is denied that anyway.
    pub(super) fn holds(&self, what: What<'_>, excused: &Rules<'_>) -> bool {
        self.allow.cover(what) && self.deny.overlapping(what).all(|deny| excused.cover(deny.what))
    }

    /// What later holders gain: what is newly allowed, and what is no longer denied.
    ///
    /// Of what is no longer denied, a user gains what the user's roles allow. A role gains all of it, because whoever
    /// has the role may be allowed it by another one.
    pub(super) fn gains(&self, later: &Self, by: By) -> Vec<Rule<'a>> {
        let newly_allowed = later.allow.iter().filter(|rule| !self.allow.cover(rule.what));
        let mut gains: Vec<Rule<'a>> =
            newly_allowed.filter(|rule| !later.deny.cover(rule.what)).copied().collect();
        for lifted in self.lifted(later) {
            match by {
                By::Role => gains.push(*lifted),
                By::User => {
                    gains.extend(later.allow.overlapping(lifted.what).map(|rule| narrower(rule, lifted)))
                }
            }
        }
        gains
    }

    /// What is denied here and not there.
    pub(super) fn lifted<'b>(&'b self, later: &'b Self) -> impl Iterator<Item = &'b Rule<'a>> {
        self.deny.iter().filter(|rule| !later.deny.cover(rule.what))
    }

    /// True if something that it matches is denied here and not there.
    pub(super) fn is_lifted(&self, later: &Self, what: What<'_>) -> bool {
        self.deny.overlapping(what).any(|rule| !later.deny.cover(rule.what))
    }

    /// The scopes of the roles that carry all that it matches.
    pub(super) fn scopes<'b>(&'b self, what: What<'b>) -> impl Iterator<Item = &'b Opened<'a>> {
        self.opened.iter().filter(move |opened| opened.carried.cover(what))
    }
}

/// Who gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Role,
    User,
}

/// What both match, or a little more.
fn narrower<'a>(allowed: &Rule<'a>, lifted: &Rule<'a>) -> Rule<'a> {
    if allowed.what.pattern.covers(lifted.what.pattern) {
        Rule { what: lifted.what, ..*allowed }
    } else {
        *allowed
    }
}

impl Open<'_> {
    /// The rows that are open for all that it matches.
    pub(super) fn to(&self, what: What<'_>) -> Scope {
        let mut scope = Scope::default();
        for (_, more) in self.0.iter().filter(|(carried, _)| carried.cover(what)) {
            scope.all |= more.all;
            scope.own |= more.own;
            scope.departments.extend(&more.departments);
        }
        scope
    }

    /// True if these rows are among those that are open for all that it matches. Whether rows that belong to somebody
    /// else are, is for `own` to say, about all that is open.
    pub(super) fn contain(&self, rows: &Scope, what: What<'_>, own: impl Fn(&Scope) -> bool) -> bool {
        let fitting: Vec<&Scope> =
            self.0.iter().filter(|(carried, _)| carried.cover(what)).map(|(_, scope)| scope).collect();
        let all = fitting.iter().any(|scope| scope.all);
        let among = |id| fitting.iter().any(|scope| scope.departments.contains(id));
        all || (!rows.all
            && rows.departments.iter().all(among)
            && (!rows.own || fitting.iter().any(|scope| own(scope))))
    }
}
