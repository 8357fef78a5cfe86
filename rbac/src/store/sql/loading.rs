//! Rows that are being read: each is parsed and kept, or noted with its fault. Nothing is guessed that gives anybody
//! more than the tables say.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem;

use super::record::{Cell, Fault, Record};
use super::table::{self, Table};
use crate::codec::words;
use crate::error::Error;
use crate::name::{DepartmentId, DomainName, DutyName, Label, PermissionName, RoleName, UserId, is_shared};
use crate::rows::{
    Assignment, DepartmentRow, DomainRow, Duty, Effect, Grant, Inheritance, PermissionRow, PolicyRows,
    RoleRow, UnreadableRow, UserRow,
};
use crate::time::Window;
use crate::wildcard::PermissionPattern;

/// Keeps one row of one table.
pub(super) type Read = fn(&mut Loading, &mut Record<'_, '_>) -> Result<(), Fault>;

/// Lists, because a map of a sorted list is made several times faster than row by row.
#[derive(Default)]
pub(super) struct Loading {
    rows: PolicyRows,
    users: Vec<(UserId, UserRow)>,
    roles: Vec<(RoleName, RoleRow)>,
    assignments: Vec<(Assignment, Window)>,
    grants: Vec<(Grant, Effect)>,
    /// Roles with a denial of which nobody can say what it denies: it denies everything.
    denied: Vec<RoleName>,
    inheritance: Vec<Inheritance>,
    departments_of: BTreeMap<RoleName, BTreeSet<DepartmentId>>,
    roles_of: BTreeMap<DutyName, BTreeSet<RoleName>>,
    /// Rows that name the same role share its text, if it is long.
    role_names: HashSet<RoleName, foldhash::fast::RandomState>,
    /// Where the last user was found: assignments mostly come in the order of their users.
    user_at: usize,
    /// The role that was named last: often the next row names it too.
    last_role: Option<RoleName>,
    table: &'static str,
}

