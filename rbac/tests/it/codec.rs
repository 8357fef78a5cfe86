//! The JSON of our own: round trips, and what is refused with which words.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use rbac::{
    Assignment, DataScope, DepartmentId, DepartmentRow, DomainRow, Duty, DutyKind, Effect, ErrorKind, Grant,
    Inheritance, Label, PermissionPattern, PermissionRow, PolicyRows, RoleName, RoleRow, UnixMillis,
    UnreadableRow, UserRow, WildcardMode, Window,
};

/// Any rows at all, also such as contradict each other.
pub(crate) fn rows() -> impl Strategy<Value = PolicyRows> {
    let things = (
        btree_map(text("[!-~]{1,9}"), user(), 0..6),
        btree_map(text("[A-Za-z0-9_./:@-]{1,9}"), role(), 0..6),
        btree_map(text("[a-z]{1,4}(:[a-z]{1,4}){0,2}"), label().prop_map(PermissionRow::new), 0..4),
        btree_map(text("[A-Za-z0-9_./:@-]{1,9}"), label().prop_map(DomainRow::new), 0..4),
        btree_map(department(), (label(), option::of(department())), 0..4),
    );
    let links = (
        btree_map(assignment(), window(), 0..8),
        btree_map(grant(), prop_oneof![Just(Effect::Allow), Just(Effect::Deny)], 0..8),
        btree_set((role_name(), role_name()), 0..4),
        btree_map(text("[A-Za-z0-9_-]{1,9}"), duty(), 0..3),
        btree_set((any::<String>(), any::<String>()), 0..3),
    );
    (things, links).prop_map(|((users, roles, permissions, domains, departments), links)| {
        let (assignments, grants, inheritance, duties, unreadable) = links;
        let mut rows = PolicyRows::default();
        rows.users = users;
        rows.roles = roles;
        rows.permissions = permissions;
        rows.domains = domains;
        rows.departments = departments
            .into_iter()
            .map(|(id, (label, parent))| (id, DepartmentRow::new(label, parent)))
            .collect();
        rows.assignments = assignments;
        rows.grants = grants;
        rows.inheritance =
            inheritance.into_iter().map(|(senior, junior)| Inheritance::new(senior, junior)).collect();
        rows.duties = duties;
        rows.unreadable =
            unreadable.into_iter().map(|(table, fault)| UnreadableRow::new(table, fault)).collect();
        rows
    })
}

