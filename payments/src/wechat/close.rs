//! Closing a trade (manual: 关闭订单).

use super::merchant::Merchant;
use super::reply::{self, Answer, WHAT};
use super::request::{self, wechat_number};
use crate::error::{Cause, Error};
use crate::{Call, CloseOutcome, Effect, OutTradeNo, Reply, Stake, Stamp};
use bytes::Bytes;
use http::{Request, StatusCode};
use serde::Serialize;

/// Makes sure that no payment comes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    out_trade_no: OutTradeNo,
}

#[derive(Serialize)]
struct Body<'a> {
    mchid: &'a str,
}

impl Close {
    /// Closes the order of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self { out_trade_no }
    }
}

impl Call for Close {
    type Merchant = Merchant;
    type Output = CloseOutcome;

    fn effect(&self) -> Effect {
        Effect::Idempotent(Stake::Trade(self.out_trade_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let number = wechat_number(&self.out_trade_no)?;
        let path = format!("/v3/pay/transactions/out-trade-no/{number}/close");
        request::post(merchant, &path, &Body { mchid: merchant.mchid.as_str() }, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<CloseOutcome, Error> {
        match reply::answer(merchant, reply)? {
            // The empty body is what is signed; with anything in it this is another message.
            Answer::Content([]) if reply.response.status() == StatusCode::NO_CONTENT => {
                Ok(CloseOutcome::Closed)
            }
            Answer::Content(_) => Err(Cause::Field { what: WHAT, field: "empty body", source: None }.into()),
            Answer::Refused(refusal) if refusal.is(&["ORDER_CLOSED", "ORDERCLOSED"]) => {
                Ok(CloseOutcome::Closed)
            }
            Answer::Refused(refusal) if refusal.is(&["ORDERPAID", "ORDER_PAID"]) => {
                Ok(CloseOutcome::AlreadyPaid)
            }
            Answer::Refused(refusal)
                if refusal.is(&["ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"]) =>
            {
                Ok(CloseOutcome::NotFound)
            }
            Answer::Refused(refusal) => Err(refusal.into_error()),
        }
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}
