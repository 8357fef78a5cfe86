//! Rows that no program wrote: each is reported by the name of its table, and breaks no other answer.

use rbac::{Change, DataScope, Effect, ErrorKind, HistoryQuery, Policy, PolicyVersion};

use super::{Bench, NOW};
use crate::world::{assignment, name};

/// A statement that leaves a bad row, its table, and what the report says.
type Mess = (&'static str, &'static str, &'static [&'static str]);

const MESS: [Mess; 23] = [
    (
        "INSERT INTO rbac_user (id, label) VALUES ('two words', '')",
        "rbac_user",
        &["row `two words`: user id"],
    ),
    (
        "UPDATE rbac_user SET label = 'two\nlines' WHERE id = 'alice'",
        "rbac_user",
        &["row `alice`: label `two\\nlines`"],
    ),
    ("INSERT INTO rbac_role (name) VALUES ('bad role')", "rbac_role", &["row `bad role`"]),
    (
        "UPDATE rbac_role SET data_scope = 'mine' WHERE name = 'denier'",
        "rbac_role",
        &["row `denier`: data scope `mine`"],
    ),
    (
        "INSERT INTO rbac_role_department VALUES ('editor', 7)",
        "rbac_role_department",
        &["row `editor`: no such role has"],
    ),
    (
        "INSERT INTO rbac_role_department VALUES ('bad role', 7)",
        "rbac_role_department",
        &["row `bad role` `7`: role name"],
    ),
    ("INSERT INTO rbac_permission VALUES ('a:*', '')", "rbac_permission", &["row `a:*`: permission name"]),
    ("INSERT INTO rbac_domain VALUES ('two words', '')", "rbac_domain", &["row `two words`: domain name"]),
    ("INSERT INTO rbac_department VALUES (9, 'x\ny', 12345)", "rbac_department", &["row `9`: label"]),
    (
        "INSERT INTO rbac_user_role VALUES ('alice', 'editor', 'two words', NULL, NULL)",
        "rbac_user_role",
        &["row `alice` `editor` `two words`: domain name"],
    ),
    (
        "INSERT INTO rbac_user_role VALUES ('alice', 'ed itor', '', NULL, NULL)",
        "rbac_user_role",
        &["`ed itor`", "role name"],
    ),
    (
        "INSERT INTO rbac_user_role VALUES ('bob', 'denier', '', 5, 5)",
        "rbac_user_role",
        &["row `bob` `denier` ``: nothing is between"],
    ),
    ("INSERT INTO rbac_user_role VALUES ('bob', 'editor', '', -5, NULL)", "rbac_user_role", &["time `-5`"]),
    (
        "INSERT INTO rbac_role_permission VALUES ('editor', 'a*', 'strict', 'allow')",
        "rbac_role_permission",
        &["permission pattern `a*`"],
    ),
    (
        "INSERT INTO rbac_role_permission VALUES ('editor', 'b', 'glob', 'allow')",
        "rbac_role_permission",
        &["wildcard mode `glob`"],
    ),
    (
        "INSERT INTO rbac_role_permission VALUES ('fenced', 'c:*:x', 'strict', 'deny')",
        "rbac_role_permission",
        &["permission pattern `c:*:x`"],
    ),
    (
        "INSERT INTO rbac_role_permission VALUES ('editor', 'c', 'strict', 'maybe')",
        "rbac_role_permission",
        &["row `editor` `c` `strict`: effect `maybe`"],
    ),
    (
        "INSERT INTO rbac_role_inheritance VALUES ('editor', '')",
        "rbac_role_inheritance",
        &["row `editor` ``: role name"],
    ),
    ("INSERT INTO rbac_duty VALUES ('odd', '', 'ssd', 2)", "rbac_duty", &["row `odd`: kind of duty `ssd`"]),
    (
        "INSERT INTO rbac_duty VALUES ('less', '', 'static', -1)",
        "rbac_duty",
        &["row `less`: column `cardinality` holds `-1`"],
    ),
    (
        "INSERT INTO rbac_duty_role VALUES ('gone', 'editor')",
        "rbac_duty_role",
        &["row `gone`: there is no such"],
    ),
    (
        "INSERT INTO rbac_duty_role VALUES ('odd', 'bad role')",
        "rbac_duty_role",
        &["row `odd` `bad role`: role name"],
    ),
    (
        "INSERT INTO rbac_duty VALUES ('bad duty', '', 'static', 2)",
        "rbac_duty",
        &["row `bad duty`: separation-of-duty set"],
    ),
];

fn world() -> Vec<Change> {
    let label = || name("");
    let grant = |role: &str, pattern: &str, effect| Change::Grant {
        role: name(role),
        pattern: name(pattern),
        effect,
    };
    let assign = |user: &str, role: &str| Change::Assign {
        assignment: assignment(user, role, None),
        window: rbac::Window::ALWAYS,
    };
    vec![
        Change::AddPermission { permission: name("a"), label: label() },
        Change::AddPermission { permission: name("c"), label: label() },
        Change::AddUser { user: name("alice"), label: label() },
        Change::AddUser { user: name("bob"), label: label() },
        Change::AddRole { role: name("editor"), label: label() },
        Change::AddRole { role: name("denier"), label: label() },
        Change::AddUser { user: name("erin"), label: label() },
        Change::AddRole { role: name("fenced"), label: label() },
        grant("fenced", "*", Effect::Allow),
        assign("erin", "fenced"),
        grant("editor", "*", Effect::Allow),
        grant("denier", "a", Effect::Deny),
        assign("alice", "editor"),
    ]
}

