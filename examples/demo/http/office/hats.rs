//! The page on which somebody chooses the roles that they use: theirs, what each gives, and which must not be used
//! together.

use std::collections::BTreeSet;

use askama::Template;
use rbac::{DutyKind, RoleName};
use serde::Serialize;

use super::desk::Desk;
use super::labels::Labels;
use super::powers::Powers;
use crate::http::active_roles;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{PageResult, Problem};

/// A role that the visitor may use.
#[derive(Debug, Serialize)]
pub(crate) struct RoleChoice {
    pub(crate) name: String,
    pub(crate) label: String,
    /// Assigned to them; else it comes with one that is.
    pub(crate) assigned: bool,
    /// In use now.
    pub(crate) active: bool,
    /// How many permissions it gives.
    pub(crate) permissions: usize,
    /// Which rows it opens.
    #[serde(skip)]
    pub(crate) scope: String,
}

/// A set of roles of theirs that must not be used together.
#[derive(Debug, Serialize)]
pub(crate) struct Apart {
    pub(crate) name: String,
    pub(crate) label: String,
    /// How many of them may be used at a time.
    pub(crate) at_most: u32,
    pub(crate) roles: Vec<String>,
    #[serde(skip)]
    pub(crate) words: String,
}

/// What there is to choose from.
#[derive(Debug, Serialize)]
pub(crate) struct HatsView {
    pub(crate) roles: Vec<RoleChoice>,
    /// False while all of them are in use.
    pub(crate) chosen: bool,
    /// Nothing is permitted before they choose.
    pub(crate) to_choose: bool,
    pub(crate) apart: Vec<Apart>,
}

impl HatsView {
    fn assigned(&self) -> impl Iterator<Item = &RoleChoice> {
        self.roles.iter().filter(|role| role.assigned)
    }

    fn inherited(&self) -> impl Iterator<Item = &RoleChoice> {
        self.roles.iter().filter(|role| !role.assigned)
    }

    fn has_inherited(&self) -> bool {
        self.inherited().next().is_some()
    }

    /// Whether all of them may be used together.
    fn all_together(&self) -> bool {
        self.apart.is_empty()
    }
}

/// The visitor's roles.
pub(crate) async fn view(desk: &Desk) -> Result<HatsView, Problem> {
    let (labels, powers) = (Labels::of(desk).await?, Powers::of(desk.rows()));
    let rows = desk.rows();
    let names = desk.policy.permissions();
    let held: Vec<&RoleName> =
        desk.view().subject(&desk.visitor.user).map(|subject| subject.roles().collect()).unwrap_or_default();
    let known = |name: &&RoleName| rows.roles.get_key_value(*name).map(|(role, _)| role);
    let assigned: BTreeSet<&RoleName> = held.iter().filter_map(known).collect();
    let all: BTreeSet<&RoleName> = assigned.iter().copied().flat_map(|role| powers.inherited(role)).collect();
    let active: Option<BTreeSet<&RoleName>> =
        desk.visitor.active.as_ref().map(|session| session.roles().collect());
    let choice = |role: &RoleName| {
        let row = rows.roles.get_key_value(role);
        let assigned = assigned.contains(role);
        RoleChoice {
            name: role.to_string(),
            label: labels.role(role),
            assigned,
            active: active.as_ref().map_or(assigned, |active| active.contains(role)),
            permissions: row.map_or(0, |(role, _)| {
                powers.row(role, &names).iter().filter(|power| power.state.allows()).count()
            }),
            scope: row.map(|(_, row)| labels.data_scope(&row.data_scope)).unwrap_or_default(),
        }
    };
    let roles: Vec<_> = all.iter().map(|role| choice(role)).collect();
    let apart: Vec<_> = apart(desk, &labels, &all);
    let to_choose = desk.visitor.must_not_choose(crate::perm::COURSE_VIEW).is_err();
    Ok(HatsView { roles, chosen: active.is_some(), to_choose, apart })
}

/// The dynamic sets of which they have too many.
fn apart(desk: &Desk, labels: &Labels<'_>, all: &BTreeSet<&RoleName>) -> Vec<Apart> {
    let dynamic = desk.rows().duties.iter().filter(|(_, duty)| duty.kind == DutyKind::Dynamic);
    let found = dynamic.filter_map(|(name, duty)| {
        let own: Vec<&RoleName> = duty.roles.iter().filter(|role| all.contains(role)).collect();
        let many = u32::try_from(own.len()).is_ok_and(|count| count >= duty.cardinality);
        let words: Vec<_> = own.iter().map(|role| labels.role(role)).collect();
        many.then(|| Apart {
            name: name.to_string(),
            label: if duty.label.as_str().is_empty() { name.to_string() } else { duty.label.to_string() },
            at_most: duty.cardinality.saturating_sub(1),
            roles: own.iter().map(ToString::to_string).collect(),
            words: words.join(desk.t.comma),
        })
    });
    found.collect()
}

#[derive(Template)]
#[template(path = "office/hats.html")]
struct HatsPage {
    chrome: Chrome,
    view: HatsView,
    next: String,
    refusal: String,
    action: &'static str,
}

/// The page, with a refusal if the last choice was none.
pub(crate) async fn show(desk: &Desk, next: &str, refusal: &str) -> PageResult {
    render(&HatsPage {
        chrome: desk.chrome("hats"),
        view: view(desk).await?,
        next: next.to_owned(),
        refusal: refusal.to_owned(),
        action: active_roles::PATH,
    })
}
