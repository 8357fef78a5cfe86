//! What a "no" says: why, and the nearest ways to a "yes".

use rbac::{DenyReason, DutyKind, Lang, NearMiss, Policy};

use super::{NOW, reason, why};
use crate::world::{Build, at, name, window};

#[test]
fn every_no_says_why_and_what_is_missing() {
    let world = Build::default().permissions(&["a", "b"]).users(&["alice", "carol", "dave"]).inactive("bob");
    let world = world.roles(&["editor", "reader"]).disabled("off").allow("editor", "*").allow("reader", "a");
    let world = world.allow("off", "a").assign("bob", "editor").assign("carol", "off").domains(&["d"]);
    let world = world.assign_in("dave", "reader", None, window(Some(100), None));
    let world = world.assign_in("dave", "editor", Some("d"), window(None, None)).0;
    let expected = [
        (
            "alice",
            "user `alice` may not `a`: no role of the user is allowed it; \
             it would be permitted after one of: assign role `reader`, assign role `editor`",
        ),
        (
            "bob",
            "user `bob` may not `a`: the user is not active; it would be permitted after one of: activate the user",
        ),
        (
            "carol",
            "user `carol` may not `a`: no role of the user is allowed it; it would be permitted after one of: \
             enable role `off`, assign role `reader`, assign role `editor`",
        ),
        (
            "dave",
            "user `dave` may not `a`: no role of the user is allowed it; it would be permitted after one of: \
             wait until 1970-01-01T00:00:00.100Z, when role `reader` begins, \
             ask in domain `d`, where the user has role `editor`, assign role `reader`, assign role `editor`",
        ),
        ("eve", "user `eve` may not `a`: there is no such user"),
    ];
    for (user, words) in expected {
        assert_eq!(why(&world, user, "a", Lang::En), words);
    }
    let policy = Policy::compile(&world).unwrap();
    let slip = policy.at(NOW).decide(&name("alice"), &name("c")).unwrap_err();
    assert!(slip.to_string().contains("`c` is not registered"));
    let there = policy.at(NOW).in_domain(&name("d")).unwrap().explain(&name("dave"), &name("a")).unwrap();
    assert_eq!(
        there.to_string(),
        "user `dave` may `a` in domain `d`: `dave` → `editor` in domain `d` → allow `*`"
    );
    let denied = policy.at(NOW).subject_str("alice").unwrap().check(policy.permission(&name("a")).unwrap());
    assert_eq!(denied.unwrap_err().words(Lang::Zh), "`a` 被拒绝：用户的角色均未获授权");
}

#[test]
fn roles_that_must_not_meet_have_to_be_chosen() {
    let world =
        Build::default().permissions(&["pay"]).users(&["alice"]).roles(&["teller", "auditor", "chief"]);
    let world = world.allow("teller", "pay").inherit("chief", "auditor").assign("alice", "teller");
    let world = world.duty("bank", DutyKind::Dynamic, 2, &["teller", "auditor"]);
    assert_eq!(reason(&world.0, "alice", "pay"), None);
    let both = world.clone().assign("alice", "chief").0;
    assert_eq!(reason(&both, "alice", "pay"), Some(DenyReason::RolesToChoose { duty: name("bank") }));
    let policy = Policy::compile(&both).unwrap();
    let explained = policy.at(NOW).explain(&name("alice"), &name("pay")).unwrap();
    let choose = NearMiss::ChooseRoles { duty: name("bank"), role: name("teller") };
    assert_eq!(explained.near_misses(), [choose]);
    assert!(policy.at(NOW).what_can(&name("alice")).is_empty());
    assert!(policy.at(NOW).who_can(policy.permission(&name("pay")).unwrap()).is_empty());

    let later = world.assign_in("alice", "chief", None, window(Some(100), None)).0;
    let policy = Policy::compile(&later).unwrap();
    let pay = policy.permission(&name("pay")).unwrap();
    assert!(policy.at(at(99)).subject_str("alice").unwrap().can(pay));
    assert!(!policy.at(at(100)).subject_str("alice").unwrap().can(pay));
}

