//! Roles and bindings of Kubernetes (`rbac.authorization.k8s.io`) as rows.

use std::collections::BTreeMap;

use super::collect::{Collector, RoleSource};
use super::kubernetes_rules::{Known, Rule};
use super::kubernetes_selector::asks;
use super::yaml::{Node, documents};
use super::{IMPORT_ROWS_MAX, Imported, bounded};
use crate::error::Error;
use crate::name::{Label, RoleName, shown};
use crate::rows::Effect;

const WHAT: &str = "kubernetes objects";

/// Reads YAML or JSON of `kubectl get roles,rolebindings,clusterroles,clusterrolebindings -A -o yaml`, or files of such
/// objects with `---` between.
///
/// - A permission is called `group/resource:verb`, in the core group `resource:verb`: `apps/deployments:get`,
///   `pods/log:get`.
/// - A `ClusterRole` keeps its name, a `Role` is called `NAMESPACE/NAME`. A namespace is a domain: a `RoleBinding`
///   assigns in it, a `ClusterRoleBinding` everywhere.
/// - A service account is the user `system:serviceaccount:NAMESPACE:NAME`, as Kubernetes itself calls it.
/// - The members of a group are not known to Kubernetes. It becomes a role, `group:NAME`, or `group:NAME@NAMESPACE`
///   where it is bound in one, which inherits what it is bound to. To whom to assign it is told in `left_out`.
/// - `*` becomes a pattern that is not wider. In the core group and with `apiGroups: ["*"]` there is none for most: then
///   the resources that the text names are written out, and it is told. The `*` of everything is that of this crate: it
///   reaches permissions of your own, too.
/// - `aggregationRule` is inheritance of the roles that it selects now; `rules` beside it are the controller's work and
///   left out.
/// - `resourceNames` and `nonResourceURLs` have no place in a permission: such rules are left out.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is no YAML, holds an alias, nests more than
/// 32 deep, has a name twice in one map, or is longer than 16 MiB.
pub fn kubernetes(yaml: &str) -> Result<Imported, Error> {
    let documents = documents(bounded(WHAT, yaml)?)?;
    let mut import = Import::default();
    for document in &documents {
        import.object(document);
    }
    import.write();
    import.collector.merge_circles();
    import.collector.finish()
}

/// A role of either kind.
struct Role<'a> {
    place: String,
    name: RoleName,
    /// A role of the whole cluster, which a selector can select.
    of_cluster: bool,
    labels: Vec<(&'a str, &'a str)>,
    rules: Vec<(String, Rule)>,
    selectors: &'a [Node],
}

/// A binding of either kind.
struct Binding<'a> {
    place: String,
    namespace: Option<&'a str>,
    node: &'a Node,
}

struct Import<'a> {
    collector: Collector,
    roles: Vec<Role<'a>>,
    bindings: Vec<Binding<'a>>,
    /// Roles by their namespace, if they have one, and their name.
    by_name: BTreeMap<(Option<&'a str>, &'a str), RoleName>,
    known: Known,
    /// How many rows rules and selectors may still stand for.
    left: usize,
}

impl Default for Import<'_> {
    fn default() -> Self {
        Self {
            collector: Collector::new(WHAT),
            roles: Vec::new(),
            bindings: Vec::new(),
            by_name: BTreeMap::new(),
            known: Known::default(),
            left: IMPORT_ROWS_MAX,
        }
    }
}

