//! What casbin's calls give, take and list: `rbac_api_test.go`, `rbac_api_with_domains_test.go` (Apache-2.0).
//!
//! Users and roles are one kind of name there, so a user without any role and a name that nobody knows answer alike.

use rbac::{Change, Policy, PolicyRows};

use super::casbin_graph::unassign_in;
use super::{EMPTY, NOBODY, Pair, World, assert_answers, assigned, marked, now, reached, reaching};
use crate::edit::{
    add_role, add_user, allow, assign, assign_in, built, extended, inherit, refusal, remove_role,
    remove_user, system, unassign,
};
use crate::world::name;

const OFFICE: World = World {
    assigned: &[("alice", "own/alice", ""), ("bob", "own/bob", ""), ("alice", "data2_admin", "")],
    allowed: &[
        ("own/alice", "data1:read"),
        ("own/bob", "data2:write"),
        ("data2_admin", "data2:read"),
        ("data2_admin", "data2:write"),
    ],
    ..EMPTY
};

#[test]
fn roles_are_given_and_taken() {
    let source = "TestRoleAPI";
    let roles = |rows: &PolicyRows| {
        let own = |role: &String| !role.starts_with("own/");
        assigned(rows, "alice", "").into_iter().filter(own).collect::<Vec<_>>()
    };
    let rows = extended(&OFFICE.rows(), [add_role("data1_admin")]);
    assert_eq!(roles(&rows), ["data2_admin"], "{source}");
    assert_eq!(assigned(&rows, "bob", ""), ["own/bob"], "{source}");
    assert_eq!(assigned(&rows, "data2_admin", ""), NOBODY, "{source}");
    assert_eq!(assigned(&rows, "non_exist", ""), NOBODY, "{source}");
    let rows = extended(&rows, [assign("alice", "data1_admin")]);
    assert_eq!(roles(&rows), ["data1_admin", "data2_admin"], "{source}");
    let rows = extended(&rows, [unassign("alice", "data1_admin")]);
    assert_eq!(roles(&rows), ["data2_admin"], "{source}");
    let rows = extended(&rows, [unassign("alice", "data2_admin"), assign("alice", "data1_admin")]);
    let rows = extended(&rows, [remove_user("alice")]);
    assert_eq!(roles(&rows), NOBODY, "{source}");
    // There the name is as good as the user. Here the user comes back without anything.
    let rows = extended(&rows, [add_user("alice"), assign("alice", "data2_admin")]);
    let bob = [
        ("bob", "", "data1:read", false),
        ("bob", "", "data1:write", false),
        ("bob", "", "data2:read", false),
        ("bob", "", "data2:write", true),
    ];
    let alice = |data2| {
        let data1 = [("alice", "", "data1:read", false), ("alice", "", "data1:write", false)];
        [&data1[..], &[("alice", "", "data2:read", data2), ("alice", "", "data2:write", data2)]].concat()
    };
    assert_answers(source, &rows, &[alice(true), bob.to_vec()].concat());
    let rows = extended(&rows, [remove_role("data2_admin")]);
    assert_answers(source, &rows, &[alice(false), bob.to_vec()].concat());
}

#[test]
fn several_roles_are_given_together_or_not_at_all() {
    let came = [
        add_role("data1_admin"),
        add_role("data3_admin"),
        allow("data1_admin", "data1:read"),
        unassign("alice", "own/alice"),
    ];
    let rows = extended(&OFFICE.rows(), came);
    let all = ["data1_admin", "data2_admin", "data3_admin"];
    let given = || all.map(|role| assign("alice", role));
    assert_eq!(refusal(&rows, system(), given()), Some(rbac::Refusal::AlreadyThere));
    let rows = extended(&rows, [unassign("alice", "data2_admin")].into_iter().chain(given()));
    assert_eq!(assigned(&rows, "alice", ""), all, "TestEnforcer_AddRolesForUser");
    let answers = ["data1:read", "data2:read", "data2:write"].map(|asked| ("alice", "", asked, true));
    assert_answers("TestEnforcer_AddRolesForUser", &rows, &answers);
}

