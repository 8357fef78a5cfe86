//! Users, roles and assignments for programs: what the pages show and do, as JSON.

use axum::Json as Reply;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use rbac::UserId;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::api_policy::{commit, listed};
use super::desk::Desk;
use super::fields::Fields;
use super::query::UsersQuery;
use super::wish::Wish;
use super::{expiry, roles, user, users};
use crate::http::problem::{ApiResult, Problem};
use crate::perm;

/// `GET /api/v1/admin/users`: a page of users, found as on the page of the back office.
pub(crate) async fn users(desk: Desk, RawQuery(query): RawQuery) -> ApiResult {
    let query = UsersQuery::of(&Fields::parse(query.unwrap_or_default().as_bytes()));
    let view = users::list(&desk, query).await?;
    let link = |page: usize| format!("{}/api/v1{}", desk.app.public_url, view.query.at_page(page).href());
    let next = (view.query.page < view.pages).then(|| link(view.query.page + 1));
    let previous = (view.query.page > 1).then(|| link(view.query.page - 1));
    Ok(Reply(json!({ "count": view.count, "next": next, "previous": previous, "results": view.users }))
        .into_response())
}

/// `GET /api/v1/admin/users/{id}`
pub(crate) async fn user(desk: Desk, Path(id): Path<String>) -> ApiResult {
    Ok(Reply(user::view(&desk, &id, "").await?).into_response())
}

/// What may be changed about a user. What is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UserPatch {
    display_name: Option<String>,
    active: Option<bool>,
    /// A number, or null for none.
    #[serde(default, deserialize_with = "given")]
    department: Option<Value>,
}

/// A member that is there, null as well.
fn given<'de, D: Deserializer<'de>>(member: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(member).map(Some)
}

/// `PATCH /api/v1/admin/users/{id}`
pub(crate) async fn edit_user(desk: Desk, Path(id): Path<String>, body: Bytes) -> ApiResult {
    desk.must(perm::USER_VIEW)?;
    desk.reach().must_see(&UserId::new(&id)?)?;
    let patch: UserPatch = read(&body)?;
    let wish = |kind: &str| Wish { kind: kind.to_owned(), user: id.clone(), ..Wish::default() };
    let mut wishes = Vec::new();
    wishes.extend(patch.display_name.map(|label| Wish { label, ..wish("label_user") }));
    wishes.extend(patch.active.map(|active| wish(if active { "activate" } else { "deactivate" })));
    wishes.extend(
        patch.department.map(|department| Wish { department: number(&department), ..wish("move_user") }),
    );
    commit(&desk, &wishes, "", None).await?;
    let desk = desk.fresh(String::new(), None).await?;
    made(user::view(&desk, &id, "").await.map(|view| Reply(view).into_response()))
}

/// The answer to changes that were made: what they left, or nothing where that is out of sight now.
fn made(left: ApiResult) -> ApiResult {
    match left {
        Err(problem) if [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&problem.status) => {
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        left => left,
    }
}

fn number(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `PUT /api/v1/admin/users/{id}/roles/{role}`
pub(crate) async fn assign(desk: Desk, Path((user, role)): Path<(String, String)>) -> ApiResult {
    one(&desk, Wish { kind: "assign".to_owned(), user, role, ..Wish::default() }).await
}

/// `DELETE /api/v1/admin/users/{id}/roles/{role}`
pub(crate) async fn unassign(desk: Desk, Path((user, role)): Path<(String, String)>) -> ApiResult {
    one(&desk, Wish { kind: "unassign".to_owned(), user, role, ..Wish::default() }).await
}

async fn one(desk: &Desk, wish: Wish) -> ApiResult {
    commit(desk, &[wish], "", None).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/admin/assignments`: those with a beginning or an end, what ends soonest first.
pub(crate) async fn assignments(desk: Desk) -> ApiResult {
    Ok(listed(&expiry::list(&desk).await?))
}

/// `GET /api/v1/admin/roles`
pub(crate) async fn roles(desk: Desk) -> ApiResult {
    Ok(listed(&roles::list(&desk).await?))
}

/// `GET /api/v1/admin/roles/{role}`
pub(crate) async fn role(desk: Desk, Path(name): Path<String>) -> ApiResult {
    let found = roles::list(&desk).await?.into_iter().find(|role| role.name == name);
    Ok(Reply(found.ok_or_else(Problem::not_found)?).into_response())
}

/// What may be changed about a role. What is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RolePatch {
    label: Option<String>,
    enabled: Option<bool>,
    data_scope: Option<String>,
    #[serde(default)]
    departments: Vec<i64>,
}

/// `PATCH /api/v1/admin/roles/{role}`
pub(crate) async fn edit_role(desk: Desk, Path(name): Path<String>, body: Bytes) -> ApiResult {
    desk.must(perm::ROLE_VIEW)?;
    let patch: RolePatch = read(&body)?;
    let wish = |kind: &str| Wish { kind: kind.to_owned(), role: name.clone(), ..Wish::default() };
    let departments: Vec<String> = patch.departments.iter().map(ToString::to_string).collect();
    let mut wishes = Vec::new();
    wishes.extend(patch.label.map(|label| Wish { label, ..wish("label_role") }));
    wishes.extend(patch.enabled.map(|enabled| wish(if enabled { "enable_role" } else { "disable_role" })));
    wishes.extend(patch.data_scope.map(|scope| Wish { scope, departments, ..wish("scope_role") }));
    commit(&desk, &wishes, "", None).await?;
    let desk = desk.fresh(String::new(), None).await?;
    made(role(desk, Path(name)).await)
}

/// A JSON body.
pub(crate) fn read<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|cause| {
        let words = format!("the body cannot be read: {cause}");
        Problem::bad_request("invalid_body", words)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_not_answered_as_refused() {
        assert_eq!(made(Err(Problem::not_found())).unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(made(Err(Problem::forbidden("no"))).unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(made(Err(Problem::conflict("busy", "no"))).unwrap_err().status, StatusCode::CONFLICT);
    }
}
