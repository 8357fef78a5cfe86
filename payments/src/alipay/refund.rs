//! `alipay.trade.refund` and `alipay.trade.fastpay.refund.query`: money goes back, and asking whether it did.

use super::merchant::Merchant;
use super::reply::{self, Answer};
use super::request::{REFUND_QUERY, TRADE_REFUND, alipay_number, post};
use crate::error::{Error, refused_value};
use crate::notify::Channel;
use crate::refund::{RefundNotify, RefundReport, RefundStatus};
use crate::{Call, Effect, Money, Refund, RefundOutcome, Reply, Stake, Stamp, Subject, TradeNo, UnixMillis};
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};

/// Gives money back. The refund number is Alipay's `out_request_no`: repeated with the same number it is the same
/// refund.
///
/// The money went back only if the reply says so (`fund_change`). A reply that says less, and every repeat does, is
/// [`Processing`](RefundStatus::Processing): ask with [`RefundQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCall {
    refund: Refund,
}

/// Asks what became of a refund. Wait ten seconds after the refund was asked for.
///
/// The gateway answers "successful" to any question; only `REFUND_SUCCESS` in the reply says that the money went back.
/// Anything less is [`NotFound`](RefundOutcome::NotFound): ask for the refund again under the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundQuery {
    refund: Refund,
}

#[derive(Serialize)]
struct RefundContent<'a> {
    #[serde(flatten)]
    number: NumberContent<'a>,
    refund_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct QueryContent<'a> {
    #[serde(flatten)]
    number: NumberContent<'a>,
    query_options: [&'a str; 1],
}

#[derive(Serialize)]
pub(super) struct NumberContent<'a> {
    out_trade_no: &'a str,
    trade_no: &'a str,
    out_request_no: &'a str,
}

#[derive(Deserialize)]
struct Refunded {
    out_trade_no: Option<String>,
    trade_no: Option<String>,
    fund_change: Option<String>,
    /// All refunds of the trade so far, this one included.
    refund_fee: Option<String>,
    gmt_refund_pay: Option<String>,
}

#[derive(Deserialize)]
struct Found {
    out_trade_no: Option<String>,
    trade_no: Option<String>,
    out_request_no: Option<String>,
    refund_amount: Option<String>,
    refund_status: Option<String>,
    gmt_refund_pay: Option<String>,
}

impl RefundCall {
    /// Asks for this refund.
    #[must_use]
    pub fn new(refund: Refund) -> Self {
        Self { refund }
    }

    fn outcome(&self, merchant: &Merchant, content: Refunded) -> Result<RefundOutcome, Error> {
        reply::same(content.out_trade_no.as_deref(), self.refund.out_trade_no.as_str(), "out_trade_no")?;
        reply::same(content.trade_no.as_deref(), self.refund.trade_no.as_str(), "trade_no")?;
        let status = match content.fund_change.as_deref() {
            Some("Y") => {
                let total = content.refund_fee.as_deref();
                let total = reply::required(total, "refund_fee", Money::parse_yuan)?;
                if total.minor() < self.refund.amount.minor() {
                    return Err(reply::field("refund_fee", None));
                }
                RefundStatus::Succeeded
            }
            // A repeat, or the money is on its way.
            Some("N") => RefundStatus::Processing,
            _ => return Err(reply::field("fund_change", None)),
        };
        let at = moment(content.gmt_refund_pay)?.filter(|_| status == RefundStatus::Succeeded);
        // The reply does not name the amount of this refund: the refund number stands for it, and a number that was
        // used for another amount is refused.
        Ok(found(merchant, &self.refund, self.refund.amount, status, at))
    }
}

impl Call for RefundCall {
    type Merchant = Merchant;
    type Output = RefundOutcome;

    fn effect(&self) -> Effect {
        Effect::Idempotent(stake(&self.refund))
    }