const DOMAINS: World = World {
    assigned: &[("alice", "admin/domain1", "domain1"), ("bob", "admin/domain2", "domain2")],
    allowed: &[
        ("admin/domain1", "data1:read"),
        ("admin/domain1", "data1:write"),
        ("admin/domain2", "data2:read"),
        ("admin/domain2", "data2:write"),
    ],
    ..EMPTY
};

#[test]
fn roles_are_given_and_taken_in_domains() {
    let sources = "TestRoleAPI_Domains, TestRoleAPIWithDomains, TestUserAPIWithDomains";
    let who = ["alice", "bob", "admin/domain1", "non_exist"];
    let have = |rows: &PolicyRows, domain: &str| who.map(|user| assigned(rows, user, domain));
    let (none, one, two) = (Vec::<&str>::new, || vec!["admin/domain1"], || vec!["admin/domain2"]);
    let rows = marked(DOMAINS.rows());
    assert_eq!(have(&rows, "domain1"), [one(), none(), none(), none()], "{sources}");
    assert_eq!(have(&rows, "domain2"), [none(), two(), none(), none()], "{sources}");
    assert_eq!(reaching(&rows, "admin/domain1", "domain1"), ["alice"], "{sources}");
    assert_eq!(reaching(&rows, "admin/domain2", "domain2"), ["bob"], "{sources}");
    assert_eq!(reaching(&rows, "non_exist", "domain2"), NOBODY, "{sources}");
    let swap =
        [unassign_in("alice", "admin/domain1", "domain1"), assign_in("bob", "admin/domain1", "domain1")];
    let rows = extended(&rows, swap);
    assert_eq!(have(&rows, "domain1"), [none(), one(), none(), none()], "{sources}");
    assert_eq!(have(&rows, "domain2"), [none(), two(), none(), none()], "{sources}");
    assert_eq!(reaching(&rows, "admin/domain1", "domain1"), ["bob"], "{sources}");
    let back =
        [assign_in("alice", "admin/domain1", "domain1"), unassign_in("bob", "admin/domain1", "domain1")];
    let rows = extended(&rows, back);
    assert_eq!(have(&rows, "domain1"), [one(), none(), none(), none()], "{sources}");
    assert_eq!(have(&rows, "domain2"), [none(), two(), none(), none()], "{sources}");
}

#[test]
fn a_domain_goes_with_what_holds_in_it() {
    for (gone, kept, user) in [("domain1", "domain2", "bob"), ("domain2", "domain1", "alice")] {
        let rows = extended(&DOMAINS.rows(), [Change::RemoveDomain { domain: name(gone) }]);
        let left: Vec<_> = rows.assignments.keys().map(|row| row.user.as_str()).collect();
        assert_eq!(left, [user], "TestDeleteDomains, TestDeleteAllUsersByDomain: {gone}");
        assert_eq!(rows.domains.keys().map(ToString::to_string).collect::<Vec<_>>(), [kept]);
    }
}

