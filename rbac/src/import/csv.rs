//! The crate's own table, as a spreadsheet shows it: one line a row, what it is in the first column. It is written by
//! [`export::csv`](crate::export::csv).

use std::collections::BTreeSet;

use super::collect::Collector;
use super::records::{Record, Records, Style};
use super::{Imported, bounded, unreadable};
use crate::error::Error;
use crate::moment;
use crate::name::{DepartmentId, Label, RoleName};
use crate::rows::{
    Assignment, DepartmentRow, DomainRow, Duty, DutyKind, Effect, PermissionRow, PolicyRows, RoleRow, UserRow,
};
use crate::scope::DataScope;
use crate::time::{UnixMillis, Window};
use crate::wildcard::{PermissionPattern, WildcardMode};

/// The columns, in the order that they are written in.
pub(crate) const COLUMNS: [&str; 10] =
    ["kind", "name", "role", "domain", "label", "status", "department", "value", "from", "until"];

const WHAT: &str = "policy table";

/// Reads the crate's own table (RFC 4180, with a first line that names the columns, in any order):
///
/// | kind | name | role | domain | label | status | department | value | from, until |
/// |---|---|---|---|---|---|---|---|---|
/// | `user` | id | | | text | `active`, `inactive` | number | | |
/// | `role` | name | | | text | `enabled`, `disabled` | | rows: `nothing`, `own`, `own-department`, `own-department-and-below`, `all`, or numbers | |
/// | `permission`, `domain` | name | | | text | | | | |
/// | `department` | number | | | text | | number of the one above | | |
/// | `assignment` | user | role | domain or nothing | | | | | RFC 3339 |
/// | `grant` | pattern | role | | | `allow`, `deny` | | `strict`, `shiro`, `satoken` | |
/// | `inheritance` | senior role | junior role | | | | | | |
/// | `duty` | name | roles, with spaces between | | text | `static`, `dynamic` | | cardinality | |
///
/// A missing status is the first one that is named, a missing value of a role or a grant too. A column that a kind has
/// no use for must be empty. A `'` before `=`, `+`, `-`, `@` or another `'` is taken off: it keeps a spreadsheet from
/// reading a formula. A line that cannot be taken is left out, and named.
///
/// Of two lines that say different things of the same the first stays, but `deny` beats `allow`, `inactive` beats
/// `active` and `disabled` beats `enabled`, wherever they stand.
///
/// ```
/// use rbac::import;
///
/// let table = "kind,name,role,status\nuser,alice,,\nrole,editor,,\ngrant,course:*,editor,allow\nassignment,alice,editor,\nuser,two words,,\n";
/// let imported = import::csv(table)?;
/// assert_eq!(imported.rows.grants.len(), 1);
/// assert_eq!(imported.left_out[0].place, "line 6");
/// # Ok::<(), rbac::Error>(())
/// ```
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is no such table: an open quote, an unknown
/// column, none called `kind`, too long.
pub fn csv(text: &str) -> Result<Imported, Error> {
    let mut records = Records::new(WHAT, bounded(WHAT, text)?, Style::Exact);
    let Some(first) = records.next() else {
        return Err(unreadable(WHAT, "line 1", "it is empty; begin with a line that names the columns"));
    };
    let columns = columns(&first?)?;
    let mut collector = Collector::new(WHAT);
    for record in records {
        let record = record?;
        let place = format!("line {}", record.line);
        let line = Line::new(&columns, &record);
        if let Err(why) = line.read(&place, &mut collector) {
            let lost = if line.is_denial() { LOST_DENIAL } else { "" };
            collector.leave_out(place, &record.fields.join(","), why + lost);
        }
    }
    collector.finish()
}

/// For each field of a line the column that it belongs to.
fn columns(first: &Record) -> Result<Vec<usize>, Error> {
    let place = || format!("line {}", first.line);
    let mut columns = Vec::new();
    for name in &first.fields {
        let Some(column) = COLUMNS.iter().position(|column| *column == name.trim()) else {
            let fault =
                format!("there is no column `{}`; use {}", crate::name::shown(name), COLUMNS.join(", "));
            return Err(unreadable(WHAT, place(), fault));
        };
        if columns.contains(&column) {
            return Err(unreadable(WHAT, place(), format!("column `{}` stands twice", name.trim())));
        }
        columns.push(column);
    }
    if columns.contains(&0) {
        return Ok(columns);
    }
    Err(unreadable(WHAT, place(), "there is no column `kind`; let the first line name the columns"))
}

