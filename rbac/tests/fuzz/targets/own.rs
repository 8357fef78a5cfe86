//! Texts of our own: the JSON and the table of all rows, and policy tests.

use rbac::{Policy, PolicyCases, PolicyRows, UnixMillis, export, import};

use super::{answer, seeds, text};
use crate::engine::Target;

pub(super) fn all() -> Vec<Target> {
    vec![json(), csv(), cases()]
}

const TABLE: &str = "kind,name,role,domain,label,status,department,value,from,until\n\
    permission,course:edit,,,\"Edit, all\",,,,,\ndomain,d1,,,,,,,,\ndepartment,'-7,,,Head,,,,,\n\
    user,alice,,,'=1,active,-7,,,\nrole,editor,,,,enabled,,1 2,,\nrole,guest,,,,disabled,,all,,\n\
    inheritance,editor,guest,,,,,,,\ngrant,course:*,editor,,,allow,,strict,,\n\
    grant,\"a,b:c\",guest,,,deny,,shiro,,\nassignment,alice,editor,d1,,,,,2026-01-01T00:00:00Z,\n\
    duty,cash,editor guest,,,dynamic,,2,,\n";

fn json() -> Target {
    let rows = import::csv(TABLE).unwrap().rows;
    let mut seeds =
        seeds(&[r#"{"rbac":1}"#, r#"{"rbac":2}"#, "{", "[]", r#"{"rbac":1,"users":[{"id":"a b"}]}"#]);
    seeds.push(rows.to_json().into_bytes());
    Target {
        name: "json",
        seeds,
        words: &[
            "\"users\"",
            "\"roles\"",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "null",
            "-1",
            "\"\"",
            "\\u0000",
            "1e9",
        ],
        bytes_max: 4_000,
        run: |input| match answer(PolicyRows::from_json(&text(input))) {
            None => "refused".into(),
            Some(rows) => {
                assert_eq!(answer(PolicyRows::from_json(&rows.to_json())), Some(rows.clone()));
                // What was read is compiled, or refused for a circle; it never breaks anything.
                let compiled = Policy::compile(&rows);
                format!("read, compiled {}", compiled.is_ok())
            }
        },
        reaches: &["refused", "read, compiled true"],
    }
}

fn csv() -> Target {
    let circle = "kind,name,role\ninheritance,a,b\ninheritance,b,a\nrole,a,\nrole,b,\n";
    Target {
        name: "csv",
        seeds: seeds(&[TABLE, circle, "kind,name\nuser,a b\n", "", "kind,colour\n", "kind,name\nuser,\"a\n"]),
        words: &[
            "user",
            "role",
            "grant",
            "assignment",
            "duty",
            ",",
            "\"",
            "\n",
            "\r\n",
            "'",
            "=",
            "deny",
            "9999",
        ],
        bytes_max: 4_000,
        run: |input| match answer(import::csv(&text(input))) {
            None => "refused".into(),
            Some(imported) => {
                for left_out in &imported.left_out {
                    assert!(left_out.place.starts_with("line "));
                    assert!(left_out.to_string().chars().all(|char| !char.is_control()), "{left_out:?}");
                }
                let exported = export::csv(&imported.rows);
                let back = import::csv(&exported.text).unwrap();
                assert_eq!((back.left_out.len(), &back.rows), (0, &imported.rows));
                let casbin = export::casbin(&imported.rows);
                assert!(import::casbin(&casbin.model, &casbin.policy).is_ok());
                format!("read, all {}", imported.left_out.is_empty())
            }
        },
        reaches: &["refused", "read, all true", "read, all false"],
    }
}

fn cases() -> Target {
    Target {
        name: "cases",
        seeds: seeds(&[
            "alice may course:edit in d1 at 2026-01-01T00:00:00Z\nbob may not course:edit because denied\n",
            "at 2026-01-01T00:00:00+08:00\nwho can course:edit: alice, bob\nwhat can alice : nothing\n",
            "[{\"user\": \"alice\", \"may_not\": \"a\", \"because\": \"inactive\"}, {\"who_can\": \"a\", \"users\": []}]",
            "alice can",
            "[{}]",
            "# nothing",
        ]),
        words: &[
            "may", "not", "who can", "what can", ":", "in", "at", "because", "nobody", "\n", "[", "{", "\"",
            ",",
        ],
        bytes_max: 1_000,
        run: |input| match answer(PolicyCases::parse(&text(input))) {
            None => "refused".into(),
            Some(cases) => {
                let policy = Policy::compile(&import::csv(TABLE).unwrap().rows).unwrap();
                let failures = cases.run(&policy, UnixMillis::EPOCH);
                assert!(failures.len() <= cases.len());
                for failure in &failures {
                    assert!(!failure.found.is_empty() && !failure.place.is_empty());
                }
                assert_eq!(
                    cases.check(&policy, UnixMillis::EPOCH).is_ok(),
                    failures.is_empty() && !cases.is_empty()
                );
                format!("read, some {}, all hold {}", !cases.is_empty(), failures.is_empty())
            }
        },
        reaches: &["refused", "read, some true, all hold false", "read, some false, all hold true"],
    }
}
