//! Django's `auth` tables, as `manage.py dumpdata` writes them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::collect::{Collector, RoleSource};
use super::{Imported, UserKey, bounded, unreadable};
use crate::error::Error;
use crate::name::{Label, PermissionName, RoleName, UserId};
use crate::rows::{Effect, UserRow};
use crate::wildcard::PermissionPattern;

const WHAT: &str = "django fixture";

/// Reads a fixture: `manage.py dumpdata auth contenttypes`, or with `--natural-foreign`, which needs no content types.
///
/// - The permission `blog.change_post` is called `blog:change_post`.
/// - A group is a role of the same name; one whose name is no role name is called `group-NUMBER` and has its name as
///   the label.
/// - Permissions of a user go to a role of the user's own, `user:NAME`.
/// - `is_superuser` becomes the role `superuser`, which is granted `*`. As in Django an inactive one may nothing.
/// - A user model of the program's own is taken if it has Django's fields (`groups`, `user_permissions`).
/// - `is_staff` opens Django's admin site and nothing else: it is left out. Passwords, addresses and dates are no part
///   of a policy and are not looked at.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is no JSON list, or too long.
pub fn django(json: &str, users: UserKey) -> Result<Imported, Error> {
    let json = bounded(WHAT, json)?;
    let mut reader = serde_json::Deserializer::from_str(json);
    let mut dump = Dump::default();
    let read = reader.deserialize_seq(Objects { dump: &mut dump }).and_then(|()| reader.end());
    read.map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        unreadable(WHAT, place, "it is not a JSON list of objects; give what `manage.py dumpdata` wrote")
    })?;
    let mut import =
        Import { collector: Collector::new(WHAT), permissions: BTreeMap::new(), groups: BTreeMap::new() };
    import.read(&dump, users);
    import.collector.finish()
}

/// One object of the list.
struct Object {
    place: String,
    /// `pk` as text; empty with `--natural-primary`.
    key: String,
    fields: Map<String, Value>,
}

/// The objects by what they are.
#[derive(Default)]
struct Dump {
    content_types: Vec<Object>,
    permissions: Vec<Object>,
    groups: Vec<Object>,
    users: Vec<Object>,
    /// How many of each other model.
    others: BTreeMap<String, (String, usize)>,
    odd: Vec<String>,
}

struct Objects<'a> {
    dump: &'a mut Dump,
}

impl<'de> Visitor<'de> for Objects<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number = 0_usize;
        while let Some(value) = list.next_element::<Value>()? {
            number += 1;
            self.dump.sort(format!("object {number}"), value);
        }
        Ok(())
    }
}

impl Dump {
    fn sort(&mut self, place: String, value: Value) {
        let Value::Object(mut object) = value else {
            self.odd.push(place);
            return;
        };
        let key = object.get("pk").and_then(key).unwrap_or_default();
        let (Some(Value::String(model)), Some(Value::Object(fields))) =
            (object.remove("model"), object.remove("fields"))
        else {
            self.odd.push(place);
            return;
        };
        let user =
            ["is_superuser", "groups", "user_permissions"].iter().all(|&field| fields.contains_key(field));
        let list = match model.as_str() {
            "contenttypes.contenttype" => &mut self.content_types,
            "auth.permission" => &mut self.permissions,
            "auth.group" => &mut self.groups,
            "auth.user" => &mut self.users,
            _ if user => &mut self.users,
            _ => {
                self.others.entry(model).or_insert((place, 0)).1 += 1;
                return;
            }
        };
        list.push(Object { place, key, fields });
    }
}

struct Import {
    collector: Collector,
    /// Permissions by what refers to them: their number, and their natural key. None for one that was left out.
    permissions: BTreeMap<String, Option<PermissionName>>,
    groups: BTreeMap<String, RoleName>,
}

impl Import {
    fn read(&mut self, dump: &Dump, users: UserKey) {
        let mut apps = BTreeMap::new();
        for object in &dump.content_types {
            apps.insert(object.key.as_str(), text(&object.fields, "app_label"));
        }
        for object in &dump.permissions {
            self.permission(object, &apps);
        }
        for object in &dump.groups {
            self.group(object);
        }
        for object in &dump.users {
            self.user(object, users);
        }
        for (model, (first, count)) in &dump.others {
            let why = format!("{count} objects of this model, from this one on, are not about who may what");
            self.collector.leave_out(first, model, why);
        }
        for place in &dump.odd {
            self.collector.leave_out(place, "", "it has no `model` and `fields`");
        }
    }

    fn permission(&mut self, object: &Object, apps: &BTreeMap<&str, &str>) {
        let codename = text(&object.fields, "codename");
        let (app, model) = match object.fields.get("content_type") {
            Some(Value::Array(natural)) => (natural.first().and_then(Value::as_str), natural.get(1)),
            Some(number) => (key(number).and_then(|number| apps.get(number.as_str()).copied()), None),
            None => (None, None),
        };
        let name = if let Some(app) = app {
            let label = self.collector.label(&object.place, text(&object.fields, "name"));
            self.collector.permission(&object.place, &format!("{app}:{codename}"), label)
        } else {
            let why =
                "its content type is not in the file; dump `contenttypes` too, or with `--natural-foreign`";
            self.collector.leave_out(&object.place, codename, why);
            None
        };
        if !object.key.is_empty() {
            self.permissions.insert(object.key.clone(), name.clone());
        }
        if let (Some(app), Some(model)) = (app, model.and_then(Value::as_str)) {
            self.permissions.insert(natural_key(codename, app, model), name);
        }
    }