/// One line, by columns.
struct Line<'a> {
    fields: [&'a str; COLUMNS.len()],
    /// How many fields it has, and how many there may be.
    counts: (usize, usize),
}

/// Why a line is left out.
type Why = String;

/// What is added to the reason if it was a denial: without it somebody may more.
const LOST_DENIAL: &str = "; a denial is lost with it, so mend the line before anybody has the role";

impl<'a> Line<'a> {
    fn new(columns: &[usize], record: &'a Record) -> Self {
        let mut fields = [""; COLUMNS.len()];
        for (&column, field) in columns.iter().zip(&record.fields) {
            if let Some(slot) = fields.get_mut(column) {
                *slot = unguarded(field);
            }
        }
        Self { fields, counts: (record.fields.len(), columns.len()) }
    }

    /// True if it is meant to deny something, well written or not.
    fn is_denial(&self) -> bool {
        let [kind, _, _, _, _, status, ..] = self.fields;
        kind.trim().eq_ignore_ascii_case("grant") && status.trim().eq_ignore_ascii_case("deny")
    }

    fn read(&self, place: &str, into: &mut Collector) -> Result<(), Why> {
        let (fields, columns) = self.counts;
        if fields > columns {
            return Err(format!("it has {fields} fields for {columns} columns"));
        }
        let [kind, name, role, domain, label, status, department, value, from, until] = self.fields;
        let rows = &mut into.rows;
        let new = match kind {
            "user" => self.user(rows)?,
            "role" => self.role(rows)?,
            "permission" => {
                self.only(&["name", "label"])?;
                insert(&mut rows.permissions, parsed(name)?, PermissionRow::new(parsed(label)?))
            }
            "domain" => {
                self.only(&["name", "label"])?;
                insert(&mut rows.domains, parsed(name)?, DomainRow::new(parsed(label)?))
            }
            "department" => {
                self.only(&["name", "label", "department"])?;
                let id = number(name)?.ok_or("a department needs its number as the name")?;
                insert(&mut rows.departments, id, DepartmentRow::new(parsed(label)?, number(department)?))
            }
            "assignment" => {
                self.only(&["name", "role", "domain", "from", "until"])?;
                let domain = if domain.is_empty() { None } else { Some(parsed(domain)?) };
                let assignment = Assignment { user: parsed(name)?, role: parsed(role)?, domain };
                let window = Window::new(time(from)?, time(until)?).map_err(|error| error.to_string())?;
                insert(&mut rows.assignments, assignment, window)
            }
            "grant" => {
                self.only(&["name", "role", "status", "value"])?;
                let mode =
                    if value.is_empty() { Some(WildcardMode::Strict) } else { WildcardMode::parse(value) };
                let mode = mode.ok_or("the value of a grant is `strict`, `shiro` or `satoken`")?;
                let pattern = PermissionPattern::with_mode(name, mode).map_err(|error| error.to_string())?;
                let allow = either(status, "allow", "deny")?;
                let effect = if allow { Effect::Allow } else { Effect::Deny };
                into.grant(place, &parsed(role)?, pattern, effect);
                true
            }
            "inheritance" => {
                self.only(&["name", "role"])?;
                into.inherit(place, parsed(name)?, parsed(role)?);
                true
            }
            "duty" => {
                self.only(&["name", "role", "label", "status", "value"])?;
                insert(&mut rows.duties, parsed(name)?, duty(label, status, value, role)?)
            }
            _ => return Err("there is no such kind".to_owned()),
        };
        if new { Ok(()) } else { Err("a line above says something else of the same".to_owned()) }
    }

    /// True if nothing else was said of the user.
    fn user(&self, rows: &mut PolicyRows) -> Result<bool, Why> {
        let [_, name, _, _, label, status, department, ..] = self.fields;
        self.only(&["name", "label", "status", "department"])?;
        let mut row = UserRow::new(parsed(label)?);
        row.active = either(status, "active", "inactive")?;
        row.department = number(department)?;
        let user = parsed(name)?;
        if !row.active
            && let Some(before) = rows.users.get_mut(&user).filter(|before| before.active)
        {
            before.active = false;
            return Err("a line above says something else of the same; the user is inactive now".to_owned());
        }
        Ok(insert(&mut rows.users, user, row))
    }

