//! casbin's models with roles: `model_test.go`, `rbac_api_test.go`, policies under `examples/` (Apache-2.0).
//!
//! What casbin gives to a user is given to a role `own/…` that only this user has. A role that casbin has in a domain
//! is a role of its own, such as `admin/domain1`, and is assigned in that domain. Groups of resources are a segment of
//! the permission. Matchers that are programs (attributes, addresses, roles that match by a function), priorities and
//! effects without a default deny are left out: a policy of ours has one rule.

use rbac::Policy;

use super::{Answer, EMPTY, World, assert_answers, now};
use crate::edit::{add_domain, add_permission, add_role, allow, assign_in, extended, revoke};
use crate::world::{Build, name, window};

const DAY: u64 = 86_400_000;
/// The thirtieth of December 9999.
const LATE: u64 = 253_402_128_000_000;

const RBAC: World = World {
    assigned: &[("alice", "own/alice", ""), ("bob", "own/bob", ""), ("alice", "data2_admin", "")],
    allowed: &[
        ("own/alice", "data1:read"),
        ("own/bob", "data2:write"),
        ("data2_admin", "data2:read"),
        ("data2_admin", "data2:write"),
    ],
    ..EMPTY
};

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
fn roles_give_what_casbin_says() {
    let answers = [
        ("alice", "", "data1:read", true),
        ("alice", "", "data1:write", false),
        ("alice", "", "data2:read", true),
        ("alice", "", "data2:write", true),
        ("bob", "", "data1:read", false),
        ("bob", "", "data1:write", false),
        ("bob", "", "data2:read", false),
        ("bob", "", "data2:write", true),
    ];
    assert_answers("TestRBACModel", &RBAC.rows(), &answers);
}

#[test]
fn a_deny_wins() {
    let world = World { denied: &[("own/alice", "data2:write")], ..RBAC };
    let answers = [
        ("alice", "", "data1:read", true),
        ("alice", "", "data1:write", false),
        ("alice", "", "data2:read", true),
        ("alice", "", "data2:write", false),
        ("bob", "", "data1:read", false),
        ("bob", "", "data1:write", false),
        ("bob", "", "data2:read", false),
        ("bob", "", "data2:write", true),
    ];
    assert_answers("TestRBACModelWithDeny", &world.rows(), &answers);
    assert_answers("TestRBACModelWithOnlyDeny", &world.rows(), &[("alice", "", "data2:write", false)]);
}

#[test]
fn a_group_of_resources_is_a_segment() {
    let world = World {
        assigned: &[("alice", "own/alice", ""), ("bob", "own/bob", ""), ("alice", "data_group_admin", "")],
        allowed: &[
            ("own/alice", "read:data_group:data1"),
            ("own/bob", "write:data_group:data2"),
            ("data_group_admin", "write:data_group:*"),
        ],
        ..EMPTY
    };
    let answers = [
        ("alice", "", "read:data_group:data1", true),
        ("alice", "", "write:data_group:data1", true),
        ("alice", "", "read:data_group:data2", false),
        ("alice", "", "write:data_group:data2", true),
        ("bob", "", "read:data_group:data1", false),
        ("bob", "", "write:data_group:data1", false),
        ("bob", "", "read:data_group:data2", false),
        ("bob", "", "write:data_group:data2", true),
    ];
    assert_answers("TestRBACModelWithResourceRoles", &world.rows(), &answers);
}

const IN_DOMAINS: [Answer; 8] = [
    ("alice", "domain1", "data1:read", true),
    ("alice", "domain1", "data1:write", true),
    ("alice", "domain1", "data2:read", false),
    ("alice", "domain1", "data2:write", false),
    ("bob", "domain2", "data1:read", false),
    ("bob", "domain2", "data1:write", false),
    ("bob", "domain2", "data2:read", true),
    ("bob", "domain2", "data2:write", true),
];

/// The same answers, but for one user in these permissions "no".
fn without(user: &str, gone: &[&str], answers: &[Answer]) -> Vec<Answer> {
    let denied = |who: &str, asked: &str| who == user && gone.contains(&asked);
    let answer =
        |&(who, domain, asked, expected): &Answer| (who, domain, asked, expected && !denied(who, asked));
    answers.iter().map(answer).collect()
}

