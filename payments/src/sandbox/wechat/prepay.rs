//! The calls that open a trade: JSAPI, App, H5 and Native (manual: 下单), and the pages that they lead to.

use super::SandboxWechat;
use super::admission::{Admitted, Body};
use super::refusal::Refusal;
use super::reply::{Content, Done};
use crate::sandbox::book::{Entry, Key, NewTrade, No, Terms, Trade};
use crate::sandbox::side::Desk;
use crate::{CallbackUrl, Channel, Currency, Money, UnixMillis};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An unpaid trade ends after so many seconds, seven days, unless the merchant says when.
const EXPIRES_SECS: u64 = 7 * 86_400;
const DESCRIPTION_BYTES_MAX: usize = 127;
const ATTACH_BYTES_MAX: usize = 128;
/// How much of a cashier's token a prepay id holds, after `wx`.
const PREPAY_DIGITS: usize = 34;

/// The products, by the last part of the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Product {
    Jsapi,
    App,
    H5,
    Native,
}

impl Product {
    pub(super) fn find(word: &str) -> Option<Self> {
        match word {
            "jsapi" => Some(Self::Jsapi),
            "app" => Some(Self::App),
            "h5" => Some(Self::H5),
            "native" => Some(Self::Native),
            _ => None,
        }
    }

    /// `trade_type` in messages.
    const fn trade_type(self) -> &'static str {
        match self {
            Self::Jsapi => "JSAPI",
            Self::App => "APP",
            Self::H5 => "MWEB",
            Self::Native => "NATIVE",
        }
    }
}

/// Opens a trade, or opens it again on the same terms.
pub(super) fn open(
    side: &SandboxWechat,
    product: Product,
    request: &Admitted,
    desk: &mut Desk<'_>,
) -> Result<Done, Refusal> {
    let terms = terms(side, product, &request.body, desk)?;
    let out_trade_no = number(request.body.text("out_trade_no"), "out_trade_no", 6..=32)?;
    let key = Key::new(Channel::Wechat, &out_trade_no);
    let trade_no = format!("4200{}", desk.entropy.digits(24));
    let entry = if product == Product::H5 { Entry::Page } else { Entry::Code };
    let new = NewTrade { key: key.clone(), out_trade_no, trade_no, token: desk.token(), terms, entry };
    let trade = desk.book.enter(new, desk.now).map_err(refused)?;
    let token = trade.token.clone().unwrap_or_default();
    let content = match product {
        Product::Jsapi | Product::App => json!({ "prepay_id": prepay_id(&token) }),
        Product::Native => json!({ "code_url": desk.cashier_url(&token) }),
        Product::H5 => json!({ "h5_url": format!("{}/wechat/h5/{token}", desk.origin) }),
    };
    Ok(Done { content: Content::Json(content), key: Some(key) })
}

/// The trade behind an address for browsers: the cashier's token for H5, a prepay id for JSAPI and App.
pub(super) fn opened_by<'a>(token: &str, desk: &'a mut Desk<'_>) -> Option<&'a Trade> {
    let prepay = desk.book.find_by(|trade| {
        let own = trade.token.as_deref().filter(|_| trade.key.channel == Channel::Wechat);
        own.is_some_and(|own| prepay_id(own) == token)
    });
    let token = prepay.and_then(|trade| trade.token.clone()).unwrap_or_else(|| token.to_owned());
    desk.book.open(&token, desk.now).ok()
}

fn prepay_id(token: &str) -> String {
    let digits: String = token.chars().take(PREPAY_DIGITS).collect();
    format!("wx{digits}")
}

/// Opening a paid trade is refused in other words than closing one.
fn refused(no: No) -> Refusal {
    match no {
        No::Paid => Refusal::request("该订单已支付"),
        other => other.into(),
    }
}

/// A number of the merchant: letters, digits and `_-|*`, for refunds also `@`.
pub(super) fn number(
    text: Option<&str>,
    field: &'static str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<String, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
    let text = text.filter(|text| length.contains(&text.len()) && text.bytes().all(allowed));
    text.map(ToOwned::to_owned).ok_or_else(|| {
        Refusal::parameter(field, "use letters, digits and _-|* within the length of the manual")
    })
}

