//! Why may a user, or why not: the policy's explanation, as data and in words.

use rbac::{Effect, PermissionName, Trail, UserId, View};
use serde::Serialize;

use super::desk::Desk;
use super::labels::Labels;
use super::who::unknown;
use crate::http::problem::Problem;

/// An answer and what it rests on.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Why {
    pub(crate) permitted: bool,
    /// The whole explanation as one sentence.
    pub(crate) words: String,
    /// From the user over roles to the grant that decided; empty if nothing is granted.
    pub(crate) because: Vec<Step>,
    /// The way to the allowing grant that a denial beat.
    pub(crate) overruled: Vec<Step>,
}

/// A step on such a way.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    /// `user`, `role`, `allow` or `deny`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) label: String,
}

/// Explains one answer of a view.
pub(crate) fn why(
    desk: &Desk,
    labels: &Labels<'_>,
    view: View<'_>,
    user: &UserId,
    permission: &PermissionName,
) -> Result<Why, Problem> {
    let explanation = view.explain(user, permission).map_err(|_| unknown(permission))?;
    let steps = |trail: Option<&Trail>| trail.map(|trail| steps(labels, user, trail)).unwrap_or_default();
    Ok(Why {
        permitted: explanation.decision().is_permit(),
        words: explanation.words(desk.visitor.look.lang),
        because: steps(explanation.because()),
        overruled: steps(explanation.overruled()),
    })
}

fn steps(labels: &Labels<'_>, user: &UserId, trail: &Trail) -> Vec<Step> {
    let first = Step { kind: "user", name: user.to_string(), label: labels.user(user) };
    let roles =
        trail.roles().map(|role| Step { kind: "role", name: role.to_string(), label: labels.role(role) });
    let pattern = trail.pattern().to_string();
    let kind = if trail.effect() == Effect::Allow { "allow" } else { "deny" };
    let last = Step { kind, label: pattern.clone(), name: pattern };
    std::iter::once(first).chain(roles).chain(std::iter::once(last)).collect()
}