    fn group(&mut self, object: &Object) {
        let name = text(&object.fields, "name");
        let label = self.collector.label(&object.place, name);
        let place = &object.place;
        let number = number_of(object);
        let key = format!("group\n{}\n{name}", object.key);
        let source = RoleSource { key, place, wanted: name, otherwise: "group", number, label };
        let Some(role) = self.collector.role(source) else { return };
        self.grants(object, "permissions", &role);
        if !object.key.is_empty() {
            self.groups.insert(object.key.clone(), role.clone());
        }
        // Natural keys are lists, so no number is taken for a name.
        self.groups.insert(format!("[{name}"), role);
    }

    /// Grants what a list of permissions names.
    fn grants(&mut self, object: &Object, field: &str, role: &RoleName) {
        for named in list(&object.fields, field) {
            let Some(name) = self.permission_named(named) else {
                let why = format!("`{field}` names a permission that is not in the file, or was left out");
                self.collector.leave_out(&object.place, &named.to_string(), why);
                continue;
            };
            self.collector.grant(&object.place, role, name.into(), Effect::Allow);
        }
    }

    /// A permission by its number, or by its codename, its application and its model.
    fn permission_named(&mut self, named: &Value) -> Option<PermissionName> {
        let Value::Array(natural) = named else {
            return self.permissions.get(&key(named)?).cloned().flatten();
        };
        let [codename, app, model] = natural.as_slice() else { return None };
        let (codename, app) = (codename.as_str()?, app.as_str()?);
        if let Some(known) = self.permissions.get(&natural_key(codename, app, model.as_str()?)) {
            return known.clone();
        }
        // A dump of users and groups alone names permissions in full.
        let name = PermissionName::new(&format!("{app}:{codename}")).ok()?;
        self.collector.permission("", name.as_str(), Label::default())
    }

    fn user(&mut self, object: &Object, by: UserKey) {
        let names = ["username", "email"].map(|field| text(&object.fields, field));
        let name = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let full = ["first_name", "last_name"].map(|field| text(&object.fields, field)).join(" ");
        let (id, label) = match by {
            UserKey::Name => (name, full),
            UserKey::Number => (object.key.as_str(), format!("{name} {full}")),
        };
        let place = &object.place;
        let mut row = UserRow::new(self.collector.label(place, &label));
        row.active = match object.fields.get("is_active") {
            None => true,
            Some(Value::Bool(active)) => *active,
            Some(odd) => {
                self.collector.leave_out(
                    place,
                    &odd.to_string(),
                    "`is_active` is neither true nor false; taken as false",
                );
                false
            }
        };
        let Some(user) = self.collector.new_user(place, id, row) else { return };
        for named in list(&object.fields, "groups") {
            let group = match named {
                Value::Array(natural) => {
                    natural.first().and_then(Value::as_str).map(|name| format!("[{name}"))
                }
                number => key(number),
            };
            if let Some(role) = group.and_then(|group| self.groups.get(&group)).cloned() {
                self.collector.assign(user.clone(), role, None);
            } else {
                self.collector.leave_out(
                    place,
                    &named.to_string(),
                    "`groups` names a group that is not in the file",
                );
            }
        }
        self.direct(object, &user);
        if flag(&object.fields, "is_superuser") == Some(true) {
            self.superuser(place, user);
        }
        if flag(&object.fields, "is_staff") == Some(true) {
            let why = "`is_staff` opens Django's admin site; grant a permission of your own for yours";
            self.collector.leave_out(place, id, why);
        }
    }

    fn direct(&mut self, object: &Object, user: &UserId) {
        if list(&object.fields, "user_permissions").is_empty() {
            return;
        }
        let source = RoleSource {
            key: format!("user\n{user}"),
            place: &object.place,
            wanted: &format!("user:{user}"),
            otherwise: "user",
            number: number_of(object),
            label: Label::default(),
        };
        if let Some(role) = self.collector.role(source) {
            self.grants(object, "user_permissions", &role);
            self.collector.assign(user.clone(), role, None);
        }
    }

    fn superuser(&mut self, place: &str, user: UserId) {
        let (key, label) = ("superuser".to_owned(), Label::default());
        let source = RoleSource { key, place, wanted: "superuser", otherwise: "superuser", number: 1, label };
        if let (Some(role), Ok(all)) = (self.collector.role(source), PermissionPattern::new("*")) {
            self.collector.grant(place, &role, all, Effect::Allow);
            self.collector.assign(user, role, None);
        }
    }
}

fn natural_key(codename: &str, app: &str, model: &str) -> String {
    format!("[{codename}\n{app}\n{model}")
}

/// A key as text: a number, or a text such as a UUID.
fn key(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if !text.starts_with('[') => Some(text.clone()),
        _ => None,
    }
}

/// The number of an object; that of its place if its key is none.
fn number_of(object: &Object) -> u64 {
    let place = object.place.strip_prefix("object ").unwrap_or_default();
    object.key.parse().or_else(|_| place.parse()).unwrap_or_default()
}

fn text<'a>(fields: &'a Map<String, Value>, field: &str) -> &'a str {
    fields.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn flag(fields: &Map<String, Value>, field: &str) -> Option<bool> {
    fields.get(field).and_then(Value::as_bool)
}

fn list<'a>(fields: &'a Map<String, Value>, field: &str) -> &'a [Value] {
    fields.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
