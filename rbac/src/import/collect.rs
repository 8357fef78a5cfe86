//! What all formats share: rows gathered one by one, and roles that get names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{IMPORT_ROWS_MAX, Imported, LEFT_OUT_MAX, LeftOut, Renamed, unreadable};
use crate::error::Error;
use crate::name::{DomainName, Label, PermissionName, RoleName, UserId, shown};
use crate::rows::{
    Assignment, DomainRow, Effect, Grant, Inheritance, PermissionRow, PolicyRows, RoleRow, UserRow,
};
use crate::time::Window;
use crate::wildcard::PermissionPattern;

/// Rows on their way.
pub(super) struct Collector {
    what: &'static str,
    pub(super) rows: PolicyRows,
    left_out: Vec<LeftOut>,
    renamed: Vec<Renamed>,
    /// The roles by what they stand for in the text.
    roles: BTreeMap<String, RoleName>,
    /// Where each grant and each inheritance stands.
    granted_at: BTreeMap<Grant, String>,
    inherited_at: BTreeMap<Inheritance, String>,
}

/// What a role that came in stands for, and what it may be called.
pub(super) struct RoleSource<'a> {
    /// Tells the roles of one text apart.
    pub(super) key: String,
    /// Where it stands.
    pub(super) place: &'a str,
    /// What it is called there.
    pub(super) wanted: &'a str,
    /// The beginning of its name if that is none, or taken; the number follows.
    pub(super) otherwise: &'static str,
    pub(super) number: u64,
    pub(super) label: Label,
}