/// Fen, and CNY if a currency is named.
pub(super) fn fen(body: &Body, name: &'static str) -> Result<Money, Refusal> {
    let refused = || Refusal::parameter(name, "send whole fen above zero, in CNY");
    let currency = body.inner("amount", "currency");
    if currency.is_some_and(|currency| currency.as_str() != Some("CNY")) {
        return Err(refused());
    }
    let fen = body.inner("amount", name).and_then(Value::as_i64).ok_or_else(refused)?;
    Money::from_minor(fen, Currency::Cny).map_err(|_| refused())
}

/// The application and the merchant in a body are those of the signature.
pub(super) fn check_parties(side: &SandboxWechat, body: &Body) -> Result<(), Refusal> {
    if body.text("mchid") != Some(side.merchant.mchid.as_str()) {
        return Err(Refusal::parameter("mchid", "it is not the mchid of the signature"));
    }
    if body.text("appid") != Some(side.merchant.app_id.as_str()) {
        let message = "appid和mch_id不匹配，请检查后再试";
        return Err(Refusal::of(StatusCode::BAD_REQUEST, "APPID_MCHID_NOT_MATCH", message));
    }
    Ok(())
}

fn terms(side: &SandboxWechat, product: Product, body: &Body, desk: &Desk<'_>) -> Result<Terms, Refusal> {
    check_parties(side, body)?;
    let refused = Refusal::parameter;
    let limited = |name: &'static str, bytes_max: usize| match body.text(name) {
        Some(text) if text.len() > bytes_max => Err(refused(name, "it is too long")),
        text => Ok(text.map(ToOwned::to_owned)),
    };
    let subject = limited("description", DESCRIPTION_BYTES_MAX)?;
    let attach = limited("attach", ATTACH_BYTES_MAX)?;
    let expires_at = body.text("time_expire").map(UnixMillis::parse_rfc3339).transpose();
    let expires_at = expires_at.map_err(|_| refused("time_expire", "write RFC 3339"))?;
    if expires_at.is_some_and(|at| at <= desk.now) {
        return Err(refused("time_expire", "it is over"));
    }
    let default_end = desk.now.as_millis().saturating_add(desk.speed.millis(EXPIRES_SECS));
    let notify_url = body.text("notify_url").and_then(|url| CallbackUrl::parse(url).ok());
    let notify_url = notify_url.ok_or_else(|| refused("notify_url", "send an address without a query"))?;
    let payer = payer(product, body)?;
    let fixed = [("trade_type", Some(product.trade_type().to_owned())), ("attach", attach), ("payer", payer)];
    let fixed = fixed.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Ok(Terms {
        subject: subject.ok_or_else(|| refused("description", "say what is sold"))?,
        amount: fen(body, "total")?,
        fixed: fixed.collect::<BTreeMap<_, _>>(),
        expires_at: Some(expires_at.unwrap_or(UnixMillis::from_millis(default_end))),
        notify_url: Some(notify_url),
        return_url: None,
    })
}

/// Who pays, where the product wants to know it: the open id, or the address of an H5 browser.
fn payer(product: Product, body: &Body) -> Result<Option<String>, Refusal> {
    let text = |object, name| body.inner(object, name).and_then(Value::as_str);
    match product {
        Product::Jsapi => {
            let openid = text("payer", "openid").filter(|id| (1..=128).contains(&id.len()));
            let openid = openid.ok_or_else(|| Refusal::parameter("openid", "send the buyer's open id"))?;
            Ok(Some(openid.to_owned()))
        }
        Product::H5 => {
            let address = text("scene_info", "payer_client_ip");
            let kind = body.inner("scene_info", "h5_info").and_then(|h5| h5.get("type")?.as_str());
            let known = address.is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok());
            if known && matches!(kind, Some("Wap" | "iOS" | "Android")) {
                Ok(None)
            } else {
                Err(Refusal::parameter("scene_info", "send payer_client_ip and h5_info.type"))
            }
        }
        Product::App | Product::Native => Ok(None),
    }
}
