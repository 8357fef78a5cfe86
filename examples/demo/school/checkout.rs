//! Checkouts: which order pays for which won seat.

use super::School;
use super::row::from_row;
use crate::clock;

/// A won seat on its way to payment.
#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    pub(crate) out_trade_no: String,
    pub(crate) account_id: String,
    pub(crate) course_slug: String,
    pub(crate) reservation_id: String,
    /// Milliseconds since the epoch when the seat goes back.
    pub(crate) expires_at: i64,
    /// Milliseconds since the epoch.
    pub(crate) created_at: i64,
}

from_row!(Checkout { out_trade_no, account_id, course_slug, reservation_id, expires_at, created_at });

impl Checkout {
    /// Whether the time to pay is over; an error if nobody knows the time.
    pub(crate) fn is_over(&self) -> Result<bool, rbac::Error> {
        Ok(self.expires_at <= clock::to_column(clock::now()?.get()))
    }
}

/// Where a list goes on: after the checkout of this time and number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) created_at: i64,
    pub(crate) out_trade_no: String,
}

const COLUMNS: &str = "out_trade_no, account_id, course_slug, reservation_id, expires_at, created_at";

impl School {
    /// Records a checkout; the same one again changes nothing.
    pub(crate) async fn add_checkout(&self, checkout: &Checkout) -> Result<(), sqlx::Error> {
        let text = format!(
            "INSERT INTO school_checkout ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&checkout.out_trade_no)
            .bind(&checkout.account_id)
            .bind(&checkout.course_slug)
            .bind(&checkout.reservation_id)
            .bind(checkout.expires_at)
            .bind(checkout.created_at)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// The checkout of an order.
    pub(crate) async fn checkout(&self, out_trade_no: &str) -> Result<Option<Checkout>, sqlx::Error> {
        let text = format!("SELECT {COLUMNS} FROM school_checkout WHERE out_trade_no = ?");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(out_trade_no).fetch_optional(&self.pool).await
    }

    /// The checkouts of one person, the newest first.
    pub(crate) async fn checkouts_of(&self, account_id: &str) -> Result<Vec<Checkout>, sqlx::Error> {
        let text = format!(
            "SELECT {COLUMNS} FROM school_checkout WHERE account_id = ? ORDER BY created_at DESC LIMIT 200"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(account_id).fetch_all(&self.pool).await
    }

    /// The checkouts of a course that hold or bought a seat: the open ones and the enrolled ones, the oldest first.
    pub(crate) async fn checkouts_alive(&self, slug: &str) -> Result<Vec<Checkout>, sqlx::Error> {
        let text = format!(
            "SELECT {COLUMNS} FROM school_checkout WHERE course_slug = ? AND (open = 1
             OR out_trade_no IN (SELECT out_trade_no FROM school_enrolment)) ORDER BY created_at"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(slug).fetch_all(&self.pool).await
    }

    /// Up to `max` open checkouts whose order numbers come after `after`, in their order.
    pub(crate) async fn checkouts_open(&self, after: &str, max: u32) -> Result<Vec<Checkout>, sqlx::Error> {
        let text = format!(
            "SELECT {COLUMNS} FROM school_checkout WHERE open = 1 AND out_trade_no > ? ORDER BY out_trade_no LIMIT ?"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(after).bind(max).fetch_all(&self.pool).await
    }

    /// Up to `max` checkouts whose numbers begin with `number`, the newest first, after `place`.
    pub(crate) async fn checkouts(
        &self,
        number: &str,
        place: &Place,
        max: u32,
    ) -> Result<Vec<Checkout>, sqlx::Error> {
        let text = format!(
            "SELECT {COLUMNS} FROM school_checkout WHERE (created_at, out_trade_no) < (?, ?)
             AND substr(out_trade_no, 1, length(?)) = ? ORDER BY created_at DESC, out_trade_no DESC LIMIT ?"
        );
        sqlx::query_as(sqlx::AssertSqlSafe(text))
            .bind(place.created_at)
            .bind(&place.out_trade_no)
            .bind(number)
            .bind(number)
            .bind(max)
            .fetch_all(&self.pool)
            .await
    }

    /// This checkout is at its end: enrolled, owed or given back.
    pub(crate) async fn finish_checkout(&self, out_trade_no: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE school_checkout SET open = 0 WHERE out_trade_no = ?")
            .bind(out_trade_no)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// Records that a payment bought nothing, by the gateway's number of it: its buyer is owed the money.
    pub(crate) async fn add_refund_due(
        &self,
        trade_no: &str,
        out_trade_no: &str,
        at: i64,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO school_refund_due (trade_no, out_trade_no, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(trade_no)
            .bind(out_trade_no)
            .bind(at)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// The payments of an order that bought nothing, by the gateway's numbers, the oldest first.
    pub(crate) async fn refunds_due_of(&self, out_trade_no: &str) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT trade_no FROM school_refund_due WHERE out_trade_no = ? ORDER BY at LIMIT 100",
        )
        .bind(out_trade_no)
        .fetch_all(&self.pool)
        .await
    }

    /// The orders with payments that bought nothing, the oldest first.
    pub(crate) async fn orders_due(&self) -> Result<Vec<String>, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT out_trade_no FROM school_refund_due GROUP BY out_trade_no ORDER BY min(at) LIMIT 1000",
        )
        .fetch_all(&self.pool)
        .await
    }
}
