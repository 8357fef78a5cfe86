//! Data scope: which rows of a table a user sees, as RuoYi has it.

mod opened;

use std::collections::BTreeSet;
use std::fmt;

use crate::name::DepartmentId;
use crate::words::{Lang, Say};

/// Which rows a role opens, for the permissions that the role carries.
///
/// A new role opens none: an empty scope means no rows, never all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataScope {
    /// No rows.
    #[default]
    Nothing,
    /// The rows that belong to the user (RuoYi's 5).
    Own,
    /// The rows of the user's department (RuoYi's 3).
    OwnDepartment,
    /// The rows of the user's department and of all departments below it (RuoYi's 4).
    OwnDepartmentAndBelow,
    /// The rows of these departments, without those below them (RuoYi's 2).
    Departments(BTreeSet<DepartmentId>),
    /// All rows (RuoYi's 1).
    All,
}

/// Which rows a user sees for one permission: the union over the user's roles that carry it. Everything false and
/// empty means no rows.
///
/// [`Scope::predicate`] makes it a condition of a query, so that a list holds only what its reader may see;
/// [`Scope::contains`] asks about one row that is at hand.
///
/// ```
/// use rbac::{DepartmentId, Scope};
///
/// let scope = Scope { departments: [DepartmentId::new(7)].into(), own: true, ..Scope::default() };
/// assert!(scope.contains(Some(DepartmentId::new(7)), false));
/// assert!(scope.contains(None, true));
/// assert!(!scope.contains(Some(DepartmentId::new(8)), false));
/// assert!(Scope::default().is_nothing());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// All rows; then the rest does not matter.
    pub all: bool,
    /// The rows of these departments.
    pub departments: BTreeSet<DepartmentId>,
    /// The rows that belong to the user.
    pub own: bool,
}

impl DataScope {
    /// True if it opens at least the rows of the other to anybody.
    pub(crate) fn includes(&self, narrow: &Self) -> bool {
        match (self, narrow) {
            (Self::All, _) | (_, Self::Nothing) => true,
            (Self::OwnDepartmentAndBelow, Self::OwnDepartment) => true,
            (Self::Departments(wide), Self::Departments(narrow)) => narrow.is_subset(wide),
            _ => self == narrow,
        }
    }
}

impl Scope {
    /// All rows.
    #[must_use]
    pub const fn all() -> Self {
        Self { all: true, departments: BTreeSet::new(), own: false }
    }

    /// True if it opens no row at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.all && !self.own && self.departments.is_empty()
    }

    /// True if it opens a row of this department; `own` says whether the row belongs to the user whose scope it is.
    #[must_use]
    pub fn contains(&self, department: Option<DepartmentId>, own: bool) -> bool {
        self.all
            || (self.own && own)
            || department.is_some_and(|department| self.departments.contains(&department))
    }

    /// The scope in a language.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        self.said_in(lang)
    }
}

impl Say for Scope {
    fn say(&self, f: &mut fmt::Formatter<'_>, lang: Lang) -> fmt::Result {
        match (lang, self.all, self.departments.is_empty(), self.own) {
            (Lang::En, true, ..) => return f.write_str("all rows"),
            (Lang::Zh, true, ..) => return f.write_str("全部数据"),
            (Lang::En, _, true, false) => return f.write_str("no rows"),
            (Lang::Zh, _, true, false) => return f.write_str("无数据"),
            (Lang::En, _, true, true) => return f.write_str("own rows"),
            (Lang::Zh, _, true, true) => return f.write_str("本人数据"),
            (Lang::En, _, false, _) => f.write_str("departments")?,
            (Lang::Zh, _, false, _) => f.write_str("部门")?,
        }
        self.departments.iter().try_for_each(|department| write!(f, " `{department}`"))?;
        f.write_str(match (lang, self.own) {
            (Lang::En, true) => " and own rows",
            (Lang::En, false) => "",
            (Lang::Zh, true) => " 的数据和本人数据",
            (Lang::Zh, false) => " 的数据",
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.say(f, Lang::En)
    }
}

impl fmt::Display for DataScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no rows"),
            Self::Own => f.write_str("own rows"),
            Self::OwnDepartment => f.write_str("the own department"),
            Self::OwnDepartmentAndBelow => f.write_str("the own department and below"),
            Self::Departments(departments) => {
                f.write_str("departments")?;
                departments.iter().try_for_each(|department| write!(f, " `{department}`"))
            }
            Self::All => f.write_str("all rows"),
        }
    }
}
