//! Where databases are lenient, the condition is not: numbers for texts, slips in names, and still an index helps.

use std::collections::BTreeSet;

use rbac::{Bind, Scope, ScopeColumns, UserId};
use sqlx::{QueryBuilder, Sqlite};

use super::table::{AnyPool, Server};

fn own() -> Scope {
    Scope { own: true, ..Scope::default() }
}

fn owner() -> ScopeColumns {
    ScopeColumns::owner("owner".parse().unwrap())
}

/// A table whose owners are the numbers 42 and 43.
async fn numbered(server: &Server) {
    server.run("CREATE TABLE courses (id BIGINT PRIMARY KEY, owner BIGINT)").await;
    server.run("INSERT INTO courses (id, owner) VALUES (1, 42), (2, 43), (3, NULL)").await;
}

async fn of(server: &Server, user: impl Into<Bind>) -> BTreeSet<i64> {
    server.listed(&own(), &owner(), user).await
}

/// MySQL reads a number off the beginning of a text, and SQLite one that is written in another way.
#[tokio::test]
async fn no_other_user_is_taken_for_a_number() {
    let mut servers = vec![Server::sqlite().await];
    if !testkit::skipped("mariadb") {
        servers.push(Server::mariadb().await);
    }
    for server in servers {
        numbered(&server).await;
        for user in ["042", "42.0", "4.2e1", "42abc", "+42", "0x2a"] {
            let user: UserId = user.parse().unwrap();
            assert_eq!(of(&server, &user).await, BTreeSet::new(), "{user}");
        }
        assert_eq!(of(&server, &"42".parse::<UserId>().unwrap()).await, BTreeSet::from([1]));
        assert_eq!(of(&server, 43).await, BTreeSet::from([2]));
    }
}

#[tokio::test]
async fn postgres_compares_numbers_with_numbers() {
    if testkit::skipped("postgres") {
        return;
    }
    let server = Server::postgres().await;
    numbered(&server).await;
    assert_eq!(of(&server, 42).await, BTreeSet::from([1]));
    let AnyPool::Postgres(pool) = &server.pool else { panic!("it was started") };
    let mut query = QueryBuilder::new("SELECT id FROM courses WHERE ");
    own().push_to(&mut query, &owner(), &"42".parse::<UserId>().unwrap()).unwrap();
    query.build().fetch_all(pool).await.unwrap_err();
}

/// In double quotes SQLite would take the name for a text.
#[tokio::test]
async fn a_slip_in_a_name_is_an_error_in_sqlite() {
    let server = Server::sqlite().await;
    server.fill("TEXT").await;
    let AnyPool::Sqlite(pool) = &server.pool else { panic!("it was started") };
    let mut query = QueryBuilder::<Sqlite>::new("SELECT id FROM courses WHERE ");
    let slip = ScopeColumns::owner("alice".parse().unwrap());
    own().push_to(&mut query, &slip, &"alice".parse::<UserId>().unwrap()).unwrap();
    let error = query.build().fetch_all(pool).await.unwrap_err();
    assert!(error.to_string().contains("no such column"), "{error}");
}

#[tokio::test]
async fn an_index_helps_with_both_columns() {
    let server = Server::sqlite().await;
    server.fill("TEXT").await;
    // So many that reading them all does not pay.
    server
        .run(
            "WITH RECURSIVE n (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 30000) \
             INSERT INTO courses SELECT n, n, 'u' || n FROM n",
        )
        .await;
    server
        .run("CREATE INDEX by_owner ON courses (owner); CREATE INDEX by_department ON courses (department)")
        .await;
    server.run("ANALYZE").await;
    let AnyPool::Sqlite(pool) = &server.pool else { panic!("it was started") };
    let mut query = QueryBuilder::<Sqlite>::new("EXPLAIN QUERY PLAN SELECT id FROM courses WHERE ");
    let scope = Scope { departments: [1, 2].map(rbac::DepartmentId::new).into(), ..own() };
    scope.push_to(&mut query, &super::table::columns(), &"alice".parse::<UserId>().unwrap()).unwrap();
    let plan: Vec<(i64, i64, i64, String)> = query.build_query_as().fetch_all(pool).await.unwrap();
    let steps: String = plan.iter().map(|(.., step)| format!("{step}\n")).collect();
    assert!(steps.contains("by_owner") && steps.contains("by_department"), "{steps}");
    assert!(!steps.contains("SCAN"), "{steps}");
}
