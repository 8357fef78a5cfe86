//! Enrolments: who takes which course, once.

use super::School;
use super::checkout::Checkout;

impl School {
    /// Enrols the buyer of a checkout; a second time changes nothing. Answers whether this checkout's order is the
    /// one that bought the course.
    pub(crate) async fn enrol(&self, checkout: &Checkout, at: i64) -> Result<bool, sqlx::Error> {
        sqlx::query(
            "INSERT INTO school_enrolment (account_id, course_slug, out_trade_no, enrolled_at) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&checkout.account_id)
        .bind(&checkout.course_slug)
        .bind(&checkout.out_trade_no)
        .bind(at)
        .execute(&self.pool)
        .await?;
        self.is_enrolled_by(&checkout.out_trade_no).await
    }

    /// Takes back what an order bought; a second time changes nothing.
    pub(crate) async fn withdraw_enrolment(&self, out_trade_no: &str) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM school_enrolment WHERE out_trade_no = ?")
            .bind(out_trade_no)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Answers whether an order bought its course.
    pub(crate) async fn is_enrolled_by(&self, out_trade_no: &str) -> Result<bool, sqlx::Error> {
        let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM school_enrolment WHERE out_trade_no = ?")
            .bind(out_trade_no)
            .fetch_optional(&self.pool)
            .await?;
        Ok(found.is_some())
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