impl<'a> Import<'a> {
    fn object(&mut self, node: &'a Node) {
        let kind = node.text_at("kind").unwrap_or_default();
        if let (true, Some(items)) = (kind.ends_with("List"), node.at("items").and_then(Node::list)) {
            items.iter().for_each(|item| self.object(item));
            return;
        }
        let metadata = node.at("metadata");
        let name = metadata.and_then(|it| it.text_at("name")).unwrap_or_default();
        let namespace = metadata.and_then(|it| it.text_at("namespace"));
        let place = format!("line {}, {kind} {}", node.line, shown(name));
        let of_rbac =
            node.text_at("apiVersion").is_some_and(|it| it.starts_with("rbac.authorization.k8s.io/"));
        let why = match kind {
            _ if !of_rbac => "it is no object of `rbac.authorization.k8s.io`",
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" if name.is_empty() => {
                "it has no name"
            }
            "Role" | "RoleBinding" if namespace.is_none() => {
                "it names no namespace, and that of a command line is not known; write it down"
            }
            "Role" => return self.role(node, place, namespace, name),
            "ClusterRole" => return self.role(node, place, None, name),
            "RoleBinding" => return self.bindings.push(Binding { place, namespace, node }),
            "ClusterRoleBinding" => return self.bindings.push(Binding { place, namespace: None, node }),
            _ => "there is no such kind",
        };
        self.collector.leave_out(format!("line {}", node.line), &format!("{kind} {name}"), why);
    }

    fn role(&mut self, node: &'a Node, place: String, namespace: Option<&'a str>, name: &'a str) {
        if self.by_name.contains_key(&(namespace, name)) {
            self.collector.leave_out(place, name, "an object above has this name");
            return;
        }
        let wanted = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
        let source = RoleSource {
            key: format!("role\n{wanted}"),
            place: &place,
            wanted: &wanted,
            otherwise: "role",
            number: u64::try_from(node.line).unwrap_or_default(),
            label: Label::new(name).unwrap_or_default(),
        };
        let Some(role) = self.collector.role(source) else { return };
        self.by_name.insert((namespace, name), role.clone());
        let labels =
            node.at("metadata").and_then(|it| it.at("labels")).and_then(Node::entries).unwrap_or_default();
        let labels = labels.iter().filter_map(|(key, value)| Some((key.as_str(), value.text()?))).collect();
        let aggregation = node.at("aggregationRule");
        let selectors = aggregation.and_then(|it| it.at("clusterRoleSelectors")).and_then(Node::list);
        let mut rules = Vec::new();
        for rule in node.at("rules").and_then(Node::list).unwrap_or_default() {
            let place = format!("line {}, {}", rule.line, shown(&wanted));
            if aggregation.is_some() {
                let why =
                    "the controller writes the rules of an aggregated role; the selected roles are inherited";
                self.collector.leave_out(place, "a rule", why);
                continue;
            }
            match Rule::read(rule) {
                Ok(rule) => {
                    self.known.learn(&rule);
                    rules.push((place, rule));
                }
                Err(why) => self.collector.leave_out(place, "a rule", why),
            }
        }
        let selectors = selectors.unwrap_or_default();
        self.roles.push(Role {
            place,
            name: role,
            of_cluster: namespace.is_none(),
            labels,
            rules,
            selectors,
        });
    }

    /// Once everything is known: the grants, the inheritance, the assignments.
    fn write(&mut self) {
        let roles = std::mem::take(&mut self.roles);
        for role in &roles {
            for (place, rule) in &role.rules {
                self.grants(place, &role.name, rule);
            }
            for selector in role.selectors {
                self.aggregate(role, selector, &roles);
            }
        }
        for binding in std::mem::take(&mut self.bindings) {
            self.binding(&binding);
        }
    }

    fn grants(&mut self, place: &str, role: &RoleName, rule: &Rule) {
        if !self.spend(rule.size(&self.known)) {
            let why = format!("the rules stand for more than {IMPORT_ROWS_MAX} rows; import them in parts");
            self.collector.leave_out(place, "a rule", why);
            return;
        }
        let (patterns, lost) = rule.patterns(&self.known);
        for pattern in patterns {
            if let Some(name) = pattern.exact() {
                self.collector.permission(place, name.as_str(), Label::default());
            }
            self.collector.grant(place, role, pattern, Effect::Allow);
        }
        for (what, why) in lost {
            self.collector.leave_out(place, &what, why);
        }
    }

    fn spend(&mut self, rows: usize) -> bool {
        let left = self.left.checked_sub(rows);
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    fn aggregate(&mut self, senior: &Role<'_>, selector: &Node, roles: &[Role<'_>]) {
        let spent = self.spend(roles.len());
        let asks =
            if spent { asks(selector) } else { Err("the selectors of the text select too much; split it") };
        match asks {
            Err(why) => self.collector.leave_out(&senior.place, "a selector", why),
            Ok(asks) => {
                let others = roles.iter().filter(|role| role.of_cluster && role.name != senior.name);
                for junior in others.filter(|role| asks.iter().all(|ask| ask.holds(&role.labels))) {
                    self.collector.inherit(&senior.place, senior.name.clone(), junior.name.clone());
                }
            }
        }
    }

    fn binding(&mut self, binding: &Binding<'_>) {
        let Binding { place, namespace, node } = binding;
        let target = node.at("roleRef");
        let (kind, name) =
            ["kind", "name"].map(|field| target.and_then(|it| it.text_at(field)).unwrap_or_default()).into();
        let of = if kind == "Role" { *namespace } else { None };
        let known = match kind {
            "Role" if namespace.is_some() => self.by_name.get(&(of, name)),
            "ClusterRole" => self.by_name.get(&(None, name)),
            _ => None,
        };
        let Some(role) = known.cloned() else {
            let why = "the role that it binds is not in the text, or was left out; give it too";
            self.collector.leave_out(place, &format!("{kind} {name}"), why);
            return;
        };
        for subject in node.at("subjects").and_then(Node::list).unwrap_or_default() {
            self.subject(binding, &role, subject);
        }
    }

    fn subject(&mut self, binding: &Binding<'_>, role: &RoleName, subject: &Node) {
        let Binding { place, namespace, .. } = binding;
        let (kind, name) = ["kind", "name"].map(|field| subject.text_at(field).unwrap_or_default()).into();
        let domain = match namespace {
            None => None,
            Some(namespace) => match self.collector.domain(place, namespace) {
                None => return,
                domain => domain,
            },
        };
        let user = match (kind, subject.text_at("namespace")) {
            ("User", _) => name.to_owned(),
            ("ServiceAccount", Some(namespace)) => format!("system:serviceaccount:{namespace}:{name}"),
            ("ServiceAccount", None) => {
                self.collector.leave_out(place, name, "the service account names no namespace");
                return;
            }
            ("Group", _) => return self.group(binding, role, name),
            _ => {
                self.collector.leave_out(
                    place,
                    &format!("{kind} {name}"),
                    "there is no such kind of subject",
                );
                return;
            }
        };
        if let Some(user) = self.collector.user(place, &user) {
            self.collector.assign(user, role.clone(), domain);
        }
    }

    /// A group is a role that its members are to be given.
    fn group(&mut self, binding: &Binding<'_>, role: &RoleName, name: &str) {
        let place = &binding.place;
        let at = binding.namespace.map(|namespace| format!("@{namespace}")).unwrap_or_default();
        let wanted = format!("group:{name}{at}");
        let source = RoleSource {
            key: format!("group\n{name}\n{at}"),
            place,
            wanted: &wanted,
            otherwise: "group",
            number: u64::try_from(binding.node.line).unwrap_or_default(),
            label: Label::new(name).unwrap_or_default(),
        };
        let Some(group) = self.collector.role(source) else { return };
        let domain =
            binding.namespace.map(|namespace| format!(", in domain `{namespace}`")).unwrap_or_default();
        let why =
            format!("who belongs to the group is not in the text; assign role `{group}` to them{domain}");
        self.collector.leave_out(place, &format!("Group {name}"), why);
        self.collector.inherit(place, group, role.clone());
    }
}
