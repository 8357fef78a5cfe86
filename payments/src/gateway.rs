//! One typed interface over the three gateways. What a gateway lacks is an answer to match, not a panic or a guess.

use crate::bill::{Bill, BillDay};
use crate::client::Outcome;
use crate::store::BoxFuture;
use crate::{
    Ack, CallbackUrl, Channel, Error, ExpectedOrder, ExpectedRefund, Nonce, Notify, Order, OutTradeNo,
    Refund, RefundNotify, Stamp, UnixMillis, Verified,
};
use bytes::Bytes;
use std::fmt;
use std::net::IpAddr;

/// How the buyer pays. `Debug` names the scene and hides what belongs to the buyer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scene {
    /// A browser on a computer: Alipay page pay, UnionPay's form.
    Page,
    /// A browser on a telephone: Alipay wap pay, UnionPay's wap form.
    Wap,
    /// An application on a telephone, through the gateway's own kit.
    App,
    /// A QR code that the buyer scans: Alipay precreate, WeChat Pay Native.
    Qr,
    /// Inside WeChat: JSAPI and mini programs.
    Jsapi {
        /// The buyer's `openid` under our app id.
        openid: String,
    },
    /// A browser on a telephone that hands over to WeChat.
    H5 {
        /// The buyer's address, which WeChat Pay asks for.
        payer_ip: IpAddr,
    },
    /// The shop scans the buyer's code.
    BarCode {
        /// What the scanner read.
        auth_code: String,
    },
}

impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page => f.write_str("Page"),
            Self::Wap => f.write_str("Wap"),
            Self::App => f.write_str("App"),
            Self::Qr => f.write_str("Qr"),
            // The code on the buyer's telephone is money for a minute; the others say who the buyer is.
            Self::Jsapi { .. } => f.debug_struct("Jsapi").finish_non_exhaustive(),
            Self::H5 { .. } => f.debug_struct("H5").finish_non_exhaustive(),
            Self::BarCode { .. } => f.debug_struct("BarCode").finish_non_exhaustive(),
        }
    }
}

/// A payment to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PayRequest {
    /// What is sold.
    pub order: Order,
    /// How.
    pub scene: Scene,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// Where the buyer's browser goes afterwards; needed where the scene is a page.
    pub return_url: Option<CallbackUrl>,
    /// After this moment the gateway takes no payment.
    pub expires_at: Option<UnixMillis>,
    /// When this order was first submitted to this channel, as the store answered: a part of the trade's identity
    /// at UnionPay (`txnTime`), so it has to be the same in every repeat and query.
    pub submitted_at: UnixMillis,
}

impl PayRequest {
    /// A payment without a return address and without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, scene: Scene, notify_url: CallbackUrl, submitted_at: UnixMillis) -> Self {
        Self { order, scene, notify_url, return_url: None, expires_at: None, submitted_at }
    }

    /// The same payment with an address for the buyer's browser.
    #[must_use]
    pub fn returning_to(mut self, url: CallbackUrl) -> Self {
        self.return_url = Some(url);
        self
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }
}

/// What the application does next so that the buyer can pay.
#[derive(Debug)]
#[non_exhaustive]
pub enum PayWith {
    /// Send the browser to this address (303).
    Redirect {
        /// The whole address.
        url: String,
    },
    /// Put this `<form>` into a page: every value escaped, a button, no script in it.
    Form {
        /// The element.
        html: String,
        /// The `id` of the element, for a script of the page that submits it.
        id: &'static str,
    },
    /// Draw this text as a QR code.
    QrCode {
        /// The content of the code.
        text: String,
    },
    /// Hand this text to the gateway's kit: Alipay's order string, UnionPay's `tn`.
    Token {
        /// The text.
        text: String,
    },
    /// Hand this JSON object to the gateway's script or kit: WeChat Pay's signed parameters.
    Invoke {
        /// The object, serialised.
        json: String,
    },
    /// The buyer has paid at once (bar code): check and settle it as a notify.
    Paid(Box<Notify<Verified>>),
    /// The buyer is confirming the payment on the telephone (bar code): query every five seconds, then cancel.
    BuyerConfirms,
    /// The gateway refuses this payment and takes no money (bar code): its code and words. The buyer may show another
    /// code.
    Refused {
        /// The code, such as `ACQ.BUYER_BALANCE_NOT_ENOUGH`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
}

/// The identity of a trade in questions to its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two fields, both needed; a new one must break callers")]
pub struct TradeRef {
    /// Our number.
    pub out_trade_no: OutTradeNo,
    /// When it was first submitted to this channel (`txnTime` at UnionPay).
    pub submitted_at: UnixMillis,
}

/// The identity of a refund in questions to its gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two fields, both needed; a new one must break callers")]
pub struct RefundRef {
    /// What was asked for.
    pub refund: Refund,
    /// When it was first asked for (`txnTime` at UnionPay).
    pub requested_at: UnixMillis,
}

/// What a gateway knows about an order.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueryOutcome {
    /// The trade as a verified message: check it and settle it as a notify. It has no `notify_id`.
    Trade(Box<Notify<Verified>>),
    /// No trade has this number: the buyer never got as far as the gateway's page.
    NotFound,
}

/// What closing a trade did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseOutcome {
    /// No payment can come any more.
    Closed,
    /// There is no trade to close: the buyer never got there. A later visit may still open one.
    NotFound,
    /// The trade is paid: query and settle it.
    AlreadyPaid,
    /// This gateway closes trades by their time limit only (UnionPay).
    Unsupported,
}