impl Loading {
    /// Keeps a row, or notes why it cannot be kept.
    pub(super) fn keep(&mut self, table: &'static Table, cells: &[Cell<'_>], read: Read) {
        self.table = table.name;
        let mut record = Record::new(table, cells);
        if let Err(fault) = read(self, &mut record) {
            self.note(record.place(&fault));
        }
    }

    /// All rows, in order.
    pub(super) fn finish(mut self) -> PolicyRows {
        let everything = PermissionPattern::everything();
        let denied = mem::take(&mut self.denied).into_iter();
        // After all others: of two rows with one key the last stays.
        self.grants.extend(denied.map(|role| (Grant::new(role, everything.clone()), Effect::Deny)));
        for (role, _) in mem::take(&mut self.departments_of) {
            self.table = table::ROLE_DEPARTMENTS.name;
            self.note(format!("row `{role}`: no such role has the data scope `departments`"));
        }
        for (duty, _) in mem::take(&mut self.roles_of) {
            self.table = table::DUTY_ROLES.name;
            self.note(format!("row `{duty}`: there is no such separation of duty"));
        }
        PolicyRows {
            users: self.users.into_iter().collect(),
            roles: self.roles.into_iter().collect(),
            assignments: self.assignments.into_iter().collect(),
            grants: self.grants.into_iter().collect(),
            inheritance: self.inheritance.into_iter().collect(),
            ..self.rows
        }
    }

    pub(super) fn user(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let id = UserId::new(record.text()?)?;
        let label = self.label(record)?;
        let active = record.flag()?;
        let department = record.maybe_number()?.map(DepartmentId::new);
        self.users.push((id, UserRow { label, active, department }));
        Ok(())
    }

    pub(super) fn role(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let name = RoleName::new(record.text()?)?;
        let label = self.label(record)?;
        let enabled = record.flag()?;
        let word = record.text()?;
        let listed = if word == words::DEPARTMENTS { self.departments_of.remove(&name) } else { None };
        let data_scope = words::scope(word, listed.unwrap_or_default()).unwrap_or_else(|error| {
            // The role keeps what it denies; without a scope that can be read it opens no rows.
            self.note(record.place(&Fault::from(error)));
            Default::default()
        });
        if is_shared(name.as_str()) {
            self.role_names.insert(name.clone());
        }
        self.roles.push((name, RoleRow { label, enabled, data_scope }));
        Ok(())
    }

    pub(super) fn role_department(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let role = RoleName::new(record.text()?)?;
        let department = DepartmentId::new(record.number()?);
        self.departments_of.entry(role).or_default().insert(department);
        Ok(())
    }

    pub(super) fn permission(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let name = PermissionName::new(record.text()?)?;
        let label = self.label(record)?;
        self.rows.permissions.insert(name, PermissionRow::new(label));
        Ok(())
    }

    /// The one without a name stands for everywhere and is no domain.
    pub(super) fn domain(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let name = record.text()?;
        if name.is_empty() {
            return Ok(());
        }
        let name = DomainName::new(name)?;
        let label = self.label(record)?;
        self.rows.domains.insert(name, DomainRow::new(label));
        Ok(())
    }

    pub(super) fn department(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let id = DepartmentId::new(record.number()?);
        let label = self.label(record)?;
        let parent = record.maybe_number()?.map(DepartmentId::new);
        self.rows.departments.insert(id, DepartmentRow::new(label, parent));
        Ok(())
    }

    pub(super) fn assignment(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let user = self.user_id(record.text()?)?;
        let role = self.role_name(record.text()?)?;
        let domain = match record.text()? {
            "" => None,
            name => Some(DomainName::new(name)?),
        };
        let (not_before, not_after) = (record.maybe_number()?, record.maybe_number()?);
        let window = words::window(not_before, not_after)?;
        self.assignments.push((Assignment { user, role, domain }, window));
        Ok(())
    }

    pub(super) fn grant(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let role = self.role_name(record.text()?)?;
        let (pattern, mode, effect) = (record.text()?, record.text()?, record.text()?);
        let effect = words::effect(effect).unwrap_or_else(|error| {
            // Whatever does not plainly allow denies.
            self.note(record.place(&Fault::from(error)));
            Effect::Deny
        });
        let read = words::mode(mode).and_then(|mode| PermissionPattern::with_mode(pattern, mode));
        let pattern = match read {
            Ok(pattern) => pattern,
            Err(error) if effect == Effect::Allow => return Err(error.into()),
            Err(error) => {
                self.denied.push(role);
                return Err(error.into());
            }
        };
        self.grants.push((Grant::new(role, pattern), effect));
        Ok(())
    }

    pub(super) fn inheritance(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let (senior, junior) = (self.role_name(record.text()?)?, self.role_name(record.text()?)?);
        self.inheritance.push(Inheritance::new(senior, junior));
        Ok(())
    }

    pub(super) fn duty_role(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let duty = DutyName::new(record.text()?)?;
        let role = self.role_name(record.text()?)?;
        self.roles_of.entry(duty).or_default().insert(role);
        Ok(())
    }

    pub(super) fn duty(&mut self, record: &mut Record<'_, '_>) -> Result<(), Fault> {
        let name = DutyName::new(record.text()?)?;
        let roles = self.roles_of.remove(&name).unwrap_or_default();
        let label = self.label(record)?;
        let kind = words::kind(record.text()?)?;
        let cardinality = record.number()?;
        let cardinality = u32::try_from(cardinality).map_err(|_| {
            Fault(format!("column `cardinality` holds `{cardinality}`; use a count of roles"))
        })?;
        self.rows.duties.insert(name, Duty::new(label, kind, cardinality, roles));
        Ok(())
    }

    /// A bad label is noted and left empty: it must not cost anybody a right.
    fn label(&mut self, record: &mut Record<'_, '_>) -> Result<Label, Fault> {
        let text = record.text()?;
        if text.is_empty() {
            return Ok(Label::default());
        }
        Ok(Label::new(text).unwrap_or_else(|error| {
            self.note(record.place(&Fault::from(error)));
            Label::default()
        }))
    }

    /// That of the user's own row if it is the next one in line: a copy costs less than a check, and shares a long text.
    fn user_id(&mut self, text: &str) -> Result<UserId, Error> {
        while let Some((id, _)) = self.users.get(self.user_at) {
            match id.as_str().cmp(text) {
                Ordering::Less => self.user_at += 1,
                Ordering::Equal => return Ok(id.clone()),
                Ordering::Greater => break,
            }
        }
        UserId::new(text)
    }

    fn role_name(&mut self, text: &str) -> Result<RoleName, Error> {
        if let Some(last) = self.last_role.as_ref().filter(|last| last.as_str() == text) {
            return Ok(last.clone());
        }
        let known = if is_shared(text) { self.role_names.get(text).cloned() } else { None };
        let name = known.map_or_else(|| RoleName::new(text), Ok)?;
        self.last_role = Some(name.clone());
        Ok(name)
    }

    fn note(&mut self, fault: String) {
        self.rows.unreadable.insert(UnreadableRow::new(self.table.to_owned(), fault));
    }
}
