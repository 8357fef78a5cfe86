//! Courses: what is taught, what a seat costs, how many there are.

use payments::{Currency, Money};

use super::School;
use super::row::from_row;

/// A course of this season.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    pub(crate) slug: String,
    pub(crate) title_zh: String,
    pub(crate) title_en: String,
    pub(crate) summary: String,
    pub(crate) teacher: String,
    pub(crate) weeks: i64,
    pub(crate) price_fen: i64,
    pub(crate) seats: i64,
    pub(crate) has_lab: bool,
    /// Milliseconds since the epoch.
    pub(crate) sale_opens: i64,
    /// Milliseconds since the epoch.
    pub(crate) sale_closes: i64,
}

from_row!(Course {
    slug,
    title_zh,
    title_en,
    summary,
    teacher,
    weeks,
    price_fen,
    seats,
    has_lab,
    sale_opens,
    sale_closes
});

impl Course {
    /// What a seat costs.
    pub(crate) fn price(&self) -> Result<Money, payments::Error> {
        Money::from_minor(self.price_fen, Currency::Cny)
    }
}

const COLUMNS: &str =
    "slug, title_zh, title_en, summary, teacher, weeks, price_fen, seats, has_lab, sale_opens, sale_closes";

impl School {
    /// Every course, the dearest last.
    pub(crate) async fn courses(&self) -> Result<Vec<Course>, sqlx::Error> {
        let text = format!("SELECT {COLUMNS} FROM school_course ORDER BY price_fen LIMIT 1000");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).fetch_all(&self.pool).await
    }

    /// One course.
    pub(crate) async fn course(&self, slug: &str) -> Result<Option<Course>, sqlx::Error> {
        let text = format!("SELECT {COLUMNS} FROM school_course WHERE slug = ?");
        sqlx::query_as(sqlx::AssertSqlSafe(text)).bind(slug).fetch_optional(&self.pool).await
    }

    /// Adds a course; one that is there already stays as it is.
    pub(crate) async fn add_course(&self, course: &Course) -> Result<(), sqlx::Error> {
        let text = format!(
            "INSERT INTO school_course ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&course.slug)
            .bind(&course.title_zh)
            .bind(&course.title_en)
            .bind(&course.summary)
            .bind(&course.teacher)
            .bind(course.weeks)
            .bind(course.price_fen)
            .bind(course.seats)
            .bind(course.has_lab)
            .bind(course.sale_opens)
            .bind(course.sale_closes)
            .execute(&self.pool)
            .await
            .map(drop)
    }
}
