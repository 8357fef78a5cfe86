//! Policies of others.

use rbac::import::{self, Imported, UserKey};
use rbac::{Error, Policy, export};

use super::{answer, seeds, text};
use crate::engine::Target;

pub(super) fn all() -> Vec<Target> {
    vec![
        casbin_policy(),
        casbin_model(),
        django(),
        ruoyi(),
        #[cfg(feature = "kubernetes")]
        kubernetes(),
    ]
}

/// What is imported is sound: it compiles without a problem, and comes through our own table.
fn sound(read: Result<Imported, Error>) -> String {
    let Some(imported) = answer(read) else { return "refused".into() };
    for left_out in &imported.left_out {
        assert!(!left_out.place.is_empty() && !left_out.why.is_empty(), "{left_out:?}");
        assert!(left_out.to_string().chars().all(|char| !char.is_control()), "{left_out:?}");
    }
    for renamed in &imported.renamed {
        assert!(imported.rows.roles.contains_key(&renamed.to), "{renamed:?}");
        assert!(renamed.to_string().chars().all(|char| !char.is_control()), "{renamed:?}");
    }
    // Departments may stand in a circle there as here; nothing else is wrong.
    let policy = Policy::compile(&imported.rows).unwrap();
    let departments = !imported.rows.departments.is_empty();
    assert!(policy.problems().is_empty() || departments, "{:?}", policy.problems());
    assert_eq!(import::csv(&export::csv(&imported.rows).text).unwrap().rows, imported.rows);
    format!("read, some {}, all {}", !imported.rows.grants.is_empty(), imported.left_out.is_empty())
}

const MODEL: &str = "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, dom, obj, act, eft\n\
    [role_definition]\ng = _, _, _\ng2 = _, _\n[policy_effect]\n\
    e = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\n\
    m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && g2(r.obj, p.obj) && (r.act == p.act || p.act == \"*\")\n";

const POLICY: &str = "p, admin, d1, group, *, allow\np, alice, d1, data2, read, deny\ng, alice, admin, d1\n\
    g, admin, boss, d1\ng, boss, admin, d1\ng2, data1, group\n# comment\np, \"a \"\"b\", d 1, x\n";

fn casbin_policy() -> Target {
    Target {
        name: "casbin-policy",
        seeds: seeds(&[POLICY, "id,ptype,v0,v1\n1,g,a,b,d1,,\n", "p, a, d1, b, c, allow\n", "p, \"a", ""]),
        words: &["p", "g", "g2", ", ", "\n", "\"", "#", "*", "allow", "deny", "d1", "admin", "group", ":"],
        bytes_max: 2_000,
        run: |input| sound(import::casbin(MODEL, &text(input))),
        reaches: &[
            "refused",
            "read, some true, all true",
            "read, some true, all false",
            "read, some false, all true",
        ],
    }
}

fn casbin_model() -> Target {
    Target {
        name: "casbin-model",
        seeds: seeds(&[
            MODEL,
            "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[role_definition]\ng = _, _\n\
             [policy_effect]\ne = priority(p.eft) || deny\n[matchers]\n\
             m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && \\\n  r.act == p.act || r.sub == \"root\" # all\n",
            "[matchers]\nm = x",
            "x",
        ]),
        words: &[
            "[", "]", "=", "==", "&&", "||", "(", ")", "r.", "p.", "sub", "obj", "act", "g(", "\\\n", "#",
            "\"", "*",
        ],
        bytes_max: 2_000,
        run: |input| {
            let policy =
                "p, alice, data1, read\np, alice, d1, data1, read, deny\ng, bob, alice\ng, bob, alice, d1\n";
            sound(import::casbin(&text(input), policy))
        },
        reaches: &["refused", "read, some true, all false"],
    }
}