pub(super) async fn bad_rows(bench: &Bench) {
    bench.wipe().await;
    bench.make(world()).await;
    let statements = MESS.map(|(statement, ..)| statement);
    bench.by_hand(&statements).await;
    let rows = bench.stores[1].load().await.unwrap().rows;
    for (statement, table, words) in MESS {
        let reported = rows
            .unreadable
            .iter()
            .any(|row| row.table == table && words.iter().all(|words| row.fault.contains(words)));
        assert!(reported, "{statement}: {:#?}", rows.unreadable);
    }
    assert_eq!(rows.unreadable.len(), MESS.len(), "{:#?}", rows.unreadable);

    let policy = Policy::compile(&rows).unwrap();
    let may = |user: &str, permission: &str| {
        policy.at(NOW).decide(&name(user), &name(permission)).unwrap().is_permit()
    };
    // The word that is not known denies; what else alice had she has.
    assert!(may("alice", "a") && !may("alice", "c") && !may("bob", "a"));
    // A denial of which nobody can say what it denies.
    assert!(!may("erin", "a"));
    assert_eq!(rows.roles[&name::<rbac::RoleName>("denier")].data_scope, DataScope::Nothing);
    repairs(bench).await;
}

/// A damaged policy can still be changed, and the changes write over what is damaged.
async fn repairs(bench: &Bench) {
    let label = || name("Label");
    bench.by_hand(&["UPDATE rbac_user SET department = 777 WHERE id = 'bob'"]).await;
    bench
        .make([
            Change::SetUserLabel { user: name("alice"), label: label() },
            // In a department that does not exist, and it stays so.
            Change::SetUserActive { user: name("bob"), active: false },
            Change::SetDataScope { role: name("denier"), scope: DataScope::Own },
            Change::SetDataScope { role: name("editor"), scope: DataScope::Departments([].into()) },
            // The department is under one that does not exist, and stays there.
            Change::SetDepartmentLabel { department: rbac::DepartmentId::new(9), label: label() },
            Change::Assign { assignment: assignment("bob", "editor", None), window: rbac::Window::ALWAYS },
            Change::Grant { role: name("editor"), pattern: name("c"), effect: Effect::Allow },
        ])
        .await;
    let rows = bench.stores[1].load().await.unwrap().rows;
    assert_eq!(rows.unreadable.len(), MESS.len() - 6, "{:#?}", rows.unreadable);
    let editor = &rows.roles[&name::<rbac::RoleName>("editor")];
    assert_eq!(editor.data_scope, DataScope::Departments([].into()), "what a hand listed stays out");

    // What names nothing can be taken away, and who comes later does not inherit it.
    bench
        .by_hand(&[
            "INSERT INTO rbac_user_role VALUES ('alice', 'gone', '', NULL, NULL)",
            "INSERT INTO rbac_user_role VALUES ('carol', 'editor', '', NULL, NULL)",
        ])
        .await;
    bench
        .make([
            Change::Unassign { assignment: assignment("alice", "gone", None) },
            Change::AddUser { user: name("carol"), label: label() },
        ])
        .await;
    let rows = bench.stores[1].load().await.unwrap().rows;
    let of = |user: &str| rows.assignments.keys().filter(|row| row.user.as_str() == user).count();
    assert_eq!((of("alice"), of("bob"), of("carol")), (1, 1, 0));
}

/// A damaged entry is named, and costs no other entry.
pub(super) async fn damaged_history(bench: &Bench) {
    for (statement, column) in [
        ("UPDATE rbac_audit SET rows_before = '{' WHERE version = 2", "rows_before"),
        ("UPDATE rbac_audit SET rows_after = '{}' WHERE version = 2", "rows_after"),
        ("UPDATE rbac_audit SET changes = '[1]' WHERE version = 2", "changes"),
        ("UPDATE rbac_audit SET actor_kind = 'root' WHERE version = 2", "actor_kind"),
        ("UPDATE rbac_audit SET actor_kind = 'user', actor = 'two words' WHERE version = 2", "actor"),
        ("UPDATE rbac_audit SET at_millis = -1 WHERE version = 2", "at_millis"),
        ("UPDATE rbac_audit SET reason = 'two\nlines' WHERE version = 2", "reason"),
    ] {
        bench.wipe().await;
        for user in ["alice", "bob", "carol"] {
            bench.make([Change::AddUser { user: name(user), label: name("") }]).await;
        }
        bench.by_hand(&[statement]).await;
        let history = async |query: HistoryQuery| bench.stores[1].history(&query).await;
        let error = history(HistoryQuery::latest(3)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Corrupt, false));
        let words = format!("row `2` of table `rbac_audit` has no usable `{column}`");
        assert!(error.to_string().starts_with(&words), "{error}");
        for (query, number) in
            [(HistoryQuery::latest(1), 3), (HistoryQuery::latest(9).below(PolicyVersion::new(2)), 1)]
        {
            let entries = history(query).await.unwrap();
            assert_eq!(entries.len(), 1);
            assert_eq!(entries[0].version, PolicyVersion::new(number));
        }
        // The rows themselves are as good as ever, and changes go on.
        bench.make([Change::AddUser { user: name("dora"), label: name("") }]).await;
    }
}