/// Texts of a shape, parsed into a name.
fn text<T: std::str::FromStr + std::fmt::Debug>(shape: &'static str) -> impl Strategy<Value = T>
where
    T::Err: std::fmt::Debug,
{
    shape.prop_map(|text| text.parse().unwrap())
}

fn label() -> impl Strategy<Value = Label> {
    prop_oneof![Just(Label::default()), text("[ -~é中\u{1f600}]{0,12}")]
}

fn department() -> impl Strategy<Value = DepartmentId> {
    prop_oneof![-2_i64..3, any::<i64>()].prop_map(DepartmentId::new)
}

fn role_name() -> impl Strategy<Value = RoleName> {
    text("[A-Za-z0-9_./:@-]{1,9}")
}

fn user() -> impl Strategy<Value = UserRow> {
    (label(), any::<bool>(), option::of(department())).prop_map(|(label, active, department)| {
        let mut row = UserRow::new(label);
        (row.active, row.department) = (active, department);
        row
    })
}

fn role() -> impl Strategy<Value = RoleRow> {
    let scope = prop_oneof![
        Just(DataScope::Nothing),
        Just(DataScope::Own),
        Just(DataScope::OwnDepartment),
        Just(DataScope::OwnDepartmentAndBelow),
        btree_set(department(), 0..4).prop_map(DataScope::Departments),
        Just(DataScope::All),
    ];
    (label(), any::<bool>(), scope).prop_map(|(label, enabled, scope)| {
        let mut row = RoleRow::new(label);
        (row.enabled, row.data_scope) = (enabled, scope);
        row
    })
}

fn assignment() -> impl Strategy<Value = Assignment> {
    let domain = option::of(text("[A-Za-z0-9_./:@-]{1,9}"));
    (text("[!-~]{1,9}"), role_name(), domain).prop_map(|(user, role, domain)| match domain {
        Some(domain) => Assignment::in_domain(user, role, domain),
        None => Assignment::new(user, role),
    })
}

fn window() -> impl Strategy<Value = Window> {
    (0_u64..1_000, 1_u64..1_000, 0..4).prop_map(|(from, length, open)| {
        let at = |millis| Some(UnixMillis::new(millis).unwrap());
        let (from, until) = (at(from), at(from + length));
        match open {
            0 => Window::ALWAYS,
            1 => Window::new(from, None).unwrap(),
            2 => Window::until(until.unwrap()).unwrap(),
            _ => Window::new(from, until).unwrap(),
        }
    })
}

fn grant() -> impl Strategy<Value = Grant> {
    let pattern = prop_oneof![
        ("[a-z]{1,4}(:[a-z]{1,4}){0,2}(:[*]){0,2}", Just(WildcardMode::Strict)),
        ("[a-zA-Z]{1,4}(,[a-z]{1,3})?(:[*]){0,2}", Just(WildcardMode::Shiro)),
        ("[a-z*]{1,4}:[a-z*]{1,4}", Just(WildcardMode::SaToken)),
    ];
    let pattern = pattern.prop_map(|(text, mode)| PermissionPattern::with_mode(&text, mode).unwrap());
    (role_name(), pattern).prop_map(|(role, pattern)| Grant::new(role, pattern))
}

fn duty() -> impl Strategy<Value = Duty> {
    let kind = prop_oneof![Just(DutyKind::Static), Just(DutyKind::Dynamic)];
    (label(), kind, any::<u32>(), btree_set(role_name(), 0..4))
        .prop_map(|(label, kind, cardinality, roles)| Duty::new(label, kind, cardinality, roles))
}

/// The words of the refusal.
fn refusal(text: &str) -> String {
    let error = PolicyRows::from_json(text).unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::InvalidInput, false), "{text}");
    error.to_string()
}

#[test]
fn what_is_as_in_a_new_row_is_left_out() {
    assert_eq!(PolicyRows::default().to_json(), r#"{"rbac":1}"#);
    let text = r#"{ "grants": [{"pattern": "a:*", "role": "r", "effect": "deny"}],
        "roles": [{"name": "r", "scope": "departments", "departments": [2, 1]}], "rbac": 1 }"#;
    let rows = PolicyRows::from_json(text).unwrap();
    assert_eq!(
        rows.to_json(),
        r#"{"rbac":1,"roles":[{"name":"r","scope":"departments","departments":[1,2]}],"grants":[{"role":"r","pattern":"a:*","effect":"deny"}]}"#
    );
}

