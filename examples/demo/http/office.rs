//! The back office: users, roles, permissions and the rules between them. Pages and API share the functions that find and
//! change things; each file is one room.

pub(crate) mod already;
pub(crate) mod api;
pub(crate) mod api_policy;
pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod departments;
pub(crate) mod desk;
pub(crate) mod domains;
pub(crate) mod duties;
pub(crate) mod expiry;
pub(crate) mod facets;
pub(crate) mod fields;
pub(crate) mod gains;
pub(crate) mod graph;
pub(crate) mod grouped;
pub(crate) mod hats;
pub(crate) mod labels;
pub(crate) mod layout;
pub(crate) mod look;
pub(crate) mod matrix;
pub(crate) mod overview;
pub(crate) mod permissions;
pub(crate) mod powers;
pub(crate) mod query;
pub(crate) mod reach;
pub(crate) mod role;
pub(crate) mod roles;
pub(crate) mod rooms;
pub(crate) mod sentences;
pub(crate) mod shown;
pub(crate) mod source;
pub(crate) mod text;
pub(crate) mod text_rooms;
pub(crate) mod text_till;
pub(crate) mod transfer;
pub(crate) mod trial;
pub(crate) mod user;
pub(crate) mod users;
pub(crate) mod who;
pub(crate) mod why;
pub(crate) mod wish;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};

use crate::app::Shared;

/// What people see.
pub(crate) fn pages() -> Router<Shared> {
    Router::new()
        .route("/admin", get(overview::door))
        .route("/admin/look", post(look::choose))
        .route("/admin/overview", get(overview::page))
        .route("/admin/users", get(users::page))
        .route("/admin/users/{id}", get(user::page))
        .route("/admin/users/{id}/sign-out", post(user::sign_out))
        .route("/admin/users/{id}/sessions/{session}/sign-out", post(user::sign_out_one))
        .route("/admin/roles", get(roles::page))
        .route("/admin/roles/{role}", get(role::page))
        .route("/admin/matrix", get(matrix::page))
        .route("/admin/permissions", get(permissions::page))
        .route("/admin/who-can", get(who::page))
        .route("/admin/graph", get(graph::page))
        .route("/admin/duties", get(duties::page))
        .route("/admin/departments", get(departments::page))
        .route("/admin/domains", get(domains::page))
        .route("/admin/domains/{domain}", get(domains::one))
        .route("/admin/expiry", get(expiry::page))
        .route("/admin/audit", get(audit::page))
        .route("/admin/audit/{version}", get(audit::one))
        .route("/admin/audit/{version}/revert", get(audit::revert_page).post(audit::revert))
        .route("/admin/changes", post(changes::post))
        .route("/admin/transfer", get(transfer::page).post(transfer::post).layer(texts()))
        .route("/admin/export/{file}", get(transfer::download))
        .route("/admin/cases", get(trial::page).post(trial::post).layer(texts()))
}

/// Where whole files come in: in a form most bytes of a text take three.
fn texts() -> DefaultBodyLimit {
    DefaultBodyLimit::max(4 * source::TEXT_BYTES_MAX)
}

/// What programs ask, below `/api/v1`.
pub(crate) fn api() -> Router<Shared> {
    Router::new()
        .route("/admin/users", get(api::users))
        .route("/admin/users/{id}", get(api::user).patch(api::edit_user))
        .route("/admin/users/{id}/roles/{role}", put(api::assign).delete(api::unassign))
        .route("/admin/assignments", get(api::assignments))
        .route("/admin/roles", get(api::roles))
        .route("/admin/roles/{role}", get(api::role).patch(api::edit_role))
        .route("/admin/permissions", get(api_policy::permissions))
        .route("/admin/explain", get(api_policy::explain))
        .route("/admin/who-can", get(api_policy::who_can))
        .route("/admin/policy/preview", post(api_policy::preview))
        .route("/admin/policy/changes", post(api_policy::change))
        .route("/admin/domains", get(domains::api_list))
        .route(
            "/admin/domains/{domain}",
            get(domains::api_one).put(domains::api_put).delete(domains::api_delete),
        )
        .route("/admin/policy/export/{file}", get(transfer::api_export))
        .route("/admin/policy/import", post(transfer::api_import).layer(texts()))
        .route("/admin/policy/cases", post(trial::api).layer(texts()))
        .route("/admin/audit", get(api_policy::audit))
        .route("/admin/audit/{version}/revert", post(api_policy::revert))
}
