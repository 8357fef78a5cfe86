//! Who gains and who loses what by a change: the difference between two policies, people who fare alike together.

use rbac::{DiffGroup, PermissionName, Preview, Refusal};
use serde::Serialize;

use super::desk::Desk;
use super::labels::Labels;
use super::text::with;

/// Users named in one group; the others are counted.
const USERS_SHOWN_MAX: usize = 8;
/// Permissions named of one group, gained and lost each.
const PERMISSIONS_SHOWN_MAX: usize = 24;

/// People who fare alike.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gain {
    pub(crate) users: Vec<Named>,
    /// How many fare alike beside those who are named.
    pub(crate) others: usize,
    #[serde(skip)]
    pub(crate) others_words: String,
    /// Where; empty for everywhere.
    pub(crate) domain: String,
    pub(crate) gained: Vec<Named>,
    pub(crate) lost: Vec<Named>,
    /// Permissions that are not named any more.
    pub(crate) more: usize,
}

/// A name and what people see.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) label: String,
}

/// The groups of a preview's difference, as far as the visitor may see their users. What is refused because it is not
/// theirs to do is not worked out for them either.
pub(crate) fn gains(desk: &Desk, labels: &Labels<'_>, preview: &Preview) -> Vec<Gain> {
    let foreign = |why: &Refusal| matches!(why, Refusal::NotPermitted(_) | Refusal::OutOfReach(_));
    if preview.refused.as_ref().is_some_and(|refused| foreign(&refused.why)) {
        return Vec::new();
    }
    preview.diff.groups().iter().filter_map(|group| gain(desk, labels, group)).collect()
}

fn gain(desk: &Desk, labels: &Labels<'_>, group: &DiffGroup) -> Option<Gain> {
    let reach = desk.reach();
    let known = |user: &&rbac::UserId| !desk.rows().users.contains_key(*user) || reach.sees(user);
    let seen: Vec<_> = group.users.iter().filter(known).collect();
    let others = seen.len().saturating_sub(USERS_SHOWN_MAX);
    let user = |user: &&rbac::UserId| Named { name: user.to_string(), label: labels.user(user) };
    let shown = |names: &[PermissionName]| -> Vec<Named> {
        let named = |name: &PermissionName| Named { name: name.to_string(), label: labels.permission(name) };
        names.iter().take(PERMISSIONS_SHOWN_MAX).map(named).collect()
    };
    let (gained, lost) = (shown(&group.gained), shown(&group.lost));
    let all = group.gained.len() + group.lost.len();
    (!seen.is_empty()).then(|| Gain {
        users: seen.iter().take(USERS_SHOWN_MAX).map(user).collect(),
        others,
        others_words: with(desk.t.and_others, others),
        domain: group.domain.as_ref().map(|domain| labels.domain(domain)).unwrap_or_default(),
        more: all.saturating_sub(gained.len() + lost.len()),
        gained,
        lost,
    })
}
