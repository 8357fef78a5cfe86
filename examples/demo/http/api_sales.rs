//! The JSON API of the back office of sales, under `/api/v1/admin/sales`.

use axum::Json as Reply;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde_json::json;

use super::input::Json;
use super::problem::ApiResult;
use super::sales::{self, PERMISSION, SeatsInput, StepInput};
use super::visitor::Visitor;
use crate::app::Shared;

/// `GET /api/v1/admin/sales`
pub(crate) async fn list(State(app): State<Shared>, visitor: Visitor) -> ApiResult {
    visitor.must(PERMISSION)?;
    let results = sales::views(&app, visitor.look.lang).await?;
    Ok(Reply(json!({ "count": results.len(), "next": null, "previous": null, "results": results }))
        .into_response())
}

/// `GET /api/v1/admin/sales/{slug}`
pub(crate) async fn one(State(app): State<Shared>, visitor: Visitor, Path(slug): Path<String>) -> ApiResult {
    visitor.must(PERMISSION)?;
    Ok(Reply(sales::one(&app, &slug, visitor.look.lang).await?).into_response())
}

/// `POST /api/v1/admin/sales/{slug}/steps`: pause, resume or close; a step that was taken before changes nothing.
pub(crate) async fn step(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Json(input): Json<StepInput>,
) -> ApiResult {
    sales::take_step(&app, &visitor, &slug, input.step).await?;
    Ok(Reply(sales::one(&app, &slug, visitor.look.lang).await?).into_response())
}

/// `PUT /api/v1/admin/sales/{slug}/seats/{id}`: adds or withdraws seats once, whatever the number of retries of one id.
pub(crate) async fn seats(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((slug, id)): Path<(String, String)>,
    Json(input): Json<SeatsInput>,
) -> ApiResult {
    let done = sales::change_seats(&app, &visitor, &slug, &id, &input).await?;
    let body = json!({ "id": id, "direction": input.direction, "units": input.units, "done": done });
    Ok(Reply(body).into_response())
}

/// `GET /api/v1/admin/sales/{slug}/audit`: the counters beside the records.
pub(crate) async fn audit(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> ApiResult {
    Ok(Reply(sales::audited(&app, &visitor, &slug).await?).into_response())
}
