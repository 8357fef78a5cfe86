//! Tests of a policy as data.

use proptest::prelude::*;
use rbac::{Policy, PolicyCases, PolicyRows, UnixMillis, import};

use crate::world::{MOMENTS, PERMISSIONS, at, cases, rows};

const TABLE: &str = "kind,name,role,domain,status,from,until
user,alice,,,,,
user,bob,,,,,
user,carol,,,inactive,,
domain,branch-1,,,,,
permission,course:edit,,,,,
permission,course:view,,,,,
role,editor,,,,,
role,guest,,,,,
grant,course:*,editor,,allow,,
grant,course:edit,guest,,deny,,
assignment,alice,editor,,,,
assignment,bob,editor,branch-1,,1970-01-01T00:00:00.100Z,1970-01-01T00:00:00.200Z
assignment,bob,guest,,,,
";

fn policy() -> Policy {
    Policy::compile(&import::csv(TABLE).unwrap().rows).unwrap()
}

const LINES: &str = "
# Everything holds.
alice may course:edit
  alice may course:edit in branch-1 at 2026-01-01T00:00:00Z
bob may course:view at 1970-01-01T00:00:00.150Z in branch-1
bob may not course:view at 1970-01-01T00:00:00.200Z in branch-1 because not-granted
bob may not course:edit at 1970-01-01T00:00:00.150Z in branch-1 because denied
carol may not course:edit because inactive
nobody may not course:edit because unknown-user
who can course:edit: alice
who can course:view in branch-1 at 1970-01-01T00:00:00.150Z: bob, alice
who can rbac:escalate : nobody
what can alice: course:edit, course:view
what can bob: nothing
at 1970-01-01T00:00:00.150Z
bob may course:view in branch-1
what can bob in branch-1: course:view
bob may not course:view at 1970-01-01T00:00:00.050Z in branch-1
";

#[test]
fn lines_are_asked_as_they_are_read() {
    let cases = PolicyCases::parse(LINES).unwrap();
    assert_eq!(cases.len(), 15);
    cases.check(&policy(), UnixMillis::EPOCH).unwrap();
}

#[test]
fn json_says_the_same() {
    let text = r#"[
        {"user": "alice", "may": "course:edit", "in": "branch-1", "at": "1970-01-01T00:00:00Z"},
        {"user": "bob", "may_not": "course:edit", "because": "denied"},
        {"user": "bob", "may": "course:view", "in": "branch-1", "at": "1970-01-01T00:00:00.150Z"},
        {"who_can": "course:edit", "users": ["alice"]},
        {"what_can": "bob", "permissions": []},
        {"what_can": "bob", "permissions": ["course:edit"]}
    ]"#;
    let failures = PolicyCases::parse(text).unwrap().run(&policy(), UnixMillis::EPOCH);
    assert_eq!(failures.len(), 1);
    let said = failures[0].to_string();
    assert!(said.starts_with("case 6: `what can bob`: not `course:edit` (user `bob` may not"), "{said}");
}

#[test]
fn a_failure_names_its_line_and_the_reason() {
    for (line, words) in [
        ("alice may not course:edit", "`alice` → `editor` → allow `course:*`"),
        ("bob may course:edit", "user `bob` may not `course:edit`"),
        ("bob may not course:edit because not-granted", "→ deny `course:edit`"),
        ("alcie may not course:edit", "user `alcie`"),
        ("alice may course:edti", "permission `course:edti` is not registered"),
        ("who can course:edti: alice", "permission `course:edti` is not registered"),
        ("alice may course:edit in branch-2", "branch-2"),
        ("what can alcie: nothing", "there is no user `alcie`"),
        ("who can course:edit: bob", "not `bob` (user `bob` may not"),
        ("who can course:edit: nobody", "also `alice` (user `alice` may"),
        ("what can alice: course:edit", "also `course:view`"),
    ] {
        let failures = PolicyCases::parse(&format!("\n{line}")).unwrap().run(&policy(), UnixMillis::EPOCH);
        assert_eq!(failures.len(), 1, "{line}");
        let said = failures[0].to_string();
        assert!(said.starts_with(&format!("line 2: `{line}`: ")) && said.contains(words), "{said}");
    }
    let none = PolicyCases::parse("# nothing\n").unwrap();
    assert!(
        none.is_empty()
            && none.check(&policy(), UnixMillis::EPOCH).unwrap_err().to_string().contains("no policy cases")
    );
    let two = PolicyCases::parse("bob may course:edit\nalice may course:edit").unwrap();
    let error = two.check(&policy(), UnixMillis::EPOCH).unwrap_err();
    assert!(error.to_string().starts_with("the policy fails 1 of 2 cases\nline 1: "), "{error}");
}

