//! The first page: the policy at a glance, what ends soon, what changed last, what is wrong.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use rbac::HistoryQuery;

use super::audit::EntryLine;
use super::desk::Desk;
use super::expiry::{self, Term};
use super::labels::Labels;
use crate::app::Shared;
use crate::http::chrome::{Chrome, page as render};
use crate::http::problem::{PageResult, Problem};
use crate::http::visitor::Visitor;
use crate::perm;

/// Lines of each list.
const LINES_MAX: usize = 6;
/// The same for the audit trail.
const ENTRIES_MAX: u16 = 6;

/// A number and where it leads.
#[derive(Debug)]
struct Tile {
    name: &'static str,
    count: u64,
    note: String,
    href: &'static str,
}

#[derive(Template)]
#[template(path = "office/overview.html")]
struct OverviewPage {
    chrome: Chrome,
    tiles: Vec<Tile>,
    terms: Vec<Term>,
    entries: Vec<EntryLine>,
    problems: Vec<String>,
    refunds: Vec<String>,
}

/// `GET /admin`: the first room that the visitor may enter.
pub(crate) async fn door(State(_app): State<Shared>, visitor: Visitor) -> PageResult {
    let chrome = visitor.chrome("");
    let rooms = chrome.user.iter().flat_map(|user| &user.menu).flat_map(|wing| &wing.rooms);
    match rooms.map(|room| room.path).next() {
        Some(path) => Ok(Redirect::to(path).into_response()),
        None => {
            visitor.must_not_choose(perm::ROLE_VIEW)?;
            Err(Problem::forbidden("none of your roles opens the back office").into())
        }
    }
}

/// `GET /admin/overview`
pub(crate) async fn page(desk: Desk) -> PageResult {
    desk.must(perm::USER_VIEW)?;
    let labels = Labels::of(&desk).await?;
    let soon =
        expiry::list(&desk).await?.into_iter().filter(|term| term.state == "soon" || term.state == "later");
    let mut entries = Vec::new();
    if desk.visitor.may(perm::AUDIT_VIEW) {
        let history = desk.app.live.store().history(&HistoryQuery::latest(ENTRIES_MAX)).await;
        entries = history
            .map_err(Problem::from)?
            .iter()
            .map(|entry| EntryLine::of(&desk, &labels, entry))
            .collect();
    }
    let refunds = match desk.visitor.may(perm::PAYMENT_VIEW) {
        true => desk.app.school.orders_due().await?,
        false => Vec::new(),
    };
    render(&OverviewPage {
        tiles: tiles(&desk).await?,
        terms: soon.take(LINES_MAX).collect(),
        problems: desk.policy.problems().iter().map(ToString::to_string).take(LINES_MAX).collect(),
        chrome: desk.chrome("overview"),
        entries,
        refunds,
    })
}

async fn tiles(desk: &Desk) -> Result<Vec<Tile>, Problem> {
    let (rows, t, reach) = (desk.rows(), desk.t, desk.reach());
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let seen: Vec<_> = rows.users.iter().filter(|(user, _)| reach.sees(user)).collect();
    let active = seen.iter().filter(|(_, row)| row.active).count();
    let enabled = rows.roles.values().filter(|row| row.enabled).count();
    let declared = perm::modules().map(|module| module.entries.len()).sum::<usize>();
    let names = desk.policy.permissions().len();
    let online = desk.app.sso.online_count().await?;
    let tile = |name, count, note, href| Tile { name, count, note, href };
    Ok(vec![
        tile(t.users, number(seen.len()), super::text::with(t.tile_active, active), "/admin/users"),
        tile(t.roles, number(rows.roles.len()), super::text::with(t.tile_enabled, enabled), "/admin/roles"),
        tile(
            t.permissions,
            number(names),
            super::text::with(t.tile_declared, declared),
            "/admin/permissions",
        ),
        tile(t.online, online, t.tile_online.to_owned(), "/admin/online"),
    ])
}
