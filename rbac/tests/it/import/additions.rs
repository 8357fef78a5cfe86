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

/// Without what is told to stay as it is: everybody active, every role enabled.
fn switched_on(rows: PolicyRows) -> PolicyRows {
    let mut rows = unguarded(rows);
    rows.users.values_mut().for_each(|row| row.active = true);
    rows.roles.values_mut().for_each(|row| row.enabled = true);
    rows
}

/// A policy in which nobody has a role yet.
fn unassigned(rows: PolicyRows) -> PolicyRows {
    let mut rows = switched_on(rows);
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
        now in sound_rows().prop_map(unassigned), wanted in sound_rows().prop_map(switched_on),
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
