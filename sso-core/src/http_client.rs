//! Who sends a request to another server. Requests and replies are values; everything else is the client's business.

use std::fmt::Debug;

use bytes::Bytes;

use crate::error::Error;
use crate::store::BoxFuture;

/// Sends one request and returns its reply, whatever its status.
///
/// A client has a time limit and a limit on the body of a reply, follows no redirect, and sends over https only,
/// except to the loopback. `ReqwestClient` (feature `reqwest`) does all that; so must another one. A request may
/// hold secrets in its address: a client logs neither the address nor the body.
///
/// # Errors
/// `Unavailable` if there is no reply in time; `PeerMisbehaved` if the reply is too long or is not HTTP.
///
/// ```
/// use bytes::Bytes;
/// use sso_core::{BoxFuture, Error, HttpClient};
///
/// /// Answers everything with `204 No Content`.
/// #[derive(Debug)]
/// struct Nothing;
///
/// impl HttpClient for Nothing {
///     fn send<'a>(
///         &'a self,
///         _request: http::Request<Bytes>,
///     ) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>> {
///         let mut response = http::Response::new(Bytes::new());
///         *response.status_mut() = http::StatusCode::NO_CONTENT;
///         Box::pin(async move { Ok(response) })
///     }
/// }
/// ```
pub trait HttpClient: Send + Sync + Debug {
    /// Sends one request.
    fn send<'a>(
        &'a self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, Error>>;
}
