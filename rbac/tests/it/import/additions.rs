//! Imported rows into a policy that holds some already.

use proptest::prelude::*;
use rbac::{Actor, Applied, Change, Draft, MemoryStore, Policy, PolicyRows, PolicyStore, UnixMillis, import};

use super::may;
use crate::world::{cases, name, sound_rows};

/// The rows after the changes, or the refusal.
fn changed(before: PolicyRows, changes: Vec<Change>) -> Result<PolicyRows, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = MemoryStore::new(before);
        if changes.is_empty() {
            return Ok(store.load().await.unwrap().rows);
        }
        let draft = Draft::new(Actor::System(name("import"))).changes_of(changes);
        match store.commit(&draft, UnixMillis::EPOCH).await.unwrap() {
            Applied::Done(_) => Ok(store.load().await.unwrap().rows),
            Applied::Refused(refused) => Err(format!("{refused:?}")),
        }
    })
}

/// Without what the guard of changes may rightly refuse.
fn unguarded(mut rows: PolicyRows) -> PolicyRows {
    rows.duties.clear();
    rows
}

/// A policy in which nobody has a role yet.
fn unassigned(rows: PolicyRows) -> PolicyRows {
    let mut rows = unguarded(rows);
    rows.assignments.clear();
    rows
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn an_empty_policy_becomes_what_is_imported(wanted in sound_rows().prop_map(unguarded)) {
        let additions = import::additions(&PolicyRows::default(), &wanted);
        prop_assert!(additions.conflicts.is_empty(), "{:?}", additions.conflicts);
        prop_assert_eq!(changed(PolicyRows::default(), additions.changes), Ok(wanted.clone()));
        let again = import::additions(&wanted, &wanted);
        prop_assert!(again.changes.is_empty() && again.conflicts.is_empty());
    }

    #[test]
    fn nothing_that_is_there_changes(
        now in sound_rows().prop_map(unguarded), wanted in sound_rows().prop_map(unguarded),
    ) {
        let additions = import::additions(&now, &wanted);
        // Together both may have circles of roles, which are refused as a whole.
        if let Ok(after) = changed(now.clone(), additions.changes) {
            let (went, _) = now.difference(&after);
            prop_assert_eq!(went, PolicyRows::default());
            let (missing, _) = wanted.difference(&after);
            prop_assert!(missing.inheritance.is_empty());
            let stood = missing.users.len() + missing.roles.len() + missing.departments.len() + missing.grants.len()
                + missing.assignments.len();
            prop_assert!(stood <= additions.conflicts.len(), "{:?}", additions.conflicts);
        }
    }

    #[test]
    fn nobody_new_may_more_than_the_import_says(
        now in sound_rows().prop_map(unassigned), wanted in sound_rows().prop_map(unguarded),
    ) {
        let additions = import::additions(&now, &wanted);
        if let Ok(after) = changed(now, additions.changes) {
            let (before, after) = (Policy::compile(&wanted).unwrap(), Policy::compile(&after).unwrap());
            let places = wanted.domains.keys().map(|domain| Some(domain.as_str())).chain([None]);
            for place in places {
                for (user, permission) in
                    wanted.users.keys().flat_map(|user| wanted.permissions.keys().map(move |it| (user, it)))
                {
                    let (user, permission) = (user.as_str(), permission.as_str());
                    let more = may(&after, user, place, permission) && !may(&before, user, place, permission);
                    prop_assert!(!more, "{} {} {:?}", user, permission, place);
                }
            }
        }
    }
}

#[test]
fn what_is_there_and_says_something_else_is_a_conflict() {
    let table = |rows: &str| {
        import::csv(&format!("kind,name,role,label,status,department,value,from\n{rows}")).unwrap().rows
    };
    let now = table(
        "permission,a:b,,Here,,,,\nuser,u,,,active,,,\nrole,r,,,enabled,,all,\ndepartment,1,,,,,,\n\
         grant,a:b,r,,allow,,,\nassignment,u,r,,,,,\nduty,d,r s,,static,,2,\n",
    );
    let wanted = table(
        "permission,a:b,,There,,,,\nuser,u,,,inactive,1,,\nrole,r,,,disabled,,own,\ndepartment,1,,,,2,,\n\
         department,5,,,,6,,\ndepartment,6,,,,5,,\ngrant,a:b,r,,deny,,,\nassignment,u,r,,,,,1970-01-01T00:00:00.007Z\nduty,d,r s,,dynamic,,2,\n",
    );
    let additions = import::additions(&now, &wanted);
    assert_eq!(additions.changes, []);
    let said: Vec<_> = additions.conflicts.iter().map(ToString::to_string).collect();
    let expected = [
        "permission `a:b`: `There`: its label is `Here` and stays",
        "department `1`: `department `2``: it belongs to no department and stays there",
        "department `5`: `5`: what it belongs to is not there, or departments belong to each other in a circle",
        "department `6`: `6`: what it belongs to is not there, or departments belong to each other in a circle",
        "user `u`: `inactive`: the user is active and stays so",
        "user `u`: `department `1``: the user is in no department and stays there",
        "role `r`: `disabled`: the role is enabled and stays so",
        "role `r`: `own rows`: the role opens all rows and stays so",
        "role `r`: `deny a:b`: it says allow and stays so",
        "separation of duty `d`: `d`: a set of this name is there and says something else; it stays",
        "user `u`: `r`: the user has the role at other times, and these stay",
    ];
    assert_eq!(said, expected);
}