#[test]
fn a_user_is_in_the_domains_of_the_assignments() {
    let world = World {
        assigned: &[
            ("alice", "admin/domain1", "domain1"),
            ("alice", "admin/domain2", "domain2"),
            ("bob", "admin/domain2", "domain2"),
            ("bob", "user/domain3", "domain3"),
        ],
        ..EMPTY
    };
    let rows = world.rows();
    let domains = |user: &str| {
        let all = ["domain1", "domain2", "domain3"];
        all.into_iter().filter(|domain| !assigned(&rows, user, domain).is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(domains("alice"), ["domain1", "domain2"], "TestGetDomainsForUser");
    assert_eq!(domains("bob"), ["domain2", "domain3"], "TestGetDomainsForUser");
}

/// The policy of TestImplicitRoleAPI, TestImplicitPermissionAPI and TestImplicitUserAPI.
#[test]
fn what_is_inherited_is_listed() {
    let grants: [Pair; 6] = [
        ("own/alice", "data1:read"),
        ("own/bob", "data2:write"),
        ("data1_admin", "data1:read"),
        ("data1_admin", "data1:write"),
        ("data2_admin", "data2:read"),
        ("data2_admin", "data2:write"),
    ];
    let names = ["own/alice", "own/bob", "admin", "data1_admin", "data2_admin"].map(add_role);
    let permissions = ["data1:read", "data1:write", "data2:read", "data2:write"];
    let links = [
        assign("alice", "own/alice"),
        assign("bob", "own/bob"),
        assign("alice", "admin"),
        inherit("admin", "data1_admin"),
        inherit("admin", "data2_admin"),
    ];
    let users = ["alice", "bob"].map(add_user).into_iter();
    let rights = permissions.map(crate::edit::add_permission).into_iter();
    let given = grants.map(|(role, pattern)| allow(role, pattern));
    let rows = built(users.chain(names).chain(rights).chain(links).chain(given));
    let of_alice = ["admin", "data1_admin", "data2_admin", "own/alice"];
    assert_eq!(reached(&marked(rows.clone()), "alice", ""), of_alice, "TestImplicitRoleAPI");
    assert_eq!(reached(&marked(rows.clone()), "bob", ""), ["own/bob"], "TestImplicitRoleAPI");
    let policy = Policy::compile(&rows).unwrap();
    let view = policy.at(now());
    assert_eq!(view.what_can(&name("alice")), permissions.map(name), "TestImplicitPermissionAPI");
    assert_eq!(view.what_can(&name("bob")), [name("data2:write")], "TestImplicitPermissionAPI");
    for (asked, users) in permissions.iter().zip([&["alice"][..], &["alice"], &["alice"], &["alice", "bob"]])
    {
        let who: Vec<_> = view.who_can(policy.permission_str(asked).unwrap());
        assert_eq!(
            who,
            users.iter().map(|user| name(user)).collect::<Vec<_>>(),
            "TestImplicitUserAPI: {asked}"
        );
    }
}

#[test]
fn what_is_inherited_in_a_domain_is_listed() {
    let world = World {
        assigned: &[
            ("alice", "role:global_admin", "domain1"),
            ("alice", "own/alice", "domain1"),
            ("alice", "own/alice", "domain2"),
        ],
        inherited: &[("role:global_admin", "role:reader"), ("role:global_admin", "role:writer")],
        allowed: &[
            ("role:reader", "data1:read"),
            ("role:writer", "data1:write"),
            ("own/alice", "data2:read"),
        ],
        ..EMPTY
    };
    let rows = world.rows();
    let direct = assigned(&rows, "alice", "domain1");
    assert_eq!(direct, ["own/alice", "role:global_admin"], "TestGetImplicitRolesForDomainUser");
    let policy = Policy::compile(&rows).unwrap();
    let there = policy.at(now()).in_domain(&name("domain1")).unwrap();
    let rights = there.what_can(&name("alice"));
    assert_eq!(
        rights,
        ["data1:read", "data1:write", "data2:read"].map(name),
        "TestImplicitPermissionAPIWithDomain"
    );
    // Every reached role can be activated; that is what authorised means.
    for role in ["role:global_admin", "role:reader", "role:writer"] {
        assert!(
            there.session(&name("alice"), [name(role)]).is_ok(),
            "TestGetImplicitRolesForDomainUser: {role}"
        );
    }
    assert!(policy.at(now()).session(&name("alice"), [name("role:reader")]).is_err());
}

#[test]
fn two_roles_that_give_the_same_list_a_user_once() {
    let came = [
        add_role("data2_admin_2"),
        allow("data2_admin_2", "data2:read"),
        allow("data2_admin_2", "data2:write"),
        assign("alice", "data2_admin_2"),
    ];
    for rows in [OFFICE.rows(), extended(&OFFICE.rows(), came)] {
        let policy = Policy::compile(&rows).unwrap();
        let who = |asked: &str| policy.at(now()).who_can(policy.permission_str(asked).unwrap());
        assert_eq!(who("data1:read"), [name("alice")], "TestGetImplicitUsersForResource");
        assert_eq!(who("data2:read"), [name("alice")], "TestGetImplicitUsersForResource");
        assert_eq!(who("data2:write"), [name("alice"), name("bob")], "TestGetImplicitUsersForResource");
    }
}
