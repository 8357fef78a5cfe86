//! The pages of the cashier: plain HTML without script, every outside text escaped, a strict content policy.

use super::cashier::{Cashier, TradeView};
use super::refusal::SandboxRefusal;
use crate::html::escape;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

const CSS: &str = include_str!("cashier.css");

pub(super) fn stylesheet() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(CSS.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

/// The page with the two buttons.
pub(super) fn cashier(cashier: &Cashier) -> Response<Bytes> {
    let view = cashier.view();
    let main = format!(
        "<p class=\"label\">应付金额 <span lang=\"en\">Amount due</span></p>\n\
         <p class=\"amount\"><span class=\"currency\">¥</span>{amount}</p>\n{facts}\
         <form method=\"post\" action=\"/cashier/pay\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <button class=\"pay\" type=\"submit\" id=\"pay\">确认付款 <span lang=\"en\">Pay now</span></button>\n\
         <button class=\"refuse\" type=\"submit\" id=\"refuse\" formaction=\"/cashier/refuse\">\
         暂不付款 <span lang=\"en\">Do not pay</span></button>\n</form>\n",
        amount = escape(&view.amount.yuan_text()),
        facts = facts(view),
        token = escape(cashier.token()),
    );
    page(StatusCode::OK, "收银台 Cashier", &main, view.shop_origin.as_deref())
}

/// The buyer refused.
pub(super) fn unpaid(view: &TradeView) -> Response<Bytes> {
    let back = view.shop_origin.as_deref().map(|origin| {
        format!(
            "<a class=\"back\" href=\"{}/\">返回商家 <span lang=\"en\">Back to the shop</span></a>\n",
            escape(origin)
        )
    });
    let main = format!(
        "<h1>订单未付款 <span lang=\"en\">Not paid</span></h1>\n\
         <p>没有扣款，可以回到商家重新付款。</p>\n\
         <p lang=\"en\">Nothing was charged. You can pay again from the shop.</p>\n{}{}",
        facts(view),
        back.unwrap_or_default()
    );
    page(StatusCode::OK, "未付款 Not paid", &main, None)
}

/// The buyer paid, and the merchant gave no address to return to.
pub(super) fn paid() -> Response<Bytes> {
    let main = "<h1>付款成功 <span lang=\"en\">Paid</span></h1>\n<p>可以关闭此页面。</p>\n\
                <p lang=\"en\">You can close this page.</p>\n";
    page(StatusCode::OK, "付款成功 Paid", main, None)
}

/// A refusal, for the developer of the shop.
pub(super) fn refusal(refusal: &SandboxRefusal) -> Response<Bytes> {
    let canonical = refusal.canonical.as_deref().map(|text| {
        format!(
            "<p>待签名字符串 <span lang=\"en\">Text to be signed</span></p>\n<pre>{}</pre>\n",
            escape(text)
        )
    });
    let main = format!(
        "<h1>无法付款 <span lang=\"en\">Cannot pay</span></h1>\n<dl>\n<dt>code</dt><dd>{}</dd>\n\
         <dt>sub_code</dt><dd>{}</dd>\n</dl>\n<p lang=\"en\">{}</p>\n{}",
        escape(refusal.code),
        escape(refusal.sub_code),
        escape(refusal.remedy),
        canonical.unwrap_or_default()
    );
    page(StatusCode::BAD_REQUEST, "无法付款 Cannot pay", &main, None)
}

fn facts(view: &TradeView) -> String {
    format!(
        "<dl>\n<dt>商品 <span lang=\"en\">Item</span></dt><dd>{}</dd>\n\
         <dt>商户订单号 <span lang=\"en\">Order</span></dt><dd>{}</dd>\n\
         <dt>交易号 <span lang=\"en\">Trade</span></dt><dd>{}</dd>\n</dl>\n",
        escape(&view.subject),
        escape(&view.out_trade_no),
        escape(&view.trade_no)
    )
}

fn page(status: StatusCode, title: &str, main: &str, shop_origin: Option<&str>) -> Response<Bytes> {
    let html = format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} · 沙箱 SANDBOX</title>\n<link rel=\"stylesheet\" href=\"/cashier.css\">\n</head>\n<body>\n\
         <header><span class=\"brand\">收银台 <span lang=\"en\">Cashier</span></span>\
         <span class=\"mark\">沙箱 SANDBOX</span></header>\n<main>\n{main}</main>\n\
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
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
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
