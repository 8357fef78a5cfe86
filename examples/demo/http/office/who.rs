//! Who can? Every user who holds a permission at this moment, and by which role.

use askama::Template;
use axum::extract::RawQuery;
use rbac::{DomainName, PermissionName};
use serde::Serialize;

use super::desk::Desk;
use super::fields::Fields;
use super::labels::{Choice, Labels};
use super::why::{Why, why};
use crate::http::chrome::{Chrome, initial, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::perm;

/// Users that one answer explains.
const USERS_MAX: usize = 200;

/// A user who can.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Holder {
    pub(crate) user: String,
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) initial: String,
    #[serde(skip)]
    pub(crate) department: String,
    pub(crate) why: Why,
    /// Which rows they see with it.
    pub(crate) scope: String,
}

/// Everybody who holds a permission and whom the visitor may see; the count says how many there are.
pub(crate) async fn list(
    desk: &Desk,
    permission: &str,
    domain: &str,
) -> Result<(usize, Vec<Holder>), Problem> {
    desk.must(perm::USER_VIEW)?;
    let name = PermissionName::new(permission)?;
    let id = desk.policy.permission(&name).ok_or_else(|| unknown(&name))?;
    let view = in_domain(desk, domain)?;
    let (labels, reach) = (Labels::of(desk).await?, desk.reach());
    let users: Vec<_> = view.who_can(id).into_iter().filter(|user| reach.sees(user)).collect();
    let mut holders = Vec::new();
    for user in users.iter().take(USERS_MAX) {
        let display = labels.user(user);
        let department = desk.rows().users.get(user).and_then(|row| row.department);
        holders.push(Holder {
            user: user.to_string(),
            initial: initial(&display),
            name: display,
            department: department.map(|id| labels.department(id)).unwrap_or_default(),
            why: why(desk, &labels, view, user, &name)?,
            scope: labels.scope(&view.scope(user, id)),
        });
    }
    Ok((users.len(), holders))
}

/// The answers in a domain; everywhere for an empty name.
pub(crate) fn in_domain<'a>(desk: &'a Desk, domain: &str) -> Result<rbac::View<'a>, Problem> {
    if domain.is_empty() {
        return Ok(desk.view());
    }
    let domain = DomainName::new(domain)?;
    desk.view().in_domain(&domain).map_err(|_| Problem::not_found())
}

/// The problem of a permission that nobody has declared or registered.
pub(crate) fn unknown(name: &PermissionName) -> Problem {
    Problem::bad_request(
        "unknown_permission",
        format!("there is no permission `{name}`; choose one of the list"),
    )
}

#[derive(Template)]
#[template(path = "office/who_can.html")]
struct WhoPage {
    chrome: Chrome,
    permissions: Vec<Choice>,
    domains: Vec<Choice>,
    asked: String,
    asked_label: String,
    count: usize,
    holders: Vec<Holder>,
}

/// `GET /admin/who-can?permission=`
pub(crate) async fn page(desk: Desk, RawQuery(query): RawQuery) -> PageResult {
    desk.must(perm::USER_VIEW)?;
    let fields = Fields::parse(query.unwrap_or_default().as_bytes());
    let (asked, domain) = (fields.one("permission").to_owned(), fields.one("domain").to_owned());
    let (count, holders) =
        if asked.is_empty() { (0, Vec::new()) } else { list(&desk, &asked, &domain).await? };
    let labels = Labels::of(&desk).await?;
    let names = desk.policy.permissions();
    let label = names.iter().find(|name| name.as_str() == asked).map(|name| labels.permission(name));
    render(&WhoPage {
        chrome: desk.chrome("who"),
        permissions: labels.permissions(&names, &asked),
        domains: labels.domains(&domain),
        asked_label: label.unwrap_or_default(),
        asked,
        count,
        holders,
    })
}