    /// True if nothing else was said of the role.
    fn role(&self, rows: &mut PolicyRows) -> Result<bool, Why> {
        let [_, name, _, _, label, status, _, value, ..] = self.fields;
        self.only(&["name", "label", "status", "value"])?;
        let mut row = RoleRow::new(parsed(label)?);
        row.enabled = either(status, "enabled", "disabled")?;
        row.data_scope = data_scope(value)?;
        let role = parsed(name)?;
        if !row.enabled
            && let Some(before) = rows.roles.get_mut(&role).filter(|before| before.enabled)
        {
            before.enabled = false;
            return Err("a line above says something else of the same; the role is disabled now".to_owned());
        }
        Ok(insert(&mut rows.roles, role, row))
    }

    /// Refuses a line that says something in a column that its kind has no use for.
    fn only(&self, used: &[&str]) -> Result<(), Why> {
        let named = COLUMNS.iter().zip(self.fields).skip(1);
        match named.into_iter().find(|(column, field)| !field.is_empty() && !used.contains(column)) {
            Some((column, _)) => Err(format!("column `{column}` says nothing about such a row; empty it")),
            None => Ok(()),
        }
    }
}

/// True if it was not there, or just so.
fn insert<K: Ord, V: PartialEq>(rows: &mut std::collections::BTreeMap<K, V>, key: K, value: V) -> bool {
    match rows.get(&key) {
        Some(before) => *before == value,
        None => rows.insert(key, value).is_none(),
    }
}

fn parsed<T: std::str::FromStr<Err = Error>>(text: &str) -> Result<T, Why> {
    text.parse().map_err(|error: Error| error.to_string())
}

fn either(text: &str, yes: &str, no: &str) -> Result<bool, Why> {
    match text {
        _ if text == yes || text.is_empty() => Ok(true),
        _ if text == no => Ok(false),
        _ => Err(format!("the status is `{yes}` or `{no}`")),
    }
}

fn number(text: &str) -> Result<Option<DepartmentId>, Why> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().map_err(|_| "a department is a whole number of 64 bits".to_owned())?;
    Ok(Some(DepartmentId::new(number)))
}

fn time(text: &str) -> Result<Option<UnixMillis>, Why> {
    if text.is_empty() {
        return Ok(None);
    }
    let at = moment::parse(text).ok_or("write a time as `2026-01-01T00:00:00Z`, from 1970 to 9999")?;
    Ok(Some(at))
}

fn data_scope(text: &str) -> Result<DataScope, Why> {
    Ok(match text {
        "" | "nothing" => DataScope::Nothing,
        "own" => DataScope::Own,
        "own-department" => DataScope::OwnDepartment,
        "own-department-and-below" => DataScope::OwnDepartmentAndBelow,
        "departments" => DataScope::Departments(BTreeSet::new()),
        "all" => DataScope::All,
        numbers => {
            let ids = numbers.split_ascii_whitespace().map(|id| number(id).map(Option::into_iter));
            let ids: Result<Vec<_>, Why> = ids.collect();
            DataScope::Departments(ids?.into_iter().flatten().collect())
        }
    })
}

/// The text that is read as this scope.
pub(crate) fn data_scope_text(scope: &DataScope) -> String {
    match scope {
        DataScope::Nothing => String::new(),
        DataScope::Own => "own".to_owned(),
        DataScope::OwnDepartment => "own-department".to_owned(),
        DataScope::OwnDepartmentAndBelow => "own-department-and-below".to_owned(),
        DataScope::All => "all".to_owned(),
        DataScope::Departments(ids) if ids.is_empty() => "departments".to_owned(),
        DataScope::Departments(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}

fn duty(label: &str, status: &str, value: &str, roles: &str) -> Result<Duty, Why> {
    let kind = if either(status, "static", "dynamic")? { DutyKind::Static } else { DutyKind::Dynamic };
    let cardinality =
        value.parse().map_err(|_| "the value of a duty is its cardinality, from 2 up".to_owned())?;
    let roles: Result<BTreeSet<RoleName>, Why> = roles.split_ascii_whitespace().map(parsed).collect();
    Ok(Duty::new(parsed::<Label>(label)?, kind, cardinality, roles?))
}

/// Without the `'` that keeps a spreadsheet from reading a formula.
fn unguarded(field: &str) -> &str {
    field.strip_prefix('\'').unwrap_or(field)
}

/// With a `'` if a spreadsheet would read a formula.
pub(crate) fn guarded(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\'']) { format!("'{field}") } else { field.to_owned() }
}
