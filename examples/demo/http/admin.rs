//! The back office: who holds which role, what each role may do, who is signed in. Pages and API share its functions.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use rbac::{Applied, Change, Effect, Refusal, RoleName, UserId};
use serde::{Deserialize, Serialize};

use super::chrome::{Chrome, page as render};
use super::input::Form;
use super::online::kick;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::clock;

/// A user as the back office shows them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct UserView {
    id: String,
    login: String,
    display_name: String,
    roles: Vec<String>,
    sessions: usize,
}

#[derive(Debug)]
struct RoleView {
    name: String,
    label: String,
    grants: Vec<GrantView>,
    inherits: Vec<String>,
    users: usize,
}

#[derive(Debug)]
struct GrantView {
    pattern: String,
    deny: bool,
}

#[derive(Template)]
#[template(path = "admin.html")]
struct AdminPage {
    chrome: Chrome,
    version: u64,
    message: String,
    users: Vec<UserView>,
    roles: Vec<RoleView>,
    refunds: Vec<String>,
}

/// Every user with their direct roles and live sessions.
pub(crate) async fn user_views(app: &App) -> Result<Vec<UserView>, Problem> {
    let policy = app.live.snapshot();
    let mut views = Vec::new();
    for account in app.school.accounts().await? {
        let roles = policy.roles_of(&UserId::new(&account.id)?).map(ToString::to_string).collect();
        let sessions = app.sso.sessions(&sso_core::UserId::new(&account.id)?).await?.len();
        views.push(UserView {
            id: account.id,
            login: account.login,
            display_name: account.display_name,
            roles,
            sessions,
        });
    }
    Ok(views)
}

fn role_views(rows: &rbac::PolicyRows) -> Vec<RoleView> {
    let grants = |name: &RoleName| {
        let own = rows.grants.iter().filter(|(grant, _)| grant.role == *name);
        own.map(|(grant, effect)| GrantView {
            pattern: grant.pattern.to_string(),
            deny: *effect == Effect::Deny,
        })
        .collect()
    };
    let inherits = |name: &RoleName| {
        let edges = rows.inheritance.iter().filter(|edge| edge.senior == *name);
        edges.map(|edge| edge.junior.to_string()).collect()
    };
    let view = |(name, row): (&RoleName, &rbac::RoleRow)| RoleView {
        name: name.to_string(),
        label: row.label.to_string(),
        grants: grants(name),
        inherits: inherits(name),
        users: rows.assignments.iter().filter(|assignment| assignment.role == *name).count(),
    };
    rows.roles.iter().map(view).collect()
}

/// `GET /admin`
pub(crate) async fn page(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    visitor.must(&app, "user:view")?;
    show(&app, &visitor, String::new()).await
}

async fn show(app: &App, visitor: &Visitor, message: String) -> PageResult {
    let snapshot = app.live.store().load().await.map_err(Problem::from)?;
    render(&AdminPage {
        chrome: visitor.chrome(app, "admin")?,
        version: snapshot.version.number(),
        message,
        users: user_views(app).await?,
        roles: role_views(&snapshot.rows),
        refunds: app.school.orders_due().await?,
    })
}

/// What the role forms send.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleForm {
    role: String,
}

/// Giving or taking a role.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RoleChange {
    /// Give it.
    Assign,
    /// Take it.
    Unassign,
}

/// `POST /admin/users/{id}/assign`
pub(crate) async fn assign(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> PageResult {
    changed(&app, &visitor, &id, &form.role, RoleChange::Assign).await
}

/// `POST /admin/users/{id}/unassign`
pub(crate) async fn unassign(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> PageResult {
    changed(&app, &visitor, &id, &form.role, RoleChange::Unassign).await
}

async fn changed(app: &App, visitor: &Visitor, id: &str, role: &str, change: RoleChange) -> PageResult {
    match change_role(app, visitor, id, role, change).await {
        Ok(()) => Ok(Redirect::to("/admin").into_response()),
        Err(problem) if problem.code == "refused" => {
            let mut reply = show(app, visitor, problem.detail).await?;
            *reply.status_mut() = problem.status;
            Ok(reply)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Gives or takes a role, if the visitor may and the rules allow it.
pub(crate) async fn change_role(
    app: &App,
    visitor: &Visitor,
    id: &str,
    role: &str,
    change: RoleChange,
) -> Result<(), Problem> {
    visitor.must(app, "user:edit")?;
    let (user, role) = (UserId::new(id)?, RoleName::new(role)?);
    let change = match change {
        RoleChange::Assign => Change::Assign { user, role },
        RoleChange::Unassign => Change::Unassign { user, role },
    };
    let actor = UserId::new(&visitor.account.id)?;
    match app.live.apply(&actor, &change, clock::now_millis()).await? {
        Applied::Done(version) => {
            tracing::info!(actor = actor.as_str(), ?change, version = version.number(), "policy changed");
            Ok(())
        }
        Applied::Refused(refusal) => Err(refused(&refusal)),
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::UnknownUser(_) | Refusal::UnknownRole(_) => Problem::not_found(),
        other => Problem::conflict("refused", other.to_string()),
    }
}

/// `POST /admin/users/{id}/sign-out`: ends every session of a user, on every server.
pub(crate) async fn sign_out(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> PageResult {
    kick(&app, &visitor, &id).await?;
    Ok(Redirect::to("/admin").into_response())
}
