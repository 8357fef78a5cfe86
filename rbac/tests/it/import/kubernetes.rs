//! Roles and bindings of Kubernetes, and a slow reading of its rules to compare with.

use proptest::prelude::*;
use rbac::{Policy, import};

use super::{hold, left_out, may};
use crate::world::cases;

const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: dev}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {namespace: dev, name: pod-reader}
rules:
- apiGroups: [""]            # the core group
  resources: ["pods", "pods/log"]
  verbs: ["get", "list"]
- apiGroups: ["apps"]
  resources: ["deployments"]
  resourceNames: ["front"]
  verbs: ["patch"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: monitoring
  labels: {aggregate: "true"}
rules:
- {apiGroups: ["apps"], resources: ["*"], verbs: ["get"]}
- {apiGroups: ["apps"], resources: ["deployments"], verbs: ["*"]}
- nonResourceURLs: ["/healthz"]
  verbs: ["get"]
---
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: view}
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {aggregate: "true"}
  - matchExpressions: [{key: aggregate, operator: Near}]
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: dev, name: read}
subjects:
- {kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}
- {kind: ServiceAccount, name: bot, namespace: ci}
- {kind: Group, name: "dev team"}
- {kind: Robot, name: r2}
roleRef: {kind: Role, name: pod-reader, apiGroup: rbac.authorization.k8s.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {namespace: dev, name: view}
subjects: [{kind: User, name: max}, {kind: ServiceAccount, name: lost}]
roleRef: {kind: ClusterRole, name: view}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: mon}
subjects: [{kind: Group, name: ops}, {kind: User, name: ann}]
roleRef: {kind: ClusterRole, name: monitoring}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gone}
subjects: [{kind: User, name: ann}]
roleRef: {kind: ClusterRole, name: cluster-admin}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: homeless}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: ClusterRole
  metadata: {name: names}
  rules: [{apiGroups: [apps], resources: [deployments, deployments/scale], verbs: [get, patch]}]
"#;

#[test]
fn roles_bindings_and_aggregation_are_carried() {
    let imported = import::kubernetes(OBJECTS).unwrap();
    hold(
        &imported.rows,
        "who can pods/log:get in dev: jane, system:serviceaccount:ci:bot
         who can pods:get: nobody
         who can apps/deployments:patch in dev: ann, max
         who can apps/deployments/scale:get in dev: ann, max
         who can apps/deployments/scale:patch: nobody
         who can apps/deployments:get: ann",
    );
    assert!(
        imported.rows.roles.contains_key("dev/pod-reader") && imported.rows.roles.contains_key("group:ops")
    );
    let renamed: Vec<_> = imported.renamed.iter().map(ToString::to_string).collect();
    assert_eq!(renamed, ["line 39, RoleBinding read: role `group:dev team@dev` is called `group-39` now"]);
}

#[test]
fn everything_else_is_named_with_its_place() {
    let imported = import::kubernetes(OBJECTS).unwrap();
    let expected = [
        "line 2: `Namespace dev`: it is no object of `rbac.authorization.k8s.io`",
        "line 13, dev/pod-reader: `a rule`: a permission is not about single objects; grant it as one of its own",
        "line 26, monitoring: `a rule`: addresses are no resources; guard them in the program",
        "line 37, view: `a rule`: the controller writes the rules of an aggregated role; the selected roles are inherited",
        "line 67: `Role homeless`: it names no namespace, and that of a command line is not known; write it down",
        "line 29, ClusterRole view: `a selector`: it is no label selector as Kubernetes has them",
        "line 39, RoleBinding read: `Group dev team`: who belongs to the group is not in the text; assign role `group-39` to them, in domain `dev`",
        "line 39, RoleBinding read: `Robot r2`: there is no such kind of subject",
        "line 49, RoleBinding view: `lost`: the service account names no namespace",
        "line 55, ClusterRoleBinding mon: `Group ops`: who belongs to the group is not in the text; assign role `group:ops` to them",
        "line 61, ClusterRoleBinding gone: `ClusterRole cluster-admin`: the role that it binds is not in the text, or was left out; give it too",
    ];
    assert_eq!(left_out(&imported), expected);
}