fn django() -> Target {
    Target {
        name: "django",
        seeds: seeds(&[
            r#"[{"model": "contenttypes.contenttype", "pk": 7, "fields": {"app_label": "blog", "model": "post"}},
            {"model": "auth.permission", "pk": 1, "fields": {"name": "Add", "content_type": 7, "codename": "add"}},
            {"model": "auth.group", "pk": 1, "fields": {"name": "Editors of", "permissions": [1]}},
            {"model": "auth.user", "pk": 2, "fields": {"username": "alice", "is_superuser": true, "is_active": true,
            "groups": [1], "user_permissions": [1]}}]"#,
            r#"[{"model": "auth.group", "fields": {"name": "g", "permissions": [["add", "blog", "post"], 5]}}]"#,
            "[]",
            "{}",
        ]),
        words: &[
            "\"pk\"",
            "\"fields\"",
            "\"groups\"",
            "[",
            "]",
            "{",
            "}",
            ",",
            "null",
            "true",
            "-1",
            "\"\"",
            "\"[a\"",
        ],
        bytes_max: 4_000,
        run: |input| {
            let text = text(input);
            let (by_name, by_number) =
                (import::django(&text, UserKey::Name), import::django(&text, UserKey::Number));
            assert_eq!(by_name.is_ok(), by_number.is_ok());
            sound(by_number);
            sound(by_name)
        },
        reaches: &[
            "refused",
            "read, some true, all true",
            "read, some true, all false",
            "read, some false, all true",
        ],
    }
}

fn ruoyi() -> Target {
    Target {
        name: "ruoyi",
        seeds: seeds(&[
            "create table sys_user (user_id bigint(20), user_name varchar(30) default '', status char(1), primary key (user_id));\n\
             insert into sys_user values (1, 'admin', '0'), (2, 'r\\'y', '1');-- x\n\
             insert into sys_role (role_id, role_key, data_scope) values (2, 'common', '2');\n\
             insert into sys_menu (menu_id, perms) values (5, 'a:b:c,d'), (6, '*:*:*'), (7, null);\n\
             insert into sys_dept (dept_id, parent_id) values (1, 2), (2, 1), (3, 9);\n\
             insert into sys_role_dept (role_id, dept_id) values (2, 3);\n\
             insert into sys_role_menu (role_id, menu_id) values (2, 5), (2, 6);\n\
             insert into sys_user_role (user_id, role_id) values (2, 2);",
            "insert into sys_role (role_id, role_key, data_scope) values (2, 'a', '1');\
             insert into sys_menu (menu_id, perms) values (5, 'a');\
             insert into sys_role_menu (role_id, menu_id) values (2, 5)",
            "insert into sys_user select 1;",
            "insert into sys_user (user_name) values ('a",
            "/* x",
            "",
        ]),
        words: &[
            "insert into",
            "values",
            "create table",
            "sys_user",
            "(",
            ")",
            ",",
            ";",
            "'",
            "\\",
            "`",
            "--",
            "/*",
            "null",
        ],
        bytes_max: 4_000,
        run: |input| {
            let text = text(input);
            let (by_name, by_number) =
                (import::ruoyi(&text, UserKey::Name), import::ruoyi(&text, UserKey::Number));
            assert_eq!(by_name.is_ok(), by_number.is_ok());
            sound(by_number);
            sound(by_name)
        },
        reaches: &[
            "refused",
            "read, some true, all true",
            "read, some true, all false",
            "read, some false, all true",
        ],
    }
}

#[cfg(feature = "kubernetes")]
fn kubernetes() -> Target {
    Target {
        name: "kubernetes",
        seeds: seeds(&[
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: dev}\nrules:\n\
             - apiGroups: [\"\"]\n  resources: [pods, \"*\"]\n  verbs: [get]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: dev}\n\
             subjects: [{kind: User, name: jane}, {kind: Group, name: ops}]\nroleRef: {kind: Role, name: r}\n",
            "{\"kind\": \"List\", \"items\": [{\"apiVersion\": \"rbac.authorization.k8s.io/v1\", \"kind\": \"ClusterRole\",\
             \"metadata\": {\"name\": \"c\", \"labels\": {\"a\": \"b\"}}, \"rules\": [{\"apiGroups\": [\"apps\"],\
             \"resources\": [\"*\"], \"verbs\": [\"*\"]}]}]}",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: v}\naggregationRule:\n\
             \x20 clusterRoleSelectors:\n  - matchLabels: {a: b}\n",
            "a: &x [*x]\n",
            "a: 1\na: 2\n",
            "[[[",
            "",
        ]),
        words: &[
            "kind", "Role", "- ", ": ", "\n", "  ", "[", "]", "{", "}", "*", "&a", "---\n", "\"", "|", ">",
            "null",
        ],
        bytes_max: 2_000,
        run: |input| sound(import::kubernetes(&text(input))),
        reaches: &[
            "refused",
            "read, some true, all true",
            "read, some true, all false",
            "read, some false, all true",
        ],
    }
}
