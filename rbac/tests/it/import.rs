//! Imports and exports: what each format carries, what it leaves out and where, and that nobody may more afterwards.

mod additions;
mod casbin;
mod csv;
mod django;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod ruoyi;

use proptest::prelude::*;
use rbac::import::{self, Imported, UserKey};
use rbac::{DomainName, ErrorKind, PermissionName, Policy, PolicyCases, PolicyRows, UnixMillis, UserId};

use crate::world::cases;

/// What was left out, one a line.
fn left_out(imported: &Imported) -> Vec<String> {
    imported.left_out.iter().map(ToString::to_string).collect()
}

/// Asserts that cases hold over imported rows.
#[track_caller]
fn hold(rows: &PolicyRows, text: &str) {
    let policy = Policy::compile(rows).unwrap();
    assert!(policy.problems().is_empty(), "{:?}", policy.problems());
    PolicyCases::parse(text).unwrap().check(&policy, UnixMillis::EPOCH).unwrap();
}

/// Whether a user may, when nothing that is not there may be done.
fn may(policy: &Policy, user: &str, domain: Option<&str>, permission: &str) -> bool {
    let (Ok(user), Ok(permission)) = (UserId::new(user), PermissionName::new(permission)) else {
        return false;
    };
    let view = policy.at(UnixMillis::EPOCH);
    let view = match domain.map(DomainName::new) {
        None => view,
        Some(Err(_)) => return false,
        Some(Ok(domain)) => match view.in_domain(&domain) {
            Ok(view) => view,
            // Nothing holds there alone; what holds everywhere does.
            Err(_) => view,
        },
    };
    view.decide(&user, &permission).is_ok_and(|decision| decision.is_permit())
}

type Reader = fn(&str) -> Result<PolicyRows, rbac::Error>;

/// Every reader of text, by name.
fn readers() -> Vec<(&'static str, Reader)> {
    const MODEL: &str = include_str!("import/rbac_model.conf");
    vec![
        ("json", PolicyRows::from_json),
        ("csv", |text| import::csv(text).map(|it| it.rows)),
        ("casbin policy", |text| import::casbin(MODEL, text).map(|it| it.rows)),
        ("casbin model", |text| import::casbin(text, "p, a, b, c\ng, d, a").map(|it| it.rows)),
        ("django", |text| import::django(text, UserKey::Name).map(|it| it.rows)),
        ("ruoyi", |text| import::ruoyi(text, UserKey::Number).map(|it| it.rows)),
        #[cfg(feature = "kubernetes")]
        ("kubernetes", |text| import::kubernetes(text).map(|it| it.rows)),
        ("cases", |text| PolicyCases::parse(text).map(|_| PolicyRows::default())),
    ]
}

/// Pieces that mean something to one reader or another, in any order.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: [&str; 40] = [
        "kind,name",
        "\n",
        "user,a",
        ",",
        "\"",
        "p, a, b, c",
        "g, a, b",
        "[",
        "]",
        "{",
        "}",
        ":",
        "\"model\"",
        "\"auth.user\"",
        "\"fields\"",
        "\"pk\"",
        "1",
        "insert into sys_user",
        "values",
        "(",
        ")",
        ";",
        "'",
        "\\",
        "null",
        "create table sys_role",
        "kind: Role",
        "---",
        "- ",
        "*",
        "&a",
        "  ",
        "#",
        "who can a:",
        " may ",
        "in",
        "at",
        "r = sub",
        "[matchers]",
        "é",
    ];
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), pieces()]) {
        for (name, read) in readers() {
            match read(&text) {
                Ok(rows) => prop_assert_eq!(rows.clone(), rows),
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::InvalidInput, "{}", name);
                    prop_assert!(!error.to_string().chars().any(char::is_control), "{}: {:?}", name, error);
                }
            }
        }
    }
}

#[test]
fn a_text_that_is_too_long_is_refused() {
    let long = " ".repeat(import::IMPORT_BYTES_MAX + 1);
    for (name, read) in readers().into_iter().filter(|(name, _)| *name != "json") {
        let error = read(&long).unwrap_err();
        assert!(error.to_string().contains("split it"), "{name}: {error}");
    }
}

#[test]
fn a_text_of_another_format_is_refused_before_it_fills_the_memory() {
    let text = "x\n".repeat(import::LEFT_OUT_MAX + 1);
    let error = import::csv(&format!("kind\n{text}")).unwrap_err().to_string();
    assert!(error.contains("check its format"), "{error}");
}
