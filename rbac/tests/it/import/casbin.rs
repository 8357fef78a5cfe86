//! casbin: models and policies with the answers that casbin gives.

mod export;
mod oracle;

use rbac::import;

use super::{hold, left_out};

/// A model with these columns, these kinds of roles, this effect and this matcher.
fn model(request: &str, rule: &str, roles: &[&str], effect: &str, matcher: &str) -> String {
    let roles = roles.join("\n");
    format!(
        "[request_definition]\nr = {request}\n\n[policy_definition]\np = {rule}\n\n[role_definition]\n{roles}\n\n\
         [policy_effect]\ne = {effect}\n\n[matchers]\nm = {matcher}\n"
    )
}

const ALLOW: &str = "some(where (p.eft == allow))";
const DENY_WINS: &str = "some(where (p.eft == allow)) && !some(where (p.eft == deny))";
const PLAIN: &str = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act";
const IN_DOMAIN: &str = "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act";

fn plain(effect: &str) -> String {
    model("sub, obj, act", "sub, obj, act, eft", &["g = _, _"], effect, PLAIN)
}

#[test]
fn users_roles_and_rules_are_carried() {
    let text = "# a comment\np, alice, data1, read\np, bob, data2, write\np, data2_admin, data2, read\n\
                p, data2_admin, data2, write\n\ng, alice, data2_admin\ng, carol, chief\ng, chief, data2_admin\n";
    let model = model("sub, obj, act", "sub, obj, act", &["g = _, _"], ALLOW, PLAIN);
    let imported = import::casbin(&model, text).unwrap();
    assert_eq!(left_out(&imported), Vec::<String>::new());
    hold(
        &imported.rows,
        "who can data1:read: alice
         who can data2:read: alice, carol
         who can data2:write: alice, bob, carol
         what can bob: data2:write
         data2_admin may not data2:read because unknown-user",
    );
    assert!(imported.rows.roles.contains_key("user:alice") && imported.rows.roles.contains_key("chief"));
}

#[test]
fn a_domain_has_roles_of_its_own() {
    let model = model("sub, dom, obj, act", "sub, dom, obj, act", &["g = _, _, _"], ALLOW, IN_DOMAIN);
    let text = "p, admin,d1,data1,read\np, admin,d2,data2,read\np, dave, d2, data2, read\ng, alice,admin,d1\n\
                g, bob,admin,d2\ng, boss, admin, d1\ng, carol, boss, d1\np, eve, bad name, data1, read\n";
    let imported = import::casbin(&model, text).unwrap();
    hold(
        &imported.rows,
        "who can data1:read in d1: alice, carol
         who can data2:read in d2: bob, dave
         who can data1:read in d2: nobody
         alice may not data1:read because not-granted",
    );
    assert_eq!(
        left_out(&imported),
        [
            "policy line 8: `bad name`: domain name `bad name` holds ` `; use 1 to 128 letters, digits and `_` `-` `.` `/` `:` `@`"
        ]
    );
}

#[test]
fn a_denial_wins_where_the_model_says_so_and_is_told_elsewhere() {
    let text = "p, alice, data1, read, allow\np, staff, data2, read, allow\np, alice, data2, read, deny\n\
                p, alice, data1, read, deny\np, bob, data2, read, perhaps\ng, alice, staff\ng, bob, staff\n";
    let imported = import::casbin(&plain(DENY_WINS), text).unwrap();
    hold(
        &imported.rows,
        "alice may not data2:read because denied\nwho can data2:read: bob\nwho can data1:read: nobody",
    );
    let expected = [
        "policy line 1: `data1:read`: role `user:alice` is denied it, at policy line 4, and a denial beats every allowance",
        "policy line 5: `p, bob, data2, read, perhaps`: its effect is neither `allow` nor `deny`",
    ];
    assert_eq!(left_out(&imported), expected);

    let imported = import::casbin(&plain(ALLOW), text).unwrap();
    hold(&imported.rows, "who can data2:read: alice, bob\nwho can data1:read: alice");
    assert!(left_out(&imported)[0].contains("does not look at denials"));

    let imported = import::casbin(&plain("priority(p.eft) || deny"), text).unwrap();
    hold(&imported.rows, "who can data2:read: bob");
    assert!(left_out(&imported)[0].starts_with("model: `priority(p.eft)`: the order of the rules"));

    let imported = import::casbin(&plain("!some(where (p.eft == deny))"), text).unwrap();
    hold(&imported.rows, "alice may not data2:read because denied\nwho can data2:read: nobody");
    assert!(left_out(&imported)[0].contains("nothing is allowed that no role is granted"));
}

