//! `alipay.trade.wap.pay`: the browser of a telephone carries the signed request; there is no reply to read.

use super::merchant::Merchant;
use super::redirect::Redirect;
use super::request::{WAP_PAY, WAP_PAY_PRODUCT, order_content};
use crate::error::Error;
use crate::{CallbackUrl, Order, Stamp, UnixMillis};
use serde::Serialize;

/// A payment in the browser of a telephone (手机网站支付, product `QUICK_WAP_WAY`); it opens Alipay's application
/// where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WapPay {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// Where the gateway sends the buyer's browser afterwards.
    pub return_url: CallbackUrl,
    /// Where a buyer goes who gives up.
    pub quit_url: Option<CallbackUrl>,
    /// After this moment the gateway takes no payment; without it Alipay's own limit of 15 days holds.
    pub expires_at: Option<UnixMillis>,
}

#[derive(Serialize)]
struct More<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    quit_url: Option<&'a str>,
}

impl WapPay {
    /// A payment of this order, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl, return_url: CallbackUrl) -> Self {
        Self { order, notify_url, return_url, quit_url: None, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The same payment with an address for a buyer who gives up.
    #[must_use]
    pub fn quitting_to(mut self, url: CallbackUrl) -> Self {
        self.quit_url = Some(url);
        self
    }

    /// The signed request.
    ///
    /// # Errors
    /// As [`PagePay::redirect`](super::PagePay::redirect).
    pub fn redirect(&self, merchant: &Merchant, stamp: Stamp) -> Result<Redirect, Error> {
        let more = More { quit_url: self.quit_url.as_ref().map(CallbackUrl::as_str) };
        let content = order_content(&self.order, WAP_PAY_PRODUCT, self.expires_at, more)?;
        Redirect::new(merchant, WAP_PAY, &content, &self.notify_url, &self.return_url, stamp.now)
    }
}