#[test]
fn domains_are_kept_apart_while_rules_change() {
    let source = "TestRBACModelWithDomainsAtRuntime";
    let rows = DOMAINS.rows();
    assert_answers("TestRBACModelWithDomains", &rows, &IN_DOMAINS);
    let rows = extended(&rows, ["data1:read", "data1:write"].map(|it| revoke("admin/domain1", it)));
    let answers = without("alice", &["data1:read", "data1:write"], &IN_DOMAINS);
    assert_answers(source, &rows, &answers);
    let rows = extended(&rows, [revoke("admin/domain2", "data2:read")]);
    assert_answers(source, &rows, &without("bob", &["data2:read"], &answers));
}

#[test]
fn a_domain_comes_later() {
    let source = "TestRBACModelWithDomainsAtRuntimeMockAdapter";
    let came = [
        add_domain("domain3"),
        add_role("admin/domain3"),
        allow("admin/domain3", "data1:read"),
        assign_in("alice", "admin/domain3", "domain3"),
    ];
    let rows = extended(&DOMAINS.rows(), came);
    let answers = [
        ("alice", "domain3", "data1:read", true),
        ("alice", "domain1", "data1:read", true),
        ("bob", "domain2", "data2:read", true),
    ];
    assert_answers(source, &rows, &answers);
    let gone = [
        revoke("admin/domain1", "data1:read"),
        revoke("admin/domain1", "data1:write"),
        revoke("admin/domain2", "data2:read"),
    ];
    let rows = extended(&rows, gone);
    assert_answers(source, &rows, &[answers[0], ("alice", "domain1", "data1:read", false)]);
    assert_answers(source, &rows, &[("bob", "domain2", "data2:read", false)]);
}

/// The user of all domains has the role of each, and once what the role may everywhere.
#[test]
fn a_role_in_all_domains() {
    let world = World {
        assigned: &[
            ("alice", "admin/domain1", "domain1"),
            ("alice", "admin/domain2", "domain2"),
            ("alice", "admin/all", ""),
            ("bob", "admin/domain2", "domain2"),
            ("bob", "admin/all", "domain2"),
        ],
        allowed: &[
            ("admin/domain1", "data1:read"),
            ("admin/domain1", "data1:write"),
            ("admin/domain2", "data2:read"),
            ("admin/domain2", "data2:write"),
            ("admin/all", "data3:read"),
        ],
        ..EMPTY
    };
    let more = [("alice", "domain2", "data2:read", true), ("alice", "domain2", "data2:write", true)];
    assert_answers("TestDomainMatchModel", &world.rows(), &[&IN_DOMAINS[..], &more[..]].concat());
    let policy = Policy::compile(&world.rows()).unwrap();
    let there = policy.at(now()).in_domain(&name("domain2")).unwrap();
    // TestImplicitPermissionAPI, TestGetImplicitObjectPatternsForUser
    for user in ["alice", "bob"] {
        let expected = ["data2:read", "data2:write", "data3:read"].map(name);
        assert_eq!(there.what_can(&name(user)), expected, "{user}");
    }
}

#[test]
fn roles_have_their_time() {
    let spans = [
        ("data2", Some(0), Some(DAY), false),
        ("data3", Some(0), Some(LATE), true),
        ("data4", None, None, true),
        ("data5", None, Some(LATE), true),
        ("data6", None, Some(DAY), false),
        ("data7", Some(0), None, true),
        ("data8", Some(LATE), None, false),
    ];
    for (source, in_domains) in
        [("TestTemporalRolesModel", false), ("TestTemporalRolesModelWithDomain", true)]
    {
        let mut build = Build::default().users(&["alice"]);
        let domain_of = |data: &str| in_domains.then(|| data.replace("data", "domain"));
        for (data, from, until, _) in [("data1", None, None, true)].into_iter().chain(spans) {
            let (role, domain) = (format!("{data}_admin"), domain_of(data));
            let rights = ["read", "write"].map(|act| format!("{data}:{act}"));
            build = build.roles(&[&role]).domains(domain.as_deref().as_slice());
            build = build
                .permissions(&[&rights[0], &rights[1]])
                .allow(&role, &rights[0])
                .allow(&role, &rights[1]);
            build = build.assign_in("alice", &role, domain.as_deref(), window(from, until));
        }
        let policy = Policy::compile(&build.0).unwrap();
        for (data, _, _, expected) in [("data1", None, None, true)].into_iter().chain(spans) {
            let view = super::view(&policy, &domain_of(data).unwrap_or_default()).unwrap();
            for act in ["read", "write"] {
                let decision = view.decide(&name("alice"), &name(&format!("{data}:{act}"))).unwrap();
                assert_eq!(decision.is_permit(), expected, "{source}: {data} {act}");
            }
        }
        assert!(policy.at(now()).in_domain(&name("domain_not_exist")).is_err(), "{source}");
    }
}

