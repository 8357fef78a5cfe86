//! From tables to rows. A row that does not parse is set aside with its fault; the others are read on.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, SqliteConnection};

use super::fault::Doing;
use crate::error::{Error, Repr};
use crate::name::Label;
use crate::rows::{
    Assignment, Effect, Grant, Inheritance, PermissionRow, PolicyRows, RoleRow, UnreadableRow, UserRow,
};
use crate::store::{AuditEntry, PolicyVersion};

pub(super) async fn version(connection: &mut SqliteConnection) -> Result<PolicyVersion, Error> {
    let found: Option<i64> = sqlx::query_scalar("SELECT version FROM rbac_version")
        .fetch_optional(connection)
        .await
        .doing("read the version of the policy")?;
    let number = found.and_then(|number| u64::try_from(number).ok());
    number.map(PolicyVersion::new).ok_or_else(|| Repr::NoVersion.into())
}

pub(super) async fn history(
    connection: &mut SqliteConnection,
    entries: u16,
) -> Result<Vec<AuditEntry>, Error> {
    let sql = "SELECT version, actor, at_millis, change FROM rbac_audit ORDER BY version DESC LIMIT ?1";
    let found: Vec<(i64, String, i64, String)> = sqlx::query_as(sql)
        .bind(i64::from(entries))
        .fetch_all(connection)
        .await
        .doing("read the history of the policy")?;
    found.into_iter().map(audit_entry).collect()
}

fn audit_entry((version, actor, at_millis, change): (i64, String, i64, String)) -> Result<AuditEntry, Error> {
    match (u64::try_from(version), actor.parse(), u64::try_from(at_millis)) {
        (Ok(number), Ok(actor), Ok(at_millis)) => {
            Ok(AuditEntry::new(PolicyVersion::new(number), actor, at_millis, change))
        }
        _ => Err(Repr::AuditRow { version }.into()),
    }
}

pub(super) async fn rows(connection: &mut SqliteConnection) -> Result<PolicyRows, sqlx::Error> {
    let mut rows = PolicyRows::default();
    read_users(connection, &mut rows).await?;
    read_roles(connection, &mut rows).await?;
    read_permissions(connection, &mut rows).await?;
    read_assignments(connection, &mut rows).await?;
    read_grants(connection, &mut rows).await?;
    read_inheritance(connection, &mut rows).await?;
    Ok(rows)
}

async fn read_users(connection: &mut SqliteConnection, rows: &mut PolicyRows) -> Result<(), sqlx::Error> {
    let found: Vec<(String, bool)> = all(connection, "SELECT id, active FROM rbac_user").await?;
    for (id, active) in found {
        set_aside(rows, "rbac_user", |rows| {
            rows.users.insert(id.parse()?, UserRow::new(active));
            Ok(())
        });
    }
    Ok(())
}

async fn read_roles(connection: &mut SqliteConnection, rows: &mut PolicyRows) -> Result<(), sqlx::Error> {
    let sql = "SELECT name, label, enabled FROM rbac_role";
    let found: Vec<(String, String, bool)> = all(connection, sql).await?;
    for (name, label, enabled) in found {
        set_aside(rows, "rbac_role", |rows| {
            let name = name.parse()?;
            let label = readable_label(rows, "rbac_role", &label);
            rows.roles.insert(name, RoleRow::new(label, enabled));
            Ok(())
        });
    }
    Ok(())
}

async fn read_permissions(
    connection: &mut SqliteConnection,
    rows: &mut PolicyRows,
) -> Result<(), sqlx::Error> {
    let found: Vec<(String, String)> = all(connection, "SELECT name, label FROM rbac_permission").await?;
    for (name, label) in found {
        set_aside(rows, "rbac_permission", |rows| {
            let name = name.parse()?;
            let label = readable_label(rows, "rbac_permission", &label);
            rows.permissions.insert(name, PermissionRow::new(label));
            Ok(())
        });
    }
    Ok(())
}

async fn read_assignments(
    connection: &mut SqliteConnection,
    rows: &mut PolicyRows,
) -> Result<(), sqlx::Error> {
    let found: Vec<(String, String)> = all(connection, "SELECT user_id, role FROM rbac_user_role").await?;
    for (user, role) in found {
        set_aside(rows, "rbac_user_role", |rows| {
            rows.assignments.insert(Assignment::new(user.parse()?, role.parse()?));
            Ok(())
        });
    }
    Ok(())
}

async fn read_grants(connection: &mut SqliteConnection, rows: &mut PolicyRows) -> Result<(), sqlx::Error> {
    let sql = "SELECT role, pattern, effect FROM rbac_role_permission";
    let found: Vec<(String, String, String)> = all(connection, sql).await?;
    for (role, pattern, effect) in found {
        // Whatever does not plainly allow denies.
        let effect = if effect == Effect::Allow.as_str() { Effect::Allow } else { Effect::Deny };
        set_aside(rows, "rbac_role_permission", |rows| {
            rows.grants.insert(Grant::new(role.parse()?, pattern.parse()?), effect);
            Ok(())
        });
    }
    Ok(())
}

async fn read_inheritance(
    connection: &mut SqliteConnection,
    rows: &mut PolicyRows,
) -> Result<(), sqlx::Error> {
    let sql = "SELECT senior, junior FROM rbac_role_inheritance";
    let found: Vec<(String, String)> = all(connection, sql).await?;
    for (senior, junior) in found {
        set_aside(rows, "rbac_role_inheritance", |rows| {
            rows.inheritance.insert(Inheritance::new(senior.parse()?, junior.parse()?));
            Ok(())
        });
    }
    Ok(())
}

async fn all<T>(connection: &mut SqliteConnection, sql: &'static str) -> Result<Vec<T>, sqlx::Error>
where
    T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
{
    sqlx::query_as(sql).fetch_all(connection).await
}

/// Keeps a row, or notes why it cannot be kept.
fn set_aside(
    rows: &mut PolicyRows,
    table: &'static str,
    keep: impl FnOnce(&mut PolicyRows) -> Result<(), Error>,
) {
    if let Err(error) = keep(rows) {
        note(rows, table, &error);
    }
}

/// A bad label is noted and left empty: it must not cost anybody a right.
fn readable_label(rows: &mut PolicyRows, table: &'static str, text: &str) -> Label {
    Label::new(text).unwrap_or_else(|error| {
        note(rows, table, &error);
        Label::default()
    })
}

fn note(rows: &mut PolicyRows, table: &'static str, error: &Error) {
    rows.unreadable.insert(UnreadableRow::new(table.to_owned(), error.to_string()));
}
