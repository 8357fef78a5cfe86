//! The school's own records: accounts, courses, checkouts, enrolments, in SQL. No rule of a crate stands here.

pub(crate) mod account;
pub(crate) mod checkout;
pub(crate) mod course;
pub(crate) mod enrolment;
pub(crate) mod identity;
pub(crate) mod sale_change;

use sqlx::SqlitePool;

/// The school's tables behind one pool.
#[derive(Debug, Clone)]
pub(crate) struct School {
    pool: SqlitePool,
}

impl School {
    /// Creates the tables that are missing and opens the school.
    pub(crate) async fn open(pool: SqlitePool) -> Result<Self, sqlx::Error> {
        let mut migrator = sqlx::migrate!("demo/migrations");
        migrator.dangerous_set_table_name("school_migrations");
        migrator.run(&pool).await?;
        Ok(Self { pool })
    }

    /// Answers whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await.map(drop)
    }
}
