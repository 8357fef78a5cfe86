//! The tables: names and kinds of their columns, the keys first. What reads and what writes them agrees here.

/// A table.
#[derive(Debug)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    /// How many of the columns, from the first on, tell rows apart.
    pub(super) keys: usize,
}

/// A column.
#[derive(Debug)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
#[expect(unnameable_types, reason = "a sealed trait that is public speaks of it")]
pub enum Kind {
    /// A name, a word, a label.
    Text,
    /// 64 bits with a sign.
    Number,
    /// The number 0 or 1, or a truth value where the database has them.
    Flag,
}

impl Table {
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().take(self.keys).map(|column| column.name)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().skip(self.keys).map(|column| column.name)
    }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: Kind::Number }
}

const fn flag(name: &'static str) -> Column {
    Column { name, kind: Kind::Flag }
}

pub(super) const USERS: Table = Table {
    name: "rbac_user",
    columns: &[text("id"), text("label"), flag("active"), number("department")],
    keys: 1,
};

pub(super) const ROLES: Table = Table {
    name: "rbac_role",
    columns: &[text("name"), text("label"), flag("enabled"), text("data_scope")],
    keys: 1,
};

/// The departments of the roles whose data scope lists some.
pub(super) const ROLE_DEPARTMENTS: Table =
    Table { name: "rbac_role_department", columns: &[text("role"), number("department")], keys: 2 };

pub(super) const PERMISSIONS: Table =
    Table { name: "rbac_permission", columns: &[text("name"), text("label")], keys: 1 };

pub(super) const DOMAINS: Table =
    Table { name: "rbac_domain", columns: &[text("name"), text("label")], keys: 1 };

pub(super) const DEPARTMENTS: Table =
    Table { name: "rbac_department", columns: &[number("id"), text("label"), number("parent")], keys: 1 };

/// The domain is empty where an assignment holds everywhere: a key must not be NULL.
pub(super) const ASSIGNMENTS: Table = Table {
    name: "rbac_user_role",
    columns: &[
        text("user_id"),
        text("role"),
        text("domain"),
        number("not_before_millis"),
        number("not_after_millis"),
    ],
    keys: 3,
};

pub(super) const GRANTS: Table = Table {
    name: "rbac_role_permission",
    columns: &[text("role"), text("pattern"), text("mode"), text("effect")],
    keys: 3,
};

pub(super) const INHERITANCE: Table =
    Table { name: "rbac_role_inheritance", columns: &[text("senior"), text("junior")], keys: 2 };

pub(super) const DUTIES: Table = Table {
    name: "rbac_duty",
    columns: &[text("name"), text("label"), text("kind"), number("cardinality")],
    keys: 1,
};

pub(super) const DUTY_ROLES: Table =
    Table { name: "rbac_duty_role", columns: &[text("duty"), text("role")], keys: 2 };

/// One row a draft: who, when, why, what, and the rows before and after.
pub(super) const AUDIT: Table = Table {
    name: "rbac_audit",
    columns: &[
        number("version"),
        text("actor_kind"),
        text("actor"),
        number("at_millis"),
        text("reason"),
        text("changes"),
        text("rows_before"),
        text("rows_after"),
    ],
    keys: 1,
};

/// Exactly one row: how many drafts the policy has seen, and the mark of the last.
pub(super) const VERSION: Table =
    Table { name: "rbac_version", columns: &[number("version"), number("mark")], keys: 0 };
