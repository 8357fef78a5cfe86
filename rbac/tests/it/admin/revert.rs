//! Undoing a draft, and the changes that lead from any rows to any others.

use proptest::prelude::*;
use rbac::{
    Applied, DutyKind, Effect, Grant, HistoryQuery, MemoryStore, PolicyRows, PolicyStore, PolicyVersion,
    Refusal, admin,
};

use crate::contract::block_on;
use crate::edit::{
    add_permission, add_role, add_user, allow, apart, assign, built, by, checked, deny, draft, refusal,
    remove_user, system, unassign,
};
use crate::world::{at, cases, change, name, sound_rows};

async fn committed(store: &MemoryStore, changes: Vec<rbac::Change>) -> Applied {
    store.commit(&draft(system(), changes), at(5)).await.unwrap()
}

#[test]
fn an_entry_is_undone_as_far_as_it_stands() {
    block_on(async {
        let store = MemoryStore::new(built([add_user("alice"), add_role("r1"), add_role("r2")]));
        let start = store.load().await.unwrap().rows;
        let first = committed(&store, vec![assign("alice", "r1"), allow("r1", "a:*"), add_user("bob")]).await;
        assert_eq!(first, Applied::Done(PolicyVersion::new(1)));
        let entry = store.history(&HistoryQuery::latest(1)).await.unwrap().remove(0);
        let second = committed(&store, vec![unassign("alice", "r1"), assign("alice", "r2")]).await;
        assert_eq!(second, Applied::Done(PolicyVersion::new(2)));
        let now = store.load().await.unwrap().rows;
        let undo = admin::revert(&now, &entry);
        let back = checked(&now, system(), undo).unwrap().rows;
        assert!(back.grants.is_empty() && !back.users.contains_key("bob"));
        // The later draft's other row stays.
        assert_eq!(back.assignments.len(), 1);
        assert!(admin::revert(&back, &entry).is_empty());
        assert_eq!(back.roles, start.roles);
    });
}

#[test]
fn the_rules_may_forbid_to_undo() {
    let before = built([
        add_user("alice"),
        add_role("r1"),
        add_role("r2"),
        assign("alice", "r1"),
        add_user("boss"),
        add_role("root"),
        allow("root", "*"),
        assign("boss", "root"),
    ]);
    block_on(async {
        let store = MemoryStore::new(before);
        let first = committed(&store, vec![unassign("alice", "r1"), assign("alice", "r2")]).await;
        let entry = store.history(&HistoryQuery::latest(1)).await.unwrap().remove(0);
        let kept = apart("s1", DutyKind::Static, &["r1", "r2"]);
        let second = committed(&store, vec![kept, assign("alice", "r1"), unassign("alice", "r2")]).await;
        assert_eq!(
            (first, second),
            (Applied::Done(PolicyVersion::new(1)), Applied::Done(PolicyVersion::new(2)))
        );
        let now = store.load().await.unwrap().rows;
        assert!(admin::revert(&now, &entry).is_empty());
        let third = committed(&store, vec![remove_user("alice")]).await;
        assert_eq!(third, Applied::Done(PolicyVersion::new(3)));
        let now = store.load().await.unwrap().rows;
        let undo = admin::revert(&now, &entry);
        assert_eq!(refusal(&now, by("boss"), undo), Some(Refusal::UnknownUser(name("alice"))));
    });
}

#[test]
fn grants_of_what_the_program_declares_stay_when_its_label_goes() {
    let wanted = built([add_role("r1"), allow("r1", "code:declares-it"), allow("r1", "a:*")]);
    let mut now = wanted.clone();
    now.permissions.insert(name("code:declares-it"), rbac::PermissionRow::new(name("")));
    let undo = admin::changes_between(&now, &wanted);
    assert_eq!(checked(&now, system(), undo).unwrap().rows, wanted);
}

#[test]
fn a_deny_goes_by_itself_and_stays_by_itself() {
    let registered = built([add_role("r1"), add_permission("a:x"), deny("r1", "a:x")]);
    for wanted in [
        built([add_role("r1")]),
        built([add_role("r1"), deny("r1", "a:x")]),
        built([add_role("r1"), allow("r1", "a:x")]),
    ] {
        let changes = admin::changes_between(&registered, &wanted);
        assert_eq!(checked(&registered, system(), changes).unwrap().rows, wanted);
        let back = admin::changes_between(&wanted, &registered);
        assert_eq!(checked(&wanted, system(), back).unwrap().rows, registered);
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn changes_lead_from_any_rows_to_any_others(now in sound_rows(), wanted in sound_rows()) {
        let changes = admin::changes_between(&now, &wanted);
        prop_assert_eq!(changes.is_empty(), now == wanted);
        let way = admin::changes_between(&PolicyRows::default(), &now).into_iter().chain(changes);
        prop_assert_eq!(admin::build(way).map_err(|refused| refused.to_string()), Ok(wanted));
    }

    #[test]
    fn a_reverted_draft_leaves_the_rows_as_they_were(
        start in sound_rows(),
        changes in prop::collection::vec(change(), 1..10),
    ) {
        block_on(async {
            let store = MemoryStore::new(start.clone());
            // Keep of the random changes those that fit after each other.
            let mut fitting = Vec::new();
            for change in changes {
                fitting.push(change);
                if checked(&start, system(), fitting.clone()).is_err() {
                    fitting.pop();
                }
            }
            if fitting.is_empty() {
                return;
            }
            assert_eq!(committed(&store, fitting).await, Applied::Done(PolicyVersion::new(1)));
            let entry = store.history(&HistoryQuery::latest(1)).await.unwrap().remove(0);
            let undo = admin::revert(&store.load().await.unwrap().rows, &entry);
            if undo.is_empty() {
                assert_eq!(store.load().await.unwrap().rows, start);
                return;
            }
            match committed(&store, undo).await {
                Applied::Done(version) => {
                    let now = store.load().await.unwrap();
                    assert_eq!((now.version, now.rows), (version, start));
                }
                // The way there was allowed; the way back may leave nobody in charge, or be against a set that the
                // rows at the start broke already.
                Applied::Refused(refused) => assert!(
                    matches!(refused.why, Refusal::LastAdministrator | Refusal::DutyViolated { .. }),
                    "{refused}"
                ),
            }
        });
    }
}

#[test]
fn effects_and_windows_are_brought_back() {
    let mut now = built([add_user("alice"), add_role("r1"), allow("r1", "a:*"), assign("alice", "r1")]);
    let wanted = now.clone();
    now.grants.insert(Grant::new(name("r1"), name("a:*")), Effect::Deny);
    now.assignments
        .insert(rbac::Assignment::new(name("alice"), name("r1")), crate::world::window(Some(1), Some(2)));
    let changes = admin::changes_between(&now, &wanted);
    assert_eq!(changes, [allow("r1", "a:*"), assign("alice", "r1")]);
}
