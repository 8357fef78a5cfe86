//! What each role may do and where that comes from: the role itself, a wildcard, or a role that it inherits. The policy
//! knows the answer; this says which row it rests on, for the matrix and the page of a role.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rbac::{Effect, Grant, PermissionName, PermissionPattern, PolicyRows, RoleName};

/// How a role stands to a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Nothing is said.
    Nothing,
    /// Granted to the role by name.
    Direct,
    /// Granted to the role by a pattern.
    Wildcard,
    /// Granted to a role that it inherits.
    Inherited,
    /// Denied to it, or to a role that it inherits.
    Denied,
}

impl State {
    /// Its name in style sheets.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Direct => "direct",
            Self::Wildcard => "wildcard",
            Self::Inherited => "inherited",
            Self::Denied => "denied",
        }
    }

    /// Whether the role may.
    pub(crate) const fn allows(self) -> bool {
        matches!(self, Self::Direct | Self::Wildcard | Self::Inherited)
    }
}

/// How a role stands to a permission, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Power {
    pub(crate) state: State,
    /// What is said to the role itself and by name.
    pub(crate) own: Option<Effect>,
    /// The grant that it rests on.
    pub(crate) by: Option<Source>,
}

/// A grant and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// From the role itself down to the one that has the grant.
    pub(crate) path: Vec<RoleName>,
    pub(crate) pattern: PermissionPattern,
}

/// A role and all that it inherits, nearest first; an index says from which one of them each was reached.
struct Heritage<'a> {
    roles: Vec<(&'a RoleName, Option<usize>)>,
}

/// The powers of the roles of a policy.
#[derive(Debug)]
pub(crate) struct Powers<'a> {
    rows: &'a PolicyRows,
    juniors: BTreeMap<&'a RoleName, Vec<&'a RoleName>>,
    grants: BTreeMap<&'a RoleName, Vec<(&'a PermissionPattern, Effect)>>,
}

impl<'a> Powers<'a> {
    /// The powers that these rows give.
    pub(crate) fn of(rows: &'a PolicyRows) -> Self {
        let mut juniors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for edge in &rows.inheritance {
            juniors.entry(&edge.senior).or_default().push(&edge.junior);
        }
        let mut grants: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (grant, effect) in &rows.grants {
            grants.entry(&grant.role).or_default().push((&grant.pattern, *effect));
        }
        Self { rows, juniors, grants }
    }

    /// How a role stands to each of these permissions.
    pub(crate) fn row(&self, role: &'a RoleName, names: &[PermissionName]) -> Vec<Power> {
        let heritage = self.heritage(role);
        names.iter().map(|name| self.power(&heritage, role, name)).collect()
    }

    /// The role and every enabled one that it inherits, the role first. A disabled role has nothing and passes nothing
    /// on, so it inherits nobody.
    pub(crate) fn inherited(&self, role: &'a RoleName) -> Vec<&'a RoleName> {
        self.heritage(role).roles.into_iter().map(|(role, _)| role).collect()
    }

    fn heritage(&self, role: &'a RoleName) -> Heritage<'a> {
        let enabled = |role: &RoleName| self.rows.roles.get(role).is_some_and(|row| row.enabled);
        let mut heritage = Heritage { roles: Vec::new() };
        let (mut queue, mut seen) = (VecDeque::from([(role, None)]), BTreeSet::from([role]));
        while let Some((role, from)) = queue.pop_front() {
            if !enabled(role) {
                continue;
            }
            let at = heritage.roles.len();
            heritage.roles.push((role, from));
            for junior in self.juniors.get(role).into_iter().flatten().copied() {
                if seen.insert(junior) {
                    queue.push_back((junior, Some(at)));
                }
            }
        }
        heritage
    }

    fn power(&self, heritage: &Heritage<'a>, role: &RoleName, name: &PermissionName) -> Power {
        let exact = PermissionPattern::from(name.clone());
        let own = self.rows.grants.get(&Grant::new(role.clone(), exact)).copied();
        let find = |wanted: Effect| {
            heritage.roles.iter().enumerate().find_map(|(at, (role, _))| {
                let fitting = self.grants.get(role).into_iter().flatten();
                let fitting = fitting.filter(|(pattern, effect)| *effect == wanted && pattern.matches(name));
                // What is said by name tells more than a pattern does.
                let best = fitting.max_by_key(|(pattern, _)| pattern.exact().is_some());
                best.map(|(pattern, _)| (at, *pattern))
            })
        };
        let (state, found) = match (find(Effect::Deny), find(Effect::Allow)) {
            (Some(denied), _) => (State::Denied, Some(denied)),
            (None, Some((0, pattern))) if pattern.exact().is_some() => (State::Direct, Some((0, pattern))),
            (None, Some((0, pattern))) => (State::Wildcard, Some((0, pattern))),
            (None, Some(inherited)) => (State::Inherited, Some(inherited)),
            (None, None) => (State::Nothing, None),
        };
        let by = found.map(|(at, pattern)| Source { path: heritage.path(at), pattern: pattern.clone() });
        Power { state, own, by }
    }
}

impl Heritage<'_> {
    fn path(&self, at: usize) -> Vec<RoleName> {
        let mut path = Vec::new();
        let mut next = Some(at);
        while let Some((role, from)) = next.and_then(|at| self.roles.get(at)) {
            path.push((*role).clone());
            next = *from;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use rbac::{Inheritance, RoleRow};

    use super::*;

    fn rows() -> PolicyRows {
        let mut rows = PolicyRows::default();
        for role in ["head", "teacher", "member", "off"] {
            rows.roles.insert(role.parse().unwrap(), RoleRow::new("".parse().unwrap()));
        }
        rows.roles.get_mut("off").unwrap().enabled = false;
        for (senior, junior) in
            [("head", "teacher"), ("teacher", "member"), ("head", "off"), ("member", "head")]
        {
            rows.inheritance.insert(Inheritance::new(senior.parse().unwrap(), junior.parse().unwrap()));
        }
        let grants = [
            ("head", "sale:*", Effect::Allow),
            ("head", "sale:edit", Effect::Allow),
            ("member", "course:view", Effect::Allow),
            ("teacher", "course:*", Effect::Allow),
            ("teacher", "lab:open", Effect::Deny),
            ("off", "audit:view", Effect::Allow),
        ];
        for (role, pattern, effect) in grants {
            rows.grants.insert(Grant::new(role.parse().unwrap(), pattern.parse().unwrap()), effect);
        }
        rows
    }

    #[test]
    fn each_state_names_the_row_it_rests_on() {
        let rows = rows();
        let powers = Powers::of(&rows);
        let names = ["sale:edit", "sale:buy", "course:view", "lab:open", "audit:view"]
            .map(|name| name.parse().unwrap());
        let (head, _) = rows.roles.get_key_value("head").unwrap();
        let found = powers.row(head, &names);
        let states: Vec<_> = found.iter().map(|power| power.state).collect();
        assert_eq!(states, [State::Direct, State::Wildcard, State::Inherited, State::Denied, State::Nothing]);
        let by = found[2].by.as_ref().unwrap();
        assert_eq!(by.path.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["head", "teacher"]);
        assert_eq!(by.pattern.as_str(), "course:*");
        assert_eq!((found[0].own, found[1].own), (Some(Effect::Allow), None));
        let (off, _) = rows.roles.get_key_value("off").unwrap();
        assert!(powers.inherited(off).is_empty());
    }
}
