//! casbin for Rust, asked with rows of ours.

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};

/// Subjects, permissions, allow or deny: a deny wins.
pub(super) const FLAT: &str = "
[request_definition]
r = sub, perm
[policy_definition]
p = sub, perm, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub) && r.perm == p.perm
";

/// The same in domains: roles are linked in each, grants are those of all.
pub(super) const DOMAINS: &str = "
[request_definition]
r = sub, dom, perm
[policy_definition]
p = sub, perm, eft
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.perm == p.perm
";

/// The first model of its manual: no denies, and three fields a row.
pub(super) const BASIC: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

/// An enforcer of a model and lines such as `g, alice, admin`.
pub(super) async fn enforcer(model: &str, lines: &[String]) -> Enforcer {
    let model = DefaultModel::from_str(model).await.unwrap();
    let mut enforcer = Enforcer::new(model, StringAdapter::new(lines.join("\n"))).await.unwrap();
    // The lines are not written back.
    enforcer.enable_auto_save(false);
    enforcer
}

/// A row, or a request, as casbin takes it.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
