//! Many writers at once: what each draft keeps, all of them together keep.

use std::sync::Arc;

use rbac::{Actor, Applied, Change, DutyKind, HistoryQuery, PolicyStore, Refusal};

use super::history::done;
use crate::edit::{active, add_role, add_user, allow, apart, assign, by, draft, revoke, system, unassign};
use crate::world::{at, name};

/// Writers at once, spread over the handles of one store.
const WRITERS: usize = 64;

/// All races, one after the other, on handles of one empty store.
pub(crate) async fn races(handles: &[Arc<dyn PolicyStore>]) {
    let _version = done(&*handles[0], system(), office()).await;
    versions_are_distinct(handles).await;
    one_of_two_separated_roles_is_had(handles).await;
    an_administrator_is_left(handles).await;
    what_is_withdrawn_is_not_given_on(handles).await;
    one_form_of_many_goes_through(handles).await;
}

fn office() -> Vec<Change> {
    let roles = ["root", "payer", "approver", "editor"].map(add_role);
    let users = ["root", "spare", "alice", "bob", "ed"].map(add_user);
    let rest = [
        allow("root", "*"),
        assign("root", "root"),
        apart("pay", DutyKind::Static, &["payer", "approver"]),
        allow("editor", "rbac:user:assign"),
        allow("editor", "rbac:role:edit"),
        allow("payer", "pay:out"),
    ];
    roles.into_iter().chain(users).chain(rest).collect()
}

/// Commits one draft a writer, all at once, and gives what became of them, in order of writer.
async fn all_at_once(
    handles: &[Arc<dyn PolicyStore>],
    make: impl Fn(usize) -> (Actor, Vec<Change>),
) -> Vec<Applied> {
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&handles[writer % handles.len()]);
        let (actor, changes) = make(writer);
        let draft = draft(actor, changes);
        tasks.push(tokio::spawn(async move { store.commit(&draft, at(0)).await.unwrap() }));
    }
    let mut applied = Vec::new();
    for task in tasks {
        applied.push(task.await.unwrap());
    }
    applied
}

fn done_by(applied: &[Applied]) -> Vec<usize> {
    let done = applied.iter().enumerate().filter(|(_, applied)| matches!(applied, Applied::Done(_)));
    done.map(|(writer, _)| writer).collect()
}

/// Each draft gets a version of its own, without a gap, and all are in the rows and in the history.
async fn versions_are_distinct(handles: &[Arc<dyn PolicyStore>]) {
    let start = handles[0].version().await.unwrap().number();
    let applied = all_at_once(handles, |writer| (system(), vec![add_user(&format!("new{writer}"))])).await;
    let mut versions: Vec<u64> = applied
        .iter()
        .map(|applied| match applied {
            Applied::Done(version) => version.number(),
            Applied::Refused(refused) => panic!("{refused}"),
        })
        .collect();
    versions.sort_unstable();
    let end = start + u64::try_from(WRITERS).unwrap();
    assert_eq!(versions, (start + 1..=end).collect::<Vec<_>>());
    let snapshot = handles[0].load().await.unwrap();
    assert_eq!(snapshot.version.number(), end);
    assert!((0..WRITERS).all(|writer| snapshot.rows.users.contains_key(format!("new{writer}").as_str())));
    let entries = handles[0].history(&HistoryQuery::latest(1_000)).await.unwrap();
    assert_eq!(entries.len(), usize::try_from(end).unwrap());
}

