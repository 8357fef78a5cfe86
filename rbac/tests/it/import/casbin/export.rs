//! What casbin cannot say is not written, and told.

use rbac::{export, import};

use crate::import::left_out;

#[test]
fn what_casbin_cannot_say_is_told() {
    let table = "kind,name,role,domain,status,value,from,until,label\nuser,alice,,,,,,,\nuser,bob,,,inactive,,,,\n\
                 user,role:x,,,,,,,\nuser,carol,,,,,,,\nrole,editor,,,,all,,,\nrole,off,,,disabled,,,,\nrole,no,,,,,,,\n\
                 permission,login,,,,,,,\npermission,course:edit,,,,,,,\ngrant,*,editor,,allow,,,,\n\
                 grant,course:edit,off,,allow,,,,\ngrant,course:edit,no,,deny,,,,\n\
                 assignment,alice,editor,,,,,1970-01-01T00:00:00.005Z,\nassignment,bob,editor,,,,,,\nassignment,role:x,editor,,,,,,\n\
                 assignment,carol,editor,,,,,,\nassignment,carol,no,,,,1970-01-01T00:00:00.007Z,,\nduty,cash,editor off,,static,2,,,\n\
                 inheritance,off,editor,,,,,,\n";
    let imported = import::csv(table).unwrap();
    assert_eq!(left_out(&imported), Vec::<String>::new());
    let exported = export::casbin(&imported.rows);
    assert_eq!(exported.policy, "p, role:editor, course, edit, allow\np, role:no, course, edit, deny\n");
    let said: Vec<_> = exported.left_out.iter().map(ToString::to_string).collect();
    let lost =
        "a role of the user that denies something cannot be carried over; without it the user might do more";
    let expected = [
        "role `editor`: `*`: written out as 2 permissions; later ones do not follow".to_owned(),
        "role `editor`: `login`: casbin wants an object and an action; the permission has one segment only"
            .to_owned(),
        "role `off`: `course:edit`: the role is disabled, or not there".to_owned(),
        "role `off`: `inherits `editor``: one of the two is disabled, or not there".to_owned(),
        "user `alice`: `editor`: casbin knows no times; add the link while it holds".to_owned(),
        "user `bob`: `editor`: the user is inactive, or not there".to_owned(),
        format!("user `carol`: `editor`: {lost}"),
        format!("user `carol`: `no`: {lost}"),
        "user `role:x`: `editor`: the user would be taken for a role or a comment".to_owned(),
        "separation of duty: `cash`: casbin has none over inherited roles".to_owned(),
        "role `editor`: `all rows`: casbin opens no rows; keep the data scopes in the program".to_owned(),
    ];
    assert_eq!(said, expected);
}

#[test]
fn chains_that_casbin_does_not_follow_are_not_exported() {
    let chain = |roles: usize| {
        let mut table = String::from("kind,name,role,status\nuser,alice,,\npermission,a:b,,\n");
        for at in 1..=roles {
            table.push_str(&format!("role,r{at},,\n"));
        }
        for at in 1..roles {
            table.push_str(&format!("inheritance,r{at},r{},\n", at + 1));
        }
        table.push_str(&format!("grant,a:b,r{roles},allow\nassignment,alice,r1,\n"));
        export::casbin(&import::csv(&table).unwrap().rows)
    };
    assert!(chain(9).policy.contains("g, alice, role:r1") && chain(9).left_out.is_empty());
    assert!(
        !chain(11).policy.contains("g, alice")
            && chain(11).left_out[0].to_string().contains("stops after ten")
    );
}
