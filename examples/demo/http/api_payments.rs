//! The JSON API of the back office of payments, under `/api/v1/admin`.

use axum::Json as Reply;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use serde_json::json;

use super::input::Json;
use super::orders::{self, OrdersQuery, VIEW};
use super::problem::ApiResult;
use super::reconcile;
use super::refunds::{self, RefundInput};
use super::visitor::Visitor;
use crate::app::Shared;

/// `GET /api/v1/admin/orders?number=&state=&channel=&after=`; `next` is the `after` of the next page.
pub(crate) async fn list(
    State(app): State<Shared>,
    visitor: Visitor,
    Query(query): Query<OrdersQuery>,
) -> ApiResult {
    visitor.must(VIEW)?;
    let (results, after) = orders::rows(&app, &query, visitor.look.lang).await?;
    let next = Some(after).filter(|after| !after.is_empty());
    Ok(Reply(json!({ "next": next, "results": results })).into_response())
}

/// `GET /api/v1/admin/orders/{no}`
pub(crate) async fn one(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> ApiResult {
    visitor.must(VIEW)?;
    Ok(Reply(orders::detail(&app, &number, visitor.look.lang).await?).into_response())
}

/// `PUT /api/v1/admin/orders/{no}/refunds/{refund}`: gives money back once, whatever the number of retries of one number.
pub(crate) async fn refund(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((number, refund_no)): Path<(String, String)>,
    Json(input): Json<RefundInput>,
) -> ApiResult {
    let given = refunds::give(&app, &visitor, &number, &refund_no, &input).await?;
    let order = orders::detail(&app, &number, visitor.look.lang).await?;
    let body = json!({ "refund": refund_no, "answer": given.answer, "words": given.words, "order": order });
    Ok(Reply(body).into_response())
}

/// `GET /api/v1/admin/bills/{channel}/{day}`: the gateway's bill beside our books.
pub(crate) async fn bill(
    State(app): State<Shared>,
    visitor: Visitor,
    Path((channel, day)): Path<(String, String)>,
) -> ApiResult {
    Ok(Reply(reconcile::compare(&app, &visitor, &channel, &day).await?).into_response())
}

/// `POST /api/v1/admin/reconciliations`: asks about every open order and refund now.
pub(crate) async fn ask(State(app): State<Shared>, visitor: Visitor) -> ApiResult {
    Ok(Reply(reconcile::asked(&app, &visitor).await?).into_response())
}
