//! The addresses of the sandbox: requests to responses, and the notifies that follow. No socket here.

use super::gateway::{Gateway, refusal_content};
use super::page;
use super::refusal::SandboxRefusal;
use crate::UnixMillis;
use crate::alipay::{FORM_BYTES_MAX, TRADE_QUERY};
use crate::form::{self, Params};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;

impl Gateway {
    /// Answers one request: `/gateway.do` (GET and POST), `/cashier/pay` and `/cashier/refuse` (POST),
    /// `/cashier.css`. The caller sends the notifies, and again as
    /// [`after_attempt`](super::after_attempt) says. `random` has to be fresh for every request.
    ///
    /// Limit the body before it comes here; more than 65536 bytes are refused.
    #[must_use]
    pub fn handle(
        &self,
        request: &Request<Bytes>,
        now: UnixMillis,
        random: [u8; 32],
    ) -> (Response<Bytes>, Vec<Request<Bytes>>) {
        let response = match (request.method(), request.uri().path()) {
            (&Method::GET | &Method::POST, "/gateway.do") => self.gateway_do(request, now, random),
            (&Method::POST, "/cashier/pay") => return self.cashier_pay(request, now),
            (&Method::POST, "/cashier/refuse") => self.cashier_refuse(request),
            (&Method::GET, "/cashier.css") => page::stylesheet(),
            (_, "/gateway.do" | "/cashier/pay" | "/cashier/refuse" | "/cashier.css") => {
                status(StatusCode::METHOD_NOT_ALLOWED)
            }
            _ => status(StatusCode::NOT_FOUND),
        };
        (response, Vec::new())
    }

    fn gateway_do(&self, request: &Request<Bytes>, now: UnixMillis, random: [u8; 32]) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let answer = self.admit(query, request.body()).and_then(|params| {
            if params.get("method").is_some_and(|method| method == TRADE_QUERY) {
                let failed = |_| SandboxRefusal::failed("the sandbox cannot sign");
                return self.query(&params, now).map(json).map_err(failed);
            }
            self.open(&params, now, random).map(|cashier| page::cashier(&cashier))
        });
        match answer {
            Ok(response) => response,
            // A browser and a server make the same mistakes; only the browser can read a page.
            Err(refusal) if wants_page(request) => page::refusal(&refusal),
            // The gateway does not sign what it refuses before it knows who asks.
            Err(refusal) => {
                json(format!("{{\"error_response\":{}}}", Value::Object(refusal_content(&refusal))))
            }
        }
    }

    fn cashier_pay(
        &self,
        request: &Request<Bytes>,
        now: UnixMillis,
    ) -> (Response<Bytes>, Vec<Request<Bytes>>) {
        match token(request).and_then(|token| self.pay(&token, now)) {
            Ok(paid) => {
                let response = paid.return_url.as_deref().and_then(see_other).unwrap_or_else(page::paid);
                (response, paid.notify.into_iter().collect())
            }
            Err(refusal) => (page::refusal(&refusal), Vec::new()),
        }
    }

    fn cashier_refuse(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match token(request).and_then(|token| self.refuse(&token)) {
            Ok(view) => page::unpaid(&view),
            Err(refusal) => page::refusal(&refusal),
        }
    }
}

fn token(request: &Request<Bytes>) -> Result<String, SandboxRefusal> {
    let refused = |why| SandboxRefusal::invalid("isv.invalid-parameter", why);
    if request.body().len() > FORM_BYTES_MAX {
        return Err(refused("send at most 65536 bytes"));
    }
    let params: Params = form::decode(request.body()).and_then(form::params).map_err(refused)?;
    params.get("token").cloned().ok_or_else(|| refused("send the token of the cashier page"))
}

fn wants_page(request: &Request<Bytes>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    request.method() == Method::GET || accept.is_some_and(|accept| accept.contains("text/html"))
}

/// 303, so that the browser comes back with a GET and does not pay again when the page is reloaded.
fn see_other(url: &str) -> Option<Response<Bytes>> {
    let location = HeaderValue::from_str(url).ok()?;
    let mut response = status(StatusCode::SEE_OTHER);
    response.headers_mut().insert(header::LOCATION, location);
    Some(response)
}

fn json(text: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    response
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
