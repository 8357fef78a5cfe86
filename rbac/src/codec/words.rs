//! The words that stand for values in texts and tables, and back. A word that is not known is an error.

use std::collections::BTreeSet;

use crate::error::{Error, Repr};
use crate::name::{DepartmentId, shown};
use crate::rows::{DutyKind, Effect};
use crate::scope::DataScope;
use crate::time::{UnixMillis, Window};
use crate::wildcard::WildcardMode;

/// The word of a scope that lists its departments.
pub(crate) const DEPARTMENTS: &str = "departments";

pub(crate) fn effect(word: &str) -> Result<Effect, Error> {
    let known = [Effect::Allow, Effect::Deny].into_iter().find(|effect| effect.as_str() == word);
    known.ok_or_else(|| refused("effect", word, "use `allow` or `deny`"))
}

pub(crate) fn kind(word: &str) -> Result<DutyKind, Error> {
    let known = [DutyKind::Static, DutyKind::Dynamic].into_iter().find(|kind| kind.as_str() == word);
    known.ok_or_else(|| refused("kind of duty", word, "use `static` or `dynamic`"))
}

pub(crate) fn mode(word: &str) -> Result<WildcardMode, Error> {
    let rule = "use `strict`, `shiro` or `satoken`";
    WildcardMode::parse(word).ok_or_else(|| refused("wildcard mode", word, rule))
}

pub(crate) const fn scope_word(scope: &DataScope) -> &'static str {
    match scope {
        DataScope::Nothing => "nothing",
        DataScope::Own => "own",
        DataScope::OwnDepartment => "own_department",
        DataScope::OwnDepartmentAndBelow => "own_department_and_below",
        DataScope::Departments(_) => DEPARTMENTS,
        DataScope::All => "all",
    }
}

/// The scope of this word; the departments only matter if the word asks for them.
pub(crate) fn scope(word: &str, departments: BTreeSet<DepartmentId>) -> Result<DataScope, Error> {
    let rule = "use `nothing`, `own`, `own_department`, `own_department_and_below`, `departments` or `all`";
    let known = [
        DataScope::Nothing,
        DataScope::Own,
        DataScope::OwnDepartment,
        DataScope::OwnDepartmentAndBelow,
        DataScope::Departments(departments),
        DataScope::All,
    ];
    known.into_iter().find(|scope| scope_word(scope) == word).ok_or_else(|| refused("data scope", word, rule))
}

/// A list of departments stands beside the word of a scope that has none.
pub(crate) fn scope_without_list(word: &str) -> Error {
    refused("data scope", word, "a list of departments goes with `departments` only")
}

/// The departments that a scope lists; none for all other scopes.
pub(crate) fn departments(scope: &DataScope) -> impl Iterator<Item = DepartmentId> {
    let listed = match scope {
        DataScope::Departments(departments) => Some(departments),
        _ => None,
    };
    listed.into_iter().flatten().copied()
}

/// A window whose ends are numbers of milliseconds.
pub(crate) fn window(not_before: Option<i64>, not_after: Option<i64>) -> Result<Window, Error> {
    let (from, until) = (not_before.map(moment).transpose()?, not_after.map(moment).transpose()?);
    match (from, until) {
        // What ends at the beginning of time never holds.
        (None, Some(until)) => Window::until(until),
        (from, until) => Window::new(from, until),
    }
}

pub(crate) fn moment(millis: i64) -> Result<UnixMillis, Error> {
    match u64::try_from(millis) {
        Ok(millis) => UnixMillis::new(millis),
        Err(_) => {
            Err(refused("time", &millis.to_string(), "give milliseconds since 1970-01-01 in UTC, from 0 on"))
        }
    }
}

fn refused(what: &'static str, word: &str, rule: &'static str) -> Error {
    Repr::Word { what, shown: shown(word), rule }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_values_are_one_to_one() {
        let some: BTreeSet<_> = [DepartmentId::new(7)].into();
        for value in [
            DataScope::Nothing,
            DataScope::Own,
            DataScope::OwnDepartment,
            DataScope::OwnDepartmentAndBelow,
            DataScope::Departments(some.clone()),
            DataScope::All,
        ] {
            assert_eq!(scope(scope_word(&value), some.clone()).unwrap(), value);
        }
        assert!(scope("ALL", some).is_err() && effect("Allow").is_err() && kind("").is_err());
        assert!(mode("strict ").unwrap_err().to_string().contains("`strict `"));
    }

    #[test]
    fn windows_never_hold_the_other_way_round() {
        assert_eq!(window(None, None).unwrap(), Window::ALWAYS);
        assert_eq!(window(None, Some(5)).unwrap().not_before(), None);
        for (from, until) in [(Some(5), Some(5)), (Some(-1), None), (None, Some(0)), (None, Some(i64::MAX))] {
            assert!(window(from, until).is_err(), "{from:?} {until:?}");
        }
    }
}