#[test]
fn nobody_is_assigned_a_role_that_gives_more_here() {
    let table = |rows: &str| import::csv(&format!("kind,name,role,status\n{rows}")).unwrap().rows;
    let now = table(
        "role,editor,,\nrole,viewer,,\nrole,clerk,,\nrole,reader,,\ngrant,pay:*,editor,\ngrant,a:b,clerk,\n\
         inheritance,reader,viewer,\nuser,old,,\nassignment,old,editor,\n",
    );
    let wanted = table(
        "user,alice,,\nuser,bob,,\nuser,carol,,\nuser,dave,,\nuser,old,,\nrole,editor,,\nrole,reader,,\n\
         role,chief,,\nrole,clerk,,\nrole,viewer,,\ngrant,a:b,clerk,deny\ngrant,a:b,viewer,\n\
         inheritance,chief,editor,\nassignment,alice,editor,\nassignment,alice,viewer,\n\
         assignment,bob,chief,\nassignment,carol,clerk,\nassignment,carol,viewer,\nassignment,dave,reader,\n\
         assignment,old,editor,\n",
    );
    let additions = import::additions(&now, &wanted);
    let said: Vec<_> = additions.conflicts.iter().map(ToString::to_string).collect();
    let (role, waits) =
        ("the imported role lacks it; until both agree nobody new is assigned the role", "it waits");
    let more = "gives no more here than in the import";
    let expected = [
        "role `clerk`: `deny a:b`: it says allow and stays so".to_owned(),
        format!("role `editor`: `allow pay:*`: {role}"),
        format!("role `reader`: `inherit viewer`: {role}"),
        format!("user `alice`: `editor`: {waits} until role `editor` {more}"),
        format!("user `bob`: `chief`: {waits} until role `editor` {more}"),
        format!("user `carol`: `clerk`: {waits} until role `clerk` {more}"),
        format!("user `carol`: `viewer`: {waits} for that of role `clerk`, which denies something"),
        format!("user `dave`: `reader`: {waits} until role `reader` {more}"),
    ];
    assert_eq!(said, expected);
    let assigned = additions.changes.iter().filter(|change| matches!(change, Change::Assign { .. }));
    let assigned: Vec<_> = assigned.map(ToString::to_string).collect();
    assert_eq!(assigned, ["assign user `alice` role `viewer`"]);
}

#[test]
fn nobody_is_assigned_what_is_switched_off_in_the_import() {
    let table = |rows: &str| import::csv(&format!("kind,name,role,status,value,from\n{rows}")).unwrap().rows;
    let now = table(
        "user,gone,,active,,\nuser,kim,,active,,\nuser,lee,,active,,\nuser,max,,active,,\nrole,on,,enabled,,\n\
         role,muted,,disabled,,\nrole,wide,,enabled,all,\nrole,plain,,enabled,,\nrole,open,,enabled,all,\n\
         role,barred,,enabled,,\ngrant,a:x,barred,deny,,\nassignment,lee,muted,,,\n\
         assignment,max,barred,,,1970-01-01T00:00:09Z\n",
    );
    let wanted = table(
        "user,gone,,inactive,,\nuser,kim,,active,,\nuser,lee,,active,,\nuser,max,,active,,\nrole,on,,disabled,,\n\
         role,muted,,enabled,,\nrole,wide,,enabled,own,\nrole,plain,,enabled,,\nrole,barred,,enabled,,\n\
         grant,a:x,muted,deny,,\ngrant,a:x,barred,deny,,\nassignment,gone,plain,,,\nassignment,kim,on,,,\n\
         assignment,kim,wide,,,\nassignment,kim,open,,,\nassignment,kim,plain,,,\nassignment,lee,muted,,,\n\
         assignment,lee,plain,,,\nassignment,max,barred,,,\nassignment,max,plain,,,\n",
    );
    let additions = import::additions(&now, &wanted);
    let said: Vec<_> = additions.conflicts.iter().map(ToString::to_string).collect();
    let more = "gives no more here than in the import";
    let expected = [
        "user `gone`: `inactive`: the user is active and stays so".to_owned(),
        "role `muted`: `enabled`: the role is disabled and stays so".to_owned(),
        "role `on`: `disabled`: the role is enabled and stays so".to_owned(),
        "role `wide`: `own rows`: the role opens all rows and stays so".to_owned(),
        "role `open`: `open all rows`: the imported role lacks it; until both agree nobody new is assigned the role"
            .to_owned(),
        "user `gone`: `plain`: it waits until the user is inactive here too".to_owned(),
        format!("user `kim`: `on`: it waits until role `on` {more}"),
        format!("user `kim`: `open`: it waits until role `open` {more}"),
        format!("user `kim`: `wide`: it waits until role `wide` {more}"),
        "user `lee`: `plain`: it waits for that of role `muted`, which denies something".to_owned(),
        "user `max`: `barred`: the user has the role at other times, and these stay".to_owned(),
        "user `max`: `plain`: it waits for that of role `barred`, which denies something".to_owned(),
    ];
    assert_eq!(said, expected);
    let assigned = additions.changes.iter().filter(|change| matches!(change, Change::Assign { .. }));
    assert_eq!(assigned.map(ToString::to_string).collect::<Vec<_>>(), ["assign user `kim` role `plain`"]);
}
