//! What a draft would come to, also one that would be refused.

use rbac::{ErrorKind, PolicyVersion, Problem, Refusal, admin};

use crate::edit::{
    add_permission, add_role, add_user, allow, assign, built, by, draft, inherit, system, unassign,
};
use crate::world::{at, name};

rbac::permissions! {
    mod shop {
        order("订单", "Orders") {
            REFUND = "order:refund" ("退款", "Refund"),
        }
    }
}

fn rows() -> rbac::PolicyRows {
    built([
        add_user("alice"),
        add_user("ed"),
        add_role("editor"),
        add_role("reader"),
        add_permission("a:x"),
        allow("editor", "rbac:role:edit"),
        assign("ed", "editor"),
        assign("alice", "reader"),
    ])
}

#[test]
fn a_preview_says_who_gains_even_if_it_would_be_refused() {
    let preview = |actor, changes: Vec<rbac::Change>| {
        admin::preview(&rows(), PolicyVersion::START, &draft(actor, changes), None, at(0)).unwrap()
    };
    let fine = preview(system(), vec![allow("reader", "a:x")]);
    assert_eq!((fine.refused, fine.diff.to_string()), (None, "user `alice` gains `a:x`".to_owned()));
    assert!(fine.problems.is_empty());

    let escalating = preview(by("ed"), vec![allow("reader", "a:x")]);
    assert!(matches!(escalating.refused.unwrap().why, Refusal::Escalation { .. }));
    assert_eq!(escalating.diff.to_string(), "user `alice` gains `a:x`");

    let not_permitted = preview(by("alice"), vec![unassign("alice", "reader"), unassign("ed", "editor")]);
    assert_eq!(not_permitted.refused.unwrap().why, Refusal::NotPermitted(name("rbac:user:assign")));
    assert_eq!(not_permitted.diff.to_string(), "user `ed` loses `rbac:role:edit`");

    let misfit = preview(system(), vec![allow("reader", "a:x"), assign("bob", "reader")]);
    assert_eq!(misfit.refused.unwrap().at, Some(1));
    assert!(misfit.diff.is_empty());
    let empty = preview(system(), Vec::new());
    assert_eq!(empty.refused.unwrap().why, Refusal::Empty);
}

#[test]
fn a_grant_of_what_nobody_declares_is_pointed_out() {
    let refund = draft(system(), [allow("reader", shop::order::REFUND.name())]);
    let problems = |catalogue| {
        admin::preview(&rows(), PolicyVersion::START, &refund, catalogue, at(0)).unwrap().problems
    };
    let unknown =
        Problem::GrantedPermissionUnknown { role: name("reader"), permission: name("order:refund") };
    assert_eq!(problems(None), [unknown]);
    assert_eq!(problems(Some(shop::CATALOGUE)), []);
}

#[test]
fn a_circle_written_by_hand_has_no_preview() {
    let mut rows = built([add_role("r1"), add_role("r2"), inherit("r1", "r2")]);
    rows.inheritance.insert(rbac::Inheritance::new(name("r2"), name("r1")));
    let draft = draft(system(), [add_user("alice")]);
    let error = admin::preview(&rows, PolicyVersion::START, &draft, None, at(0)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(admin::check(&rows, PolicyVersion::START, &draft, at(0)).is_ok());
}