#[test]
fn a_star_never_reaches_further_than_there() {
    let rule = |groups: &str, resources: &str, verbs: &str| {
        format!("- {{apiGroups: [{groups}], resources: [{resources}], verbs: [{verbs}]}}\n")
    };
    let text = |rules: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: known}}\nrules:\n\
             - {{apiGroups: [\"\", apps], resources: [pods, pods/log, secrets, jobs], verbs: [get, list]}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules:\n{rules}---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\n\
             subjects: [{{kind: User, name: u}}]\nroleRef: {{kind: ClusterRole, name: r}}\n"
        )
    };
    for (groups, resources, verbs, holds, told) in [
        (
            "\"\"",
            "\"*\"",
            "get",
            "what can u: pods:get, pods/log:get, secrets:get, jobs:get",
            "reach other groups",
        ),
        ("\"*\"", "pods", "get", "what can u: pods:get, apps/pods:get", "others' resources"),
        ("\"\"", "\"*/log\"", "get", "what can u: pods/log:get", "reach other groups"),
        ("\"*\"", "\"*/log\"", "get", "what can u: nothing", "write it out"),
        ("apps", "\"*/log\"", "get", "what can u: apps/pods/log:get", ""),
        (
            "apps",
            "\"*\"",
            "list",
            "what can u: apps/pods:list, apps/pods/log:list, apps/secrets:list, apps/jobs:list",
            "",
        ),
        ("\"\"", "pods", "\"*\"", "what can u: pods:get, pods:list", ""),
        ("\"\"", "\"pods/*\"", "get", "what can u: nothing", "no group, resource and verb"),
        ("a:b", "pods", "get", "what can u: nothing", "no group, resource and verb"),
    ] {
        let imported = import::kubernetes(&text(&rule(groups, resources, verbs))).unwrap();
        hold(&imported.rows, holds);
        let said = left_out(&imported).join("\n");
        assert!(said.contains(told) && said.is_empty() == told.is_empty(), "{groups} {resources}: {said}");
    }
    let all = import::kubernetes(&text(&rule("\"*\"", "\"*\"", "\"*\""))).unwrap();
    hold(&all.rows, "u may apps/pods:list\nu may rbac:escalate");
    let get = import::kubernetes(&text(&rule("\"*\"", "\"*\"", "get"))).unwrap();
    hold(&get.rows, "u may apps/pods/log:get\nu may not apps/pods:list\nu may secrets:get");
}

#[test]
fn json_is_yaml() {
    let text = "{\n\t\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{\"apiVersion\": \"rbac.authorization.k8s.io/v1\",\
                \"kind\": \"Role\", \"metadata\": {\"name\": \"r\", \"namespace\": \"dev\"}, \"rules\": [{\"apiGroups\": [\"\"],\
                \"resources\": [\"pods\"], \"verbs\": [\"get\"]}]}]}";
    let imported = import::kubernetes(text).unwrap();
    assert!(imported.left_out.is_empty() && imported.rows.roles.contains_key("dev/r"));
}

