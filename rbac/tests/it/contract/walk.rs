//! Random drafts by several actors, against the bare rule and a history kept by hand.

use proptest::prelude::*;
use rbac::{Applied, Change, Draft, Effect, HistoryQuery, PolicyRows, PolicyStore, PolicyVersion, admin};

use crate::edit::{add_role, add_user, allow, assign, by, system};
use crate::world::{USERS, at, change, changes, name, pick};

/// One draft, and when.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// A user, or the program itself.
    actor: Option<&'static str>,
    changes: Vec<Change>,
    /// How far the expected version is from the right one; none is expected if none.
    expects: Option<u64>,
    after_millis: u64,
}

/// Some rows with an administrator, then drafts of one to a few changes by anybody.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let actor = prop_oneof![2 => Just(None), 3 => pick(&USERS).prop_map(Some)];
    let some = prop::collection::vec(change(), 1..5);
    let expects = prop_oneof![4 => Just(None), 1 => (0..2_u64).prop_map(Some)];
    let step = (actor, some, expects, 0..60_u64).prop_map(|(actor, changes, expects, after_millis)| Step {
        actor,
        changes,
        expects,
        after_millis,
    });
    (changes(), prop::collection::vec(step, 0..20)).prop_map(|(first, then)| {
        let one_by_one = first.into_iter().map(|change| Step {
            actor: None,
            changes: vec![change],
            expects: None,
            after_millis: 0,
        });
        one_by_one.chain([in_charge()]).chain(then).collect()
    })
}

/// Somebody who may do everything, so that users' drafts come through too.
fn in_charge() -> Step {
    let changes = vec![
        add_user("root"),
        add_role("root"),
        allow("root", "*"),
        assign("root", "root"),
        add_role("half"),
        allow("half", "rbac:user:*"),
        Change::Grant { role: name("half"), pattern: name("a:*"), effect: Effect::Allow },
        assign("root", "half"),
    ];
    Step { actor: None, changes, expects: None, after_millis: 0 }
}

/// Plays drafts against an empty store and against the bare rule, and compares all there is to see.
pub(crate) async fn walk(store: &dyn PolicyStore, steps: &[Step]) {
    let mut model = Model::default();
    for step in steps {
        model.take(store, step).await;
    }
    assert_eq!(store.version().await.unwrap(), model.version);
    let stored = store.load().await.unwrap();
    assert_eq!(stored.revision(), store.revision().await.unwrap());
    assert_eq!((stored.version, &stored.rows), (model.version, &model.rows));
    model.compare_history(store).await;
    model.undo_the_last(store).await;
}

#[derive(Default)]
struct Model {
    version: PolicyVersion,
    rows: PolicyRows,
    now_millis: u64,
    /// What the rows were before each draft, the oldest first.
    befores: Vec<PolicyRows>,
    drafts: Vec<(Draft, u64)>,
}

impl Model {
    async fn take(&mut self, store: &dyn PolicyStore, step: &Step) {
        self.now_millis += step.after_millis;
        let actor = step.actor.map_or_else(system, by);
        let mut draft = Draft::new(actor).changes_of(step.changes.clone()).reason(name("因为 \"so\" said"));
        if let Some(off) = step.expects {
            draft = draft.expect(PolicyVersion::new(self.version.number() + off));
        }
        let expected = match admin::check(&self.rows, self.version, &draft, at(self.now_millis)) {
            Ok(amended) => {
                self.version = self.version.next();
                self.befores.push(std::mem::replace(&mut self.rows, amended.rows));
                self.drafts.push((draft.clone(), self.now_millis));
                Applied::Done(self.version)
            }
            Err(refused) => Applied::Refused(refused),
        };
        assert_eq!(store.commit(&draft, at(self.now_millis)).await.unwrap(), expected, "{draft:?}");
    }

    async fn compare_history(&self, store: &dyn PolicyStore) {
        let entries = store.history(&HistoryQuery::latest(1_000)).await.unwrap();
        assert_eq!(entries.len(), self.drafts.len());
        let mut later = self.rows.clone();
        let oldest_first = entries.iter().rev().zip(&self.drafts).enumerate();
        for (place, (entry, (draft, millis))) in oldest_first.collect::<Vec<_>>().into_iter().rev() {
            assert_eq!(entry.version, PolicyVersion::new(u64::try_from(place).unwrap() + 1));
            assert_eq!((&entry.actor, &entry.reason, entry.at), (draft.actor(), draft.why(), at(*millis)));
            let words: Vec<String> = draft.changes().iter().map(ToString::to_string).collect();
            assert_eq!(entry.changes, words);
            let before = &self.befores[place];
            assert_eq!((entry.before.clone(), entry.after.clone()), before.difference(&later));
            // Walking back through the entries gives what the rows were at every version.
            later = later.replaced(&entry.after, &entry.before);
            assert_eq!(&later, before);
        }
        for user in USERS {
            let of_user = store.history(&HistoryQuery::latest(1_000).by(name(user))).await.unwrap();
            let expected: Vec<_> = entries.iter().filter(|entry| entry.is_by(&name(user))).cloned().collect();
            assert_eq!(of_user, expected);
        }
    }

    /// What a revert comes to is what the rule says it comes to.
    async fn undo_the_last(&mut self, store: &dyn PolicyStore) {
        let Some(entry) = store.history(&HistoryQuery::latest(1)).await.unwrap().pop() else { return };
        let changes = admin::revert(&store.load().await.unwrap().rows, &entry);
        let (step, before) =
            (Step { actor: None, changes, expects: None, after_millis: 1 }, self.befores.last().cloned());
        let version = self.version;
        self.take(store, &step).await;
        if self.version != version {
            assert_eq!(Some(store.load().await.unwrap().rows), before);
        }
    }
}
