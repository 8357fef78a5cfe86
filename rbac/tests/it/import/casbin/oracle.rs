//! Random policies of casbin, and a slow reading of casbin's rules to compare with.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rbac::{Policy, export, import};

use super::{ALLOW, DENY_WINS, model};
use crate::import::may;
use crate::world::{cases, sound_rows};

/// The kinds of models that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Allow,
    DenyWins,
    Priority,
    AllowedUnlessDenied,
}

const SUBJECTS: [&str; 6] = ["alice", "bob", "r1", "r2", "r3", "r4"];
const OBJECTS: [&str; 3] = ["a", "b", "grp"];
const PLACES: [&str; 2] = ["d1", "d2"];

/// A random policy: rules, links of subjects, links of resources.
#[derive(Clone, Debug)]
struct World {
    rules: Vec<(&'static str, &'static str, &'static str, bool)>,
    links: Vec<(&'static str, &'static str, &'static str)>,
    members: Vec<(&'static str, &'static str)>,
}

fn world() -> impl Strategy<Value = World> {
    let subject = || prop::sample::select(&SUBJECTS[..]);
    let role = || prop::sample::select(&SUBJECTS[2..]);
    let object = || prop::sample::select(&OBJECTS[..]);
    let place = || prop::sample::select(&PLACES[..]);
    let allow = prop::bool::weighted(0.7);
    (
        prop::collection::vec((subject(), place(), object(), allow), 0..8),
        prop::collection::vec((subject(), role(), place()), 0..8),
        prop::collection::vec((object(), object()), 0..4),
    )
        .prop_map(|(rules, links, members)| World { rules, links, members })
}

/// Everything that is reached over links, and the start.
fn reached<'a>(start: &'a str, links: &[(&'a str, &'a str)]) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::from([start]);
    while let Some((_, new)) = links.iter().find(|(from, to)| all.contains(from) && !all.contains(to)) {
        all.insert(new);
    }
    all
}

/// What casbin decides, read from its documentation: rule by rule.
fn enforce(world: &World, effect: Effect, domains: bool, groups: bool, request: (&str, &str, &str)) -> bool {
    let (subject, place, object) = request;
    let here = |of: &str| !domains || of == place;
    let links: Vec<(&str, &str)> =
        world.links.iter().filter(|link| here(link.2)).map(|link| (link.0, link.1)).collect();
    let subjects = reached(subject, &links);
    let objects = if groups { reached(object, &world.members) } else { BTreeSet::from([object]) };
    let matching = |rule: &&(&str, &str, &str, bool)| {
        subjects.contains(rule.0) && here(rule.1) && objects.contains(rule.2)
    };
    let effects: Vec<bool> = world.rules.iter().filter(matching).map(|rule| rule.3).collect();
    match effect {
        Effect::Allow => effects.contains(&true),
        Effect::DenyWins => effects.contains(&true) && !effects.contains(&false),
        Effect::Priority => effects.first() == Some(&true),
        Effect::AllowedUnlessDenied => !effects.contains(&false),
    }
}

fn texts(world: &World, effect: Effect, domains: bool, groups: bool) -> (String, String) {
    let effect = match effect {
        Effect::Allow => ALLOW,
        Effect::DenyWins => DENY_WINS,
        Effect::Priority => "priority(p.eft) || deny",
        Effect::AllowedUnlessDenied => "!some(where (p.eft == deny))",
    };
    let object = if groups { "g2(r.obj, p.obj)" } else { "r.obj == p.obj" };
    let (dom, g, matched) = if domains {
        ("dom, ", "g = _, _, _", "g(r.sub, p.sub, r.dom) && r.dom == p.dom")
    } else {
        ("", "g = _, _", "g(r.sub, p.sub)")
    };
    let matcher = format!("{matched} && {object} && r.act == p.act");
    let columns = |rest: &str| format!("sub, {dom}obj, act{rest}");
    let model = model(&columns(""), &columns(", eft"), &[g, "g2 = _, _"], effect, &matcher);
    let place = |place: &str| if domains { format!(", {place}") } else { String::new() };
    let mut policy = String::new();
    for (subject, at, object, allow) in &world.rules {
        let effect = if *allow { "allow" } else { "deny" };
        policy.push_str(&format!("p, {subject}{}, {object}, x, {effect}\n", place(at)));
    }
    for (from, to, at) in &world.links {
        policy.push_str(&format!("g, {from}, {to}{}\n", place(at)));
    }
    for (member, group) in &world.members {
        policy.push_str(&format!("g2, {member}, {group}\n"));
    }
    (model, policy)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_answer_is_casbins_or_stricter(world in world(), domains: bool, groups: bool) {
        for effect in [Effect::Allow, Effect::DenyWins, Effect::Priority, Effect::AllowedUnlessDenied] {
            let (model, policy) = texts(&world, effect, domains, groups);
            let imported = import::casbin(&model, &policy).unwrap();
            let compiled = Policy::compile(&imported.rows).unwrap();
            prop_assert!(compiled.problems().is_empty());
            // Only roles stand on the right of a link, and a role is no user here.
            let roles: BTreeSet<&str> = world.links.iter().map(|link| link.1).collect();
            for user in SUBJECTS.iter().filter(|subject| !roles.contains(*subject)) {
                for place in PLACES {
                    for object in OBJECTS {
                        let theirs = enforce(&world, effect, domains, groups, (user, place, object));
                        let ours = may(&compiled, user, domains.then_some(place), &format!("{object}:x"));
                        let denials = world.rules.iter().any(|rule| !rule.3);
                        match effect {
                            Effect::Allow | Effect::DenyWins => {
                                prop_assert_eq!(ours, theirs, "{} {} {}", user, place, object);
                            }
                            Effect::Priority if !denials => prop_assert_eq!(ours, theirs),
                            _ => prop_assert!(!ours || theirs, "{} {} {}", user, place, object),
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn an_export_comes_back_with_the_same_answers_or_stricter_ones(rows in sound_rows()) {
        let exported = export::casbin(&rows);
        let imported = import::casbin(&exported.model, &exported.policy).unwrap();
        let (before, after) = (Policy::compile(&rows).unwrap(), Policy::compile(&imported.rows).unwrap());
        let plain = rows.duties.is_empty() && rows.assignments.values().all(|window| window.is_always());
        let places: Vec<Option<&str>> =
            std::iter::once(None).chain(rows.domains.keys().map(|domain| Some(domain.as_str()))).collect();
        for user in rows.users.keys() {
            for permission in rows.permissions.keys() {
                for &place in &places {
                    // casbin is asked with `_` where no domain is meant.
                    let there = if rows.domains.is_empty() { None } else { place.or(Some("_")) };
                    let ours = may(&before, user.as_str(), place, permission.as_str());
                    let theirs = may(&after, user.as_str(), there, permission.as_str());
                    prop_assert!(ours || !theirs, "{} {} {:?}", user, permission, place);
                    if plain && permission.segments().count() > 1 {
                        prop_assert_eq!(ours, theirs, "{} {} {:?}", user, permission, place);
                    }
                }
            }
        }
    }
}