    fn refusal_code<'a>(&self, output: &'a RefundOutcome) -> Option<&'a str> {
        output.refusal_code()
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let content = RefundContent {
            number: number_content(&self.refund)?,
            refund_amount: self.refund.amount.yuan_text(),
            refund_reason: self.refund.reason.as_ref().map(Subject::as_str),
        };
        post(merchant, TRADE_REFUND, &content, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundOutcome, Error> {
        match reply::read(merchant, TRADE_REFUND, reply)? {
            Answer::Done(content) => self.outcome(merchant, content),
            Answer::Refused(refusal) if refusal.is_decision() => {
                let (code, message) = refusal.into_words();
                Ok(RefundOutcome::Refused { code, message })
            }
            Answer::Refused(refusal) => Err(refusal.into()),
        }
    }
}

impl RefundQuery {
    /// Asks for this refund.
    #[must_use]
    pub fn new(refund: Refund) -> Self {
        Self { refund }
    }

    fn outcome(&self, merchant: &Merchant, content: Found) -> Result<RefundOutcome, Error> {
        let status = match content.refund_status.as_deref().unwrap_or_default() {
            "" => return Ok(RefundOutcome::NotFound),
            "REFUND_SUCCESS" => RefundStatus::Succeeded,
            "REFUND_PROCESSING" => RefundStatus::Processing,
            _ => return Err(reply::field("refund_status", None)),
        };
        reply::same(content.out_trade_no.as_deref(), self.refund.out_trade_no.as_str(), "out_trade_no")?;
        reply::same(content.trade_no.as_deref(), self.refund.trade_no.as_str(), "trade_no")?;
        reply::same(content.out_request_no.as_deref(), self.refund.refund_no.as_str(), "out_request_no")?;
        let amount = content.refund_amount.as_deref();
        let amount = reply::required(amount, "refund_amount", Money::parse_yuan)?;
        Ok(found(merchant, &self.refund, amount, status, moment(content.gmt_refund_pay)?))
    }
}

impl Call for RefundQuery {
    type Merchant = Merchant;
    type Output = RefundOutcome;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let number = number_content(&self.refund)?;
        // The moment is told only if it is asked for.
        let content = QueryContent { number, query_options: ["gmt_refund_pay"] };
        post(merchant, REFUND_QUERY, &content, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundOutcome, Error> {
        match reply::read(merchant, REFUND_QUERY, reply)? {
            Answer::Done(content) => self.outcome(merchant, content),
            Answer::Refused(refusal) if refusal.is_one_of(&["TRADE_NOT_EXIST"]) => {
                Ok(RefundOutcome::NotFound)
            }
            Answer::Refused(refusal) => Err(refusal.into()),
        }
    }
}

fn stake(refund: &Refund) -> Stake {
    Stake::Refund(refund.out_trade_no.clone(), refund.refund_no.clone())
}

pub(super) fn number_content(refund: &Refund) -> Result<NumberContent<'_>, Error> {
    if refund.channel != Channel::Alipay {
        let rule = "Alipay gives back only what it took";
        return Err(refused_value("channel of the refund", refund.channel.code(), rule));
    }
    Ok(NumberContent {
        out_trade_no: alipay_number(&refund.out_trade_no)?,
        trade_no: refund.trade_no.as_str(),
        out_request_no: refund.refund_no.as_str(),
    })
}

fn moment(text: Option<String>) -> Result<Option<UnixMillis>, Error> {
    let parse = |text: String| UnixMillis::parse_china_text(&text);
    let at = text.filter(|text| !text.is_empty()).map(parse).transpose();
    at.map_err(|error| reply::field("gmt_refund_pay", Some(error)))
}

/// The numbers are the caller's own, each compared with the reply; the seller is, because the key is this app's.
fn found(
    merchant: &Merchant,
    refund: &Refund,
    amount: Money,
    status: RefundStatus,
    succeeded_at: Option<UnixMillis>,
) -> RefundOutcome {
    RefundOutcome::Refund(Box::new(RefundNotify::verified(RefundReport {
        channel: Channel::Alipay,
        seller_id: merchant.seller_id.as_str().to_owned(),
        out_trade_no: refund.out_trade_no.as_str().to_owned(),
        trade_no: Some(TradeNo::clone(&refund.trade_no)),
        refund_no: refund.refund_no.as_str().to_owned(),
        amount,
        status,
        succeeded_at,
    })))
}
