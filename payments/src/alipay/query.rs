//! `alipay.trade.query`: asks what became of a trade, for notifies that were lost or are late.

use super::merchant::Merchant;
use super::notify::status;
use super::reply;
use super::request::{TRADE_QUERY, alipay_number, signed_params};
use crate::error::{Cause, Error};
use crate::form::{self, Params};
use crate::notify::{Channel, Notify, Report, TradeStatus, Verified};
use crate::{Call, Money, OutTradeNo, Stamp, TradeNo};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde::{Deserialize, Serialize};

/// Asks for the trade of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeQuery {
    out_trade_no: OutTradeNo,
}

/// What the gateway knows about an order.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryOutcome {
    /// The trade as a verified message: check it and settle it as a notify. It has no `notify_id`.
    Trade(Notify<Verified>),
    /// No trade has this number: the buyer never got as far as the gateway's page.
    NotFound,
}

#[derive(Serialize)]
struct BizContent<'a> {
    out_trade_no: &'a str,
}

#[derive(Deserialize)]
struct Content {
    code: String,
    sub_code: Option<String>,
    out_trade_no: Option<String>,
    trade_no: Option<String>,
    total_amount: Option<String>,
    trade_status: Option<String>,
    /// When the buyer paid: it tells a refunded trade from one that was never paid.
    send_pay_date: Option<String>,
}

impl TradeQuery {
    /// A query for the order of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self { out_trade_no }
    }
}

impl Call for TradeQuery {
    type Merchant = Merchant;
    type Output = QueryOutcome;

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let biz_content = BizContent { out_trade_no: alipay_number(&self.out_trade_no)? };
        let params = signed_params(merchant, TRADE_QUERY, &biz_content, &[], stamp.now)?;
        // The charset stays in the address too: the gateway needs it to read the body.
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}?charset=utf-8", merchant.endpoint.as_str()))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from(form::encode(&without_charset(params))))
            .map_err(Cause::from)?;
        Ok(request)
    }

    fn read(&self, merchant: &Merchant, reply: &Response<Bytes>) -> Result<QueryOutcome, Error> {
        let content: Content = reply::read(merchant, TRADE_QUERY, reply)?;
        let sub_code = content.sub_code.clone().unwrap_or_default();
        match (content.code.as_str(), sub_code.as_str()) {
            ("10000", _) => {
                report(&self.out_trade_no, content, merchant).map(Notify::verified).map(QueryOutcome::Trade)
            }
            (_, "ACQ.TRADE_NOT_EXIST") => Ok(QueryOutcome::NotFound),
            _ => Err(Cause::Refused {
                code: crate::error::quoted(&content.code),
                sub_code: crate::error::quoted(&sub_code),
            }
            .into()),
        }
    }
}

fn without_charset(mut params: Params) -> Params {
    params.remove("charset");
    params
}

/// The reply names neither app nor seller. It is signed with the key that Alipay keeps for this app alone, so
/// both are the caller's own; the number is compared, because a reply to another query has the same key.
fn report(asked: &OutTradeNo, content: Content, merchant: &Merchant) -> Result<Report, Error> {
    let field = |field, source| Cause::Field { what: "alipay reply", field, source };
    let out_trade_no = content.out_trade_no.filter(|number| number == asked.as_str());
    let trade_no = content.trade_no.ok_or_else(|| field("trade_no", None))?;
    let amount = content.total_amount.ok_or_else(|| field("total_amount", None))?;
    let word = content.trade_status.unwrap_or_default();
    let status = status(&word).ok_or_else(|| field("trade_status", None))?;
    let paid_on = content.send_pay_date.filter(|date| !date.is_empty());
    let money_came = status == TradeStatus::Paid || paid_on.is_some();
    let mut fields = Params::from([("trade_status".to_owned(), word)]);
    fields.extend(paid_on.map(|date| ("send_pay_date".to_owned(), date)));
    Ok(Report {
        channel: Channel::Alipay,
        app_id: merchant.app_id.as_str().to_owned(),
        seller_id: merchant.seller_id.as_str().to_owned(),
        out_trade_no: out_trade_no.ok_or_else(|| field("out_trade_no", None))?,
        trade_no: TradeNo::parse(&trade_no).map_err(|error| field("trade_no", Some(Box::new(error))))?,
        amount: Money::parse_yuan(&amount).map_err(|error| field("total_amount", Some(Box::new(error))))?,
        status,
        notify_id: None,
        money_came,
        fields,
    })
}
