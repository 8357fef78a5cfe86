//! `POST /v3/alipay/trade/query`: the trade query over version 3.

use super::merchant::Merchant;
use super::query::Content;
use super::refusal::Refusal;
use super::request::alipay_number;
use super::v3::{V3Answer, V3Call};
use crate::error::{Cause, Error};
use crate::{Call, Effect, OutTradeNo, QueryOutcome, Reply, Stamp};
use bytes::Bytes;
use http::{Method, Request};

const PATH: &str = "/v3/alipay/trade/query";

/// Asks for the trade of one order, over version 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V3TradeQuery {
    out_trade_no: OutTradeNo,
}

impl V3TradeQuery {
    /// A query for the order of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self { out_trade_no }
    }

    fn call(&self) -> Result<V3Call, Error> {
        let body = serde_json::json!({ "out_trade_no": alipay_number(&self.out_trade_no)? });
        V3Call::new(Method::POST, PATH, body.to_string(), Effect::Reads)
    }
}

impl Call for V3TradeQuery {
    type Merchant = Merchant;
    type Output = QueryOutcome;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        self.call()?.request(merchant, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<QueryOutcome, Error> {
        match self.call()?.read(merchant, reply)? {
            V3Answer::Done(body) => {
                let content: Content = serde_json::from_slice(&body)
                    .map_err(|source| Cause::Json { what: "alipay v3 reply", source })?;
                content.outcome(merchant, &self.out_trade_no)
            }
            V3Answer::Refused { code, message, .. } => {
                let refusal = Refusal::business(&code, &message);
                if refusal.is_one_of(&["TRADE_NOT_EXIST"]) {
                    return Ok(QueryOutcome::NotFound);
                }
                Err(refusal.into())
            }
        }
    }
}
