//! The common parameters of every request to the form gateway, and the signature over all of them.

use super::canonical::{REQUEST_UNSIGNED, canonical};
use super::merchant::Merchant;
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::{OutTradeNo, UnixMillis, error, sign};
use serde::Serialize;

pub(crate) const PAGE_PAY: &str = "alipay.trade.page.pay";
pub(crate) const PAGE_PAY_PRODUCT: &str = "FAST_INSTANT_TRADE_PAY";
pub(crate) const TRADE_QUERY: &str = "alipay.trade.query";

/// Signed parameters of one request: common ones, `biz_content`, and the given extra ones.
pub(crate) fn signed_params(
    merchant: &Merchant,
    method: &str,
    biz_content: &impl Serialize,
    extra: &[(&str, &str)],
    now: UnixMillis,
) -> Result<Params, Error> {
    let biz_content = serde_json::to_string(biz_content).map_err(Cause::from)?;
    let timestamp = now.china_text();
    let common = [
        ("app_id", merchant.app_id.as_str()),
        ("biz_content", &biz_content),
        ("charset", "utf-8"),
        ("format", "JSON"),
        ("method", method),
        ("sign_type", "RSA2"),
        ("timestamp", &timestamp),
        ("version", "1.0"),
    ];
    let all = common.iter().chain(extra);
    let mut params: Params = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sign = sign::sign_text(&*merchant.signer, &canonical(&params, REQUEST_UNSIGNED))?;
    params.insert("sign".to_owned(), sign);
    Ok(params)
}

/// Alipay takes letters, digits and `_` in a number; the type here is wider, for other gateways.
pub(crate) fn alipay_number(number: &OutTradeNo) -> Result<&str, Error> {
    if number.as_str().contains('-') {
        return Err(error::refused_value(
            "out trade no",
            number.as_str(),
            "Alipay takes letters, digits and `_` only",
        ));
    }
    Ok(number.as_str())
}
