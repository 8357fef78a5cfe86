//! Enrolments: who takes which course, once.

use super::School;

impl School {
    /// Enrols a person; a second time changes nothing. Answers whether this call did it.
    pub(crate) async fn enrol(
        &self,
        account_id: &str,
        slug: &str,
        out_trade_no: &str,
        at: i64,
    ) -> Result<bool, sqlx::Error> {
        let done = sqlx::query(
            "INSERT INTO school_enrolment (account_id, course_slug, out_trade_no, enrolled_at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(account_id)
        .bind(slug)
        .bind(out_trade_no)
        .bind(at)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Answers whether a person takes a course.
    pub(crate) async fn is_enrolled(&self, account_id: &str, slug: &str) -> Result<bool, sqlx::Error> {
        let found: Option<i64> =
            sqlx::query_scalar("SELECT 1 FROM school_enrolment WHERE account_id = ? AND course_slug = ?")
                .bind(account_id)
                .bind(slug)
                .fetch_optional(&self.pool)
                .await?;
        Ok(found.is_some())
    }

    /// The courses a person takes, by slug.
    pub(crate) async fn enrolments_of(&self, account_id: &str) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT course_slug FROM school_enrolment WHERE account_id = ? ORDER BY enrolled_at",
        )
        .bind(account_id)
        .fetch_all(&self.pool)
        .await
    }
}
