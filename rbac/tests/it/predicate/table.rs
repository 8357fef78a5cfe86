//! One table in three databases: rows of several departments and owners, and which of them a scope opens.

use std::any::Any;
use std::collections::BTreeSet;
use std::time::Duration;

use rbac::{Bind, DepartmentId, Dialect, Scope, ScopeColumns, UserId};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, MySqlPool, PgPool, QueryBuilder, SqlitePool};

/// Owners that are users, and that a careless statement or a lenient comparison would mix up.
pub(super) const USERS: [&str; 24] = [
    "alice",
    "Alice",
    "ALICE",
    "al_ce",
    "a%",
    "o'brien",
    "o''brien",
    "o\\'brien",
    "\"",
    "''",
    "`",
    "\\",
    "\\\\",
    "--",
    "/*",
    ";",
    "'OR'1'='1",
    "$1",
    "?",
    ":owner",
    "{}",
    "42",
    "042",
    "4.2e1",
];
/// Owners that no user can be, but that a lenient collation takes for one.
const STRANGERS: [&str; 5] = ["alice ", " alice", "älice", "ａｌｉｃｅ", ""];
/// Departments of the rows.
pub(super) const DEPARTMENTS: [i64; 7] = [0, 1, 2, 3, -3, i64::MAX, i64::MIN];

/// A row of the table. Its id is its place in [`rows`].
#[derive(Clone, Debug)]
pub(super) struct Row {
    department: Option<i64>,
    owner: Option<&'static str>,
}

/// Every owner in every department, and those without.
pub(super) fn rows() -> Vec<Row> {
    let owners = USERS.into_iter().chain(STRANGERS).map(Some).chain([None]);
    let departments = || DEPARTMENTS.into_iter().map(Some).chain([None]);
    owners.flat_map(|owner| departments().map(move |department| Row { department, owner })).collect()
}

/// The rows that a scope opens, by looking at each.
pub(super) fn kept(scope: &Scope, user: &UserId) -> BTreeSet<i64> {
    let opens =
        |row: &Row| scope.contains(row.department.map(DepartmentId::new), row.owner == Some(user.as_str()));
    rows()
        .iter()
        .enumerate()
        .filter(|(_, row)| opens(row))
        .map(|(at, _)| i64::try_from(at).unwrap())
        .collect()
}

pub(super) fn columns() -> ScopeColumns {
    ScopeColumns::new("courses.department".parse().unwrap(), "owner".parse().unwrap())
}

/// A connected database, and what keeps it alive.
pub(super) struct Server {
    pub(super) pool: AnyPool,
    _alive: Box<dyn Any>,
}

pub(super) enum AnyPool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    Mysql(MySqlPool),
}

/// The same Rust for each of the three.
macro_rules! with_pool {
    ($server:expr, $pool:ident, $database:ident => $run:expr) => {
        match &$server.pool {
            AnyPool::Sqlite($pool) => {
                type $database = sqlx::Sqlite;
                $run
            }
            AnyPool::Postgres($pool) => {
                type $database = sqlx::Postgres;
                $run
            }
            AnyPool::Mysql($pool) => {
                type $database = sqlx::MySql;
                $run
            }
        }
    };
}

impl Server {
    pub(super) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("school.db"))
            .create_if_missing(true)
            .busy_timeout(Duration::from_secs(60));
        let pool = SqlitePoolOptions::new().connect_with(options).await.unwrap();
        Self { pool: AnyPool::Sqlite(pool), _alive: Box::new(folder) }
    }

    pub(super) async fn postgres() -> Self {
        let server = testkit::Postgres::start().unwrap();
        let pool = PgPool::connect(&server.url()).await.unwrap();
        Self { pool: AnyPool::Postgres(pool), _alive: Box::new(server) }
    }

    pub(super) async fn mariadb() -> Self {
        let server = testkit::MariaDb::start().unwrap();
        let pool = MySqlPool::connect(&server.url()).await.unwrap();
        Self { pool: AnyPool::Mysql(pool), _alive: Box::new(server) }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        match self.pool {
            AnyPool::Sqlite(_) => Dialect::Sqlite,
            AnyPool::Postgres(_) => Dialect::Postgres,
            AnyPool::Mysql(_) => Dialect::Mysql,
        }
    }

    /// Runs a statement of the test's own.
    pub(super) async fn run(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        with_pool!(self, pool, _Database => {
            sqlx::raw_sql(statement).execute(pool).await.unwrap();
        });
    }

    /// Creates and fills the table; `owner` is the type of that column.
    pub(super) async fn fill(&self, owner: &str) {
        self.run("DROP TABLE IF EXISTS courses").await;
        self.run(&format!("CREATE TABLE courses (id BIGINT PRIMARY KEY, department BIGINT, owner {owner})"))
            .await;
        with_pool!(self, pool, Database => {
            let mut insert = QueryBuilder::<Database>::new("INSERT INTO courses (id, department, owner) ");
            insert.push_values(rows().iter().enumerate(), |mut values, (at, row)| {
                values
                    .push_bind(i64::try_from(at).unwrap())
                    .push_bind(row.department)
                    .push_bind(row.owner);
            });
            insert.build().execute(pool).await.unwrap();
        });
    }

    /// The rows that are listed, between other conditions, with the condition written into the query.
    pub(super) async fn listed(
        &self,
        scope: &Scope,
        columns: &ScopeColumns,
        user: impl Into<Bind>,
    ) -> BTreeSet<i64> {
        with_pool!(self, pool, Database => {
            let mut query = QueryBuilder::<Database>::new("SELECT id FROM courses WHERE id >= ");
            query.push_bind(0_i64).push(" AND ");
            scope.push_to(&mut query, columns, user).unwrap();
            query.push(" AND id < ").push_bind(1_000_000_i64);
            let ids: Vec<i64> = query.build_query_scalar().fetch_all(pool).await.unwrap();
            ids.into_iter().collect()
        })
    }

    /// The same by the text of the condition and its values.
    pub(super) async fn listed_by_text(&self, scope: &Scope, user: &UserId) -> BTreeSet<i64> {
        let predicate = scope.predicate(self.dialect(), &columns(), user, 2).unwrap();
        let first = if self.dialect() == Dialect::Postgres { "$1" } else { "?" };
        let text = format!("SELECT id FROM courses WHERE id >= {first} AND {}", predicate.sql());
        with_pool!(self, pool, Database => {
            let mut query = sqlx::query_scalar::<Database, i64>(AssertSqlSafe(text)).bind(0_i64);
            for bind in predicate.binds() {
                query = match bind {
                    Bind::Text(text) => query.bind(text.clone()),
                    Bind::Integer(number) => query.bind(*number),
                };
            }
            query.fetch_all(pool).await.unwrap().into_iter().collect()
        })
    }
}
