//! The rows that a database lists are those that a look at each row keeps.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rbac::{DepartmentId, PREDICATE_DEPARTMENTS_MAX, Scope, UserId};
use tokio::runtime::Runtime;

use super::table::{DEPARTMENTS, Server, USERS, columns, kept};

/// Scopes over departments that rows have and over others.
fn scopes() -> impl Strategy<Value = Scope> {
    let department = prop_oneof![4 => prop::sample::select(&DEPARTMENTS[..]), 1 => any::<i64>()];
    (prop::bool::weighted(0.1), prop::collection::btree_set(department, 0..6), any::<bool>()).prop_map(
        |(all, departments, own)| Scope {
            all,
            departments: departments.into_iter().map(DepartmentId::new).collect(),
            own,
        },
    )
}

/// Users who own rows, and others of any name.
fn users() -> impl Strategy<Value = UserId> {
    prop_oneof![3 => prop::sample::select(&USERS[..]).prop_map(str::to_owned), 1 => "[!-~]{1,255}"]
        .prop_map(|text| text.parse().unwrap())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Random scopes and users, then every user with the own rows, then as many departments as there may be.
fn lists_what_is_open(runtime: &Runtime, server: &Server, owner: &str) {
    runtime.block_on(server.fill(owner));
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(scopes(), users()), |(scope, user)| {
            let expected = kept(&scope, &user);
            prop_assert_eq!(&runtime.block_on(server.listed(&scope, &columns(), &user)), &expected);
            prop_assert_eq!(&runtime.block_on(server.listed_by_text(&scope, &user)), &expected);
            Ok(())
        })
        .unwrap();
    let own = Scope { own: true, ..Scope::default() };
    for user in USERS {
        let user: UserId = user.parse().unwrap();
        let listed = runtime.block_on(server.listed(&own, &columns(), &user));
        assert_eq!(listed, kept(&own, &user), "{user}");
        assert_eq!(listed.len(), DEPARTMENTS.len() + 1, "{user}");
    }
    let most = i64::try_from(PREDICATE_DEPARTMENTS_MAX).unwrap();
    let many = Scope { departments: (2..most + 2).map(DepartmentId::new).collect(), ..own };
    let user: UserId = "alice".parse().unwrap();
    assert_eq!(runtime.block_on(server.listed(&many, &columns(), &user)), kept(&many, &user));
}

#[test]
fn sqlite_lists_what_is_open() {
    let runtime = runtime();
    let server = runtime.block_on(Server::sqlite());
    lists_what_is_open(&runtime, &server, "TEXT");
    lists_what_is_open(&runtime, &server, "TEXT COLLATE NOCASE");
    lists_what_is_open(&runtime, &server, "TEXT COLLATE RTRIM");
}

#[test]
fn postgres_lists_what_is_open() {
    if testkit::skipped("postgres") {
        return;
    }
    let runtime = runtime();
    let server = runtime.block_on(Server::postgres());
    lists_what_is_open(&runtime, &server, "TEXT");
    let lenient =
        "CREATE COLLATION lenient (provider = icu, locale = 'und-u-ks-level1', deterministic = false)";
    runtime.block_on(server.run(lenient));
    lists_what_is_open(&runtime, &server, "VARCHAR(255) COLLATE lenient");
}

#[test]
fn mariadb_lists_what_is_open() {
    if testkit::skipped("mariadb") {
        return;
    }
    let runtime = runtime();
    let server = runtime.block_on(Server::mariadb());
    lists_what_is_open(&runtime, &server, "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci");
    lists_what_is_open(&runtime, &server, "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
}
