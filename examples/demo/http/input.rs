//! Bodies as they come in: JSON and forms, limited in size, with a typed problem for everything that is wrong.

use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::problem::{PageProblem, Problem};

/// The largest body any handler reads, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(cause) => Err(json_problem(&cause)),
        }
    }
}

/// A form's body.
#[derive(Debug)]
pub(crate) struct Form<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = PageProblem;

    async fn from_request(request: Request, state: &S) -> Result<Self, PageProblem> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(value)) => Ok(Self(value)),
            Err(cause) => Err(form_problem(&cause).into()),
        }
    }
}

fn json_problem(cause: &JsonRejection) -> Problem {
    problem(cause.status(), cause.body_text())
}

fn form_problem(cause: &FormRejection) -> Problem {
    problem(cause.status(), cause.body_text())
}

/// The problem of a body that could not be read.
pub(crate) fn problem(status: StatusCode, words: String) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            status,
            "too_large",
            format!("the body is larger than {BODY_BYTES_MAX} bytes; send less"),
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(status, "unsupported_media_type", words),
        status if status.is_client_error() => Problem::new(status, "invalid_body", words),
        status => Problem::new(status, "internal", "the body could not be read"),
    }
}
