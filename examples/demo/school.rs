//! The school's own records: accounts, courses, checkouts, enrolments, in SQL. No rule of a crate stands here.

pub(crate) mod account;
pub(crate) mod checkout;
pub(crate) mod course;
pub(crate) mod enrolment;
pub(crate) mod identity;
mod row;
pub(crate) mod sale_change;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr as _, SqlitePool};

/// In their order. A migration that was ever run stays as it is.
const MIGRATIONS: [(&str, &str); 3] = [
    ("school", include_str!("migrations/0001_school.sql")),
    ("sales by hand", include_str!("migrations/0002_sales_by_hand.sql")),
    ("identities", include_str!("migrations/0003_identities.sql")),
];

/// The school's tables behind one pool.
#[derive(Debug, Clone)]
pub(crate) struct School {
    pool: SqlitePool,
}

impl School {
    /// Creates the tables that are missing and opens the school.
    pub(crate) async fn open(pool: SqlitePool) -> Result<Self, sqlx::Error> {
        let migration = |(number, (name, text)): (i64, (&'static str, &'static str))| {
            Migration::new(number, name.into(), MigrationType::Simple, text.into_sql_str(), false)
        };
        let mut migrator = Migrator::with_migrations((1..).zip(MIGRATIONS).map(migration).collect());
        migrator.dangerous_set_table_name("school_migrations");
        migrator.run(&pool).await?;
        Ok(Self { pool })
    }

    /// Answers whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(drop)
    }
}
