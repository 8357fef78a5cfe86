//! Nobody gets a new way to what is switched off and the actor does not hold, even if there is another way already.

use rbac::{Change, DataScope, Gainer, PolicyRows, Refusal};

use crate::edit::{
    active, add_department, add_role, add_user, allow, assign, assign_when, built, by, enabled, extended,
    inherit, open, refusal, unassign, work_in,
};
use crate::world::{name, window};

/// Ed may edit roles, users and assignments, and holds `a:*`. Both `one` and `two` give everything and are disabled.
/// Ed and Bob have `one`; `lead` is on, inherits it, and nobody has it.
fn office() -> PolicyRows {
    let off = |role| [add_role(role), allow(role, "*"), enabled(role, false)];
    built(
        ["ed", "bob", "carol"]
            .into_iter()
            .map(add_user)
            .chain([add_role("editor"), add_role("lead"), add_role("reader")])
            .chain(
                ["rbac:role:edit", "rbac:user:*", "a:*"].into_iter().map(|pattern| allow("editor", pattern)),
            )
            .chain(off("one"))
            .chain(off("two"))
            .chain([allow("reader", "a:x"), inherit("lead", "one")])
            .chain([assign("ed", "editor"), assign("ed", "one"), assign("bob", "one")]),
    )
}

fn ed(rows: &PolicyRows, changes: impl IntoIterator<Item = Change>) -> Option<Refusal> {
    refusal(rows, by("ed"), changes)
}

#[track_caller]
fn gains(rows: &PolicyRows, who: &Gainer, changes: impl IntoIterator<Item = Change>) {
    let refused = ed(rows, changes);
    assert!(
        matches!(&refused, Some(Refusal::Escalation { gained_by, .. }) if gained_by == who),
        "{who:?}: {refused:?}"
    );
}

fn user(user: &str) -> Gainer {
    Gainer::User(name(user))
}

fn role(role: &str) -> Gainer {
    Gainer::Role(name(role))
}

#[test]
fn a_second_disabled_role_is_no_less_than_the_first() {
    let rows = office();
    gains(&rows, &user("ed"), [assign("ed", "two")]);
    gains(&rows, &user("bob"), [assign("bob", "two")]);
    gains(&rows, &user("bob"), [assign("bob", "lead")]);
    gains(&rows, &user("bob"), [unassign("bob", "one"), assign("bob", "two")]);
    // The one that is there may stay, go, and stand beside what Ed holds.
    assert_eq!(ed(&rows, [assign("bob", "reader")]), None);
    assert_eq!(ed(&rows, [unassign("bob", "one")]), None);
    assert_eq!(ed(&rows, [unassign("bob", "one"), assign("bob", "one")]), None);
}

#[test]
fn a_longer_time_is_a_new_way_too() {
    let until = |end| window(None, Some(end));
    let rows = extended(&office(), [assign_when("bob", "two", until(1_000))]);
    gains(&rows, &user("bob"), [assign_when("bob", "two", until(1_001))]);
    assert_eq!(ed(&rows, [assign_when("bob", "two", until(999))]), None);
}

#[test]
fn no_role_gets_a_second_way() {
    let rows = office();
    gains(&rows, &role("lead"), [inherit("lead", "two")]);
    // Whoever switches it on gives everything anyway.
    assert_eq!(ed(&rows, [inherit("one", "two")]), None);
    let below = extended(&rows, [add_role("low"), enabled("low", false), inherit("low", "one")]);
    gains(&below, &role("low"), [allow("low", "b:x")]);
    assert_eq!(ed(&below, [allow("low", "a:x"), inherit("low", "reader")]), None);
    assert_eq!(ed(&rows, [inherit("lead", "reader"), allow("lead", "a:y")]), None);
}

#[test]
fn switching_on_a_part_of_the_way_shortens_it() {
    let rows = extended(&office(), [enabled("lead", false), assign("carol", "lead")]);
    gains(&rows, &role("lead"), [enabled("lead", true)]);
    let rows = extended(&office(), [active("bob", false)]);
    gains(&rows, &user("bob"), [active("bob", true)]);
    let rows = extended(&rows, [unassign("bob", "one"), assign("bob", "reader")]);
    assert_eq!(ed(&rows, [active("bob", true)]), None);
}

#[test]
fn whoever_holds_it_gives_a_second_way_as_well() {
    let rows = extended(&office(), [allow("editor", "*")]);
    for change in [assign("ed", "two"), assign("bob", "two"), inherit("lead", "two")] {
        assert_eq!(ed(&rows, [change.clone()]), None, "{change}");
    }
}

/// Ed sees the rows of one department; two disabled roles open all rows, and Bob and `lead` have one of them.
#[test]
fn rows_have_ways_too() {
    let off = |role| [add_role(role), allow(role, "a:x"), open(role, DataScope::All), enabled(role, false)];
    let rows = built(
        [add_department(1, None), add_user("ed"), add_user("bob"), work_in("ed", 1), work_in("bob", 1)]
            .into_iter()
            .chain([
                add_role("editor"),
                add_role("lead"),
                add_role("wide"),
                add_role("reader"),
                allow("reader", "a:x"),
            ])
            .chain(
                ["rbac:role:edit", "rbac:user:*", "a:*"].into_iter().map(|pattern| allow("editor", pattern)),
            )
            .chain(off("one"))
            .chain(off("two"))
            .chain([open("editor", DataScope::OwnDepartment), inherit("lead", "one")])
            .chain([
                add_role("dark"),
                allow("dark", "a:x"),
                enabled("dark", false),
                open("wide", DataScope::All),
            ])
            .chain([inherit("wide", "one"), assign("ed", "editor"), assign("bob", "one")]),
    );
    let opens = |changes: &[Change], to: Gainer| {
        let refused = ed(&rows, changes.to_vec());
        assert!(
            matches!(&refused, Some(Refusal::ScopeEscalation { gained_by, .. }) if *gained_by == to),
            "{changes:?}: {refused:?}"
        );
    };
    opens(&[assign("bob", "two")], user("bob"));
    opens(&[inherit("lead", "two")], role("lead"));
    // What it carries comes by another disabled role, but the rows are open already.
    opens(&[inherit("wide", "dark")], role("wide"));
    opens(&[open("lead", DataScope::All)], role("lead"));
    assert_eq!(ed(&rows, [assign("bob", "dark"), inherit("lead", "dark"), inherit("lead", "reader")]), None);
}
