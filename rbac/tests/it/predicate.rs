//! Data scopes as SQL: the text and the values, and what is no column.

#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod databases;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod exact;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod table;

use proptest::prelude::*;
use rbac::{
    Bind, Column, DepartmentId, Dialect, ErrorKind, IDENTIFIER_BYTES_MAX, PREDICATE_DEPARTMENTS_MAX, Scope,
    ScopeColumns, UserId,
};

const DIALECTS: [Dialect; 3] = [Dialect::Sqlite, Dialect::Postgres, Dialect::Mysql];

fn columns() -> ScopeColumns {
    ScopeColumns::new("department".parse().unwrap(), "c.owner".parse().unwrap())
}

fn alice() -> UserId {
    "alice".parse().unwrap()
}

fn of_departments(ids: impl IntoIterator<Item = i64>) -> Scope {
    Scope { departments: ids.into_iter().map(DepartmentId::new).collect(), ..Scope::default() }
}

fn written(scope: &Scope, dialect: Dialect) -> (String, Vec<Bind>) {
    scope.predicate(dialect, &columns(), &alice(), 3).unwrap().into_parts()
}

#[test]
fn nothing_is_no_rows_and_all_is_all_rows() {
    let all = Scope { all: true, ..of_departments([1]) };
    for dialect in DIALECTS {
        assert_eq!(written(&Scope::default(), dialect), ("1 = 0".to_owned(), vec![]));
        assert_eq!(written(&Scope::all(), dialect), ("1 = 1".to_owned(), vec![]));
        assert_eq!(written(&all, dialect), ("1 = 1".to_owned(), vec![]));
    }
}

#[test]
fn names_are_quoted_and_values_are_bound_in_each_dialect() {
    let scope = Scope { own: true, ..of_departments([7, 9]) };
    let owner = || Bind::Text("alice".to_owned());
    let binds = vec![Bind::Integer(7), Bind::Integer(9), owner(), owner()];
    let text = |dialect| {
        let (text, bound) = written(&scope, dialect);
        assert_eq!(bound, binds);
        text
    };
    assert_eq!(
        text(Dialect::Sqlite),
        "(`department` IN (?, ?) OR (`c`.`owner` = ? AND CAST(`c`.`owner` AS TEXT) = ? COLLATE BINARY))"
    );
    assert_eq!(
        text(Dialect::Postgres),
        r#"("department" IN ($3, $4) OR ("c"."owner" = $5 AND CAST("c"."owner" AS TEXT) COLLATE "C" = $6))"#
    );
    assert_eq!(
        text(Dialect::Mysql),
        "(`department` IN (?, ?) OR (`c`.`owner` = ? AND CAST(`c`.`owner` AS BINARY) = CAST(? AS BINARY)))"
    );
}

