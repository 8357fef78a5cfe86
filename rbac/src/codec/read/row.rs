//! The rows as they stand in a text: which members each has, and where it is kept.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

use crate::codec::words;
use crate::error::Error;
use crate::name::{DepartmentId, DomainName, DutyName, Label, PermissionName, RoleName, UserId};
use crate::rows::{
    Assignment, DepartmentRow, DomainRow, Duty, Grant, Inheritance, PermissionRow, PolicyRows, RoleRow,
    UnreadableRow, UserRow,
};
use crate::wildcard::PermissionPattern;

/// A row of one kind.
pub(super) trait Row {
    /// Puts it to the others; false if its like is there already.
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error>;
}

/// A whole number of 64 bits with its sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whole(pub(super) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Whole, E> {
                let fits = i64::try_from(number).map(Whole);
                fits.map_err(|_| E::custom(format_args!("number `{number}` is too large")))
            }
        }

        deserializer.deserialize_i64(Number)
    }
}

/// Rows are active and enabled unless the text says otherwise.
const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a user")]
pub(super) struct UserText {
    id: UserId,
    #[serde(default)]
    label: Label,
    #[serde(default = "yes")]
    active: bool,
    department: Option<Whole>,
}

impl Row for UserText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        let department = self.department.map(id);
        let row = UserRow { label: self.label, active: self.active, department };
        Ok(rows.users.insert(self.id, row).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a role")]
pub(super) struct RoleText {
    name: RoleName,
    #[serde(default)]
    label: Label,
    #[serde(default = "yes")]
    enabled: bool,
    scope: Option<String>,
    departments: Option<Unique<Whole>>,
}

impl Row for RoleText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        let word = self.scope.as_deref().unwrap_or("nothing");
        let listed = self.departments.map(|list| list.0.into_iter().map(id).collect());
        if listed.is_some() && word != words::DEPARTMENTS {
            return Err(words::scope_without_list(word));
        }
        let data_scope = words::scope(word, listed.unwrap_or_default())?;
        let row = RoleRow { label: self.label, enabled: self.enabled, data_scope };
        Ok(rows.roles.insert(self.name, row).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a permission")]
pub(super) struct PermissionText {
    name: PermissionName,
    #[serde(default)]
    label: Label,
}

impl Row for PermissionText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        Ok(rows.permissions.insert(self.name, PermissionRow::new(self.label)).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a domain")]
pub(super) struct DomainText {
    name: DomainName,
    #[serde(default)]
    label: Label,
}

impl Row for DomainText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        Ok(rows.domains.insert(self.name, DomainRow::new(self.label)).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a department")]
pub(super) struct DepartmentText {
    id: Whole,
    #[serde(default)]
    label: Label,
    parent: Option<Whole>,
}

impl Row for DepartmentText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        let row = DepartmentRow::new(self.label, self.parent.map(id));
        Ok(rows.departments.insert(id(self.id), row).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an assignment")]
pub(super) struct AssignmentText {
    user: UserId,
    role: RoleName,
    domain: Option<DomainName>,
    from: Option<Whole>,
    until: Option<Whole>,
}

impl Row for AssignmentText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        let window = words::window(self.from.map(|it| it.0), self.until.map(|it| it.0))?;
        let assignment = Assignment { user: self.user, role: self.role, domain: self.domain };
        Ok(rows.assignments.insert(assignment, window).is_none())
    }
}

/// The effect is never left out: it is what the row is about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a grant")]
pub(super) struct GrantText {
    role: RoleName,
    pattern: String,
    mode: Option<String>,
    effect: String,
}

impl Row for GrantText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        let mode = self.mode.as_deref().map(words::mode).transpose()?.unwrap_or_default();
        let pattern = PermissionPattern::with_mode(&self.pattern, mode)?;
        let effect = words::effect(&self.effect)?;
        Ok(rows.grants.insert(Grant::new(self.role, pattern), effect).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an inheritance")]
pub(super) struct InheritanceText {
    senior: RoleName,
    junior: RoleName,
}

impl Row for InheritanceText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        Ok(rows.inheritance.insert(Inheritance::new(self.senior, self.junior)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a separation of duty")]
pub(super) struct DutyText {
    name: DutyName,
    #[serde(default)]
    label: Label,
    kind: String,
    cardinality: Count,
    #[serde(default)]
    roles: Unique<RoleName>,
}

impl Row for DutyText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        let kind = words::kind(&self.kind)?;
        let duty = Duty::new(self.label, kind, self.cardinality.0, self.roles.0);
        Ok(rows.duties.insert(self.name, duty).is_none())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an unreadable row")]
pub(super) struct UnreadableText {
    table: String,
    fault: String,
}

impl Row for UnreadableText {
    fn keep(self, rows: &mut PolicyRows) -> Result<bool, Error> {
        Ok(rows.unreadable.insert(UnreadableRow::new(self.table, self.fault)))
    }
}

const fn id(number: Whole) -> DepartmentId {
    DepartmentId::new(number.0)
}

/// A number of roles.
struct Count(u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Whole(number) = Whole::deserialize(deserializer)?;
        let fits = u32::try_from(number).map(Self);
        fits.map_err(|_| D::Error::custom(format_args!("number `{number}` is no count of roles")))
    }
}

/// A list in which nothing stands twice.
struct Unique<T>(BTreeSet<T>);

impl<T> Default for Unique<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<'de, T: Deserialize<'de> + Ord> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<T>::deserialize(deserializer)?;
        let (count, set) = (list.len(), list.into_iter().collect::<BTreeSet<_>>());
        if set.len() == count { Ok(Self(set)) } else { Err(D::Error::custom("a list names something twice")) }
    }
}
