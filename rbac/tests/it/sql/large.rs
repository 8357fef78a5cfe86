//! Drafts of thousands of changes: every kind of row in several statements, in an order that no foreign key minds.

use rbac::{
    Applied, Assignment, Change, DataScope, DepartmentId, DomainName, Duty, DutyKind, Effect, HistoryQuery,
    Label, MemoryStore, PolicyStore, RoleName, UserId, Window,
};

use super::{Bench, NOW, by_system};
use crate::world::name;

/// More rows of each kind than one statement carries, and departments whose parents come later in the tables.
pub(super) async fn drafts(bench: &Bench) {
    const MANY: i64 = 450;
    bench.wipe().await;
    let department = |number: i64| DepartmentId::new(number);
    let label = || name::<Label>("Label");
    let role = |number: i64| name::<RoleName>(&format!("r{number}"));
    let user = |number: i64| name::<UserId>(&format!("u{number}"));
    let all = || 1..=MANY;
    let domain = || name::<DomainName>("d");
    let duty = Duty::new(label(), DutyKind::Dynamic, 2, all().map(role).collect());
    let placed = |number| Assignment::in_domain(user(number), role(number), domain());
    let come = all()
        .rev()
        .map(|it| {
            let parent = (it < MANY).then(|| department(it + 1));
            Change::AddDepartment { department: department(it), label: label(), parent }
        })
        .chain([Change::AddDomain { domain: domain(), label: label() }])
        .chain(all().map(|it| Change::AddUser { user: user(it), label: label() }))
        .chain(all().map(|it| Change::SetUserDepartment { user: user(it), department: Some(department(it)) }))
        .chain(all().map(|it| Change::AddRole { role: role(it), label: label() }))
        .chain(all().map(|it| Change::SetDataScope {
            role: role(it),
            scope: DataScope::Departments([department(it), department(1)].into()),
        }))
        .chain(all().map(|it| Change::Assign { assignment: placed(it), window: Window::ALWAYS }))
        .chain(all().map(|it| Change::Grant { role: role(it), pattern: name("*"), effect: Effect::Deny }))
        .chain((1..MANY).map(|it| Change::Inherit { senior: role(it), junior: role(it + 1) }))
        .chain([Change::SetDuty { name: name("one"), duty }]);
    let turn = (1..MANY)
        .map(|it| Change::MoveDepartment { department: department(it), parent: None })
        .chain((2..=MANY).map(|it| Change::MoveDepartment {
            department: department(it),
            parent: Some(department(it - 1)),
        }))
        .chain(all().map(|it| Change::SetUserLabel { user: user(it), label: name("") }))
        .chain(
            (2..=MANY)
                .map(|it| Change::SetUserDepartment { user: user(it), department: Some(department(1)) }),
        )
        .chain(all().map(|it| Change::Grant { role: role(it), pattern: name("*"), effect: Effect::Allow }));
    let go = [Change::RemoveDuty { name: name("one") }, Change::RemoveDomain { domain: domain() }]
        .into_iter()
        .chain(all().map(|it| Change::SetUserDepartment { user: user(it), department: None }))
        .chain(all().map(|it| Change::RemoveRole { role: role(it) }))
        .chain(all().rev().map(|it| Change::RemoveDepartment { department: department(it) }));
    let go_too = all().map(|it| Change::RemoveUser { user: user(it) });
    let memory = MemoryStore::default();
    for draft in [by_system(come), by_system(turn), by_system(go), by_system(go_too)] {
        let expected = memory.commit(&draft, NOW).await.unwrap();
        assert!(matches!(expected, Applied::Done(_)), "{expected:?}");
        assert_eq!(bench.stores[0].commit(&draft, NOW).await.unwrap(), expected);
        let [stored, expected] = [bench.stores[1].load().await.unwrap(), memory.load().await.unwrap()];
        assert!(stored.version == expected.version && stored.rows == expected.rows);
    }
    let all = HistoryQuery::latest(4);
    assert!(bench.stores[1].history(&all).await.unwrap() == memory.history(&all).await.unwrap());
}
