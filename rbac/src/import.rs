//! Policies of others, and tables of people, as rows of a policy: what each format has, and what of it could not be
//! carried over.
//!
//! Two rules hold for every format. **Nothing is dropped silently**: what has no place in [`PolicyRows`] stands in
//! [`Imported::left_out`], with its place in the file and the reason. **An import never widens**: where a format can
//! say what this crate cannot, the users may do less afterwards, not more.
//!
//! The text is data. It is read with limits and never run.
//!
//! ```
//! use rbac::{Policy, import};
//!
//! let model = "
//!     [request_definition]
//!     r = sub, obj, act
//!     [policy_definition]
//!     p = sub, obj, act
//!     [role_definition]
//!     g = _, _
//!     [policy_effect]
//!     e = some(where (p.eft == allow))
//!     [matchers]
//!     m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act";
//! let imported = import::casbin(model, "p, editor, course, edit\ng, alice, editor\np, bob")?;
//! assert_eq!(imported.rows.users.len(), 1);
//! assert_eq!(imported.left_out[0].to_string(), "policy line 3: `p, bob`: the model wants 3 values, not 1");
//! let policy = Policy::compile(&imported.rows)?;
//! # Ok::<(), rbac::Error>(())
//! ```

mod additions;
mod casbin;
mod casbin_ini;
mod casbin_lines;
mod casbin_model;
mod casbin_pattern;
mod casbin_text;
mod circles;
mod collect;
mod csv;
mod django;
#[cfg(feature = "kubernetes")]
mod kubernetes;
#[cfg(feature = "kubernetes")]
mod kubernetes_rules;
#[cfg(feature = "kubernetes")]
mod kubernetes_selector;
mod mysql;
mod records;
mod ruoyi;
mod ruoyi_rows;
mod sql_tokens;
mod wider;
#[cfg(feature = "kubernetes")]
mod yaml;

use std::fmt;

pub use self::additions::{Additions, additions};
pub use self::casbin::casbin;
pub use self::csv::csv;
pub(crate) use self::csv::{COLUMNS, data_scope_text, guarded};
pub use self::django::django;
#[cfg(feature = "kubernetes")]
pub use self::kubernetes::kubernetes;
pub(crate) use self::records::write_record;
pub use self::ruoyi::ruoyi;
use crate::error::{Error, Repr};
use crate::name::RoleName;
use crate::rows::PolicyRows;

/// The longest text that an import reads: 64 MiB.
pub const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The most things that an import leaves out. A text with more of them is most likely of another format.
pub const LEFT_OUT_MAX: usize = 100_000;
/// The most rows that an import brings about, where one line of the text can stand for many.
pub const IMPORT_ROWS_MAX: usize = 2_000_000;

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// The rows: ready for [`Policy::compile`](crate::Policy::compile), a new store, or [`additions`].
    pub rows: PolicyRows,
    /// What could not be carried over, in the order in which it was met.
    pub left_out: Vec<LeftOut>,
    /// Roles that have another name now, because the old one is no role name or stood for something else too.
    pub renamed: Vec<Renamed>,
}

/// Something that could not be carried over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LeftOut {
    /// Where it stands, such as `policy line 3`.
    pub place: String,
    /// What it is, short and escaped.
    pub what: String,
    /// Why it has no place in the rows, and what to do about it.
    pub why: String,
}

/// A role that has another name now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Renamed {
    /// Where it stands.
    pub place: String,
    /// What it was called, short and escaped.
    pub from: String,
    /// Its name in the rows.
    pub to: RoleName,
}

/// What a user is known by afterwards. Both variants there will ever be: a match need no third arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserKey {
    /// The login name.
    #[default]
    Name,
    /// The number in the old tables: for programs whose tokens name users by it, and for login names that are no
    /// visible ASCII. The login name becomes part of the label.
    Number,
}

impl LeftOut {
    pub(crate) fn new(place: impl Into<String>, what: &str, why: impl Into<String>) -> Self {
        Self { place: place.into(), what: crate::name::shown(what), why: why.into() }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.place, self.what, self.why)
    }
}

impl fmt::Display for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: role `{}` is called `{}` now", self.place, self.from, self.to)
    }
}

/// The text without a byte order mark, or the error that it is too long.
pub(crate) fn bounded<'a>(what: &'static str, text: &'a str) -> Result<&'a str, Error> {
    if text.len() > IMPORT_BYTES_MAX {
        let fault = format!("it has {} bytes, at most {IMPORT_BYTES_MAX} are read; split it", text.len());
        return Err(unreadable(what, "the beginning", fault));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A text that is not of its format at all.
pub(crate) fn unreadable(what: &'static str, place: impl Into<String>, fault: impl Into<String>) -> Error {
    Repr::Unreadable { what, place: place.into(), fault: fault.into() }.into()
}
