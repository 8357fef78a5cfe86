//! What administrators asked of a sale: its last step, and every change of its seats.

use serde::{Deserialize, Serialize};

use super::School;
use super::row::{from_row, text_column};

/// A step that an administrator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SaleStep {
    /// Nobody wins for a while.
    Pause,
    /// The sale goes on.
    Resume,
    /// Nobody wins any more.
    Close,
}

text_column!(SaleStep { Pause = "pause", Resume = "resume", Close = "close" });

/// Which way seats go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Way {
    /// New seats come on sale.
    Add,
    /// Unsold seats leave the sale.
    Withdraw,
}

text_column!(Way { Add = "add", Withdraw = "withdraw" });

/// A change of the seats on sale.
#[derive(Debug, Clone)]
pub(crate) struct SaleChange {
    pub(crate) course_slug: String,
    pub(crate) id: String,
    pub(crate) direction: Way,
    pub(crate) units: i64,
    /// What it came to; `None` until the sale has answered.
    pub(crate) done: Option<i64>,
    pub(crate) actor: String,
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
}

from_row!(SaleChange { course_slug, id, direction, units, done, actor, at });

const COLUMNS: &str = "course_slug, id, direction, units, done, actor, at";

impl School {
    /// Writes a step down. A sale that was closed stays closed.
    pub(crate) async fn ask_sale_step(
        &self,
        slug: &str,
        step: SaleStep,
        actor: &str,
        at: i64,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO school_sale_step (course_slug, step, actor, at) VALUES (?, ?, ?, ?)
             ON CONFLICT (course_slug) DO UPDATE SET step = excluded.step, actor = excluded.actor, at = excluded.at
             WHERE school_sale_step.step <> 'close'",
        )
        .bind(slug)
        .bind(step)
        .bind(actor)
        .bind(at)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    /// The last step that was asked of a sale.
    pub(crate) async fn sale_step(&self, slug: &str) -> Result<Option<SaleStep>, sqlx::Error> {
        sqlx::query_scalar("SELECT step FROM school_sale_step WHERE course_slug = ?")
            .bind(slug)
            .fetch_optional(&self.pool)
            .await
    }

    /// Writes a change down, unless one of this id is there already.
    pub(crate) async fn ask_sale_change(&self, change: &SaleChange) -> Result<(), sqlx::Error> {
        let text = format!(
            "INSERT INTO school_sale_change ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&change.course_slug)
            .bind(&change.id)
            .bind(change.direction)
            .bind(change.units)
            .bind(change.done)
            .bind(&change.actor)
            .bind(change.at)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// One change.
    pub(crate) async fn sale_change(&self, slug: &str, id: &str) -> Result<Option<SaleChange>, sqlx::Error> {
        let text = format!("SELECT {COLUMNS} FROM school_sale_change WHERE course_slug = ? AND id = ?");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(slug).bind(id).fetch_optional(&self.pool).await
    }

    /// Every change of a sale, in the order in which they were asked for.
    pub(crate) async fn sale_changes(&self, slug: &str) -> Result<Vec<SaleChange>, sqlx::Error> {
        let text = format!("SELECT {COLUMNS} FROM school_sale_change WHERE course_slug = ? ORDER BY rowid");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(slug).fetch_all(&self.pool).await
    }

    /// Notes what a change came to. The first note stays.
    pub(crate) async fn finish_sale_change(
        &self,
        slug: &str,
        id: &str,
        done: i64,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE school_sale_change SET done = ? WHERE course_slug = ? AND id = ? AND done IS NULL",
        )
        .bind(done)
        .bind(slug)
        .bind(id)
        .execute(&self.pool)
        .await
        .map(drop)
    }
}
