//! Sets of roles between which duties are separated, and how near each user is to the limit.

use std::collections::BTreeMap;

use askama::Template;
use rbac::{Duty, DutyKind, RoleName, UserId};

use super::desk::Desk;
use super::labels::{Choice, Labels};
use super::powers::Powers;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::PageResult;
use crate::perm;

/// Users named beside a set.
const USERS_SHOWN_MAX: usize = 12;

#[derive(Debug)]
struct DutyLine {
    name: String,
    label: String,
    /// `static` or `dynamic`.
    kind: &'static str,
    words: &'static str,
    cardinality: u32,
    /// One role less than that: what one person may have.
    at_most: u32,
    roles: Vec<Choice>,
    /// Who has as many of the roles as one person may.
    near: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "office/duties.html")]
struct DutiesPage {
    chrome: Chrome,
    duties: Vec<DutyLine>,
    roles: Vec<Choice>,
    may_change: bool,
}

/// `GET /admin/duties`
pub(crate) async fn page(desk: Desk) -> PageResult {
    show(&desk).await
}

/// The page.
pub(crate) async fn show(desk: &Desk) -> PageResult {
    desk.must(perm::ROLE_VIEW)?;
    let labels = Labels::of(desk).await?;
    let authorised = authorised(desk);
    let lines = desk.rows().duties.iter().map(|(name, duty)| DutyLine {
        name: name.to_string(),
        label: if duty.label.as_str().is_empty() { name.to_string() } else { duty.label.to_string() },
        kind: duty.kind.as_str(),
        words: match duty.kind {
            DutyKind::Static => desk.t.duty_static,
            DutyKind::Dynamic => desk.t.duty_dynamic,
        },
        cardinality: duty.cardinality,
        at_most: duty.cardinality.saturating_sub(1),
        roles: ticked(&labels, duty),
        near: near(desk, &labels, duty, &authorised),
    });
    render(&DutiesPage {
        chrome: desk.chrome("duties"),
        duties: lines.collect(),
        roles: labels.roles(""),
        may_change: desk.visitor.may(perm::DUTY_EDIT),
    })
}

fn ticked(labels: &Labels<'_>, duty: &Duty) -> Vec<Choice> {
    let chosen = |code: &str| duty.roles.contains(code);
    labels.roles("").into_iter().map(|choice| Choice { chosen: chosen(&choice.code), ..choice }).collect()
}

/// The roles of each user who is in sight, inherited ones among them, wherever and whenever they hold.
fn authorised(desk: &Desk) -> BTreeMap<&UserId, Vec<&RoleName>> {
    let (reach, powers) = (desk.reach(), Powers::of(desk.rows()));
    let mut found: BTreeMap<&UserId, Vec<&RoleName>> = BTreeMap::new();
    for assignment in desk.rows().assignments.keys().filter(|assignment| reach.sees(&assignment.user)) {
        found.entry(&assignment.user).or_default().extend(powers.inherited(&assignment.role));
    }
    found
}

fn near(
    desk: &Desk,
    labels: &Labels<'_>,
    duty: &Duty,
    authorised: &BTreeMap<&UserId, Vec<&RoleName>>,
) -> Vec<(String, String)> {
    let has = |roles: &[&RoleName]| duty.roles.iter().filter(|role| roles.contains(role)).count();
    let limit = usize::try_from(duty.cardinality.saturating_sub(1)).unwrap_or(usize::MAX);
    let users = authorised.iter().filter(|(_, roles)| has(roles) >= limit);
    let users = users.filter(|(user, _)| desk.rows().users.contains_key(**user));
    users.map(|(user, _)| (user.to_string(), labels.user(user))).take(USERS_SHOWN_MAX).collect()
}