#[test]
fn users_of_tables_with_numbers_are_bound_as_numbers() {
    let scope = Scope { own: true, ..Scope::default() };
    let predicate = scope.predicate(Dialect::Postgres, &columns(), 42, 1).unwrap();
    assert_eq!((predicate.sql(), predicate.binds()), (r#""c"."owner" = $1"#, &[Bind::Integer(42)][..]));
}

#[test]
fn a_table_without_the_column_opens_nothing_through_it() {
    let scope = Scope { own: true, ..of_departments([7]) };
    let (departments, owners) =
        (ScopeColumns::department("d".parse().unwrap()), ScopeColumns::owner("o".parse().unwrap()));
    let written = |scope: &Scope, columns| {
        scope.predicate(Dialect::Sqlite, columns, &alice(), 1).unwrap().sql().to_owned()
    };
    assert_eq!(written(&scope, &departments), "`d` IN (?)");
    assert!(written(&scope, &owners).starts_with("(`o` = ?"));
    assert_eq!(written(&of_departments([7]), &owners), "1 = 0");
    assert_eq!(written(&Scope { own: true, ..Scope::default() }, &departments), "1 = 0");
}

#[test]
fn too_many_departments_are_refused_with_the_remedy() {
    let most = i64::try_from(PREDICATE_DEPARTMENTS_MAX).unwrap();
    let (enough, more) = (of_departments(0..most), of_departments(0..=most));
    for dialect in DIALECTS {
        assert_eq!(written(&enough, dialect).1.len(), PREDICATE_DEPARTMENTS_MAX);
        let error = more.predicate(dialect, &columns(), &alice(), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("`8193`") && error.to_string().contains("all rows"), "{error}");
        // Without a column for departments they are not written, however many there are.
        let owners = ScopeColumns::owner("o".parse().unwrap());
        assert!(more.predicate(dialect, &owners, &alice(), 1).is_ok());
    }
}

#[test]
fn placeholders_that_cannot_be_are_refused() {
    let scope = of_departments([1, 2]);
    let at = |dialect, first| scope.predicate(dialect, &columns(), &alice(), first);
    assert_eq!(at(Dialect::Postgres, 65_534).unwrap().sql(), r#""department" IN ($65534, $65535)"#);
    for first in [0, 65_535] {
        assert_eq!(at(Dialect::Postgres, first).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(at(Dialect::Mysql, first).is_ok() && at(Dialect::Sqlite, first).is_ok());
    }
    // Where nothing is bound, the last number may be used up already.
    assert!(Scope::all().predicate(Dialect::Postgres, &columns(), &alice(), 65_535).is_ok());
}

#[test]
fn what_is_no_name_is_no_column() {
    for good in ["a", "_", "A1", "owner_id", "t.c", "_1._2", &"x".repeat(63)] {
        assert_eq!(Column::new(good).unwrap().as_str(), good);
    }
    let long = "x".repeat(IDENTIFIER_BYTES_MAX + 1);
    for bad in [
        "", ".", "a.", ".a", "a.b.c", "a b", "1a", "a.1b", "a\"", "a`", "a]", "a'", "a\\", "a;", "é", "a\0",
        &long,
    ] {
        let error = Column::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        assert!(error.to_string().contains("table.column"), "{error}");
    }
}

/// The shape of a column, written once more in another way.
fn is_column(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() <= 2
        && parts.iter().all(|part| {
            let bytes = part.as_bytes();
            (1..=63).contains(&bytes.len())
                && !bytes[0].is_ascii_digit()
                && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_column_or_is_refused(text in prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9_.\"`'; -]{0,12}",
        "[a-z_][a-z0-9_]{0,70}(\\.[a-z0-9_]{0,70})?",
    ]) {
        match Column::new(&text) {
            Ok(column) => {
                prop_assert!(is_column(&text));
                prop_assert_eq!(column.as_str(), &text);
                prop_assert_eq!(column.to_string().parse::<Column>().unwrap(), column);
            }
            Err(error) => {
                prop_assert!(!is_column(&text));
                prop_assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
        }
    }

    /// Whatever a user is called, the text of the condition is the same: the name is only ever a value.
    #[test]
    fn no_value_gets_into_the_text(
        user in "[!-~]{1,40}",
        ids in prop::collection::btree_set(any::<i64>(), 0..9),
        own: bool,
    ) {
        let scope = Scope { own, ..of_departments(ids.iter().copied()) };
        for dialect in DIALECTS {
            let user: UserId = user.parse().unwrap();
            let predicate = scope.predicate(dialect, &columns(), &user, 1).unwrap();
            let other = scope.predicate(dialect, &columns(), &alice(), 1).unwrap();
            prop_assert_eq!(predicate.sql(), other.sql());
            let (numbers, texts): (Vec<_>, Vec<_>) =
                predicate.binds().iter().cloned().partition(|bind| matches!(bind, Bind::Integer(_)));
            let bound: std::collections::BTreeSet<Bind> = numbers.iter().cloned().collect();
            prop_assert_eq!(bound, ids.iter().copied().map(Bind::from).collect());
            prop_assert_eq!(numbers.len(), if ids.is_empty() { 0 } else { ids.len().next_power_of_two() });
            prop_assert_eq!(texts, vec![Bind::from(&user); if own { 2 } else { 0 }]);
            let placeholders = predicate.sql().matches(['?', '$']).count();
            prop_assert_eq!(placeholders, predicate.binds().len());
        }
    }
}
