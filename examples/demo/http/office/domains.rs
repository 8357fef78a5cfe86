//! Domains: where an assignment may hold alone. Each with the users who have roles there, and since when and until when.

use std::collections::BTreeSet;

use askama::Template;
use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use rbac::{DomainName, RoleName, UserId};
use serde::{Deserialize, Serialize};

use super::api::read;
use super::api_policy::{commit, listed};
use super::desk::Desk;
use super::expiry::Term;
use super::labels::{Choice, Labels};
use super::wish::Wish;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{ApiResult, PageResult, Problem};
use crate::perm;

/// Users that one form offers; beyond that their page is the place to give a role.
const USERS_OFFERED_MAX: usize = 500;

/// A domain as the list shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DomainLine {
    pub(crate) name: String,
    pub(crate) label: String,
    /// Users who have a role there alone.
    pub(crate) users: usize,
    /// The roles that they have.
    pub(crate) roles: Vec<String>,
    #[serde(skip)]
    pub(crate) role_labels: Vec<(String, String)>,
    /// How many assignments hold there alone.
    pub(crate) assignments: usize,
}

/// One domain with its assignments.
#[derive(Debug, Serialize)]
pub(crate) struct DomainView {
    #[serde(flatten)]
    pub(crate) line: DomainLine,
    pub(crate) terms: Vec<Term>,
}

/// Every domain.
pub(crate) async fn list(desk: &Desk) -> Result<Vec<DomainLine>, Problem> {
    desk.must(perm::USER_VIEW)?;
    let labels = Labels::of(desk).await?;
    Ok(desk.rows().domains.keys().map(|domain| line(desk, &labels, domain)).collect())
}

fn line(desk: &Desk, labels: &Labels<'_>, domain: &DomainName) -> DomainLine {
    let reach = desk.reach();
    let here = desk.rows().assignments.keys().filter(|row| row.domain.as_ref() == Some(domain));
    let here: Vec<_> = here.filter(|row| reach.sees(&row.user)).collect();
    let users: BTreeSet<&UserId> = here.iter().map(|row| &row.user).collect();
    let roles: BTreeSet<&RoleName> = here.iter().map(|row| &row.role).collect();
    DomainLine {
        name: domain.to_string(),
        label: labels.domain(domain),
        users: users.len(),
        role_labels: roles.iter().map(|role| (role.to_string(), labels.role(role))).collect(),
        roles: roles.iter().map(ToString::to_string).collect(),
        assignments: here.len(),
    }
}

/// One domain, or 404.
pub(crate) async fn view(desk: &Desk, name: &str) -> Result<DomainView, Problem> {
    desk.must(perm::USER_VIEW)?;
    let (domain, _) = desk.rows().domains.get_key_value(name).ok_or_else(Problem::not_found)?;
    let (labels, reach) = (Labels::of(desk).await?, desk.reach());
    let here = desk.rows().assignments.iter().filter(|(row, _)| row.domain.as_ref() == Some(domain));
    let terms = here.filter(|(row, _)| reach.sees(&row.user));
    let terms = terms.map(|(row, window)| Term::of(desk, &labels, row, *window)).collect();
    Ok(DomainView { line: line(desk, &labels, domain), terms })
}

#[derive(Template)]
#[template(path = "office/domains.html")]
struct DomainsPage {
    chrome: Chrome,
    domains: Vec<DomainLine>,
    may_change: bool,
}

/// `GET /admin/domains`
pub(crate) async fn page(desk: Desk) -> PageResult {
    show(&desk).await
}

/// The list.
pub(crate) async fn show(desk: &Desk) -> PageResult {
    let domains = list(desk).await?;
    let may_change = desk.visitor.may(perm::DOMAIN_EDIT);
    render(&DomainsPage { chrome: desk.chrome("domains"), domains, may_change })
}

#[derive(Template)]
#[template(path = "office/domain.html")]
struct DomainPage {
    chrome: Chrome,
    domain: DomainLine,
    terms: Vec<Term>,
    users: Vec<Choice>,
    roles: Vec<Choice>,
    may_change: bool,
    may_assign: bool,
    may_ask: bool,
}

/// `GET /admin/domains/{domain}`
pub(crate) async fn one(desk: Desk, Path(name): Path<String>) -> PageResult {
    show_one(&desk, &name).await
}

/// The page of one domain.
pub(crate) async fn show_one(desk: &Desk, name: &str) -> PageResult {
    let DomainView { line, terms } = view(desk, name).await?;
    let (labels, reach) = (Labels::of(desk).await?, desk.reach());
    let seen = desk.rows().users.keys().filter(|user| reach.sees(user)).take(USERS_OFFERED_MAX);
    let user = |user: &UserId| Choice { code: user.to_string(), words: labels.user(user), chosen: false };
    let domain = DomainName::new(name).map_err(Problem::from)?;
    let view = desk.view().in_domain(&domain).map_err(|_| Problem::not_found())?;
    // Somebody may give roles in one domain alone.
    let assigns = view.subject(&desk.visitor.user).is_some_and(|subject| subject.can(perm::USER_ASSIGN));
    render(&DomainPage {
        chrome: desk.chrome("domains"),
        domain: line,
        terms,
        users: seen.map(user).collect(),
        roles: labels.roles(""),
        may_change: desk.visitor.may(perm::DOMAIN_EDIT),
        may_assign: assigns,
        may_ask: desk.visitor.may(perm::USER_VIEW),
    })
}

/// `GET /api/v1/admin/domains`
pub(crate) async fn api_list(desk: Desk) -> ApiResult {
    Ok(listed(&list(&desk).await?))
}

/// `GET /api/v1/admin/domains/{domain}`
pub(crate) async fn api_one(desk: Desk, Path(name): Path<String>) -> ApiResult {
    Ok(Reply(view(&desk, &name).await?).into_response())
}

/// What people call a domain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    label: String,
}

/// `PUT /api/v1/admin/domains/{domain}`: makes it, or gives it another label.
pub(crate) async fn api_put(desk: Desk, Path(domain): Path<String>, body: Bytes) -> ApiResult {
    let Named { label } = read(&body)?;
    let known = desk.rows().domains.contains_key(domain.as_str());
    let kind = if known { "label_domain" } else { "add_domain" };
    let wish = Wish { kind: kind.to_owned(), domain: domain.clone(), label, ..Wish::default() };
    commit(&desk, &[wish], "", None).await?;
    let desk = desk.fresh(String::new(), None).await?;
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Reply(view(&desk, &domain).await?)).into_response())
}

/// `DELETE /api/v1/admin/domains/{domain}`: the domain and the assignments in it.
pub(crate) async fn api_delete(desk: Desk, Path(domain): Path<String>) -> ApiResult {
    let wish = Wish { kind: "remove_domain".to_owned(), domain, ..Wish::default() };
    commit(&desk, &[wish], "", None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
