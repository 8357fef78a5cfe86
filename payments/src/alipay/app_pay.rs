//! `alipay.trade.app.pay`: our application on the telephone hands a signed text to Alipay's kit; there is no reply
//! to read.

use super::merchant::Merchant;
use super::request::{APP_PAY, APP_PAY_PRODUCT, NothingMore, order_content, signed_params};
use crate::error::Error;
use crate::{CallbackUrl, Order, Stamp, UnixMillis, form};

/// A payment out of an application (APP 支付, product `QUICK_MSECURITY_PAY`).
///
/// What the kit tells the application afterwards is for display, like a
/// [`SyncReturn`](super::SyncReturn): the notify counts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppPay {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// After this moment the gateway takes no payment; without it Alipay's own limit of 15 days holds.
    pub expires_at: Option<UnixMillis>,
}

impl AppPay {
    /// A payment of this order, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl) -> Self {
        Self { order, notify_url, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The order string (`orderStr`) that the application hands to the kit as it is.
    ///
    /// # Errors
    /// As [`PagePay::redirect`](super::PagePay::redirect).
    pub fn order_string(&self, merchant: &Merchant, stamp: Stamp) -> Result<String, Error> {
        let content = order_content(&self.order, APP_PAY_PRODUCT, self.expires_at, NothingMore {})?;
        let extra = [("notify_url", self.notify_url.as_str())];
        signed_params(merchant, APP_PAY, &content, &extra, stamp.now).map(|params| form::encode(&params))
    }
}