#[test]
fn no_role_is_proposed_that_static_duties_forbid() {
    let world =
        Build::default().permissions(&["a"]).users(&["alice"]).roles(&["r", "s", "t"]).allow("s", "a");
    let world = world.allow("t", "a").assign("alice", "r").duty("apart", DutyKind::Static, 2, &["r", "s"]);
    let policy = Policy::compile(&world.0).unwrap();
    let explained = policy.at(NOW).explain(&name("alice"), &name("a")).unwrap();
    assert_eq!(explained.near_misses(), [NearMiss::AssignRole { role: name("t") }]);
}

#[test]
fn no_step_is_proposed_that_would_not_do() {
    let near = |world: &Build, user: &str| {
        let policy = Policy::compile(&world.0).unwrap();
        policy.at(NOW).explain(&name(user), &name("a")).unwrap().near_misses().to_vec()
    };
    let base = || Build::default().permissions(&["a"]).users(&["alice"]);
    // A role that the user's others must not meet, by assignment and by enabling.
    let world = base().roles(&["r", "s"]).disabled("t").allow("s", "a").allow("t", "a").assign("alice", "r");
    let world = world.assign("alice", "t");
    let free = [NearMiss::EnableRole { role: name("t") }, NearMiss::AssignRole { role: name("s") }];
    assert_eq!(near(&world, "alice"), free);
    let apart = |set: &[&str]| world.clone().duty("apart", DutyKind::Dynamic, 2, set);
    assert_eq!(near(&apart(&["r", "s"]), "alice"), free[..1]);
    assert_eq!(near(&apart(&["r", "t"]), "alice"), free[1..]);
    // A disabled role that denies as well, by itself or by what it inherits.
    let world = base().disabled("t").roles(&["u"]).allow("t", "a").assign("alice", "t");
    assert_eq!(near(&world, "alice"), [NearMiss::EnableRole { role: name("t") }]);
    assert_eq!(near(&world.clone().deny("t", "*"), "alice"), []);
    assert_eq!(near(&world.inherit("t", "u").deny("u", "*"), "alice"), []);
    // Two denies: lifting one is not enough. One deny, and nothing that allows.
    let world =
        base().roles(&["r", "s"]).allow("r", "a").deny("s", "a").assign("alice", "r").assign("alice", "s");
    assert_eq!(near(&world, "alice").len(), 1);
    assert_eq!(near(&world.deny("r", "*"), "alice"), []);
    assert_eq!(near(&base().roles(&["s"]).deny("s", "a").assign("alice", "s"), "alice"), []);
    // Another domain where the role that gives it has ended, and a beginning that a deny meets.
    let world = base().domains(&["d"]).roles(&["r", "s"]).allow("r", "a");
    let ended = world.clone().assign_in("alice", "r", Some("d"), window(None, Some(100)));
    let policy = Policy::compile(&ended.0).unwrap();
    let later = policy.at(at(100)).explain(&name("alice"), &name("a")).unwrap();
    assert_eq!(later.near_misses(), [NearMiss::AssignRole { role: name("r") }]);
    let both = ended.roles(&["t"]).allow("t", "a").assign_in("alice", "t", Some("d"), window(None, None));
    let later = Policy::compile(&both.0).unwrap().at(at(100)).explain(&name("alice"), &name("a")).unwrap();
    let elsewhere = later.near_misses().iter().filter(|it| matches!(it, NearMiss::OtherDomain { .. }));
    assert!(elsewhere.eq(&[NearMiss::OtherDomain { role: name("t"), domain: name("d") }]));
    let world = world.assign_in("alice", "r", None, window(Some(100), None)).deny("s", "a");
    assert_eq!(near(&world, "alice")[0], NearMiss::Begins { role: name("r"), at: at(100) });
    let ended = NearMiss::Expired { role: name("r"), at: at(100) };
    assert_eq!(ended.to_string(), "extend role `r`, which ended at 1970-01-01T00:00:00.100Z");
    assert_eq!(ended.words(Lang::Zh), "延长已于 1970-01-01T00:00:00.100Z 到期的角色 `r`");
    let world = world.assign_in("alice", "s", None, window(Some(50), None));
    assert_eq!(near(&world, "alice"), [NearMiss::AssignRole { role: name("r") }]);
}