#[test]
fn what_is_no_case_is_an_error_with_its_place() {
    for (text, words) in [
        ("\nalice can course:edit", "line 2: `alice can course:edit`: write `USER may PERMISSION`"),
        ("alice may course:*", "permission name `course:*`"),
        ("alice may course:edit in", "nothing follows `in`"),
        ("alice may course:edit on monday", "none of `in`, `at`, `because`"),
        ("alice may course:edit in a in b", "`in` stands twice"),
        ("alice may course:edit because denied", "only a `may not` has a reason"),
        ("alice may not course:edit because tired", "`tired` is no reason"),
        ("at noon", "`noon` is no time"),
        ("who can course:edit", "a `:` and a list are missing"),
        ("who can course:edit:", "write `nobody` if that is meant"),
        ("who can : alice", "nothing stands before the `:`"),
        ("[{\"user\": \"a\"}]", "case 1: give `user` and `may`"),
        ("[{\"who\": \"a\u{1b}\"}]", "line 1: "),
        ("[{\"user\": \"a b\", \"may\": \"c\"}]", "user id `a b`"),
        ("[", "line 1: EOF"),
        ("[{\"user\": \"a\", \"may\": \"c\", \"at\": \"noon\"}]", "case 1: `noon` is no time"),
    ] {
        let error = PolicyCases::parse(text).unwrap_err().to_string();
        assert!(error.contains(words) && !error.chars().any(char::is_control), "{error}");
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn what_a_policy_answers_holds_and_nothing_else_does(rows in rows(), moment in prop::sample::select(&MOMENTS[..])) {
        let policy = Policy::compile(&rows).unwrap();
        let view = policy.at(at(moment));
        let (mut good, mut bad) = (String::new(), String::new());
        for user in rows.users.keys() {
            for permission in PERMISSIONS.map(|it| it.parse().unwrap()) {
                let Ok(decision) = view.decide(user, &permission) else { continue };
                let (yes, no) = if decision.is_permit() { ("may", "may not") } else { ("may not", "may") };
                good += &format!("{user} {yes} {permission}\n");
                bad += &format!("{user} {no} {permission}\n");
            }
            let may = view.what_can(user).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            good += &format!("what can {user}: {}\n", if may.is_empty() { "nothing" } else { &may });
        }
        for (id, name) in policy.permissions().iter().filter_map(|name| Some((policy.permission(name)?, name))) {
            let may = view.who_can(id).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            good += &format!("who can {name}: {}\n", if may.is_empty() { "nobody" } else { &may });
            bad += &format!("who can {name}: {may}, stranger\n");
        }
        let good = PolicyCases::parse(&good).unwrap().run(&policy, at(moment));
        prop_assert!(good.is_empty(), "{:?}", good);
        let bad = PolicyCases::parse(&bad.replace(": ,", ":")).unwrap();
        prop_assert_eq!(bad.run(&policy, at(moment)).len(), bad.len());
    }

    #[test]
    fn cases_over_no_policy_fail_or_say_no(text in "(a|b) may (not )?[a-c]\n(who can a: (nobody|c)\n)?") {
        let policy = Policy::compile(&PolicyRows::default()).unwrap();
        let cases = PolicyCases::parse(&text).unwrap();
        prop_assert_eq!(cases.run(&policy, UnixMillis::EPOCH).len(), cases.len());
    }
}
