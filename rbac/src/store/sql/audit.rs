//! The audit trail in its table: what is recorded of a draft, and entries read back.

use super::backend::Backend;
use super::fault::Doing;
use super::record::Cell;
use super::statement::{Statement, Value};
use super::table;
use crate::admin::Amended;
use crate::codec::write::texts;
use crate::draft::{Actor, Draft};
use crate::error::{Error, Repr};
use crate::name::Reason;
use crate::rows::PolicyRows;
use crate::store::{AuditEntry, HISTORY_ENTRIES_MAX, HistoryQuery, PolicyVersion};
use crate::time::UnixMillis;

const USER: &str = "user";
const SYSTEM: &str = "system";

/// Records the draft that makes the version of this number.
pub(super) fn record(number: i64, draft: &Draft, amended: &Amended, at: UnixMillis) -> Statement {
    let (kind, actor) = match draft.actor() {
        Actor::User(user) => (USER, user.as_str()),
        Actor::System(name) => (SYSTEM, name.as_str()),
    };
    let changes: Vec<_> = draft.changes().iter().map(ToString::to_string).collect();
    let row = vec![
        Value::from(number),
        kind.into(),
        actor.into(),
        at.into(),
        draft.why().as_str().into(),
        texts(changes.iter().map(String::as_str)).into(),
        amended.before.to_json().into(),
        amended.after.to_json().into(),
    ];
    Statement::insert(&table::AUDIT, row)
}

/// The entries that the query asks for, newest first.
pub(super) async fn history<B: Backend>(
    connection: &mut B::Connection,
    query: &HistoryQuery,
) -> Result<Vec<AuditEntry>, Error> {
    let names: Vec<_> = table::AUDIT.columns.iter().map(|column| column.name).collect();
    let by = if query.actor.is_some() { " AND actor_kind = ? AND actor = ?" } else { "" };
    let text = format!(
        "SELECT {} FROM rbac_audit WHERE version <= ?{by} ORDER BY version DESC LIMIT ?",
        names.join(", ")
    );
    let mut statement = Statement::new(text).bind(newest(query));
    if let Some(user) = &query.actor {
        statement = statement.bind(USER).bind(user.as_str());
    }
    let statement = statement.bind(i64::from(query.entries_max.min(HISTORY_ENTRIES_MAX)));
    let doing = "read the audit trail of the policy";
    let rows = B::rows(connection, statement, table::AUDIT.columns).await.doing(doing)?;
    rows.into_iter().map(entry).collect()
}

/// The highest version that the query may give.
fn newest(query: &HistoryQuery) -> i64 {
    let below = query.below.map_or(u64::MAX, PolicyVersion::number);
    i64::try_from(below).map_or(i64::MAX, |below| below.saturating_sub(1))
}

fn entry(cells: Vec<Cell<'static>>) -> Result<AuditEntry, Error> {
    let mut cells = cells.into_iter();
    let mut next = || cells.next().unwrap_or(Cell::Null);
    let Cell::Number(version) = next() else { return Err(Repr::NoVersion.into()) };
    let bad = |column, source| Error::from(Repr::AuditRow { version, column, source });
    let number = u64::try_from(version).map_err(|_| bad("version", None))?;
    let mut text = |column| match next() {
        Cell::Text(text) => Ok(text),
        _ => Err(bad(column, None)),
    };
    let (kind, actor) = (text("actor_kind")?, text("actor")?);
    let actor = match &*kind {
        USER => actor.parse().map(Actor::User),
        SYSTEM => actor.parse().map(Actor::System),
        _ => return Err(bad("actor_kind", None)),
    };
    let actor = actor.map_err(|error| bad("actor", Some(error)))?;
    let at = match next() {
        Cell::Number(millis) => crate::codec::words::moment(millis),
        _ => return Err(bad("at_millis", None)),
    };
    let at = at.map_err(|error| bad("at_millis", Some(error)))?;
    let mut text = |column| match next() {
        Cell::Text(text) => Ok(text),
        _ => Err(bad(column, None)),
    };
    let reason = Reason::new(&text("reason")?).map_err(|error| bad("reason", Some(error)))?;
    let changes = serde_json::from_str(&text("changes")?).map_err(|_| bad("changes", None))?;
    let mut rows = |column| PolicyRows::from_json(&text(column)?).map_err(|error| bad(column, Some(error)));
    let (before, after) = (rows("rows_before")?, rows("rows_after")?);
    Ok(AuditEntry { version: PolicyVersion::new(number), actor, at, reason, changes, before, after })
}
