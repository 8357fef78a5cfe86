//! Identities elsewhere: which account signs in with which provider.

use super::School;
use super::account::Account;
use super::row::from_row;
use crate::clock;

/// A person as a provider names them. `provider`, `app_id` and `subject` together are the key.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// Our application there.
    pub(crate) app_id: String,
    /// The person, as that application knows them.
    pub(crate) subject: String,
    /// Our name for the provider.
    pub(crate) provider: String,
    /// What the person calls themselves there.
    pub(crate) name: String,
}

from_row!(Identity { app_id, subject, provider, name });

/// What tying an identity to an account came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    /// It is tied to this account.
    Yes,
    /// It belongs to another account.
    Taken,
}

impl School {
    /// The account of an identity. One that is new gets `account`, in the same step: of two that come at the same time,
    /// one makes the account and both get it.
    pub(crate) async fn account_with(
        &self,
        identity: &Identity,
        account: &Account,
    ) -> Result<Account, sqlx::Error> {
        let mut step = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let known: Option<Account> = sqlx::query_as(
            "SELECT a.id, a.login, a.display_name, a.password_hash FROM school_account a
             JOIN school_identity i ON i.account_id = a.id
             WHERE i.provider = ? AND i.app_id = ? AND i.subject = ?",
        )
        .bind(&identity.provider)
        .bind(&identity.app_id)
        .bind(&identity.subject)
        .fetch_optional(&mut *step)
        .await?;
        if let Some(known) = known {
            return Ok(known);
        }
        sqlx::query(
            "INSERT INTO school_account (id, login, display_name, password_hash) VALUES (?, ?, ?, ?)",
        )
        .bind(&account.id)
        .bind(&account.login)
        .bind(&account.display_name)
        .bind(&account.password_hash)
        .execute(&mut *step)
        .await?;
        insert(&mut step, identity, &account.id).await?;
        step.commit().await?;
        Ok(account.clone())
    }

    /// Ties an identity to an account that is signed in.
    pub(crate) async fn link(&self, identity: &Identity, account: &str) -> Result<Linked, sqlx::Error> {
        let mut step = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut step, identity, account).await?;
        let owner: String = sqlx::query_scalar(
            "SELECT account_id FROM school_identity WHERE provider = ? AND app_id = ? AND subject = ?",
        )
        .bind(&identity.provider)
        .bind(&identity.app_id)
        .bind(&identity.subject)
        .fetch_one(&mut *step)
        .await?;
        step.commit().await?;
        Ok(if owner == account { Linked::Yes } else { Linked::Taken })
    }

    /// The identities of an account, by provider.
    pub(crate) async fn identities(&self, account: &str) -> Result<Vec<Identity>, sqlx::Error> {
        sqlx::query_as(
            "SELECT app_id, subject, provider, name FROM school_identity WHERE account_id = ?
             ORDER BY provider, subject LIMIT 100",
        )
        .bind(account)
        .fetch_all(&self.pool)
        .await
    }
}

/// Adds an identity; one that is there stays with its account.
async fn insert(
    step: &mut sqlx::SqliteConnection,
    identity: &Identity,
    account: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO school_identity (app_id, subject, provider, name, account_id, linked_at)
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(&identity.app_id)
    .bind(&identity.subject)
    .bind(&identity.provider)
    .bind(&identity.name)
    .bind(account)
    .bind(clock::to_column(clock::now_millis()))
    .execute(step)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;

    fn account(id: &str) -> Account {
        Account {
            id: id.to_owned(),
            login: id.to_owned(),
            display_name: id.to_owned(),
            password_hash: String::new(),
        }
    }

    fn identity(provider: &str) -> Identity {
        Identity {
            app_id: "school".to_owned(),
            subject: "1".to_owned(),
            provider: provider.to_owned(),
            name: "x".to_owned(),
        }
    }

    #[tokio::test]
    async fn two_issuers_that_hand_out_the_same_names_know_two_people() {
        let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
        let school = School::open(pool).await.unwrap();
        let (ours, theirs) = (identity("campus"), identity("stranger"));
        assert_eq!(school.account_with(&ours, &account("a")).await.unwrap().id, "a");
        // The other issuer opens an account of its own, not this one.
        assert_eq!(school.account_with(&theirs, &account("b")).await.unwrap().id, "b");
        assert_eq!(school.account_with(&ours, &account("c")).await.unwrap().id, "a");
        assert_eq!(school.link(&theirs, "a").await.unwrap(), Linked::Taken);
        assert_eq!(school.link(&theirs, "b").await.unwrap(), Linked::Yes);
        assert_eq!(school.identities("a").await.unwrap().len(), 1);
    }
}
