//! A policy for others: as a table for people and spreadsheets, and for casbin. What could not be carried is told.
//!
//! The crate's own JSON is [`PolicyRows::to_json`](crate::PolicyRows::to_json), which carries everything.

mod casbin;

pub use self::casbin::{CasbinExport, casbin};
use crate::import::{COLUMNS, LeftOut, data_scope_text, guarded, write_record};
use crate::moment;
use crate::name::DepartmentId;
use crate::rows::PolicyRows;

/// A table, and what it does not hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CsvExport {
    /// The table: UTF-8, RFC 4180 with line feeds.
    pub text: String,
    /// What stands in no line of it.
    pub left_out: Vec<LeftOut>,
}

/// Writes all rows as the table that [`import::csv`](crate::import::csv) reads, one line a row, always in the same
/// order. Only rows that could not be read from a store are left out.
///
/// ```
/// use rbac::{export, import};
///
/// let table = "kind,name,role,status\nuser,alice,,active\nrole,editor,,enabled\nassignment,alice,editor,\n";
/// let rows = import::csv(table)?.rows;
/// let text = export::csv(&rows).text;
/// assert!(text.contains("\nassignment,alice,editor,"));
/// assert_eq!(import::csv(&text)?.rows, rows);
/// # Ok::<(), rbac::Error>(())
/// ```
#[must_use]
pub fn csv(rows: &PolicyRows) -> CsvExport {
    let mut table = Table { text: COLUMNS.join(",") + "\n" };
    table.names(rows);
    table.relations(rows);
    let why = |row: &crate::rows::UnreadableRow| {
        LeftOut::new(row.table.clone(), &row.fault, "the stored row could not be read; correct or delete it")
    };
    CsvExport { text: table.text, left_out: rows.unreadable.iter().map(why).collect() }
}

struct Table {
    text: String,
}

impl Table {
    /// One line: the kind, and what stands in which column.
    fn line(&mut self, kind: &str, fields: &[(&str, &str)]) {
        let line = COLUMNS.map(|column| match column {
            "kind" => kind.to_owned(),
            column => {
                let field = fields.iter().find(|(named, _)| *named == column);
                guarded(field.map_or("", |(_, field)| field))
            }
        });
        write_record(&mut self.text, &line.each_ref().map(String::as_str), ",");
    }

    fn names(&mut self, rows: &PolicyRows) {
        for (name, row) in &rows.permissions {
            self.line("permission", &[("name", name.as_str()), ("label", row.label.as_str())]);
        }
        for (name, row) in &rows.domains {
            self.line("domain", &[("name", name.as_str()), ("label", row.label.as_str())]);
        }
        for (id, row) in &rows.departments {
            let (name, parent) = (id.to_string(), number(row.parent));
            self.line(
                "department",
                &[("name", &name), ("label", row.label.as_str()), ("department", &parent)],
            );
        }
        for (id, row) in &rows.users {
            let status = if row.active { "active" } else { "inactive" };
            let department = number(row.department);
            let fields = [
                ("name", id.as_str()),
                ("label", row.label.as_str()),
                ("status", status),
                ("department", &department),
            ];
            self.line("user", &fields);
        }
        for (name, row) in &rows.roles {
            let status = if row.enabled { "enabled" } else { "disabled" };
            let scope = data_scope_text(&row.data_scope);
            let fields = [
                ("name", name.as_str()),
                ("label", row.label.as_str()),
                ("status", status),
                ("value", &scope),
            ];
            self.line("role", &fields);
        }
    }

    fn relations(&mut self, rows: &PolicyRows) {
        for row in &rows.inheritance {
            self.line("inheritance", &[("name", row.senior.as_str()), ("role", row.junior.as_str())]);
        }
        for (grant, effect) in &rows.grants {
            let fields = [
                ("name", grant.pattern.as_str()),
                ("role", grant.role.as_str()),
                ("status", effect.as_str()),
                ("value", grant.pattern.mode().as_str()),
            ];
            self.line("grant", &fields);
        }
        for (row, window) in &rows.assignments {
            let [from, until] =
                [window.not_before(), window.not_after()].map(|at| at.map(moment::text).unwrap_or_default());
            let domain = row.domain.as_ref().map_or("", |domain| domain.as_str());
            let fields = [
                ("name", row.user.as_str()),
                ("role", row.role.as_str()),
                ("domain", domain),
                ("from", &from),
                ("until", &until),
            ];
            self.line("assignment", &fields);
        }
        for (name, duty) in &rows.duties {
            let roles = duty.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ");
            let cardinality = duty.cardinality.to_string();
            let fields = [
                ("name", name.as_str()),
                ("role", &roles),
                ("label", duty.label.as_str()),
                ("status", duty.kind.as_str()),
                ("value", &cardinality),
            ];
            self.line("duty", &fields);
        }
    }
}

fn number(department: Option<DepartmentId>) -> String {
    department.map(|id| id.to_string()).unwrap_or_default()
}
