//! The verbs of a transaction: what they come to, and the slips that they keep until the end.

use std::collections::BTreeSet;
use std::sync::Arc;

use rbac::{
    Applied, Assignment, Change, DataScope, DepartmentId, Duty, DutyKind, Effect, ErrorKind, Live,
    MemoryStore, PolicyVersion, Refusal, UnixMillis, Window,
};

use crate::edit::system;
use crate::world::{at, name};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn empty() -> Live {
    run(Live::builder(Arc::new(MemoryStore::default())).load(at(0))).unwrap()
}

#[test]
fn words_behind_an_assignment_are_about_it_alone() {
    let live = empty();
    let draft = live
        .tx(system())
        .assign(name("alice"), name("editor"))
        .from(at(5))
        .until(at(9))
        .in_domain(name("north"))
        .assign(name("bob"), name("editor"))
        .until(at(7))
        .unassign(name("carol"), name("editor"))
        .in_domain(name("south"))
        .reason(name("because"))
        .expect(PolicyVersion::new(3))
        .into_draft()
        .unwrap();
    let changes = [
        Change::Assign {
            assignment: Assignment::in_domain(name("alice"), name("editor"), name("north")),
            window: Window::new(Some(at(5)), Some(at(9))).unwrap(),
        },
        Change::Assign {
            assignment: Assignment::new(name("bob"), name("editor")),
            window: Window::until(at(7)).unwrap(),
        },
        Change::Unassign { assignment: Assignment::in_domain(name("carol"), name("editor"), name("south")) },
    ];
    assert_eq!(draft.changes(), changes);
    assert_eq!((draft.why(), draft.expected()), (&name("because"), Some(PolicyVersion::new(3))));
    assert_eq!(draft.actor(), &system());
}

#[test]
fn the_first_slip_comes_back_at_the_end_and_nothing_is_changed() {
    let live = empty();
    let add = || live.tx(system()).add_user(name("alice"), name("Alice"));
    let slips = [
        (add().until(at(9)), ErrorKind::Misuse, "`until`"),
        (add().from(at(9)), ErrorKind::Misuse, "`from`"),
        (live.tx(system()).in_domain(name("north")), ErrorKind::Misuse, "`in_domain`"),
        (live.tx(system()).unassign(name("a"), name("b")).until(at(9)), ErrorKind::Misuse, "`until`"),
        (add().until(at(9)).in_domain(name("north")), ErrorKind::Misuse, "`until`"),
        (add().assign(name("alice"), name("r")).from(at(9)).until(at(9)), ErrorKind::InvalidInput, "`until`"),
        (add().assign(name("alice"), name("r")).until(at(9)).from(at(10)), ErrorKind::InvalidInput, "`from`"),
        (add().assign(name("alice"), name("r")).until(UnixMillis::EPOCH), ErrorKind::InvalidInput, "`until`"),
    ];
    for (transaction, kind, word) in slips {
        let error = run(transaction.commit(at(0))).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(live.snapshot().version(), PolicyVersion::START);
}

#[test]
fn every_verb_says_what_it_does() {
    let live = empty();
    let department = DepartmentId::new(7);
    let roles = BTreeSet::from([name("editor"), name("auditor")]);
    let duty = Duty::new(name("Apart"), DutyKind::Static, 2, roles);
    let applied = live
        .tx(system())
        .add_department(department, name("North"), None)
        .label_department(department, name("Northern"))
        .add_department(DepartmentId::new(8), name("All"), None)
        .move_department(department, Some(DepartmentId::new(8)))
        .add_domain(name("shop"), name("Shop"))
        .add_permission(name("a:x"), name("X"))
        .label_permission(name("a:x"), name("Xx"))
        .add_user(name("alice"), name("Alice"))
        .label_user(name("alice"), name("Alicia"))
        .deactivate_user(name("alice"))
        .activate_user(name("alice"))
        .move_user(name("alice"), Some(department))
        .add_role(name("editor"), name("Editor"))
        .label_role(name("editor"), name("Editors"))
        .disable_role(name("editor"))
        .enable_role(name("editor"))
        .open_rows(name("editor"), DataScope::All)
        .add_role(name("auditor"), name("Auditor"))
        .add_role(name("chief"), name("Chief"))
        .grant(name("editor"), name("a:*"))
        .deny(name("editor"), name("a:x"))
        .revoke(name("editor"), name("a:*"))
        .inherit(name("chief"), name("editor"))
        .disinherit(name("chief"), name("editor"))
        .set_duty(name("apart"), duty)
        .assign(name("alice"), name("editor"))
        .unassign(name("alice"), name("editor"))
        .remove_duty(name("apart"))
        .remove_role(name("auditor"))
        .remove_domain(name("shop"));
    let applied = run(applied.commit(at(1))).unwrap();
    assert_eq!(applied, Applied::Done(PolicyVersion::new(1)));
    let rows = run(live.store().load()).unwrap().rows;
    assert_eq!(rows.users["alice"].label, name("Alicia"));
    assert!(rows.users["alice"].active && rows.roles["editor"].enabled);
    assert_eq!(rows.users["alice"].department, Some(department));
    assert_eq!(rows.departments[&department].label, name("Northern"));
    assert_eq!(rows.departments[&department].parent, Some(DepartmentId::new(8)));
    assert_eq!(rows.roles["editor"].data_scope, DataScope::All);
    assert_eq!(rows.roles["editor"].label, name("Editors"));
    assert_eq!(rows.grants.values().collect::<Vec<_>>(), [&Effect::Deny]);
    assert!(rows.duties.is_empty() && rows.inheritance.is_empty() && rows.assignments.is_empty());
    assert!(rows.domains.is_empty() && !rows.roles.contains_key("auditor"));

    let gone = live
        .tx(system())
        .move_user(name("alice"), None)
        .remove_user(name("alice"))
        .remove_permission(name("a:x"))
        .remove_department(department)
        .remove_department(DepartmentId::new(8));
    assert_eq!(run(gone.commit(at(2))).unwrap(), Applied::Done(PolicyVersion::new(2)));
    let rows = run(live.store().load()).unwrap().rows;
    assert!(rows.users.is_empty() && rows.permissions.is_empty() && rows.departments.is_empty());
}

#[test]
fn a_preview_changes_nothing_and_an_old_form_is_refused() {
    let live = empty();
    let add = |user: &str| live.tx(system()).add_user(name(user), name("Somebody"));
    let preview = run(add("alice").preview(at(1))).unwrap();
    assert_eq!(preview.refused, None);
    let gains = run(live
        .tx(system())
        .add_user(name("bob"), name("Bob"))
        .add_role(name("auditor"), name("Auditor"))
        .grant(name("auditor"), name("rbac:audit:*"))
        .assign(name("bob"), name("auditor"))
        .preview(at(1)));
    assert_eq!(gains.unwrap().diff.to_string(), "user `bob` gains `rbac:audit:view`");
    assert_eq!(live.snapshot().version(), PolicyVersion::START);
    assert_eq!(run(add("alice").commit(at(1))).unwrap(), Applied::Done(PolicyVersion::new(1)));

    let twice = run(add("alice").preview(at(2))).unwrap();
    assert_eq!(twice.refused.unwrap().why, Refusal::AlreadyThere);
    let old = run(add("bob").expect(PolicyVersion::START).commit(at(2))).unwrap();
    let Applied::Refused(refused) = old else { panic!("{old:?}") };
    assert_eq!(refused.why, Refusal::Changed { version: PolicyVersion::new(1) });
    assert_eq!(live.snapshot().version(), PolicyVersion::new(1));
}
