//! The crate's own table.

use proptest::prelude::*;
use rbac::{DataScope, Effect, Label, PolicyRows, WildcardMode, export, import};

use super::{hold, left_out};
use crate::world::{cases, name, rows};

const TABLE: &str = "\u{feff}kind,name,role,domain,label,status,department,value,from,until\r\n\
    permission,course:edit,,,\"Edit, \"\"all\"\"\",,,,,\r\n\
    permission,course:view,,,,,,,,\r\n\
    domain,branch-1,,,,,,,,\r\n\
    department,'-7,,,Head office,,,,,\r\n\
    department,8,,,,,'-7,,,\r\n\
    user,alice,,,'=1+1,active,8,,,\r\n\
    user,bob,,,,inactive,,,,\r\n\
    role,editor,,,,enabled,,own-department-and-below,,\r\n\
    role,custom,,,,disabled,,'-7 8,,\r\n\
    inheritance,custom,editor,,,,,,,\r\n\
    grant,course:*,editor,,,allow,,,,\r\n\
    grant,\"course,order:view\",editor,,,deny,,shiro,,\r\n\
    assignment,alice,editor,branch-1,,,,,1970-01-01T00:00:00Z,2026-01-01T08:00:00+08:00\r\n\
    duty,cash,editor custom,,,dynamic,,2,,\r\n";

#[test]
fn every_kind_of_row_is_read() {
    let imported = import::csv(TABLE).unwrap();
    assert_eq!(left_out(&imported), Vec::<String>::new());
    let rows = imported.rows;
    assert_eq!(rows.permissions["course:edit"].label.as_str(), "Edit, \"all\"");
    assert_eq!(rows.users["alice"].label.as_str(), "=1+1");
    assert_eq!(rows.users["alice"].department.unwrap().get(), 8);
    assert!(!rows.users["bob"].active && !rows.roles["custom"].enabled);
    assert_eq!(rows.roles["editor"].data_scope, DataScope::OwnDepartmentAndBelow);
    let DataScope::Departments(custom) = &rows.roles["custom"].data_scope else { panic!("{rows:?}") };
    assert_eq!(custom.iter().map(|id| id.get()).collect::<Vec<_>>(), [-7, 8]);
    assert!(rows.grants.keys().any(|grant| grant.pattern.mode() == WildcardMode::Shiro));
    let (_, window) = rows.assignments.iter().next().unwrap();
    assert_eq!(window.not_after().unwrap().get(), 1_767_225_600_000);
    assert_eq!(rows.duties["cash"].cardinality, 2);
    hold(&rows, "alice may course:edit in branch-1\nalice may not course:edit because not-granted");
    assert_eq!(import::csv(&export::csv(&rows).text).unwrap().rows, rows);
}

#[test]
fn a_line_that_cannot_be_taken_is_left_out_and_named() {
    let lines = [
        ("user,two words,,,", "user id"),
        ("wizard,x,,,", "no such kind"),
        ("user,alice,editor,,", "column `role`"),
        ("user,alice,,,sleepy", "`active` or `inactive`"),
        ("grant,*:a,editor,,", "permission pattern"),
        ("user,alice,,,,x", "6 fields for 5 columns"),
    ];
    for (line, why) in lines {
        let imported = import::csv(&format!("kind,name,role,domain,status\n\n{line}\n")).unwrap();
        let said = left_out(&imported);
        assert!(said[0].starts_with("line 3: `") && said[0].contains(why), "{said:?}");
        assert_eq!(imported.rows, PolicyRows::default());
    }
    let twice =
        import::csv("name,kind,status\nalice,user,\nalice,user,active\nalice,user,inactive\n").unwrap();
    assert_eq!(
        left_out(&twice),
        [
            "line 4: `alice,user,inactive`: a line above says something else of the same; the user is inactive now"
        ]
    );
    let times = "kind,name,role,from,until\nassignment,a,b,2026-01-01,\nassignment,a,b,1970-01-01T00:00:00.005Z,1970-01-01T00:00:00.005Z\nassignment,a,c,1970-01-01T00:00:00.005Z,1970-01-01T00:00:00.006Z\n";
    let imported = import::csv(times).unwrap();
    assert!(
        left_out(&imported)[0].contains("write a time as")
            && left_out(&imported)[1].contains("nothing is between")
    );
    assert_eq!(imported.rows.assignments.len(), 1);
}

