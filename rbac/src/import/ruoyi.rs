//! RuoYi's `sys_*` tables out of a dump: users, roles, departments, and the permissions that stand in menus.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::{Collector, RoleSource};
use super::mysql::{Item, read};
use super::ruoyi_rows::{Row, TABLES};
use super::sql_tokens::WHAT;
use super::{Imported, UserKey, bounded};
use crate::error::Error;
use crate::name::{DepartmentId, Label, RoleName, UserId};
use crate::rows::{DepartmentRow, Effect, UserRow};
use crate::scope::DataScope;
use crate::wildcard::PermissionPattern;

/// The user, and the role, that RuoYi's program itself takes for the administrator.
const ADMIN_NUMBER: &str = "1";
/// What RuoYi's program takes for every permission.
const ALL: &str = "*:*:*";

/// Reads a dump of RuoYi's tables: `mysqldump ry sys_user sys_role sys_menu sys_dept sys_user_role sys_role_menu
/// sys_role_dept`. The text is read as data, never run.
///
/// - `sys_role.role_key` is the role's name, or `role-NUMBER` where that is no name; `role_name` is its label.
/// - `sys_menu.perms` are the permissions, several of them with commas between. A menu that is switched off gives none.
/// - User 1 may everything, for RuoYi's program says so: it gets the role `superuser`, which is granted `*`. Role 1
///   gives nothing by its menus, there as here.
/// - `status` 1 is an inactive user, a disabled role. What `del_flag` marks as deleted is left out.
/// - `data_scope` 1 to 5 are all rows, those of `sys_role_dept`, of the own department, of it and those below, own rows.
/// - `menu_check_strictly` and `dept_check_strictly` say how the page ticks its boxes, and nothing about who may what:
///   RuoYi stores every ticked entry. Nothing is lost with them.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if a quote or a comment never ends, or the text is too
/// long.
pub fn ruoyi(dump: &str, users: UserKey) -> Result<Imported, Error> {
    let dump = bounded(WHAT, dump)?;
    let mut import =
        Import { collector: Collector::new(WHAT), tables: BTreeMap::new(), others: BTreeMap::new() };
    read(dump, |item| import.take(&item))?;
    let tables = std::mem::take(&mut import.tables);
    let rows = |table: &str| tables.get(table).map_or(&[][..], Vec::as_slice);
    import.departments(rows("sys_dept"));
    let permissions = import.menus(rows("sys_menu"));
    let roles = import.roles(rows("sys_role"), rows("sys_role_dept"));
    import.role_menus(rows("sys_role_menu"), &roles, &permissions);
    let users = import.users(rows("sys_user"), users);
    import.user_roles(rows("sys_user_role"), &users, &roles);
    import.other_tables();
    import.collector.finish()
}

struct Import {
    collector: Collector,
    tables: BTreeMap<&'static str, Vec<Row>>,
    /// Of each other table where its first row stands, and how many there are.
    others: BTreeMap<String, (usize, usize)>,
}

impl Import {
    fn take(&mut self, item: &Item<'_>) {
        match *item {
            Item::Odd { line, table, why } => {
                if TABLES.iter().any(|(known, _)| *known == table) {
                    self.collector.leave_out(format!("line {line}"), table, why);
                } else {
                    self.others.entry(table.to_owned()).or_insert((line, 0)).1 += 1;
                }
            }
            Item::Row { line, table, columns, values } => {
                let Some((table, kept)) = TABLES.iter().find(|(known, _)| *known == table) else {
                    self.others.entry(table.to_owned()).or_insert((line, 0)).1 += 1;
                    return;
                };
                let place = format!("line {line}, {table}");
                let row = match Row::new(place.clone(), kept, columns, values) {
                    Ok(row) => row,
                    Err(column) => {
                        let why = "a database would have to work it out; the row is left out";
                        return self.collector.leave_out(place, column, why);
                    }
                };
                self.tables.entry(*table).or_default().push(row);
            }
        }
    }

    fn departments(&mut self, rows: &[Row]) {
        for row in rows {
            let number = row.text("dept_id");
            if row.is_deleted() {
                self.collector.leave_out(&row.place, number, "the department is deleted");
                continue;
            }
            let Some(id) = self.number(row, "dept_id") else { continue };
            // No department is 0: it stands for none.
            let parent =
                if matches!(row.text("parent_id"), "" | "0") { None } else { self.number(row, "parent_id") };
            let label = self.collector.label(&row.place, row.text("dept_name"));
            if self.collector.rows.departments.insert(id, DepartmentRow::new(label, parent)).is_some() {
                self.collector.leave_out(
                    &row.place,
                    number,
                    "a row above has this number; the last one is taken",
                );
            }
            if !row.is_on() {
                let why = "departments are not switched off here, and RuoYi's data scope does not ask for it either";
                self.collector.leave_out(&row.place, "status", why);
            }
        }
        self.lost_parents();
    }

