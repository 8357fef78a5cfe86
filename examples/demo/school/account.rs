//! Accounts: who can sign in with which password hash.

use super::School;
use super::row::from_row;

/// A person known to the school.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Stable identifier, the same in sessions, permissions and orders.
    pub(crate) id: String,
    /// The name to sign in with.
    pub(crate) login: String,
    /// The name that pages show.
    pub(crate) display_name: String,
    /// argon2id, PHC text.
    pub(crate) password_hash: String,
}

from_row!(Account { id, login, display_name, password_hash });

impl School {
    /// The account of a sign-in name.
    pub(crate) async fn account_by_login(&self, login: &str) -> Result<Option<Account>, sqlx::Error> {
        sqlx::query_as("SELECT id, login, display_name, password_hash FROM school_account WHERE login = ?")
            .bind(login)
            .fetch_optional(&self.pool)
            .await
    }

    /// The account of an identifier.
    pub(crate) async fn account(&self, id: &str) -> Result<Option<Account>, sqlx::Error> {
        sqlx::query_as("SELECT id, login, display_name, password_hash FROM school_account WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
    }

    /// Every account, by sign-in name.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>, sqlx::Error> {
        sqlx::query_as(
            "SELECT id, login, display_name, password_hash FROM school_account ORDER BY login LIMIT 1000",
        )
        .fetch_all(&self.pool)
        .await
    }

    /// Adds an account; one that is there already stays as it is.
    pub(crate) async fn add_account(&self, account: &Account) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO school_account (id, login, display_name, password_hash) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&account.id)
        .bind(&account.login)
        .bind(&account.display_name)
        .bind(&account.password_hash)
        .execute(&self.pool)
        .await
        .map(drop)
    }
}
