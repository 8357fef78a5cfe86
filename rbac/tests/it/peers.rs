//! What the tests of other projects expect, as facts: their inputs and their answers, in tables of our own.
//!
//! Each table names where it is from. Nothing but facts is taken over. What ours does not say, or says otherwise on
//! purpose, stands beside them with the reason.

mod casbin;
mod casbin_duties;
mod casbin_graph;
mod casbin_roles;
mod circles;
mod faults;
mod kubernetes;
mod nist;
mod oracle;
mod satoken;
mod shiro;
mod spring;
mod theirs;

use rbac::{PermissionName, PermissionRow, Policy, PolicyRows, RoleName, UnixMillis, UserId, View, Window};

use crate::world::{Build, at, name};

/// Two names that belong together.
type Pair = (&'static str, &'static str);

/// Who asks, where (everywhere if empty) and for what; and whether it is permitted.
type Answer = (&'static str, &'static str, &'static str, bool);

/// A policy in tables. Whatever they name exists.
#[derive(Clone, Copy, Debug)]
struct World {
    /// A user, a role, and the domain; everywhere if that is empty.
    assigned: &'static [(&'static str, &'static str, &'static str)],
    /// A senior role and its junior.
    inherited: &'static [Pair],
    /// A role and what it is allowed.
    allowed: &'static [Pair],
    /// A role and what it is denied.
    denied: &'static [Pair],
}

const NOBODY: [&str; 0] = [];

const EMPTY: World = World { assigned: &[], inherited: &[], allowed: &[], denied: &[] };

impl World {
    fn rows(self) -> PolicyRows {
        let mut build = Build::default();
        for &(user, role, domain) in self.assigned {
            let place = (!domain.is_empty()).then_some(domain);
            build = build.users(&[user]).roles(&[role]).domains(place.as_slice());
            build = build.assign_in(user, role, place, Window::ALWAYS);
        }
        for &(senior, junior) in self.inherited {
            build = build.roles(&[senior, junior]).inherit(senior, junior);
        }
        for &(role, pattern) in self.allowed {
            build = registered(build.roles(&[role]), pattern).allow(role, pattern);
        }
        for &(role, pattern) in self.denied {
            build = registered(build.roles(&[role]), pattern).deny(role, pattern);
        }
        build.0
    }
}

fn registered(build: Build, pattern: &str) -> Build {
    if PermissionName::new(pattern).is_ok() { build.permissions(&[pattern]) } else { build }
}

/// A moment long after the year 0 and long before the year 2999, which the peers' tests have as ends.
fn now() -> UnixMillis {
    at(1_767_225_600_000)
}

/// The policy now, in the domain or everywhere; none if there is no such domain.
fn view<'a>(policy: &'a Policy, domain: &str) -> Option<View<'a>> {
    let view = policy.at(now());
    if domain.is_empty() { Some(view) } else { view.in_domain(&name(domain)).ok() }
}

/// Every way to ask gives the answers that the source expects.
fn assert_answers(source: &str, rows: &PolicyRows, answers: &[Answer]) {
    let mut rows = rows.clone();
    let asked = answers.iter().map(|&(_, _, asked, _)| (name(asked), PermissionRow::new(name(""))));
    rows.permissions.extend(asked);
    let policy = Policy::compile(&rows).unwrap();
    assert_eq!(policy.problems(), [], "{source}");
    for &(user, domain, asked, expected) in answers {
        let case = format!("{source}: {user} {domain} {asked}");
        let Some(view) = view(&policy, domain) else {
            assert!(!expected, "{case}");
            continue;
        };
        let (user, asked): (UserId, PermissionName) = (name(user), name(asked));
        let id = policy.permission(&asked).unwrap();
        assert_eq!(view.decide(&user, &asked).unwrap().is_permit(), expected, "{case}");
        assert_eq!(view.explain(&user, &asked).unwrap().decision().is_permit(), expected, "{case}");
        assert_eq!(view.subject(&user).is_some_and(|user| user.can(id)), expected, "{case}");
        assert_eq!(view.what_can(&user).contains(&asked), expected, "{case}");
        assert_eq!(view.who_can(id).contains(&user), expected, "{case}");
    }
}

/// Lets every role give a permission by which its users can be told, inherited or not: [`reached`], [`reaching`].
fn marked(mut rows: PolicyRows) -> PolicyRows {
    for role in rows.roles.keys().cloned().collect::<Vec<RoleName>>() {
        rows = Build(rows).permissions(&[&mark(role.as_str())]).allow(role.as_str(), &mark(role.as_str())).0;
    }
    rows
}

fn mark(role: &str) -> String {
    format!("in:{role}")
}

/// The roles that a user of marked rows has, inherited ones among them, in order of name.
fn reached(rows: &PolicyRows, user: &str, domain: &str) -> Vec<String> {
    let policy = Policy::compile(rows).unwrap();
    let permissions = view(&policy, domain).map(|view| view.what_can(&name(user))).unwrap_or_default();
    permissions.iter().filter_map(|it| it.as_str().strip_prefix("in:")).map(str::to_owned).collect()
}

/// The users who have a role of marked rows, inherited or not, in order of id.
fn reaching(rows: &PolicyRows, role: &str, domain: &str) -> Vec<String> {
    let policy = Policy::compile(rows).unwrap();
    let view = view(&policy, domain).unwrap();
    let users = policy.permission_str(&mark(role)).map(|id| view.who_can(id)).unwrap_or_default();
    users.iter().map(ToString::to_string).collect()
}

/// The roles that are assigned to a user, in order of name.
fn assigned(rows: &PolicyRows, user: &str, domain: &str) -> Vec<String> {
    let policy = Policy::compile(rows).unwrap();
    let subject = view(&policy, domain).and_then(|view| view.subject_str(user));
    subject.into_iter().flat_map(|subject| subject.roles()).map(ToString::to_string).collect()
}