#[test]
fn each_fault_is_named_with_its_place() {
    let row = |list: &str, row: &str| format!(r#"{{"rbac":1,"{list}":[{row}]}}"#);
    for (text, words) in [
        ("", "EOF while parsing"),
        ("[]", "expected an object with the rows of a policy"),
        ("{}", "member `rbac` with the number of the format is missing"),
        (r#"{"rbac":2}"#, "format `2` is unknown"),
        (r#"{"rbac":"1"}"#, "expected a whole number"),
        (r#"{"rbac":1,"rbac":1}"#, "member `rbac` stands twice"),
        (r#"{"rbac":1,"people":[]}"#, "member `people` is unknown"),
        (r#"{"rbac":1} x"#, "trailing characters"),
        (
            &row("users", r#"{"id":"a"},{"id":"two words"}"#),
            "row 1 of `users`: user id `two words` holds ` `",
        ),
        (
            &row("users", r#"{"id":"a"},{"id":"a","label":"A"}"#),
            "row 1 of `users`: the same row stands twice",
        ),
        (&row("users", r#"{"id":"a","id":"b"}"#), "row 0 of `users`: duplicate field `id`"),
        (&row("users", r#"{"id":"a","admin":true}"#), "unknown field `admin`"),
        (&row("users", "7"), "expected a user"),
        (&row("users", r#"{"id":"a","active":1}"#), "expected a boolean"),
        (&row("users", r#"{"id":"a","department":1.5}"#), "expected a whole number"),
        (&row("users", r#"{"label":"a"}"#), "missing field `id`"),
        (&row("roles", r#"{"name":"r","scope":"mine"}"#), "data scope `mine` is refused; use `nothing`"),
        (&row("roles", r#"{"name":"r","scope":"own","departments":[1]}"#), "goes with `departments` only"),
        (&row("roles", r#"{"name":"r","scope":"departments","departments":[1,1]}"#), "names something twice"),
        (&row("grants", r#"{"role":"r","pattern":"a"}"#), "missing field `effect`"),
        (&row("grants", r#"{"role":"r","pattern":"a","effect":"Allow"}"#), "effect `Allow` is refused"),
        (
            &row("grants", r#"{"role":"r","pattern":"a","mode":"glob","effect":"allow"}"#),
            "wildcard mode `glob`",
        ),
        (&row("grants", r#"{"role":"r","pattern":"*a","effect":"allow"}"#), "permission pattern `*a`"),
        (
            &row("assignments", r#"{"user":"a","role":"r","from":5,"until":5}"#),
            "nothing is between `5` and `5`",
        ),
        (&row("assignments", r#"{"user":"a","role":"r","from":-5}"#), "time `-5` is refused"),
        (&row("duties", r#"{"name":"d","kind":"ssd","cardinality":2}"#), "kind of duty `ssd`"),
        (&row("duties", r#"{"name":"d","kind":"static","cardinality":-2}"#), "`-2` is no count of roles"),
        (&row("departments", r#"{"id":9223372036854775808}"#), "`9223372036854775808` is too large"),
    ] {
        let found = refusal(text);
        assert!(found.starts_with("could not read the policy text: ") && found.contains(words), "{found}");
        assert!(
            text.is_empty() || found.contains(" at line 1 column ") || words.contains("missing"),
            "{found}"
        );
    }
}

#[test]
fn a_refusal_fits_a_log_line() {
    let found = refusal("{\"rbac\":1,\"a\\nb\\u202e\\u0007\":[]}");
    assert!(found.contains(r"member `a\u{a}b\u{202e}\u{7}` is unknown"), "{found}");
    assert!(refusal(&format!(r#"{{"rbac":1,"{}":[]}}"#, "x".repeat(9_000))).len() < 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_come_back_as_they_were(rows in rows()) {
        let text = rows.to_json();
        prop_assert!(!text.contains('\n'));
        let back = PolicyRows::from_json(&text).unwrap();
        prop_assert_eq!(back.to_json(), text);
        prop_assert_eq!(back, rows);
    }

    #[test]
    fn equal_members_in_another_order_are_the_same(rows in rows()) {
        let value: serde_json::Value = serde_json::from_str(&rows.to_json()).unwrap();
        prop_assert_eq!(PolicyRows::from_json(&format!("{value:#}")).unwrap(), rows);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        if let Ok(rows) = PolicyRows::from_json(&text) {
            prop_assert_eq!(PolicyRows::from_json(&rows.to_json()).unwrap(), rows);
        }
    }

    /// A change of one byte is refused, or is another policy that comes back as it is.
    #[test]
    fn a_changed_byte_is_read_or_refused(rows in rows(), at in any::<prop::sample::Index>(), byte in 32_u8..127) {
        let mut bytes = rows.to_json().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(changed) = PolicyRows::from_json(&String::from_utf8_lossy(&bytes)) {
            prop_assert_eq!(PolicyRows::from_json(&changed.to_json()).unwrap(), changed);
        }
    }

    #[test]
    fn lists_of_junk_are_refused(junk in vec(any::<u8>(), 0..40)) {
        let text = format!(r#"{{"rbac":1,"users":[{}]}}"#, String::from_utf8_lossy(&junk));
        if let Err(error) = PolicyRows::from_json(&text) {
            prop_assert!(error.to_string().chars().all(|c| !c.is_control()));
        }
    }
}