#[test]
fn groups_of_resources_are_written_out() {
    let matcher = "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act";
    let model = model("sub, obj, act", "sub, obj, act", &["g = _, _", "g2 = _, _"], ALLOW, matcher);
    let text = "p, admin, group, write\ng, alice, admin\ng2, data1, group\ng2, data2, inner\ng2, inner, group\n\
                g2, group, inner\n";
    let imported = import::casbin(&model, text).unwrap();
    hold(&imported.rows, "what can alice: data1:write, data2:write, group:write, inner:write");
}

#[test]
fn a_denial_over_a_group_holds_for_all_that_has_a_name() {
    let matcher = "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act";
    let roles = ["g = _, _", "g2 = _, _"];
    let model = model("sub, obj, act", "sub, obj, act, eft", &roles, DENY_WINS, matcher);
    let text = "p, admin, data1, write, allow\np, alice, all data, write, deny\np, bob, one, write, deny\n\
                p, admin, all data, read, allow\np, bob, no body, read, deny\n\
                g, alice, admin\ng, bob, admin\ng2, data1, all data\ng2, data1, one\ng2, data 2, one\n";
    let imported = import::casbin(&model, text).unwrap();
    hold(
        &imported.rows,
        "alice may not data1:write because denied\nbob may not data1:write because denied
         bob may not one:write because denied\nwhat can alice: data1:read",
    );
    let said = left_out(&imported);
    for (at, (place, name)) in [
        ("policy line 2: `all data`: ", "all data"),
        ("policy line 3: `data 2`: ", "data 2"),
        ("policy line 4: `all data`: ", "all data"),
        ("policy line 5: `p, bob, no body, read, deny`: ", "no body"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(said[at].starts_with(&format!("{place}permission name `{name}` holds ` `")), "{said:?}");
    }
    assert_eq!(said.len(), 4);
}

#[test]
fn paths_and_stars_become_patterns() {
    let matcher = "g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && (r.act == p.act || p.act == \"*\") || r.sub == \"root\"";
    let model = model("sub, obj, act", "sub, obj, act", &["g = _, _"], ALLOW, matcher);
    let text = "p, alice, /a/*, GET\np, bob, /b, *\np, bob, *, HEAD\np, bob, /c:d, GET\np, x, /a/1, GET\n\
                p, x, /b, POST\np, x, /b, HEAD\n";
    let imported = import::casbin(&model, text).unwrap();
    hold(
        &imported.rows,
        "who can /a/1:GET: alice, root, x
         who can /b:POST: bob, root, x
         who can /b:HEAD: bob, root, x
         alice may not /b:POST",
    );
    assert!(left_out(&imported)[0].contains("`:` parts the object"), "{:?}", left_out(&imported));
}

#[test]
fn a_denial_that_no_pattern_can_say_denies_everything() {
    let matcher = "g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act";
    let model = model("sub, obj, act", "sub, obj, act, eft", &["g = _, _"], DENY_WINS, matcher);
    let text = "p, staff, /book/1, GET, allow\np, bob, /book/{id}, GET, deny\ng, bob, staff\ng, alice, staff\n\
                p, bob, /pen/{id}, GET, allow\n";
    let imported = import::casbin(&model, text).unwrap();
    hold(&imported.rows, "who can /book/1:GET: alice\nbob may not /book/1:GET because denied");
    let said = left_out(&imported);
    assert!(
        said[0].ends_with("until then `bob` is denied everything") && said[1].contains("is a pattern"),
        "{said:?}"
    );
}

#[test]
fn a_condition_that_roles_cannot_say_leaves_all_rules_out() {
    let matcher = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act && r.sub.Age > 18";
    let model = model("sub, obj, act", "sub, obj, act", &["g = _, _"], ALLOW, matcher);
    let imported =
        import::casbin(&model, "p, admin, data1, read\ng, alice, admin\np2, a, b\ng2, a, b\n").unwrap();
    let expected = [
        "model line 14: `the rules`: `r.sub.Age>18` is a condition that roles cannot say; rules of attributes belong in the program",
        "policy line 1: `p, admin, data1, read`: the model asks for more than roles can say",
        "policy line 3: `p2, a, b`: the model has no matcher for such lines",
        "policy line 4: `g2, a, b`: the matcher of the model does not ask for it",
    ];
    assert_eq!(left_out(&imported), expected);
    assert!(imported.rows.grants.is_empty() && imported.rows.assignments.len() == 1);
}

#[test]
fn a_dump_of_the_table_is_a_policy_too() {
    let text = "id,ptype,v0,v1,v2,v3,v4,v5\n1,p,editor,\"data,1\",read,,,\n2,p,editor,data2,read,,,\n3,g,alice,editor,,,,\n";
    let imported = import::casbin(include_str!("rbac_model.conf"), text).unwrap();
    hold(&imported.rows, "what can alice: data2:read");
    assert!(left_out(&imported)[0].starts_with("policy line 2: `p, editor, data,1, read`: permission name"));
}

#[test]
fn a_circle_is_the_same_without_a_circle() {
    let text = "g, r1, r2\ng, r2, r3\ng, r3, r1\ng, alice, r2\ng, r3, below\ng, above, r2\ng, bob, above\n\
                p, r1, a, x, allow\np, r3, b, x, allow\np, below, c, x, allow\np, r2, b, x, deny\n\
                p, r2, d, x, allow\ng, carol, r1\n";
    let imported = import::casbin(&plain(DENY_WINS), text).unwrap();
    hold(
        &imported.rows,
        "what can alice: a:x, c:x, d:x\nwhat can bob: a:x, c:x, d:x\nwhat can carol: a:x, c:x, d:x",
    );
    assert!(left_out(&imported).iter().any(|it| it.contains("`r1, r2, r3`: they inherit each other")));
}

#[test]
fn what_is_no_model_or_policy_is_an_error() {
    let good = include_str!("rbac_model.conf");
    for (model, policy, words) in [
        ("", "", "there is no `r` in section `[request_definition]`"),
        ("[matchers]\nnothing", "", "casbin model, model line 2: `nothing` is no `key = value`"),
        (good, "p, \"a", "casbin policy, line 1: the quote"),
    ] {
        let error = import::casbin(model, policy).unwrap_err().to_string();
        assert!(error.contains(words.trim_start_matches("casbin model, model ")), "{error}");
    }
    // Groups times domains: one line that stands for very many rows.
    let matcher = "g(r.sub, p.sub, r.dom) && g2(r.obj, p.obj) && r.act == p.act";
    let model = model("sub, dom, obj, act", "sub, obj, act", &["g = _, _, _", "g2 = _, _"], ALLOW, matcher);
    let links: String = (0..1_500).map(|at| format!("g2, m{at}, g\ng, u, r, d{at}\n")).collect();
    let error = import::casbin(&model, &(links + "p, r, g, read\n")).unwrap_err().to_string();
    assert!(error.contains("more than 2000000 rows"), "{error}");
}
