//! `alipay.trade.page.pay`: the buyer's browser carries the signed request; there is no reply to read.

use super::merchant::Merchant;
use super::redirect::Redirect;
use super::request::{NothingMore, PAGE_PAY, PAGE_PAY_PRODUCT, order_content};
use crate::error::Error;
use crate::{CallbackUrl, Order, Stamp, UnixMillis};

/// A payment on Alipay's page, for a browser on a computer (product `FAST_INSTANT_TRADE_PAY`).
///
/// ```
/// # #[cfg(feature = "sandbox")]
/// # fn example() -> Result<(), payments::Error> {
/// # use payments::CallbackUrl;
/// # use payments::alipay::{Endpoint, Merchant, PagePay};
/// # use payments::{AppId, Money, Nonce, Order, OutTradeNo, SellerId, Stamp, Subject, UnixMillis};
/// # let (app_key, gateway_key) = (payments::sandbox::generate_key()?, payments::sandbox::generate_key()?);
/// # let merchant = Merchant::new(AppId::parse("9021000122682882")?, SellerId::parse("2088721003899159")?,
/// #     Endpoint::sandbox(), app_key, gateway_key.public_key()?);
/// # let order = Order::new(OutTradeNo::parse("COURSE_0001")?, Subject::parse("Rust")?, Money::parse_yuan("88.00")?);
/// # let stamp = Stamp { now: UnixMillis::from_millis(1_790_000_000_000), nonce: Nonce::from_bytes([7; 16]) };
/// let pay = PagePay::new(
///     order,
///     CallbackUrl::parse("https://shop.example/alipay/notify")?,
///     CallbackUrl::parse("https://shop.example/alipay/return")?,
/// );
/// let redirect = pay.redirect(&merchant, stamp)?;
/// assert!(redirect.url().starts_with("https://openapi-sandbox.dl.alipaydev.com/gateway.do?app_id="));
/// # Ok(())
/// # }
/// # #[cfg(feature = "sandbox")]
/// # example().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PagePay {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// Where the gateway sends the buyer's browser afterwards.
    pub return_url: CallbackUrl,
    /// After this moment the gateway takes no payment; without it Alipay's own limit of 15 days holds.
    pub expires_at: Option<UnixMillis>,
}

impl PagePay {
    /// A payment without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl, return_url: CallbackUrl) -> Self {
        Self { order, notify_url, return_url, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The signed request.
    ///
    /// # Errors
    /// `InvalidInput` if Alipay does not take the number (no `-`) or the subject (no `/`, `=`, `&`);
    /// `Misuse` if the key cannot sign.
    pub fn redirect(&self, merchant: &Merchant, stamp: Stamp) -> Result<Redirect, Error> {
        let content = order_content(&self.order, PAGE_PAY_PRODUCT, self.expires_at, NothingMore {})?;
        Redirect::new(merchant, PAGE_PAY, &content, &self.notify_url, &self.return_url, stamp.now)
    }
}
