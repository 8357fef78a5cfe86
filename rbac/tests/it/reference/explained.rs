//! Explanations are true: each step of a way stands in the rows, and each proposal does what it says.

use proptest::prelude::*;
use rbac::{
    Assignment, Decision, DenyReason, Effect, Explanation, Grant, Inheritance, NEAR_MISSES_MAX, NearMiss,
    PermissionName, Policy, PolicyRows, RoleName, Trail, UserId, Window,
};

use super::{Point, active, held, model, registered, saying, users, word};
use crate::world::{cases, rows};

/// A trail is true if the rows say each of its steps.
fn assert_true(trail: &Trail, rows: &PolicyRows, user: &UserId, asked: &PermissionName, point: &Point) {
    let roles: Vec<RoleName> = trail.roles().cloned().collect();
    assert!(held(rows, user, point).contains(&roles[0]));
    let assignment = match trail.domain() {
        None => Assignment::new(user.clone(), roles[0].clone()),
        Some(domain) => Assignment::in_domain(user.clone(), roles[0].clone(), domain.clone()),
    };
    assert_eq!(rows.assignments[&assignment], trail.window());
    assert!(
        trail.window().holds(point.now)
            && (trail.domain().is_none() || trail.domain() == point.domain.as_ref())
    );
    assert!(roles.iter().all(|role| rows.roles[role].enabled));
    for step in roles.windows(2) {
        assert!(rows.inheritance.contains(&Inheritance::new(step[0].clone(), step[1].clone())));
    }
    let last = roles.last().unwrap();
    assert_eq!(last, trail.granted_role());
    assert!(trail.pattern().matches(asked));
    assert_eq!(rows.grants[&Grant::new(last.clone(), trail.pattern().clone())], trail.effect());
}

/// The rows after a proposal, and where and when to ask then.
fn followed(near: &NearMiss, why: &Explanation, rows: &PolicyRows, point: &Point) -> (PolicyRows, Point) {
    let (mut rows, mut point) = (rows.clone(), point.clone());
    let assign = |rows: &mut PolicyRows, role: &RoleName| {
        let (user, role) = (why.user().clone(), role.clone());
        let assignment = match &point.domain {
            None => Assignment::new(user, role),
            Some(domain) => Assignment::in_domain(user, role, domain.clone()),
        };
        rows.assignments.insert(assignment, Window::ALWAYS);
    };
    match near {
        NearMiss::ActivateUser => rows.users.get_mut(why.user()).unwrap().active = true,
        NearMiss::LiftDeny { role, pattern } => {
            rows.grants.remove(&Grant::new(role.clone(), pattern.clone())).unwrap();
        }
        NearMiss::Begins { at, .. } => point.now = *at,
        NearMiss::OtherDomain { domain, .. } => point.domain = Some(domain.clone()),
        NearMiss::EnableRole { role } => rows.roles.get_mut(role).unwrap().enabled = true,
        NearMiss::AssignRole { role } | NearMiss::Expired { role, .. } => assign(&mut rows, role),
        // The other roles rest: here, all other assignments are gone. What they deny is denied still.
        NearMiss::ChooseRoles { role, .. } => {
            let denying = saying(&rows, &active(&rows, why.user(), &point), why.permission(), Effect::Deny);
            assert!(denying.is_empty());
            rows.assignments.retain(|row, _| row.user != *why.user());
            assign(&mut rows, role);
        }
        other => panic!("{other:?}"),
    }
    (rows, point)
}

/// All that is said in one explanation is true.
fn assert_sound(why: &Explanation, rows: &PolicyRows, point: &Point) {
    let (user, asked) = (why.user(), why.permission());
    let allowing = !saying(rows, &active(rows, user, point), asked, Effect::Allow).is_empty();
    let (because, overruled) = match why.decision() {
        Decision::Permit => (Some(Effect::Allow), false),
        Decision::Deny(DenyReason::ExplicitDeny { .. }) => (Some(Effect::Deny), allowing),
        Decision::Deny(_) => (None, false),
    };
    assert_eq!(why.because().map(Trail::effect), because);
    assert_eq!(why.overruled().map(Trail::effect), overruled.then_some(Effect::Allow));
    for trail in why.because().into_iter().chain(why.overruled()) {
        assert_true(trail, rows, user, asked, point);
    }
    assert!(why.near_misses().len() <= NEAR_MISSES_MAX);
    for near in why.near_misses() {
        let (rows, point) = followed(near, why, rows, point);
        assert_eq!(model(&rows, user, asked, &point), "permit", "{near} in {why} with {rows:#?}");
        if let NearMiss::Begins { role, .. } | NearMiss::OtherDomain { role, .. } = near {
            assert!(held(&rows, user, &point).contains(role), "{near} in {why} with {rows:#?}");
        }
    }
    for lang in [rbac::Lang::En, rbac::Lang::Zh] {
        let words = why.words(lang);
        assert!(words.contains(user.as_str()) && words.contains(asked.as_str()));
    }
}

/// If one role more would do, a role is proposed, and so is one that only has to be switched on.
fn assert_complete(why: &Explanation, rows: &PolicyRows, point: &Point) {
    let room = why.near_misses().len() < NEAR_MISSES_MAX;
    if word(why.decision()) != "not granted" || !room {
        return;
    }
    let proposed = |near: NearMiss| why.near_misses().contains(&near);
    let permits = |near: &NearMiss| {
        let (rows, point) = followed(near, why, rows, point);
        model(&rows, why.user(), why.permission(), &point) == "permit"
    };
    for (role, row) in &rows.roles {
        let enable = NearMiss::EnableRole { role: role.clone() };
        if !row.enabled && permits(&enable) {
            assert!(proposed(enable), "{role} in {why} with {rows:#?}");
        }
        let assign = NearMiss::AssignRole { role: role.clone() };
        if rows.duties.is_empty() && row.enabled && permits(&assign) {
            assert!(proposed(assign), "{role} in {why} with {rows:#?}");
        }
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn an_explanation_is_true_and_says_what_decide_says(rows in rows()) {
        let policy = Policy::compile(&rows).unwrap();
        for point in Point::all(&rows) {
            let view = point.view(&policy);
            for (user, asked) in users().iter().flat_map(|user| registered(&rows).into_iter().map(move |asked| (user, asked))) {
                let why = view.explain(user, &asked).unwrap();
                prop_assert_eq!(why.decision(), &view.decide(user, &asked).unwrap());
                prop_assert_eq!((why.user(), why.permission(), why.domain()), (user, &asked, point.domain.as_ref()));
                assert_sound(&why, &rows, &point);
                assert_complete(&why, &rows, &point);
            }
        }
    }
}
