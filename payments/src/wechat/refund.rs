//! Refunds: asking for one, asking about one, and paying out one that got stuck (manual: 退款).

use super::merchant::Merchant;
use super::refund_content::RefundContent;
use super::reply::{self, Answer, Refusal, WHAT};
use super::request::{self, limited};
use super::sensitive::SealedField;
use crate::error::{Cause, Error};
use crate::refund::RefundNotify;
use crate::{
    Call, CallbackUrl, Effect, OutTradeNo, Refund, RefundNo, RefundOutcome, Reply, Stake, Stamp, Subject,
};
use bytes::Bytes;
use http::Request;
use serde::Serialize;
use std::fmt;
use zeroize::Zeroizing;

const REASON_BYTES_MAX: usize = 80;
const REASON_RULE: &str = "WeChat Pay takes at most 80 bytes of UTF-8";
const REFUNDS: &str = "/v3/refund/domestic/refunds";

/// Refusals after which no money moves under this number: a repeat of a refund that WeChat Pay knows is answered
/// with that refund, never with one of these. `INVALID_REQUEST` is not among them: it also answers a repeat that
/// differs from the refund of this number, and that refund may have moved money.
const REFUSED: &[&str] = &["NOT_ENOUGH", "USER_ACCOUNT_ABNORMAL", "RESOURCE_NOT_EXISTS"];

/// Asks for a refund. Repeat it with the same number after any failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundCall {
    refund: Refund,
    notify_url: CallbackUrl,
}

/// Asks what became of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundQuery {
    refund_no: RefundNo,
    out_trade_no: OutTradeNo,
}

/// Pays out a refund that the buyer's account did not take (state `ABNORMAL`). Ask about the refund first: the answer
/// names its `refund_id`. It is not repeated on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbnormalRefund {
    refund_no: RefundNo,
    out_trade_no: OutTradeNo,
    refund_id: RefundId,
    payout: AbnormalPayout,
}

/// WeChat Pay's own number of a refund: 1 to 64 letters, digits, `_`, `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefundId(String);

/// Where the money of a stuck refund goes.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbnormalPayout {
    /// Into the merchant's account; the merchant pays the buyer in another way.
    MerchantBankCard,
    /// Onto a bank card of the buyer's. Number and name are encrypted for WeChat Pay.
    UserBankCard {
        /// The bank, such as `ICBC_DEBIT`.
        bank_type: String,
        /// The number of the card.
        account: Zeroizing<String>,
        /// The buyer's name.
        real_name: Zeroizing<String>,
    },
}

/// What a reply says about a refund, with WeChat Pay's own number of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefundAnswer {
    /// The refund, or why there is none.
    pub outcome: RefundOutcome,
    /// WeChat Pay's number, for [`AbnormalRefund`].
    pub refund_id: Option<RefundId>,
}

#[derive(Serialize)]
struct Body<'a> {
    transaction_id: &'a str,
    out_refund_no: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    notify_url: &'a str,
    amount: Amount,
}

#[derive(Serialize)]
struct Amount {
    refund: i64,
    total: i64,
    currency: &'static str,
}

#[derive(Serialize)]
struct AbnormalBody<'a> {
    out_refund_no: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bank_account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    real_name: Option<String>,
}

impl RefundCall {
    /// This refund; its later states are told to `notify_url`.
    #[must_use]
    pub fn new(refund: Refund, notify_url: CallbackUrl) -> Self {
        Self { refund, notify_url }
    }
}

impl RefundQuery {
    /// A query for this refund of this order.
    #[must_use]
    pub fn new(refund_no: RefundNo, out_trade_no: OutTradeNo) -> Self {
        Self { refund_no, out_trade_no }
    }
}

impl AbnormalRefund {
    /// Pays out this refund of this order.
    #[must_use]
    pub fn new(
        refund_no: RefundNo,
        out_trade_no: OutTradeNo,
        refund_id: RefundId,
        payout: AbnormalPayout,
    ) -> Self {
        Self { refund_no, out_trade_no, refund_id, payout }
    }
}

