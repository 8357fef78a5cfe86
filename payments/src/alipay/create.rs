//! `alipay.trade.create`: a trade for a buyer who is known already, inside Alipay (mini programs, JSAPI).

use super::merchant::Merchant;
use super::reply;
use super::request::{CREATE, CREATE_PRODUCT, order_content, post};
use crate::error::{Error, refused_value};
use crate::{AppId, Call, CallbackUrl, Effect, Order, Reply, Stake, Stamp, TradeNo, UnixMillis};
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};

/// Creates a trade (product `JSAPI_PAY`). Its output is the number that the page hands to `my.tradePay` as `tradeNO`.
///
/// Asked again with the same order and buyer it answers the same trade.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Create {
    /// What is paid.
    pub order: Order,
    /// Who pays.
    pub buyer: Buyer,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// The mini program that the buyer is in; the merchant's own application if it is not set.
    pub mini_program: Option<AppId>,
    /// After this moment the gateway takes no payment.
    pub expires_at: Option<UnixMillis>,
}

/// A buyer, by one of the two numbers that Alipay gives to applications.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Buyer {
    /// The number of the account (`buyer_id`): 16 digits that begin with 2088.
    Id(String),
    /// The number of the account for this application alone (`buyer_open_id`), which new applications get.
    OpenId(String),
}

impl Buyer {
    /// Recognises which number it is: 16 digits that begin with 2088 are an account, other text is an open id.
    ///
    /// # Errors
    /// `InvalidInput` if it is neither: an open id has 1 to 128 letters, digits, `_` and `-`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && text.len() == 16 && text.starts_with("2088") {
            return Ok(Self::Id(text.to_owned()));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(plain) {
            return Ok(Self::OpenId(text.to_owned()));
        }
        Err(refused_value("buyer", text, "give the account of 16 digits or the open id of the buyer"))
    }
}

#[derive(Serialize)]
struct More<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer_open_id: Option<&'a str>,
    op_app_id: &'a str,
}

#[derive(Deserialize)]
struct Content {
    out_trade_no: Option<String>,
    trade_no: Option<String>,
}

impl Create {
    /// A trade for this order and buyer, in the merchant's own mini program, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, buyer: Buyer, notify_url: CallbackUrl) -> Self {
        Self { order, buyer, notify_url, mini_program: None, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The same payment in another mini program of the merchant.
    #[must_use]
    pub fn within(mut self, mini_program: AppId) -> Self {
        self.mini_program = Some(mini_program);
        self
    }
}

impl Call for Create {
    type Merchant = Merchant;
    type Output = TradeNo;

    fn effect(&self) -> Effect {
        Effect::Idempotent(Stake::Trade(self.order.out_trade_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let op_app_id = self.mini_program.as_ref().unwrap_or(&merchant.app_id).as_str();
        let (buyer_id, buyer_open_id) = match &self.buyer {
            Buyer::Id(id) => (Some(id.as_str()), None),
            Buyer::OpenId(id) => (None, Some(id.as_str())),
        };
        let more = More { buyer_id, buyer_open_id, op_app_id };
        let content = order_content(&self.order, CREATE_PRODUCT, self.expires_at, more)?;
        post(merchant, CREATE, &content, &[("notify_url", self.notify_url.as_str())], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<TradeNo, Error> {
        let content: Content = reply::read(merchant, CREATE, reply)?.done()?;
        reply::same(content.out_trade_no.as_deref(), self.order.out_trade_no.as_str(), "out_trade_no")?;
        reply::required(content.trade_no.as_deref(), "trade_no", TradeNo::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buyers() {
        let account = "2088102534368455";
        assert_eq!(Buyer::parse(account).unwrap(), Buyer::Id(account.to_owned()));
        for text in ["074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5", "20881025343684551", "1"] {
            assert_eq!(Buyer::parse(text).unwrap(), Buyer::OpenId(text.to_owned()));
        }
        for text in ["", "a b", "买家", &"x".repeat(129)] {
            assert!(Buyer::parse(text).is_err(), "{text}");
        }
    }
}
