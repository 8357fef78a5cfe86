//! `alipay.trade.pay`: the shop scans the code on the buyer's telephone.

use super::merchant::Merchant;
use super::reply::{self, Answer};
use super::request::{BAR_CODE_PAY, FACE_TO_FACE_PRODUCT, order_content, post};
use super::trade_reply::TradeMembers;
use crate::error::{Cause, Error};
use crate::notify::{Notify, TradeStatus, Verified};
use crate::{Call, CallbackUrl, Effect, Order, Reply, Stake, Stamp, UnixMillis};
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Takes a payment at the counter (当面付, product `FACE_TO_FACE_PAYMENT`, scene `bar_code`).
///
/// An unanswered one is never repeated: ask with [`TradeQuery`](super::TradeQuery), then
/// [`Cancel`](super::Cancel). [`Alipay::collect`](super::Alipay::collect) does all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BarCodePay {
    /// What is paid.
    pub order: Order,
    /// What the scanner read.
    pub auth_code: AuthCode,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// After this moment the gateway takes no payment.
    pub expires_at: Option<UnixMillis>,
}

/// The code on the buyer's telephone. It is valid for about a minute and pays without a password, so it is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthCode(String);

/// What the gateway answers at the counter.
#[derive(Debug)]
#[non_exhaustive]
pub enum BarCodeOutcome {
    /// The money is taken: check and settle it as a notify.
    Paid(Box<Notify<Verified>>),
    /// The buyer is asked to confirm on the telephone: query every five seconds, then cancel.
    BuyerConfirms,
    /// A trade of this number was paid before: query it.
    AlreadyPaid,
    /// No money is taken: the code and the gateway's words. The buyer may show another code.
    Refused {
        /// The code, such as `ACQ.BUYER_BALANCE_NOT_ENOUGH`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
}

impl AuthCode {
    /// Reads what the scanner read: 16 to 24 digits, the first two from 25 to 30.
    ///
    /// # Errors
    /// `InvalidInput` for anything else, such as the code of another wallet; the text is not in the error.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = text.get(..2).is_some_and(|prefix| ("25"..="30").contains(&prefix));
        if digits && prefix && (16..=24).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        let why = "Alipay's codes have 16 to 24 digits and begin with 25 to 30";
        Err(Cause::Shape { what: "payment code", why }.into())
    }
}

impl fmt::Debug for AuthCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthCode(redacted)")
    }
}

#[derive(Serialize)]
struct More<'a> {
    scene: &'a str,
    auth_code: &'a str,
}

#[derive(Deserialize)]
struct Content {
    #[serde(flatten)]
    trade: TradeMembers,
    gmt_payment: Option<String>,
}

impl BarCodePay {
    /// A payment of this order with this code, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, auth_code: AuthCode, notify_url: CallbackUrl) -> Self {
        Self { order, auth_code, notify_url, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }
}

impl Call for BarCodePay {
    type Merchant = Merchant;
    type Output = BarCodeOutcome;

    fn effect(&self) -> Effect {
        Effect::Once(Stake::Trade(self.order.out_trade_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let more = More { scene: "bar_code", auth_code: &self.auth_code.0 };
        let content = order_content(&self.order, FACE_TO_FACE_PRODUCT, self.expires_at, more)?;
        post(merchant, BAR_CODE_PAY, &content, &[("notify_url", self.notify_url.as_str())], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<BarCodeOutcome, Error> {
        let content: Content = match reply::read(merchant, BAR_CODE_PAY, reply)? {
            Answer::Done(content) => content,
            Answer::Refused(refusal) if refusal.asks_buyer() => return Ok(BarCodeOutcome::BuyerConfirms),
            Answer::Refused(refusal) if refusal.is_one_of(&["TRADE_HAS_SUCCESS", "TRADE_HAS_FINISHED"]) => {
                return Ok(BarCodeOutcome::AlreadyPaid);
            }
            Answer::Refused(refusal) if refusal.is_decision() => {
                let (code, message) = refusal.into_words();
                return Ok(BarCodeOutcome::Refused { code, message });
            }
            Answer::Refused(refusal) => return Err(refusal.into()),
        };
        let paid_on = ("gmt_payment", content.gmt_payment);
        let number = &self.order.out_trade_no;
        let report = content.trade.report(merchant, number, TradeStatus::Paid, paid_on)?;
        Ok(BarCodeOutcome::Paid(Box::new(Notify::verified(report))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_telephones() {
        for text in ["2500000000000000", "289821051157962364", "300000000000000000000000"] {
            let code = AuthCode::parse(text).unwrap();
            assert!(!format!("{code:?}").contains(text));
        }
        // The last but one is WeChat Pay's.
        for text in
            ["", "28", "28982105115796236x", "2898210511579623640000000", "134512345678901234", "课程"]
        {
            assert!(AuthCode::parse(text).is_err(), "{text}");
        }
    }
}
