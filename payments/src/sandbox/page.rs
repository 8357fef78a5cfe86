//! The frame of every page of the sandbox: plain HTML without script, a strict content policy.

use crate::html::escape;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

const CSS: &str = include_str!("cashier.css");

/// How wide the page is.
#[derive(Clone, Copy)]
enum Width {
    /// One card: the cashier.
    Card,
    /// A table: the console.
    Table,
}

pub(super) fn stylesheet() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(CSS.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

/// A page with one card. `main` is HTML; its forms may lead to the sandbox and to `shop_origin`.
pub(super) fn small(
    status: StatusCode,
    title: &str,
    main: &str,
    shop_origin: Option<&str>,
) -> Response<Bytes> {
    page(status, title, main, shop_origin, Width::Card)
}

/// A page with tables. `main` is HTML.
pub(super) fn wide(title: &str, main: &str) -> Response<Bytes> {
    page(StatusCode::OK, title, main, None, Width::Table)
}

fn page(
    status: StatusCode,
    title: &str,
    main: &str,
    shop_origin: Option<&str>,
    width: Width,
) -> Response<Bytes> {
    let (brand, class) = match width {
        Width::Card => ("收银台 <span lang=\"en\">Cashier</span>", "card"),
        Width::Table => ("交易 <span lang=\"en\">Trades</span>", "wide"),
    };
    let html = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{} · 沙箱 SANDBOX</title>\n<link rel=\"stylesheet\" href=\"/cashier.css\">\n</head>\n<body>\n\
         <header><span class=\"brand\">{brand}</span>\
         <span class=\"mark\">沙箱 SANDBOX</span></header>\n<main class=\"{class}\">\n{main}</main>\n\
         <footer>沙箱环境，不会产生真实扣款。<span lang=\"en\">This is a sandbox: no real money moves.</span></footer>\n\
         </body>\n</html>\n",
        escape(title)
    );
    let mut response = Response::new(Bytes::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The token is in the address of a scanned page: it goes nowhere else. The console has to know its own forms.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy(shop_origin));
    response
}

/// Browsers apply `form-action` to the redirect that answers a form too, so the shop's origin is part of it.
fn policy(shop_origin: Option<&str>) -> HeaderValue {
    let strict =
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
    let with_shop = shop_origin.and_then(|origin| HeaderValue::from_str(&format!("{strict} {origin}")).ok());
    with_shop.unwrap_or_else(|| HeaderValue::from_static(strict))
}
