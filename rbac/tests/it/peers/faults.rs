//! What casbin for Rust (2.20) gets wrong, each shown there and then here.
//!
//! If one of the first halves fails, that fault was mended there.

use casbin::error::{Error, PolicyError};
use casbin::{CoreApi, MgmtApi, RbacApi};
use rbac::{Decision, DenyReason, Policy, PolicyRows, Problem, Refusal, UnreadableRow};

use super::now;
use super::theirs::{BASIC, enforcer, words};
use crate::edit::{inherit, refusal, system};
use crate::world::{Build, name};

/// `alice` has `r1`, each role inherits the next, and the last one may read the data.
fn chain(roles: usize) -> (Vec<String>, PolicyRows) {
    let role = |at: usize| format!("r{at}");
    let mut lines = vec!["g, alice, r1".to_owned(), format!("p, r{roles}, data, read")];
    let mut build = Build::default().users(&["alice"]).permissions(&["data:read"]);
    for at in 1..=roles {
        build = build.roles(&[&role(at)]);
    }
    for at in 1..roles {
        lines.push(format!("g, r{at}, r{}", at + 1));
        build = build.inherit(&role(at), &role(at + 1));
    }
    (lines, build.assign("alice", "r1").allow(&role(roles), "data:read").0)
}

#[tokio::test]
async fn a_chain_of_ten_roles_denies_there() {
    for (roles, theirs) in [(9, true), (10, false), (50, false)] {
        let (lines, rows) = chain(roles);
        let casbin = enforcer(BASIC, &lines).await;
        assert_eq!(casbin.enforce(("alice", "data", "read")).unwrap(), theirs, "{roles}");
        // Although it is listed as permitted.
        let listed = casbin.get_implicit_permissions_for_user("alice", None);
        assert!(listed.iter().any(|rule| rule[1..] == ["data", "read"]), "{roles}");

        let policy = Policy::compile(&rows).unwrap();
        let decision = policy.at(now()).decide(&name("alice"), &name("data:read")).unwrap();
        assert_eq!(decision, Decision::Permit, "{roles}");
        assert_eq!(policy.at(now()).what_can(&name("alice")), [name("data:read")], "{roles}");
    }
}

#[tokio::test]
async fn a_circle_is_accepted_there() {
    let mut casbin = enforcer(BASIC, &[]).await;
    for link in [["r1", "r2"], ["r2", "r3"], ["r3", "r1"]] {
        assert!(casbin.add_grouping_policy(words(&link)).await.unwrap());
    }

    let rows = Build::default().roles(&["r1", "r2", "r3"]).inherit("r1", "r2").inherit("r2", "r3").0;
    let path = ["r3", "r1", "r2", "r3"].map(name).to_vec();
    assert_eq!(refusal(&rows, system(), [inherit("r3", "r1")]), Some(Refusal::Cycle(path)));
}

#[tokio::test]
async fn a_row_of_another_shape_breaks_every_answer_there() {
    let mut casbin = enforcer(BASIC, &["p, alice, data, read".to_owned()]).await;
    assert!(!casbin.enforce(("alice", "data", "write")).unwrap());
    assert!(casbin.add_policy(words(&["bad"])).await.unwrap());
    assert!(casbin.add_policy(words(&["bob", "data", "read"])).await.unwrap());
    for user in ["alice", "bob"] {
        // Whoever asks for what stands behind the row gets an error instead of an answer.
        let asked = if user == "alice" { "write" } else { "read" };
        let broken = casbin.enforce((user, "data", asked)).unwrap_err();
        assert!(matches!(broken, Error::PolicyError(PolicyError::UnmatchPolicyDefinition(3, 1))), "{broken}");
    }

    let build = Build::default().users(&["alice", "bob"]).permissions(&["data:read", "data:write"]);
    let build = build.roles(&["reader"]).allow("reader", "data:read").assign("alice", "reader");
    let mut rows = build.assign("bob", "reader").0;
    let before = Policy::compile(&rows).unwrap();
    let bad = UnreadableRow::new("rbac_grants".to_owned(), "the pattern `` is empty".to_owned());
    rows.unreadable.insert(bad.clone());
    rows = Build(rows).assign("alice", "bad").allow("reader", "bad").inherit("bad", "reader").0;
    let after = Policy::compile(&rows).unwrap();
    assert!(after.problems().contains(&Problem::Unreadable(bad)));
    assert_eq!(after.problems().len(), 4);
    for user in ["alice", "bob"].map(name) {
        let what = |policy: &Policy| policy.at(now()).what_can(&user);
        assert_eq!(what(&after), [name("data:read")]);
        assert_eq!(what(&after), what(&before));
    }
}

#[tokio::test]
async fn a_user_of_the_name_of_a_role_has_its_rights_there() {
    let casbin = enforcer(BASIC, &["p, admin, data, write".to_owned(), "g, alice, admin".to_owned()]).await;
    assert!(casbin.get_roles_for_user("admin", None).is_empty());
    assert!(casbin.enforce(("admin", "data", "write")).unwrap());

    let build = Build::default().users(&["admin", "alice"]).roles(&["admin"]).permissions(&["data:write"]);
    let rows = build.allow("admin", "data:write").assign("alice", "admin").0;
    let policy = Policy::compile(&rows).unwrap();
    let decide = |user: &str| policy.at(now()).decide(&name(user), &name("data:write")).unwrap();
    assert_eq!(decide("alice"), Decision::Permit);
    assert_eq!(decide("admin"), Decision::Deny(DenyReason::NotGranted));
    assert_eq!(policy.at(now()).what_can(&name("admin")), []);
}
