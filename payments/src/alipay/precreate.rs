//! `alipay.trade.precreate`: a QR code that the buyer scans.

use super::merchant::Merchant;
use super::reply;
use super::request::{FACE_TO_FACE_PRODUCT, NothingMore, PRECREATE, order_content, post};
use crate::error::Error;
use crate::{Call, CallbackUrl, Effect, Order, Reply, Stake, Stamp, UnixMillis};
use bytes::Bytes;
use http::Request;
use serde::Deserialize;

/// Asks for a QR code. Its output is the text of the code, an address at Alipay that is drawn and never opened by us.
///
/// The trade comes into being when a buyer scans the code; before that a query answers
/// [`NotFound`](crate::QueryOutcome::NotFound). Asked again with the same order it gives a code for the same trade.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Precreate {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// The contract that the payment goes by.
    pub product: QrProduct,
    /// After this moment the gateway takes no payment; the code itself is valid for two hours.
    pub expires_at: Option<UnixMillis>,
}

/// The contracts that give QR codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QrProduct {
    /// Face-to-face payment (当面付), `FACE_TO_FACE_PAYMENT`.
    #[default]
    FaceToFace,
    /// Order code payment (订单码支付), `QR_CODE_OFFLINE`.
    OrderCode,
}

#[derive(Deserialize)]
struct Content {
    out_trade_no: Option<String>,
    qr_code: Option<String>,
}

impl Precreate {
    /// A QR code for this order under the face-to-face contract, without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl) -> Self {
        Self { order, notify_url, product: QrProduct::default(), expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The same payment under this contract.
    #[must_use]
    pub fn under(mut self, product: QrProduct) -> Self {
        self.product = product;
        self
    }
}

impl Call for Precreate {
    type Merchant = Merchant;
    type Output = String;

    fn effect(&self) -> Effect {
        Effect::Idempotent(Stake::Trade(self.order.out_trade_no.clone()))
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        let product = match self.product {
            QrProduct::FaceToFace => FACE_TO_FACE_PRODUCT,
            QrProduct::OrderCode => "QR_CODE_OFFLINE",
        };
        let content = order_content(&self.order, product, self.expires_at, NothingMore {})?;
        post(merchant, PRECREATE, &content, &[("notify_url", self.notify_url.as_str())], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<String, Error> {
        let content: Content = reply::read(merchant, PRECREATE, reply)?.done()?;
        reply::same(content.out_trade_no.as_deref(), self.order.out_trade_no.as_str(), "out_trade_no")?;
        content.qr_code.filter(|code| !code.is_empty()).ok_or_else(|| reply::field("qr_code", None))
    }
}