impl Collector {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            rows: PolicyRows::default(),
            left_out: Vec::new(),
            renamed: Vec::new(),
            roles: BTreeMap::new(),
            granted_at: BTreeMap::new(),
            inherited_at: BTreeMap::new(),
        }
    }

    pub(super) fn leave_out(&mut self, place: impl Into<String>, what: &str, why: impl Into<String>) {
        // One more than there may be is kept, as the sign that it is too many.
        if self.left_out.len() <= LEFT_OUT_MAX {
            self.left_out.push(LeftOut::new(place, what, why));
        }
    }

    /// The value, or nothing and a line about what is wrong with it.
    pub(super) fn accept<T>(&mut self, place: &str, what: &str, parsed: Result<T, Error>) -> Option<T> {
        parsed.map_err(|error| self.leave_out(place, what, error.to_string())).ok()
    }

    /// A label; one that is too long or holds what none may hold is left out, not the row that it belongs to.
    pub(super) fn label(&mut self, place: &str, text: &str) -> Label {
        self.accept(place, text, Label::new(text.trim())).unwrap_or_default()
    }

    /// A user, who is added if not there yet.
    pub(super) fn user(&mut self, place: &str, text: &str) -> Option<UserId> {
        let user = self.accept(place, text, UserId::new(text))?;
        self.rows.users.entry(user.clone()).or_insert_with(|| UserRow::new(Label::default()));
        Some(user)
    }

    /// A user who must not be there yet.
    pub(super) fn new_user(&mut self, place: &str, text: &str, row: UserRow) -> Option<UserId> {
        let user = self.accept(place, text, UserId::new(text))?;
        match self.rows.users.entry(user.clone()) {
            Entry::Vacant(free) => {
                free.insert(row);
                Some(user)
            }
            Entry::Occupied(_) => {
                self.leave_out(place, text, "another user has this name; give each a name of its own");
                None
            }
        }
    }

    pub(super) fn domain(&mut self, place: &str, text: &str) -> Option<DomainName> {
        let domain = self.accept(place, text, DomainName::new(text))?;
        self.rows.domains.entry(domain.clone()).or_insert_with(|| DomainRow::new(Label::default()));
        Some(domain)
    }

    pub(super) fn permission(&mut self, place: &str, text: &str, label: Label) -> Option<PermissionName> {
        let permission = self.accept(place, text, PermissionName::new(text))?;
        self.rows.permissions.entry(permission.clone()).or_insert_with(|| PermissionRow::new(label));
        Some(permission)
    }

    /// The role that stands for this, which is added and named when it is first met.
    pub(super) fn role(&mut self, source: RoleSource<'_>) -> Option<RoleName> {
        if let Some(known) = self.roles.get(&source.key) {
            return Some(known.clone());
        }
        let free = |name: &RoleName| !self.rows.roles.contains_key(name);
        let named = RoleName::new(source.wanted).ok().filter(free);
        let numbered = || {
            let first = format!("{}-{}", source.otherwise, source.number);
            let more = (2..).map(|more| format!("{first}-{more}"));
            let candidates = std::iter::once(first.clone()).chain(more);
            // As many names as there are roles, and one more, cannot all be taken.
            let mut candidates = candidates.take(self.rows.roles.len() + 1);
            candidates.find_map(|candidate| RoleName::new(&candidate).ok().filter(free))
        };
        let Some(role) = named.or_else(numbered) else {
            self.leave_out(source.place, source.wanted, "no name is left for the role; rename it");
            return None;
        };
        if role.as_str() != source.wanted {
            let (place, from) = (source.place.to_owned(), shown(source.wanted));
            self.renamed.push(Renamed { place, from, to: role.clone() });
        }
        self.roles.insert(source.key, role.clone());
        self.rows.roles.insert(role.clone(), RoleRow::new(source.label));
        Some(role)
    }

    /// A grant. On the same pattern a denial beats an allowance, as it does in every decision.
    pub(super) fn grant(&mut self, place: &str, role: &RoleName, pattern: PermissionPattern, effect: Effect) {
        let grant = Grant::new(role.clone(), pattern);
        let Some(before) = self.rows.grants.get(&grant).copied() else {
            self.granted_at.insert(grant.clone(), place.to_owned());
            self.rows.grants.insert(grant, effect);
            return;
        };
        if before == effect {
            return;
        }
        let first = self.granted_at.insert(grant.clone(), place.to_owned()).unwrap_or_default();
        let (allowed, denied) = if effect == Effect::Deny { (&*first, place) } else { (place, &*first) };
        let why = format!("role `{role}` is denied it, at {denied}, and a denial beats every allowance");
        self.leave_out(allowed, grant.pattern.as_str(), why);
        self.rows.grants.insert(grant, Effect::Deny);
    }

    pub(super) fn assign(&mut self, user: UserId, role: RoleName, domain: Option<DomainName>) {
        let assignment = Assignment { user, role, domain };
        self.rows.assignments.insert(assignment, Window::ALWAYS);
    }

    pub(super) fn inherit(&mut self, place: &str, senior: RoleName, junior: RoleName) {
        let inheritance = Inheritance::new(senior, junior);
        self.inherited_at.entry(inheritance.clone()).or_insert_with(|| place.to_owned());
        self.rows.inheritance.insert(inheritance);
    }

    /// Where an inheritance stands.
    pub(super) fn inherited_at(&self, inheritance: &Inheritance) -> Option<String> {
        self.inherited_at.get(inheritance).cloned()
    }

    /// Gives one role what another is granted, which loses it.
    pub(super) fn move_grants(&mut self, from: &RoleName, to: &RoleName) {
        let moved: Vec<Grant> =
            self.rows.grants.keys().filter(|grant| grant.role == *from).cloned().collect();
        for grant in moved {
            let place = self.granted_at.remove(&grant).unwrap_or_default();
            if let Some(effect) = self.rows.grants.remove(&grant) {
                self.grant(&place, to, grant.pattern, effect);
            }
        }
    }

    /// An error once one text stands for too many rows.
    pub(super) fn check_size(&self) -> Result<(), Error> {
        let rows = &self.rows;
        let count = rows.users.len()
            + rows.roles.len()
            + rows.permissions.len()
            + rows.grants.len()
            + rows.assignments.len();
        if count + rows.inheritance.len() <= IMPORT_ROWS_MAX {
            return Ok(());
        }
        let fault = format!("it comes to more than {IMPORT_ROWS_MAX} rows; import it in parts");
        Err(unreadable(self.what, "the whole", fault))
    }

    /// All that was gathered.
    pub(super) fn finish(self) -> Result<Imported, Error> {
        self.check_size()?;
        if self.left_out.len() > LEFT_OUT_MAX {
            let fault =
                format!("more than {LEFT_OUT_MAX} things in it cannot be carried over; check its format");
            return Err(unreadable(self.what, "the whole", fault));
        }
        let (rows, left_out, renamed) = (self.rows, self.left_out, self.renamed);
        Ok(Imported { rows, left_out, renamed })
    }
}