#[test]
fn of_two_lines_the_one_that_gives_less_wins() {
    let table = |lines: &[&str]| {
        let text = format!("kind,name,role,label,status,value\n{}\n", lines.join("\n"));
        import::csv(&text).unwrap()
    };
    let lines = [
        "user,alice,,,active,",
        "user,alice,,Alice,inactive,",
        "role,editor,,,enabled,",
        "role,editor,,,disabled,own",
        "grant,a:*,editor,,allow,",
        "grant,a:*,editor,,deny,",
    ];
    let said = "a line above says something else of the same";
    let denied = "role `editor` is denied it, at line";
    let wins = "and a denial beats every allowance";
    let imported = table(&lines);
    assert_eq!(
        left_out(&imported),
        [
            format!("line 3: `user,alice,,Alice,inactive,`: {said}; the user is inactive now"),
            format!("line 5: `role,editor,,,disabled,own`: {said}; the role is disabled now"),
            format!("line 6: `a:*`: {denied} 7, {wins}"),
        ]
    );
    let reversed = table(&lines.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(
        left_out(&reversed),
        [
            format!("line 3: `a:*`: {denied} 2, {wins}"),
            format!("line 5: `role,editor,,,enabled,`: {said}"),
            format!("line 7: `user,alice,,,active,`: {said}"),
        ]
    );
    for imported in [imported, reversed] {
        assert!(!imported.rows.users["alice"].active && !imported.rows.roles["editor"].enabled);
        assert!(imported.rows.grants.values().eq([&Effect::Deny]));
    }
}

#[test]
fn a_denial_that_cannot_be_taken_is_told_apart() {
    for (line, lost) in [
        ("grant,*:a,editor,deny", true),
        ("grant,a,,deny", true),
        ("grant,a,editor,Deny", true),
        ("grant,a,editor,deny,x", true),
        ("grant,*:a,editor,allow", false),
        ("user,alice,,deny", false),
    ] {
        let imported = import::csv(&format!("kind,name,role,status\n{line}\n")).unwrap();
        let said = left_out(&imported);
        assert_eq!(said[0].contains("; a denial is lost with it"), lost, "{said:?}");
    }
}

#[test]
fn what_is_no_table_is_an_error() {
    for (text, words) in [
        ("", "it is empty"),
        ("name,role\n", "no column `kind`"),
        ("kind,colour\n", "no column `colour`"),
        ("kind,kind\n", "stands twice"),
        ("kind,name\nuser,\"alice\n", "line 2: the quote"),
        ("kind,name\nuser,\"a\"b\n", "line 2: something stands after"),
    ] {
        let error = import::csv(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// Labels that a table could stumble over.
fn label() -> impl Strategy<Value = Label> {
    "[ ',\"=+@#a课-]{0,6}".prop_map(|text| name(&text))
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_table_comes_back_as_it_was(mut rows in rows(), labels in prop::collection::vec(label(), 24)) {
        let mut labels = labels.into_iter().cycle();
        rows.users.values_mut().for_each(|row| row.label = labels.next().unwrap());
        rows.roles.values_mut().for_each(|row| row.label = labels.next().unwrap());
        rows.permissions.values_mut().for_each(|row| row.label = labels.next().unwrap());
        rows.departments.values_mut().for_each(|row| row.label = labels.next().unwrap());
        rows.duties.values_mut().for_each(|row| row.label = labels.next().unwrap());
        let exported = export::csv(&rows);
        prop_assert!(exported.left_out.is_empty());
        for line in exported.text.lines().filter(|line| !line.contains('"')) {
            prop_assert!(!line.split(',').any(|field| field.starts_with(['=', '+', '@', '-'])), "{}", line);
        }
        let imported = import::csv(&exported.text).unwrap();
        prop_assert_eq!(left_out(&imported), Vec::<String>::new());
        prop_assert_eq!(imported.rows, rows);
    }
}
