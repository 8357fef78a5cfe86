//! What one store does with versions and its audit trail.

use rbac::{
    Actor, Applied, AuditEntry, Change, Draft, HistoryQuery, PolicyStore, PolicyVersion, Refusal, UnixMillis,
    UserRow,
};

use crate::edit::{add_role, add_user, allow, assign, by, draft, remove_user, system};
use crate::world::{at, name};

/// A future that is dropped before it is polled has done nothing.
pub(super) async fn nothing_happens_unless_awaited(store: &dyn PolicyStore) {
    let before = store.load().await.unwrap();
    drop(store.commit(&draft(system(), [add_user("ghost")]), at(0)));
    assert_eq!(store.load().await.unwrap(), before);
}

pub(super) async fn done(
    store: &dyn PolicyStore,
    actor: Actor,
    changes: impl IntoIterator<Item = Change>,
) -> PolicyVersion {
    match store.commit(&draft(actor, changes), UnixMillis::MAX).await.unwrap() {
        Applied::Done(version) => version,
        Applied::Refused(refused) => panic!("{refused}"),
    }
}

/// The same mark for as long as nothing changes, and another one after each draft that is carried out.
pub(super) async fn each_draft_draws_a_mark(store: &dyn PolicyStore) {
    let before = store.revision().await.unwrap();
    let refused = store.commit(&draft(system(), [remove_user("nobody")]), at(0)).await.unwrap();
    assert!(matches!(refused, Applied::Refused(_)));
    assert_eq!(store.revision().await.unwrap(), before);
    let mut marks = vec![before.mark];
    for change in [add_user("eve"), remove_user("eve")] {
        let version = done(store, system(), [change]).await;
        let now = store.revision().await.unwrap();
        assert_eq!((now.version, store.load().await.unwrap().revision()), (version, now));
        assert!(!marks.contains(&now.mark) && !now.departs_from(before));
        marks.push(now.mark);
    }
}

/// A draft made for an older version is refused with the version now, and goes through for that one.
pub(super) async fn an_expected_version_is_kept(store: &dyn PolicyStore) {
    let first = done(store, system(), [add_user("eve")]).await;
    let second = done(store, system(), [remove_user("eve")]).await;
    assert_eq!((second, store.version().await.unwrap()), (first.next(), second));
    let draft = |version| draft(system(), [add_user("eve")]).expect(version);
    match store.commit(&draft(first), at(0)).await.unwrap() {
        Applied::Refused(refused) => {
            assert_eq!((refused.at, refused.why), (None, Refusal::Changed { version: second }));
        }
        Applied::Done(version) => panic!("{version}"),
    }
    assert_eq!(store.version().await.unwrap(), second);
    assert_eq!(store.commit(&draft(second), at(0)).await.unwrap(), Applied::Done(second.next()));
}

/// Pages of any length give all entries once, the newest first, also of one user.
pub(super) async fn pages_meet(store: &dyn PolicyStore) {
    let root = [add_user("root"), add_role("root"), allow("root", "*"), assign("root", "root")];
    let start = done(store, system(), root).await;
    for number in 0..12 {
        let actor = if number % 3 == 0 { by("root") } else { system() };
        let _version = done(store, actor, [add_user(&format!("page{number}"))]).await;
    }
    let all = store.history(&HistoryQuery::latest(u16::MAX)).await.unwrap();
    assert_eq!(all.len(), usize::try_from(start.number()).unwrap() + 12);
    assert!(all.is_sorted_by(|newer, older| newer.version > older.version));
    for length in [1, 2, 5, 12] {
        assert_eq!(paged(store, HistoryQuery::latest(length)).await, all);
        let of_root: Vec<_> = all.iter().filter(|entry| entry.is_by(&name("root"))).cloned().collect();
        assert_eq!(of_root.len(), 4);
        assert_eq!(paged(store, HistoryQuery::latest(length).by(name("root"))).await, of_root);
    }
    assert!(store.history(&HistoryQuery::latest(0)).await.unwrap().is_empty());
    // The program is no user, whatever it calls itself.
    let nobody = HistoryQuery::latest(5).by(name("test"));
    assert!(store.history(&nobody).await.unwrap().is_empty());
    let oldest = HistoryQuery::latest(5).below(PolicyVersion::new(1));
    assert!(store.history(&oldest).await.unwrap().is_empty());
}

async fn paged(store: &dyn PolicyStore, query: HistoryQuery) -> Vec<AuditEntry> {
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let last = entries.last().map(|entry| entry.version);
        let next = last.map_or_else(|| query.clone(), |version| query.clone().below(version));
        let page = store.history(&next).await.unwrap();
        assert!(page.len() <= usize::from(query.entries_max));
        assert!(page.iter().all(|entry| last.is_none_or(|last| entry.version < last)));
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

/// An entry says who, when, why, what in words, and the rows before and after; texts come back as they went in.
pub(super) async fn an_entry_tells_everything(store: &dyn PolicyStore) {
    let _version = done(store, system(), [add_user("dora")]).await;
    let label = "Дора O'Neil \"\\ 多拉 🦀 % _ ; -- {}";
    let reason = "see <ticket> #7 'quoted' \\ \"twice\" 原因 🦀";
    let draft = Draft::new(Actor::System(name(label)))
        .change(Change::SetUserLabel { user: name("dora"), label: name(label) })
        .reason(name(reason));
    let Applied::Done(version) = store.commit(&draft, UnixMillis::MAX).await.unwrap() else { panic!() };
    let entry = store.history(&HistoryQuery::latest(1)).await.unwrap().remove(0);
    assert_eq!((entry.version, &entry.actor, entry.at), (version, draft.actor(), UnixMillis::MAX));
    assert_eq!((entry.reason.as_str(), entry.changes.len()), (reason, 1));
    assert_eq!(entry.changes[0], draft.changes()[0].to_string());
    let users = |rows: &rbac::PolicyRows| rows.users.clone().into_iter().collect::<Vec<_>>();
    assert_eq!(users(&entry.before), [(name("dora"), UserRow::new(name("")))]);
    assert_eq!(users(&entry.after), [(name("dora"), UserRow::new(name(label)))]);
}