    /// A department below one that is not there, or was deleted, stands at the top.
    fn lost_parents(&mut self) {
        let departments = &mut self.collector.rows.departments;
        let known: BTreeSet<DepartmentId> = departments.keys().copied().collect();
        let mut lost = Vec::new();
        for (id, row) in departments {
            if let Some(parent) = row.parent.filter(|parent| !known.contains(parent)) {
                row.parent = None;
                lost.push((*id, parent));
            }
        }
        for (id, parent) in lost {
            let why =
                format!("department `{id}` belongs to it, but it is not there; it stands at the top now");
            self.collector.leave_out("sys_dept", &parent.to_string(), why);
        }
    }

    /// The permissions of each menu that gives some.
    fn menus(&mut self, rows: &[Row]) -> BTreeMap<String, Vec<PermissionPattern>> {
        let mut permissions: BTreeMap<String, Vec<PermissionPattern>> = BTreeMap::new();
        let mut pages = 0_usize;
        for row in rows {
            let (menu, perms) = (row.text("menu_id"), row.text("perms"));
            let of_menu = permissions.entry(menu.to_owned()).or_default();
            if perms.is_empty() {
                pages += 1;
            } else if !row.is_on() {
                self.collector.leave_out(
                    &row.place,
                    perms,
                    "the menu is switched off, and gives no permission",
                );
            } else {
                let label = self.collector.label(&row.place, row.text("menu_name"));
                for name in perms.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                    of_menu.extend(permission(&mut self.collector, row, name, &label));
                }
            }
        }
        if pages > 0 {
            let why = "so many menus have no `perms`: they show pages and guard nothing";
            self.collector.leave_out("sys_menu", &pages.to_string(), why);
        }
        permissions
    }

    /// The roles by their number.
    fn roles(&mut self, rows: &[Row], departments: &[Row]) -> BTreeMap<String, RoleName> {
        let mut custom: BTreeMap<&str, BTreeSet<DepartmentId>> = BTreeMap::new();
        for row in departments {
            let Some(id) = self.number(row, "dept_id") else { continue };
            if self.collector.rows.departments.contains_key(&id) {
                custom.entry(row.text("role_id")).or_default().insert(id);
            } else {
                self.collector.leave_out(&row.place, row.text("dept_id"), "there is no such department");
            }
        }
        let mut roles = BTreeMap::new();
        for row in rows {
            let (id, key) = (row.text("role_id"), row.text("role_key"));
            if row.is_deleted() {
                self.collector.leave_out(&row.place, key, "the role is deleted");
                continue;
            }
            if roles.contains_key(id) {
                self.collector.leave_out(&row.place, key, "a row above has this number");
                continue;
            }
            let source = RoleSource {
                key: format!("role\n{id}"),
                place: &row.place,
                wanted: key,
                otherwise: "role",
                number: id.parse().unwrap_or_default(),
                label: self.collector.label(&row.place, row.text("role_name")),
            };
            let Some(role) = self.collector.role(source) else { continue };
            let scope = self.data_scope(row, custom.get(id));
            if let Some(entry) = self.collector.rows.roles.get_mut(&role) {
                entry.enabled = row.is_on();
                entry.data_scope = scope;
            }
            roles.insert(id.to_owned(), role);
        }
        roles
    }

    fn data_scope(&mut self, row: &Row, custom: Option<&BTreeSet<DepartmentId>>) -> DataScope {
        match row.text("data_scope") {
            "1" => DataScope::All,
            "2" => DataScope::Departments(custom.cloned().unwrap_or_default()),
            "3" => DataScope::OwnDepartment,
            "4" => DataScope::OwnDepartmentAndBelow,
            "5" => DataScope::Own,
            odd => {
                self.collector.leave_out(
                    &row.place,
                    odd,
                    "`data_scope` is from 1 to 5; the role opens no rows",
                );
                DataScope::Nothing
            }
        }
    }

    fn role_menus(
        &mut self,
        rows: &[Row],
        roles: &BTreeMap<String, RoleName>,
        permissions: &BTreeMap<String, Vec<PermissionPattern>>,
    ) {
        for row in rows {
            let (number, menu) = (row.text("role_id"), row.text("menu_id"));
            if number == ADMIN_NUMBER {
                let why = "RuoYi's program gives role 1 nothing by its menus; only user 1 may everything";
                self.collector.leave_out(&row.place, menu, why);
                continue;
            }
            match (roles.get(number), permissions.get(menu)) {
                (Some(role), Some(patterns)) => {
                    for pattern in patterns {
                        self.collector.grant(&row.place, role, pattern.clone(), Effect::Allow);
                    }
                }
                (None, _) => {
                    self.collector.leave_out(&row.place, number, "there is no such role, or it is deleted")
                }
                (_, None) => self.collector.leave_out(&row.place, menu, "there is no such menu"),
            }
        }
    }

    /// The users by their number.
    fn users(&mut self, rows: &[Row], by: UserKey) -> BTreeMap<String, UserId> {
        let mut users = BTreeMap::new();
        for row in rows {
            let (number, name, nick) = (row.text("user_id"), row.text("user_name"), row.text("nick_name"));
            if row.is_deleted() {
                self.collector.leave_out(&row.place, name, "the user is deleted");
                continue;
            }
            let (id, label) = match by {
                UserKey::Name => (name, nick.to_owned()),
                UserKey::Number => (number, format!("{name} {nick}")),
            };
            let mut user = UserRow::new(self.collector.label(&row.place, &label));
            user.active = row.is_on();
            user.department = self.department_of(row);
            let Some(user) = self.collector.new_user(&row.place, id, user) else { continue };
            if number == ADMIN_NUMBER {
                self.superuser(&row.place, user.clone());
            }
            users.insert(number.to_owned(), user);
        }
        users
    }

    fn department_of(&mut self, row: &Row) -> Option<DepartmentId> {
        if matches!(row.text("dept_id"), "" | "0") {
            return None;
        }
        let id = self.number(row, "dept_id")?;
        if self.collector.rows.departments.contains_key(&id) {
            return Some(id);
        }
        self.collector.leave_out(&row.place, row.text("dept_id"), "there is no such department");
        None
    }

    fn superuser(&mut self, place: &str, user: UserId) {
        let (key, label) = ("superuser".to_owned(), Label::default());
        let source = RoleSource { key, place, wanted: "superuser", otherwise: "superuser", number: 1, label };
        let Some(role) = self.collector.role(source) else { return };
        if let Some(row) = self.collector.rows.roles.get_mut(&role) {
            row.data_scope = DataScope::All;
        }
        if let Ok(all) = PermissionPattern::new("*") {
            self.collector.grant(place, &role, all, Effect::Allow);
        }
        self.collector.assign(user, role, None);
    }

    fn user_roles(
        &mut self,
        rows: &[Row],
        users: &BTreeMap<String, UserId>,
        roles: &BTreeMap<String, RoleName>,
    ) {
        for row in rows {
            let (user, role) = (row.text("user_id"), row.text("role_id"));
            match (users.get(user), roles.get(role)) {
                (Some(user), Some(role)) => self.collector.assign(user.clone(), role.clone(), None),
                (None, _) => {
                    self.collector.leave_out(&row.place, user, "there is no such user, or it was left out")
                }
                (_, None) => {
                    self.collector.leave_out(&row.place, role, "there is no such role, or it is deleted")
                }
            }
        }
    }

    fn other_tables(&mut self) {
        for (table, (line, count)) in std::mem::take(&mut self.others) {
            let why = format!("{count} rows of this table, from this line on, are not about who may what");
            self.collector.leave_out(format!("line {line}"), &table, why);
        }
    }

    fn number(&mut self, row: &Row, column: &'static str) -> Option<DepartmentId> {
        let text = row.text(column);
        let number = text.parse().ok().map(DepartmentId::new);
        if number.is_none() {
            let why = format!("`{column}` is no whole number of 64 bits");
            self.collector.leave_out(&row.place, text, why);
        }
        number
    }
}

/// A permission of a menu: registered, and as it is granted.
fn permission(collector: &mut Collector, row: &Row, name: &str, label: &Label) -> Option<PermissionPattern> {
    if name == ALL {
        return PermissionPattern::new("*").ok();
    }
    if name.contains('*') {
        let why = "RuoYi takes a `*` for itself unless it is `*:*:*`; grant what is meant";
        collector.leave_out(&row.place, name, why);
        return None;
    }
    collector.permission(&row.place, name, label.clone()).map(PermissionPattern::from)
}
