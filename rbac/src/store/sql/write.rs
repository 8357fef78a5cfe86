//! From a change to statements. Whether the change may be made has been decided before.

use sqlx::SqliteConnection;

use crate::change::Change;
use crate::store::AuditEntry;

/// A statement and its values, all of them text.
type Statement<'a> = (&'static str, Vec<&'a str>);

const FORGET_USER: &[&str] = &["DELETE FROM rbac_user_role WHERE user_id = ?1"];
const FORGET_ROLE: &[&str] = &[
    "DELETE FROM rbac_user_role WHERE role = ?1",
    "DELETE FROM rbac_role_permission WHERE role = ?1",
    "DELETE FROM rbac_role_inheritance WHERE senior = ?1 OR junior = ?1",
];
const GRANT: &str = "INSERT INTO rbac_role_permission (role, pattern, effect) VALUES (?1, ?2, ?3) \
     ON CONFLICT (role, pattern) DO UPDATE SET effect = excluded.effect";

pub(super) async fn change(connection: &mut SqliteConnection, change: &Change) -> Result<(), sqlx::Error> {
    let (leftovers, named) = leftovers(change);
    for &sql in leftovers {
        sqlx::query(sql).bind(named).execute(&mut *connection).await?;
    }
    let (sql, values) = statement(change);
    let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
    query.execute(connection).await?;
    Ok(())
}

/// Sets the version and writes the audit row that belongs to it.
pub(super) async fn record(connection: &mut SqliteConnection, entry: &AuditEntry) -> Result<(), sqlx::Error> {
    let version = number(entry.version.number())?;
    let updated = sqlx::query("UPDATE rbac_version SET version = ?1 WHERE version = ?1 - 1")
        .bind(version)
        .execute(&mut *connection)
        .await?;
    if updated.rows_affected() != 1 {
        return Err(sqlx::Error::RowNotFound);
    }
    sqlx::query("INSERT INTO rbac_audit (version, actor, at_millis, change) VALUES (?1, ?2, ?3, ?4)")
        .bind(version)
        .bind(entry.actor.as_str())
        .bind(number(entry.at_millis)?)
        .bind(&entry.change)
        .execute(connection)
        .await?;
    Ok(())
}

fn number(number: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(number).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// What clears all rows that name a user or role which comes or goes, and the name.
fn leftovers(change: &Change) -> (&'static [&'static str], &str) {
    match change {
        Change::AddUser { user } | Change::RemoveUser { user } => (FORGET_USER, user.as_str()),
        Change::AddRole { role, .. } | Change::RemoveRole { role } => (FORGET_ROLE, role.as_str()),
        _ => (&[], ""),
    }
}

fn statement(change: &Change) -> Statement<'_> {
    match change {
        Change::AddUser { user } => {
            ("INSERT INTO rbac_user (id, active) VALUES (?1, 1)", vec![user.as_str()])
        }
        Change::SetUserActive { user, active: true } => {
            ("UPDATE rbac_user SET active = 1 WHERE id = ?1", vec![user.as_str()])
        }
        Change::SetUserActive { user, active: false } => {
            ("UPDATE rbac_user SET active = 0 WHERE id = ?1", vec![user.as_str()])
        }
        Change::RemoveUser { user } => ("DELETE FROM rbac_user WHERE id = ?1", vec![user.as_str()]),
        Change::AddRole { role, label } => {
            let sql = "INSERT INTO rbac_role (name, label, enabled) VALUES (?1, ?2, 1)";
            (sql, vec![role.as_str(), label.as_str()])
        }
        Change::SetRoleEnabled { role, enabled: true } => {
            ("UPDATE rbac_role SET enabled = 1 WHERE name = ?1", vec![role.as_str()])
        }
        Change::SetRoleEnabled { role, enabled: false } => {
            ("UPDATE rbac_role SET enabled = 0 WHERE name = ?1", vec![role.as_str()])
        }
        Change::RemoveRole { role } => ("DELETE FROM rbac_role WHERE name = ?1", vec![role.as_str()]),
        Change::AddPermission { permission, label } => {
            let sql = "INSERT INTO rbac_permission (name, label) VALUES (?1, ?2)";
            (sql, vec![permission.as_str(), label.as_str()])
        }
        Change::Assign { user, role } => {
            let sql = "INSERT INTO rbac_user_role (user_id, role) VALUES (?1, ?2)";
            (sql, vec![user.as_str(), role.as_str()])
        }
        Change::Unassign { user, role } => {
            let sql = "DELETE FROM rbac_user_role WHERE user_id = ?1 AND role = ?2";
            (sql, vec![user.as_str(), role.as_str()])
        }
        Change::Grant { role, pattern, effect } => {
            (GRANT, vec![role.as_str(), pattern.as_str(), effect.as_str()])
        }
        Change::Revoke { role, pattern } => {
            let sql = "DELETE FROM rbac_role_permission WHERE role = ?1 AND pattern = ?2";
            (sql, vec![role.as_str(), pattern.as_str()])
        }
        Change::Inherit { senior, junior } => {
            let sql = "INSERT INTO rbac_role_inheritance (senior, junior) VALUES (?1, ?2)";
            (sql, vec![senior.as_str(), junior.as_str()])
        }
        Change::Disinherit { senior, junior } => {
            let sql = "DELETE FROM rbac_role_inheritance WHERE senior = ?1 AND junior = ?2";
            (sql, vec![senior.as_str(), junior.as_str()])
        }
    }
}
