//! From rows to JSON text. It cannot fail: there is no value that JSON cannot hold.

use std::fmt::Display;

use super::FORMAT;
use super::words::{departments, scope_word};
use crate::name::{DepartmentId, DomainName, DutyName, PermissionName, RoleName, UserId};
use crate::rows::{
    Assignment, DepartmentRow, DomainRow, Duty, Effect, Grant, Inheritance, PermissionRow, PolicyRows,
    RoleRow, UnreadableRow, UserRow,
};
use crate::time::Window;
use crate::wildcard::WildcardMode;

pub(super) fn rows(rows: &PolicyRows) -> String {
    Object::begin(String::new())
        .number("rbac", Some(FORMAT))
        .list("users", &rows.users, user)
        .list("roles", &rows.roles, role)
        .list("permissions", &rows.permissions, permission)
        .list("domains", &rows.domains, domain)
        .list("departments", &rows.departments, department)
        .list("assignments", &rows.assignments, assignment)
        .list("grants", &rows.grants, grant)
        .list("inheritance", &rows.inheritance, inheritance)
        .list("duties", &rows.duties, duty)
        .list("unreadable", &rows.unreadable, unreadable)
        .end()
}

/// A list of texts.
#[cfg(feature = "_sql")]
pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    list_of(String::new(), texts, push_text)
}

fn user(object: Object, (id, row): (&UserId, &UserRow)) -> Object {
    object
        .text("id", id.as_str())
        .text_unless_empty("label", row.label.as_str())
        .unless(row.active, |object| object.literal("active", "false"))
        .number("department", row.department)
}

fn role(object: Object, (name, row): (&RoleName, &RoleRow)) -> Object {
    let word = scope_word(&row.data_scope);
    object
        .text("name", name.as_str())
        .text_unless_empty("label", row.label.as_str())
        .unless(row.enabled, |object| object.literal("enabled", "false"))
        .unless(word == "nothing", |object| object.text("scope", word))
        .values("departments", departments(&row.data_scope), |text, id| text + &id.to_string())
}

fn permission(object: Object, (name, row): (&PermissionName, &PermissionRow)) -> Object {
    object.text("name", name.as_str()).text_unless_empty("label", row.label.as_str())
}

fn domain(object: Object, (name, row): (&DomainName, &DomainRow)) -> Object {
    object.text("name", name.as_str()).text_unless_empty("label", row.label.as_str())
}

fn department(object: Object, (id, row): (&DepartmentId, &DepartmentRow)) -> Object {
    object.number("id", Some(id)).text_unless_empty("label", row.label.as_str()).number("parent", row.parent)
}

fn assignment(object: Object, (it, window): (&Assignment, &Window)) -> Object {
    object
        .text("user", it.user.as_str())
        .text("role", it.role.as_str())
        .text_unless_empty("domain", it.domain.as_ref().map_or("", DomainName::as_str))
        .number("from", window.not_before())
        .number("until", window.not_after())
}

fn grant(object: Object, (it, effect): (&Grant, &Effect)) -> Object {
    let mode = it.pattern.mode();
    object
        .text("role", it.role.as_str())
        .text("pattern", it.pattern.as_str())
        .unless(mode == WildcardMode::Strict, |object| object.text("mode", mode.as_str()))
        .text("effect", effect.as_str())
}

fn inheritance(object: Object, it: &Inheritance) -> Object {
    object.text("senior", it.senior.as_str()).text("junior", it.junior.as_str())
}

fn duty(object: Object, (name, duty): (&DutyName, &Duty)) -> Object {
    object
        .text("name", name.as_str())
        .text_unless_empty("label", duty.label.as_str())
        .text("kind", duty.kind.as_str())
        .number("cardinality", Some(duty.cardinality))
        .values("roles", duty.roles.iter().map(RoleName::as_str), push_text)
}

fn unreadable(object: Object, row: &UnreadableRow) -> Object {
    object.text("table", &row.table).text("fault", &row.fault)
}

/// A JSON object that is being written at the end of a text.
struct Object {
    text: String,
    empty: bool,
}

impl Object {
    fn begin(text: String) -> Self {
        Self { text: text + "{", empty: true }
    }

    fn end(self) -> String {
        self.text + "}"
    }

    /// Names of members are our own, so they need no escape.
    fn member(self, name: &str) -> String {
        let comma = if self.empty { "\"" } else { ",\"" };
        self.text + comma + name + "\":"
    }

    const fn after(text: String) -> Self {
        Self { text, empty: false }
    }

    fn literal(self, name: &str, value: &str) -> Self {
        Self::after(self.member(name) + value)
    }

    fn text(self, name: &str, value: &str) -> Self {
        Self::after(push_text(self.member(name), value))
    }

    fn text_unless_empty(self, name: &str, value: &str) -> Self {
        self.unless(value.is_empty(), |object| object.text(name, value))
    }

    fn number(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.literal(name, &value.to_string()),
            None => self,
        }
    }

    fn unless(self, usual: bool, write: impl FnOnce(Self) -> Self) -> Self {
        if usual { self } else { write(self) }
    }

    /// A list of values, left out if there are none.
    fn values<T>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        push: impl Fn(String, T) -> String,
    ) -> Self {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return self;
        }
        Self::after(list_of(self.member(name), values, push))
    }

    /// A list of objects, left out if there are none.
    fn list<T>(self, name: &str, rows: impl IntoIterator<Item = T>, write: fn(Self, T) -> Self) -> Self {
        self.values(name, rows, |text, row| write(Self::begin(text), row).end())
    }
}

fn list_of<T>(
    text: String,
    values: impl IntoIterator<Item = T>,
    push: impl Fn(String, T) -> String,
) -> String {
    let list = values.into_iter().enumerate().fold(text + "[", |text, (at, value)| {
        let text = if at == 0 { text } else { text + "," };
        push(text, value)
    });
    list + "]"
}

/// A JSON string (RFC 8259, section 7).
fn push_text(mut text: String, value: &str) -> String {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            c if c < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