impl RefundId {
    /// Reads the number.
    ///
    /// # Errors
    /// `InvalidInput` for anything else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // The same rule as for the gateway's number of a trade: it becomes a part of a path.
        crate::TradeNo::parse(text).map(|number| Self(number.to_string()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The only value of a refund that WeChat Pay may refuse: its numbers are as wide as ours.
pub(super) fn reason(refund: &Refund) -> Result<Option<&str>, Error> {
    let reason = refund.reason.as_ref().map(Subject::as_str);
    reason.map(|reason| limited("refund reason", reason, REASON_BYTES_MAX, REASON_RULE)).transpose()
}

impl Call for RefundCall {
    type Merchant = Merchant;
    type Output = RefundAnswer;

    fn effect(&self) -> Effect {
        Effect::Idempotent(Stake::Refund(self.refund.out_trade_no.clone(), self.refund.refund_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let refund = &self.refund;
        let body = Body {
            transaction_id: refund.trade_no.as_str(),
            out_refund_no: refund.refund_no.as_str(),
            reason: reason(refund)?,
            notify_url: self.notify_url.as_str(),
            amount: Amount {
                refund: refund.amount.minor(),
                total: refund.paid.minor(),
                currency: refund.amount.currency().code(),
            },
        };
        request::post(merchant, REFUNDS, &body, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundAnswer, Error> {
        let (refund_no, out_trade_no) = (&self.refund.refund_no, &self.refund.out_trade_no);
        read(merchant, reply, (refund_no, out_trade_no), |refusal| {
            if !refusal.is(REFUSED) {
                return Err(refusal.into_error());
            }
            Ok(RefundOutcome::Refused { code: refusal.code, message: refusal.message })
        })
    }

    fn refusal_code<'a>(&self, answer: &'a RefundAnswer) -> Option<&'a str> {
        answer.outcome.refusal_code()
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}

impl Call for RefundQuery {
    type Merchant = Merchant;
    type Output = RefundAnswer;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        request::get(merchant, &format!("{REFUNDS}/{}", self.refund_no), stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundAnswer, Error> {
        read(merchant, reply, (&self.refund_no, &self.out_trade_no), |refusal| {
            if !refusal.is(&["RESOURCE_NOT_EXISTS", "REFUNDNOTEXIST", "REFUND_NOT_EXIST"]) {
                return Err(refusal.into_error());
            }
            Ok(RefundOutcome::NotFound)
        })
    }

    fn fallback_origin(&self, merchant: &Merchant) -> Option<String> {
        merchant.endpoint.fallback().map(ToOwned::to_owned)
    }
}

impl Call for AbnormalRefund {
    type Merchant = Merchant;
    type Output = RefundAnswer;

    fn effect(&self) -> Effect {
        Effect::Once(Stake::Refund(self.out_trade_no.clone(), self.refund_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let path = format!("{REFUNDS}/{}/apply-abnormal-refund", self.refund_id.0);
        let out_refund_no = self.refund_no.as_str();
        let (kind, fields) = match &self.payout {
            AbnormalPayout::MerchantBankCard => ("MERCHANT_BANK_CARD", None),
            AbnormalPayout::UserBankCard { bank_type, account, real_name } => {
                let sealer = merchant.sealer(stamp.now)?;
                let sealed = (bank_type.as_str(), sealer.seal(account)?, sealer.seal(real_name)?);
                ("USER_BANK_CARD", Some(sealed))
            }
        };
        let Some((bank_type, account, real_name)) = fields else {
            let body =
                AbnormalBody { out_refund_no, kind, bank_type: None, bank_account: None, real_name: None };
            return request::post(merchant, &path, &body, stamp);
        };
        let (SealedField { serial, text: account }, real_name) = (account, real_name.text);
        let body = AbnormalBody {
            out_refund_no,
            kind,
            bank_type: Some(bank_type),
            bank_account: Some(account),
            real_name: Some(real_name),
        };
        request::post_for(merchant, &path, Some(&serial), &body, stamp)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<RefundAnswer, Error> {
        read(merchant, reply, (&self.refund_no, &self.out_trade_no), |refusal| Err(refusal.into_error()))
    }
}

/// The refund that was asked about, and no other: every reply is signed with the same key.
fn read(
    merchant: &Merchant,
    reply: &Reply,
    (refund_no, out_trade_no): (&RefundNo, &OutTradeNo),
    refused: impl FnOnce(Refusal) -> Result<RefundOutcome, Error>,
) -> Result<RefundAnswer, Error> {
    let field = |field| Cause::Field { what: WHAT, field, source: None };
    let content = match reply::content::<RefundContent>(merchant, reply)? {
        Answer::Content(content) => content,
        Answer::Refused(refusal) => {
            return Ok(RefundAnswer { outcome: refused(refusal)?, refund_id: None });
        }
    };
    if content.out_refund_no != refund_no.as_str() {
        return Err(field("out_refund_no").into());
    }
    if content.out_trade_no != out_trade_no.as_str() {
        return Err(field("out_trade_no").into());
    }
    let refund_id = content.refund_id.as_deref().map(RefundId::parse).transpose();
    let refund_id = refund_id.map_err(|_| field("refund_id"))?;
    // The reply does not name the merchant; it answers a request that only this merchant could sign.
    let report = content.report(WHAT, merchant.mchid.to_string())?;
    Ok(RefundAnswer { outcome: RefundOutcome::Refund(Box::new(RefundNotify::verified(report))), refund_id })
}

/// The kind only.
impl fmt::Debug for AbnormalPayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MerchantBankCard => f.write_str("MerchantBankCard"),
            Self::UserBankCard { .. } => f.write_str("UserBankCard(redacted)"),
        }
    }
}