#[test]
fn a_bad_stream_is_an_error_with_its_line() {
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    for (text, words) in [
        ("a: &x 1\nb: *x\n", "line 2: an alias stands there"),
        ("a: 1\na: 2\n", "line 2: `a` stands twice"),
        ("a: [1\n", "it is no yaml"),
        (deep.as_str(), "more than 32 deep"),
        ("[x]: 1\n", "is no text"),
    ] {
        let error = import::kubernetes(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(import::kubernetes("").unwrap().left_out.is_empty());
}

const GROUPS: [&str; 3] = ["", "apps", "*"];
const RESOURCES: [&str; 5] = ["pods", "pods/log", "jobs", "*/log", "*"];
const VERBS: [&str; 3] = ["get", "list", "*"];

type Rule = (&'static str, &'static str, &'static str);

/// Whether a rule allows it, as Kubernetes' authorizer has it.
fn allows(rule: &Rule, group: &str, resource: &str, verb: &str) -> bool {
    let below = resource.split_once('/').map(|(_, below)| format!("*/{below}"));
    (rule.0 == "*" || rule.0 == group)
        && (rule.1 == "*" || rule.1 == resource || below.is_some_and(|below| rule.1 == below))
        && (rule.2 == "*" || rule.2 == verb)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let select = prop::sample::select::<&'static str>;
    prop::collection::vec((select(&GROUPS[..]), select(&RESOURCES[..]), select(&VERBS[..])), 0..4)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn every_answer_is_that_of_kubernetes_or_stricter(
        of_cluster in rules(), of_dev in rules(), everywhere: bool,
    ) {
        let object = |kind: &str, meta: &str, rules: &[Rule]| {
            let rules = rules.iter().map(|(group, resource, verb)| {
                format!("- {{apiGroups: [\"{group}\"], resources: [\"{resource}\"], verbs: [\"{verb}\"]}}\n")
            });
            let rules = rules.collect::<String>();
            let rules = if rules.is_empty() { "rules: []\n".to_owned() } else { format!("rules:\n{rules}") };
            format!("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{{meta}}}\n{rules}")
        };
        let bind = |kind: &str, meta: &str, of: &str, role: &str| {
            format!("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{{meta}}}\n\
                     subjects: [{{kind: User, name: u}}]\nroleRef: {{kind: {of}, name: {role}}}\n")
        };
        let mut text = object("ClusterRole", "name: c", &of_cluster);
        text += &object("Role", "name: c, namespace: dev", &of_dev);
        text += &bind("RoleBinding", "name: b, namespace: dev", "Role", "c");
        text += &if everywhere {
            bind("ClusterRoleBinding", "name: b", "ClusterRole", "c")
        } else {
            bind("RoleBinding", "name: d, namespace: dev", "ClusterRole", "c")
        };
        let mut imported = import::kubernetes(&text).unwrap();
        // What can be asked about is what a program registers.
        let mut asked = Vec::new();
        for group in &GROUPS[..2] {
            for resource in ["pods", "pods/log", "jobs"] {
                for verb in &VERBS[..2] {
                    let name = if group.is_empty() { String::new() } else { format!("{group}/") };
                    let name = format!("{name}{resource}:{verb}");
                    let row = rbac::PermissionRow::new("".parse().unwrap());
                    imported.rows.permissions.insert(name.parse().unwrap(), row);
                    asked.push((*group, resource, *verb, name));
                }
            }
        }
        let policy = Policy::compile(&imported.rows).unwrap();
        for (group, resource, verb, name) in asked {
            for place in [None, Some("dev")] {
                let dev = place.is_some();
                let theirs = of_cluster.iter().any(|rule| (everywhere || dev) && allows(rule, group, resource, verb))
                    || of_dev.iter().any(|rule| dev && allows(rule, group, resource, verb));
                let ours = may(&policy, "u", place, &name);
                prop_assert!(theirs || !ours, "{} in {:?}", name, place);
                if imported.left_out.is_empty() {
                    prop_assert_eq!(ours, theirs, "{} in {:?}", name, place);
                }
            }
        }
    }
}

#[test]
fn what_is_told_stands_on_one_line() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: \"r\\ta\", namespace: \"d\\tv\"}\n\
                rules:\n- apiGroups: [\"*\"]\n  resources: [pods]\n  verbs: [get]\n";
    let told: Vec<_> = import::kubernetes(text).unwrap().left_out.iter().map(ToString::to_string).collect();
    assert!(!told.is_empty() && told.iter().all(|line| !line.contains('\t')), "{told:?}");
}