/// A resource belongs to a domain, so that is where one asks for it.
#[test]
fn owners_and_developers_of_domains() {
    let build = Build::default().users(&["alice", "bob", "carol"]).roles(&["role:owner", "role:developer"]);
    let build = build.permissions(&["data:read", "data:write"]).domains(&["domain1", "domain2"]);
    let build = build.allow("role:owner", "data:*").allow("role:developer", "data:read");
    let build = build.assign_in("alice", "role:owner", Some("domain1"), window(None, None));
    let build = build.assign_in("bob", "role:developer", Some("domain2"), window(None, Some(LATE)));
    let build = build.assign_in("carol", "role:owner", Some("domain2"), window(None, Some(DAY)));
    let answers = [
        ("alice", "domain1", "data:read", true),
        ("alice", "domain1", "data:write", true),
        ("alice", "domain2", "data:read", false),
        ("alice", "domain2", "data:write", false),
        ("bob", "domain1", "data:read", false),
        ("bob", "domain1", "data:write", false),
        ("bob", "domain2", "data:read", true),
        ("bob", "domain2", "data:write", false),
        ("carol", "domain1", "data:read", false),
        ("carol", "domain1", "data:write", false),
        ("carol", "domain2", "data:read", false),
        ("carol", "domain2", "data:write", false),
    ];
    assert_answers("TestRBACModelWithDifferentTypesOfRoles", &build.0, &answers);
}

#[test]
fn a_role_that_ended_gives_nothing() {
    const END_2999: u64 = 32_503_507_200_000;
    let build = Build::default().users(&["alice", "bob", "jack"]).roles(&["test1", "qa1"]);
    let build =
        build.permissions(&["service1:/list", "service2:/broadcast"]).domains(&["domain1", "domain2"]);
    let build = build.allow("test1", "service1:/list").allow("qa1", "service2:/broadcast");
    let build = build.assign_in("alice", "test1", Some("domain1"), window(None, Some(END_2999)));
    let build = build.assign_in("bob", "qa1", Some("domain2"), window(None, Some(END_2999)));
    let rows = build.assign_in("jack", "test1", Some("domain1"), window(None, Some(DAY))).0;
    let answers = [
        ("alice", "domain1", "service1:/list", true),
        ("bob", "domain2", "service2:/broadcast", true),
        ("jack", "domain1", "service1:/list", false),
    ];
    assert_answers("TestConditional", &rows, &answers);
    assert_eq!(super::assigned(&rows, "alice", "domain1"), ["test1"]);
    assert_eq!(super::assigned(&rows, "jack", "domain1"), [""; 0]);
}

#[test]
fn rights_come_and_go() {
    let source = "TestPermissionAPI";
    let world = World {
        assigned: &[("alice", "own/alice", ""), ("bob", "own/bob", ""), ("jack", "own/jack", "")],
        allowed: &[("own/alice", "read"), ("own/bob", "write")],
        ..EMPTY
    };
    let rows = world.rows();
    let no = |user, asked| (user, "", asked, false);
    let yes = |user, asked| (user, "", asked, true);
    let first = [yes("alice", "read"), no("alice", "write"), no("bob", "read"), yes("bob", "write")];
    assert_answers(source, &rows, &first);
    let gone = rbac::Change::RemovePermission { permission: name("read") };
    let rows = extended(&rows, [gone, add_permission("read")]);
    assert_answers(source, &rows, &[no("alice", "read"), no("bob", "read"), yes("bob", "write")]);
    let came = [allow("own/bob", "read"), allow("own/jack", "read"), allow("own/jack", "write")];
    let rows = extended(&rows, came);
    assert_answers(source, &rows, &[no("alice", "read"), yes("bob", "read"), yes("jack", "read")]);
    let rows = extended(&rows, ["read", "write"].map(|it| revoke("own/bob", it)));
    assert_answers(source, &rows, &[no("bob", "read"), no("bob", "write"), yes("jack", "write")]);
}
