//! The application product (`手机控件支付`, 01/01): our server asks for a `tn`, the gateway's kit on the telephone
//! takes it.

use super::codes::{is_good, refusal};
use super::merchant::Merchant;
use super::names;
use super::reply::{self, Asked, REPLY_BYTES_MAX};
use super::report::PAYMENT;
use super::request::{APP_PATH, CHANNEL_TELEPHONE, CURRENCY, GATEWAY_PRODUCT, post, trade_number};
use crate::error::Error;
use crate::{Call, CallbackUrl, Effect, Order, Reply, Stake, Stamp, UnixMillis};
use bytes::Bytes;
use http::Request;
use std::fmt;

/// A payment inside an application.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppPay {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify, server to server (`backUrl`).
    pub notify_url: CallbackUrl,
    /// When the order was first submitted to UnionPay (`txnTime`).
    pub submitted_at: UnixMillis,
    /// After this moment the gateway takes no payment (`payTimeout`).
    pub expires_at: Option<UnixMillis>,
}

/// `tn`: what the kit on the telephone takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppToken(String);

impl AppToken {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AppPay {
    /// A payment without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl, submitted_at: UnixMillis) -> Self {
        Self { order, notify_url, submitted_at, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }
}

impl Call for AppPay {
    type Merchant = Merchant;
    type Output = AppToken;

    fn effect(&self) -> Effect {
        Effect::Once(Stake::Trade(self.order.out_trade_no.clone()))
    }

    fn request(&self, merchant: &Merchant, _stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let (amount, submitted_at) = (self.order.amount.fen_text(), self.submitted_at.china_digits());
        let expires_at = self.expires_at.map(UnixMillis::china_digits).unwrap_or_default();
        post(
            merchant,
            &merchant.endpoint.at(APP_PATH),
            &[
                ("backUrl", self.notify_url.as_str()),
                ("bizType", GATEWAY_PRODUCT),
                ("channelType", CHANNEL_TELEPHONE),
                ("currencyCode", CURRENCY),
                ("orderId", trade_number(&self.order.out_trade_no)?),
                ("payTimeout", &expires_at),
                ("txnAmt", &amount),
                ("txnSubType", "01"),
                ("txnTime", &submitted_at),
                ("txnType", PAYMENT),
            ],
        )
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<AppToken, Error> {
        let submitted_at = self.submitted_at.china_digits();
        let always = [(names::ORDER_ID, self.order.out_trade_no.as_str()), (names::TXN_TIME, &submitted_at)];
        let asked = Asked { always: &always, mostly: &[(names::TXN_TYPE, PAYMENT)] };
        let fields = reply::read(merchant, reply, REPLY_BYTES_MAX, &asked)?;
        if !is_good(reply::code(&fields)?) {
            return Err(refusal(&fields));
        }
        let tn = reply::text(&fields, names::TN)?;
        let fits = tn.len() <= 64 && tn.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if fits { Ok(AppToken(tn.to_owned())) } else { Err(reply::missing(names::TN)) }
    }
}