/// Half of them give Alice one role, half the other; whoever comes first decides.
async fn one_of_two_separated_roles_is_had(handles: &[Arc<dyn PolicyStore>]) {
    let role = |writer: usize| if writer.is_multiple_of(2) { "payer" } else { "approver" };
    let applied = all_at_once(handles, |writer| (system(), vec![assign("alice", role(writer))])).await;
    assert_eq!(done_by(&applied).len(), 1);
    let rows = handles[0].load().await.unwrap().rows;
    let had: Vec<&str> = rows
        .assignments
        .keys()
        .filter(|row| row.user.as_str() == "alice")
        .map(|row| row.role.as_str())
        .collect();
    assert_eq!(had, [role(done_by(&applied)[0])]);
    for (writer, applied) in applied.iter().enumerate() {
        let Applied::Refused(refused) = applied else { continue };
        let same = role(writer) == had[0];
        assert_eq!(refused.why == Refusal::AlreadyThere, same);
        assert_eq!(matches!(refused.why, Refusal::DutyViolated { .. }), !same);
    }
}

/// Two administrators, and everybody takes away one of them.
async fn an_administrator_is_left(handles: &[Arc<dyn PolicyStore>]) {
    let _version = done(&*handles[0], system(), [assign("spare", "root")]).await;
    let out = |writer: usize| match writer % 4 {
        0 => active("root", false),
        1 => unassign("spare", "root"),
        2 => unassign("root", "root"),
        _ => active("spare", false),
    };
    let applied = all_at_once(handles, |writer| (system(), vec![out(writer)])).await;
    let rows = handles[0].load().await.unwrap().rows;
    let in_charge = ["root", "spare"].into_iter().filter(|user| {
        rows.users[*user].active
            && rows.assignments.contains_key(&crate::world::assignment(user, "root", None))
    });
    assert_eq!(in_charge.count(), 1);
    let last = applied.iter().filter(
        |applied| matches!(applied, Applied::Refused(refused) if refused.why == Refusal::LastAdministrator),
    );
    assert!(last.count() >= 2);
    let mend: Vec<Change> = ["root", "spare"]
        .into_iter()
        .flat_map(|user| {
            let active_again = (!rows.users[user].active).then(|| active(user, true));
            let gone = !rows.assignments.contains_key(&crate::world::assignment(user, "root", None));
            active_again.into_iter().chain(gone.then(|| assign(user, "root")))
        })
        .collect();
    let _version = done(&*handles[0], system(), mend).await;
}

/// While the permission that Ed gives on is taken from him, others get it from him only before.
async fn what_is_withdrawn_is_not_given_on(handles: &[Arc<dyn PolicyStore>]) {
    let given = [allow("editor", "pay:out"), assign("ed", "editor")];
    let _version = done(&*handles[0], system(), given).await;
    let withdraws = |writer: usize| writer == WRITERS / 2;
    let applied = all_at_once(handles, |writer| {
        if withdraws(writer) {
            (system(), vec![revoke("editor", "pay:out")])
        } else {
            (by("ed"), vec![assign(&format!("new{writer}"), "payer")])
        }
    })
    .await;
    let Applied::Done(withdrawn) = &applied[WRITERS / 2] else { panic!() };
    for (writer, applied) in applied.iter().enumerate().filter(|(writer, _)| !withdraws(*writer)) {
        match applied {
            Applied::Done(version) => assert!(version < withdrawn, "{writer}"),
            Applied::Refused(refused) => {
                assert!(matches!(refused.why, Refusal::Escalation { .. }), "{refused}");
            }
        }
    }
}

/// Of drafts that were made for the same version one goes through.
async fn one_form_of_many_goes_through(handles: &[Arc<dyn PolicyStore>]) {
    let version = handles[0].version().await.unwrap();
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&handles[writer % handles.len()]);
        let label = name(&format!("by {writer}"));
        let draft = draft(system(), [Change::SetUserLabel { user: name("bob"), label }]).expect(version);
        tasks.push(tokio::spawn(async move { store.commit(&draft, at(0)).await.unwrap() }));
    }
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Applied::Done(made) => {
                assert_eq!(made, version.next());
                done += 1;
            }
            Applied::Refused(refused) => {
                assert_eq!(refused.why, Refusal::Changed { version: version.next() });
            }
        }
    }
    assert_eq!(done, 1);
}
