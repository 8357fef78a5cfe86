//! Permissions declared in code, so that a check is a typed constant and a slip does not compile.

mod check;
mod declare;

use std::fmt;

use crate::words::Lang;

/// The most permissions that one catalogue declares.
pub const CATALOGUE_PERMISSIONS_MAX: u32 = 4_096;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// Simplified Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Text {
    /// The text in a language.
    #[must_use]
    pub const fn in_lang(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            _ => self.en,
        }
    }
}

/// All permissions that a program declares with [`permissions!`](crate::permissions), module by module.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    modules: &'static [Module],
    fingerprint: u64,
}

/// Permissions that belong together: a row of a menu, a box of a matrix.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Module {
    /// The module's name in code.
    pub name: &'static str,
    /// What people see.
    pub label: Text,
    /// Its permissions.
    pub entries: &'static [Entry],
}

/// One declared permission.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The name as text, such as `course:edit`.
    pub name: &'static str,
    /// What people see.
    pub label: Text,
    /// Worth a second look before it is granted.
    pub sensitive: bool,
}

/// A declared permission: a constant for checks without text and without a lookup.
///
/// It is good in policies that were compiled with its catalogue, and denied in all others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission {
    pub(crate) fingerprint: u64,
    pub(crate) index: u32,
    name: &'static str,
}

impl Permission {
    /// The name as text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permission({})", self.name)
    }
}

impl Module {
    /// Only for [`permissions!`](crate::permissions).
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, label: Text, entries: &'static [Entry]) -> Self {
        Self { name, label, entries }
    }
}

impl Entry {
    /// Only for [`permissions!`](crate::permissions).
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, label: Text, sensitive: bool) -> Self {
        Self { name, label, sensitive }
    }
}

impl Catalogue {
    /// The modules in the order of their declaration.
    #[must_use]
    pub const fn modules(&self) -> &'static [Module] {
        self.modules
    }

    /// Only for [`permissions!`](crate::permissions). A slip in a name ends the build.
    #[doc(hidden)]
    #[must_use]
    pub const fn declared(modules: &'static [Module]) -> Self {
        check::assert_names(modules, check::Prefix::Free);
        Self { modules, fingerprint: check::fingerprint(modules) }
    }

    /// The crate's own catalogue.
    pub(crate) const fn own(modules: &'static [Module]) -> Self {
        check::assert_names(modules, check::Prefix::Own);
        Self { modules, fingerprint: check::fingerprint(modules) }
    }

    /// The declared permission of this name, for a constant of one's own:
    ///
    /// ```
    /// use rbac::{Permission, perm};
    ///
    /// const ASSIGN: Permission = perm::CATALOGUE.permission("rbac:user:assign").unwrap();
    /// assert_eq!(ASSIGN, perm::user::ASSIGN);
    /// ```
    ///
    /// A name that is not declared does not compile there:
    ///
    /// ```compile_fail
    /// const SLIP: rbac::Permission = rbac::perm::CATALOGUE.permission("rbac:user:asign").unwrap();
    /// ```
    #[must_use]
    pub const fn permission(&self, name: &str) -> Option<Permission> {
        match check::find(self.modules, name) {
            Some((index, name)) => Some(Permission { fingerprint: self.fingerprint, index, name }),
            None => None,
        }
    }

    /// What is declared about a permission.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&'static Entry> {
        self.entries().find(|entry| entry.name == name)
    }

    /// All permissions in the order of their declaration: the order of their indices.
    pub fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        self.modules.iter().flat_map(|module| module.entries)
    }

    /// Tells catalogues apart: made of all names in their order.
    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
