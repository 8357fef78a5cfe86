//! Asking what became of a trade (manual: 查询订单).

use super::merchant::Merchant;
use super::reply::{self, Answer, WHAT};
use super::request::{self, wechat_number};
use super::transaction::Transaction;
use crate::error::{Cause, Error};
use crate::notify::Notify;
use crate::{Call, Effect, OutTradeNo, QueryOutcome, Reply, Stamp, TradeNo};
use bytes::Bytes;
use http::Request;

/// Asks by our number, or by WeChat Pay's once there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeQuery(By);

#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    OutTradeNo(OutTradeNo),
    TransactionId(TradeNo),
}

const NOT_FOUND: &[&str] = &["ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"];

impl TradeQuery {
    /// A query for the order of this number.
    #[must_use]
    pub fn new(out_trade_no: OutTradeNo) -> Self {
        Self(By::OutTradeNo(out_trade_no))
    }

    /// A query for the trade of this number of WeChat Pay's (`transaction_id`).
    #[must_use]
    pub fn of_transaction(transaction_id: TradeNo) -> Self {
        Self(By::TransactionId(transaction_id))
    }
}

impl Call for TradeQuery {
    type Merchant = Merchant;
    type Output = QueryOutcome;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let mchid = &merchant.mchid;
        let path = match &self.0 {
            By::OutTradeNo(number) => {
                format!("/v3/pay/transactions/out-trade-no/{}?mchid={mchid}", wechat_number(number)?)
            }
            By::TransactionId(id) => format!("/v3/pay/transactions/id/{id}?mchid={mchid}"),
        };
        request::get(merchant, &path, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<QueryOutcome, Error> {
        let transaction = match reply::content::<Transaction>(merchant, reply)? {
            Answer::Content(transaction) => transaction,
            Answer::Refused(refusal) if refusal.is(NOT_FOUND) => return Ok(QueryOutcome::NotFound),
            Answer::Refused(refusal) => return Err(refusal.into_error()),
        };
        // A reply to another query is signed with the same key, so the number is compared.
        let (field, same) = match &self.0 {
            By::OutTradeNo(number) => ("out_trade_no", transaction.out_trade_no == number.as_str()),
            By::TransactionId(id) => {
                ("transaction_id", transaction.transaction_id.as_deref() == Some(id.as_str()))
            }
        };
        if !same {
            return Err(Cause::Field { what: WHAT, field, source: None }.into());
        }
        let report = transaction.report(WHAT, None)?;
        Ok(QueryOutcome::Trade(Box::new(Notify::verified(report))))
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}
