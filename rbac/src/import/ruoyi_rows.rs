//! The tables of RuoYi that a policy is made of, and their rows as columns.

use std::collections::BTreeMap;

use super::mysql::Literal;

/// The tables that a policy is made of, and the columns of them that are kept.
pub(super) const TABLES: [(&str, &[&str]); 7] = [
    ("sys_user", &["user_id", "user_name", "nick_name", "dept_id", "status", "del_flag"]),
    ("sys_role", &["role_id", "role_key", "role_name", "data_scope", "status", "del_flag"]),
    ("sys_menu", &["menu_id", "menu_name", "perms", "status"]),
    ("sys_dept", &["dept_id", "parent_id", "dept_name", "status", "del_flag"]),
    ("sys_user_role", &["user_id", "role_id"]),
    ("sys_role_menu", &["role_id", "menu_id"]),
    ("sys_role_dept", &["role_id", "dept_id"]),
];

/// The columns of one row that are looked at.
pub(super) struct Row {
    pub(super) place: String,
    fields: BTreeMap<&'static str, String>,
}

impl Row {
    /// The columns that are kept, or the one whose value is not written out.
    pub(super) fn new(
        place: String,
        kept: &[&'static str],
        columns: &[String],
        values: &[Literal],
    ) -> Result<Self, &'static str> {
        let mut fields = BTreeMap::new();
        for (column, value) in columns.iter().zip(values) {
            let Some(&column) = kept.iter().find(|kept| *kept == column) else { continue };
            match value {
                // What is neither on nor off, there or deleted, is taken for off and deleted.
                Literal::Null if matches!(column, "status" | "del_flag") => {
                    fields.insert(column, "null".to_owned());
                }
                Literal::Null => {}
                Literal::Text(text) => drop(fields.insert(column, text.clone())),
                Literal::Expression => return Err(column),
            }
        }
        Ok(Self { place, fields })
    }

    /// A column as text; empty if it is NULL or not there.
    pub(super) fn text(&self, column: &str) -> &str {
        self.fields.get(column).map_or("", String::as_str).trim()
    }

    pub(super) fn is_deleted(&self) -> bool {
        !matches!(self.text("del_flag"), "" | "0")
    }

    /// `status` 0, and nothing else, is in order.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.text("status"), "" | "0")
    }
}