/// What a gateway knows about a refund.
#[derive(Debug)]
#[non_exhaustive]
pub enum RefundOutcome {
    /// The refund as a verified message: check and settle it.
    Refund(Box<RefundNotify<Verified>>),
    /// The gateway has no such refund: ask for it again under the same number.
    NotFound,
    /// The gateway refuses it and no money moves: its code and words.
    Refused {
        /// The code, such as `ACQ.SELLER_BALANCE_NOT_ENOUGH` or `NOT_ENOUGH`.
        code: String,
        /// The gateway's words, escaped and cut.
        message: String,
    },
}

/// What a gateway tells us on its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// About a trade.
    Trade(Box<Notify<Verified>>),
    /// About a refund.
    Refund(Box<RefundNotify<Verified>>),
}

/// One gateway with one merchant and one way of sending. `Arc<dyn Gateway>` serves any number of requests.
///
/// Every method that sends fails with `InvalidInput` if the gateway does not take a value, `Misuse` if our setup is
/// refused, `Unverified` if a reply is not proved, `PeerMisbehaved` if it breaks the manual. A call that changes
/// something and got no answer is [`Outcome::Unknown`], never an error.
pub trait Gateway: fmt::Debug + Send + Sync {
    /// Which gateway this is.
    fn channel(&self) -> Channel;

    /// What a notify must say to be about this order.
    fn expected(&self, order: &Order) -> ExpectedOrder;

    /// What a message must say to be about this refund.
    fn expected_refund(&self, refund: &Refund) -> ExpectedRefund;

    /// Whether this gateway takes these values at all: its scenes, its numbers, its texts. Nothing is sent, and the
    /// answer depends on nothing but the request, so that it can be asked before anything is recorded.
    ///
    /// # Errors
    /// `InvalidInput` names the value, `Misuse` what our setup lacks: what [`Gateway::pay`] fails with before it sends.
    fn accepts(&self, request: &PayRequest) -> Result<(), Error>;

    /// Whether this gateway takes the values of this refund at all, as [`Gateway::accepts`].
    ///
    /// # Errors
    /// `InvalidInput` names the value.
    fn accepts_refund(&self, refund: &RefundRef) -> Result<(), Error>;

    /// Prepares or takes a payment. `InvalidInput` names a scene that this gateway does not have.
    fn pay<'a>(&'a self, request: &'a PayRequest) -> BoxFuture<'a, Result<Outcome<PayWith>, Error>>;

    /// Asks what became of a trade.
    fn query<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<QueryOutcome, Error>>;

    /// Makes sure that no payment comes any more.
    fn close<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<Outcome<CloseOutcome>, Error>>;

    /// Gives money back. Repeat it with the same number after any failure.
    fn refund<'a>(
        &'a self,
        refund: &'a RefundRef,
        notify_url: &'a CallbackUrl,
    ) -> BoxFuture<'a, Result<Outcome<RefundOutcome>, Error>>;

    /// Asks what became of a refund.
    fn query_refund<'a>(&'a self, refund: &'a RefundRef) -> BoxFuture<'a, Result<RefundOutcome, Error>>;

    /// Downloads and reads the bill of a day; `None` if the gateway has none for it.
    fn bill<'a>(&'a self, day: BillDay) -> BoxFuture<'a, Result<Option<Bill>, Error>>;

    /// Verifies a notify as it arrived: method, path, headers and the whole body.
    ///
    /// # Errors
    /// `InvalidInput` or `Unverified`: answer with [`Gateway::ack`] of [`Ack::Fail`].
    fn read_notify(&self, request: &http::Request<Bytes>, received_at: UnixMillis)
    -> Result<Incoming, Error>;

    /// The exact answer that this gateway wants.
    fn ack(&self, ack: Ack) -> http::Response<Bytes>;
}

/// For a request that is built to see whether its values are taken, and then thrown away.
pub(crate) const fn draft_stamp(at: UnixMillis) -> Stamp {
    Stamp { now: at, nonce: Nonce::from_bytes([0; 16]) }
}

impl RefundOutcome {
    /// For [`Call::refusal_code`](crate::Call::refusal_code).
    pub(crate) fn refusal_code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Refund(_) | Self::NotFound => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, Subject};

    #[test]
    fn a_scene_that_is_printed_tells_nothing_of_the_buyer() {
        let secret = "134567890123456789";
        let (openid, auth_code) = (secret.to_owned(), secret.to_owned());
        let payer_ip = "203.0.113.77".parse().unwrap();
        let number = OutTradeNo::parse("COURSE_0001").unwrap();
        let order = Order::new(number, Subject::parse("a").unwrap(), Money::parse_yuan("1").unwrap());
        let url = CallbackUrl::parse("https://shop.example/notify").unwrap();
        let scenes = [Scene::Jsapi { openid }, Scene::BarCode { auth_code }, Scene::H5 { payer_ip }];
        for (scene, name) in scenes.into_iter().zip(["Jsapi { .. }", "BarCode { .. }", "H5 { .. }"]) {
            assert_eq!(format!("{scene:?}"), name);
            let request = PayRequest::new(order.clone(), scene, url.clone(), UnixMillis::from_millis(1));
            let printed = format!("{request:?}");
            assert!(!printed.contains(secret) && !printed.contains("203.0.113.77"), "{printed}");
        }
    }
}
