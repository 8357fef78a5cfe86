//! Large drafts on large policies: no work is done again for each change.

use rbac::{Change, DataScope, PolicyRows, admin};

use crate::edit::{
    add_domain, add_role, add_user, allow, assign, built, by, checked, disinherit, extended, inherit, open,
    remove_role, revoke, system, unassign,
};
use crate::world::{assignment, window};

const USERS: usize = 20_000;
const ROLES: usize = 2_000;

fn large() -> PolicyRows {
    let roles =
        (0..ROLES).flat_map(|it| [add_role(&format!("r{it}")), allow(&format!("r{it}"), &format!("p:{it}"))]);
    let users = (0..USERS)
        .flat_map(|it| [add_user(&format!("u{it}")), assign(&format!("u{it}"), &format!("r{}", it / 10))]);
    let editor = [
        add_user("ed"),
        add_role("editor"),
        allow("editor", "rbac:role:edit"),
        allow("editor", "rbac:user:*"),
        allow("editor", "p:*"),
        assign("ed", "editor"),
    ];
    built(roles.chain(users).chain(editor))
}

/// Each of these would take minutes if a change read all rows, or copied them.
#[test]
fn thousands_of_changes_are_one_draft() {
    let rows = large();
    let swapped = (0..5_000).flat_map(|it| {
        let (user, old, new) =
            (format!("u{it}"), format!("r{}", it / 10), format!("r{}", (it / 10 + 1) % ROLES));
        [unassign(&user, &old), assign(&user, &new)]
    });
    let after = checked(&rows, by("ed"), swapped).unwrap();
    assert_eq!((after.before.assignments.len(), after.after.assignments.len()), (5_000, 5_000));

    let chained = (1..ROLES).map(|it| inherit(&format!("r{it}"), &format!("r{}", it - 1)));
    assert_eq!(checked(&rows, by("ed"), chained).unwrap().after.inheritance.len(), ROLES - 1);

    let gone = (0..ROLES).map(|it| remove_role(&format!("r{it}")));
    let after = checked(&rows, system(), gone).unwrap().rows;
    assert_eq!((after.roles.len(), after.assignments.len()), (1, 1));

    let renewed = (0..ROLES).flat_map(|it| {
        let role = format!("r{it}");
        [remove_role(&role), add_role(&role), allow(&role, &format!("p:{it}"))]
    });
    let after = checked(&rows, by("ed"), renewed).unwrap();
    assert_eq!(after.rows.grants, rows.grants);
    assert_eq!(after.rows.assignments.len(), 1);
}

/// Each role of a chain opens rows for all that those below it carry, and all of them change.
#[test]
fn a_deep_hierarchy_of_open_roles_is_checked_in_time() {
    const DEPTH: usize = 300;
    let role = |it: usize| format!("r{it}");
    let editor = [
        add_user("ed"),
        add_role("editor"),
        allow("editor", "rbac:role:edit"),
        allow("editor", "rbac:user:*"),
        allow("editor", "p:*"),
        open("editor", DataScope::All),
        assign("ed", "editor"),
        add_user("bob"),
    ];
    let roles = (0..DEPTH).flat_map(|it| {
        [add_role(&role(it)), allow(&role(it), &format!("p:{it}")), open(&role(it), DataScope::Own)]
    });
    let rows = built(editor.into_iter().chain(roles));
    let chain = || (1..DEPTH).map(|it| inherit(&role(it), &role(it - 1)));
    let deep = checked(&rows, by("ed"), chain()).unwrap().rows;
    let wider = (0..DEPTH).map(|it| open(&role(it), DataScope::All));
    assert!(checked(&deep, by("ed"), wider).is_ok());
    let more = || (0..DEPTH).map(|it| allow(&role(it), &format!("p:more:{it}")));
    assert!(checked(&deep, by("ed"), more()).is_ok());
    assert!(checked(&deep, by("ed"), [assign("bob", &role(DEPTH - 1))]).is_ok());
    // Whoever sees nothing opens nothing, and that takes no longer.
    let blind = extended(&deep, [open("editor", DataScope::Nothing)]);
    assert!(checked(&blind, by("ed"), more()).is_err());
    assert!(checked(&blind, by("ed"), [allow(&role(DEPTH - 1), "p:more")]).is_err());
}

/// The windows of one domain are of no matter in another.
#[test]
fn hundreds_of_domains_with_a_window_each_are_checked() {
    let domains = || (0..600_u64).map(|it| (it, format!("d{it}")));
    let editor =
        [add_user("ed"), add_role("editor"), allow("editor", "rbac:role:edit"), allow("editor", "p:*")];
    let local = domains().flat_map(|(it, domain)| {
        let window = window(Some(1_000 + it), Some(10_000 + it));
        let assignment = assignment("ed", "local", Some(&domain));
        [add_domain(&domain), Change::Assign { assignment, window }]
    });
    let rows = built(editor.into_iter().chain([add_role("local"), assign("ed", "editor")]).chain(local));
    assert!(checked(&rows, by("ed"), [allow("local", "p:x")]).is_ok());
    assert!(checked(&rows, by("ed"), [allow("local", "q:x")]).is_err());
}

/// One grant at the bottom of a deep hierarchy, one at the top, one that everybody has.
#[test]
fn a_small_draft_on_a_deep_hierarchy_is_checked_whole() {
    let chain = (1..ROLES).map(|it| inherit(&format!("r{it}"), &format!("r{}", it - 1)));
    let rows = checked(&large(), system(), chain).unwrap().rows;
    let (bottom, top) = ("r0", format!("r{}", ROLES - 1));
    assert!(checked(&rows, by("ed"), [allow(bottom, "p:new")]).is_ok());
    assert!(checked(&rows, by("ed"), [allow(bottom, "q:new")]).is_err());
    assert!(checked(&rows, by("ed"), [revoke(&top, "p:1999")]).is_ok());
    assert!(checked(&rows, by("ed"), [disinherit("r1000", "r999")]).is_ok());
    assert!(checked(&rows, by("ed"), [assign("ed", &top)]).is_ok());
    let back = admin::changes_between(&rows, &large());
    assert_eq!(back.len(), ROLES - 1);
}
