//! What a gateway says about a trade, in three steps of trust: raw bytes, [`Verified`], [`Checked`].
//!
//! Each step has one constructor. Only a gateway module makes a `Notify<Verified>`, from bytes whose signature
//! fits; only [`Notify::check`] makes a `Notify<Checked>`; only that one is taken by a store.

use crate::error::{Error, quoted};
use crate::form::Params;
use crate::{AppId, Money, OutTradeNo, SellerId, TradeNo};
use std::fmt;

/// The gateway that a notify came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// Alipay (`支付宝`).
    Alipay,
    /// WeChat Pay (`微信支付`), API version 3.
    Wechat,
    /// UnionPay's online gateway (`银联全渠道`), ACP 5.1.0.
    Unionpay,
}

/// What the gateway says about the trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TradeStatus {
    /// The buyer has not paid yet.
    Waiting,
    /// The buyer paid.
    Paid,
    /// The payment failed and will not come any more.
    Failed,
    /// Closed: never paid, or refunded in full. Settling tells which, from the order's own history and from what
    /// the message says about a payment.
    Closed,
}

/// A message about a trade; `S` says how far it is trusted.
///
/// ```no_run
/// # fn example(body: &[u8], merchant: &payments::alipay::Merchant, order: &payments::Order,
/// # now: payments::UnixMillis) -> Result<(), payments::Error> {
/// use payments::alipay::RawNotify;
/// let verified = RawNotify::parse(body)?.verify(merchant, now)?;
/// match verified.check(&merchant.expected(order)) {
///     Ok(checked) => println!("trade {} is ours", checked.trade_no()), // store.settle(&checked, now)
///     Err(mismatch) => println!("not ours: {mismatch}"),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Notify<S> {
    report: Report,
    stage: S,
}

/// The gateway signed it. Whether it is about our order is not known yet.
#[derive(Debug, Clone, Copy)]
pub struct Verified(pub(crate) ());

/// It is about our app, our seller, our order and our amount.
#[derive(Debug, Clone)]
pub struct Checked {
    out_trade_no: OutTradeNo,
}

/// The facts of a verified message, gathered by a gateway module. Where a gateway has no number of its own for a
/// thing, the module repeats the nearest one and says so.
pub(crate) struct Report {
    pub(crate) channel: Channel,
    pub(crate) app_id: String,
    pub(crate) seller_id: String,
    pub(crate) out_trade_no: String,
    pub(crate) trade_no: TradeNo,
    pub(crate) amount: Money,
    pub(crate) status: TradeStatus,
    pub(crate) notify_id: Option<String>,
    /// The message shows that money once came for this trade, wherever it is now.
    pub(crate) money_came: bool,
    /// The message shows that a refund was asked for and not how much of the money is still here.
    pub(crate) refund_asked: bool,
    pub(crate) fields: Params,
}

/// What a notify must say to be about our order. Take it from our own store and configuration, never from the
/// message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "five fields, all of them needed; a new one must break callers"
)]
pub struct ExpectedOrder {
    /// The gateway that we configured these numbers for.
    pub channel: Channel,
    /// Our application.
    pub app_id: AppId,
    /// The party that shall receive the money.
    pub seller_id: SellerId,
    /// Our number.
    pub out_trade_no: OutTradeNo,
    /// The price.
    pub amount: Money,
}

/// A verified notify is not about the expected order: do not settle it, and answer "fail".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    field: MismatchField,
    expected: String,
    found: String,
}

/// The first field that differs, in the order of checking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MismatchField {
    /// Another gateway.
    Channel,
    /// Another application of the same or another merchant.
    AppId,
    /// Another receiver of the money.
    SellerId,
    /// Another order.
    OutTradeNo,
    /// Another amount.
    Amount,
    /// Another refund.
    RefundNo,
}

impl Notify<Verified> {
    // INVARIANT: callers have verified the signature over every byte that `report` was read from.
    pub(crate) fn verified(report: Report) -> Self {
        Self { report, stage: Verified(()) }
    }

    /// The number that the message names; parse it with [`OutTradeNo::parse`] and look the order up.
    #[must_use]
    pub fn out_trade_no(&self) -> &str {
        &self.report.out_trade_no
    }

    /// Compares the message with what we sold.
    ///
    /// # Errors
    /// The first field that differs. This is an expected answer: the message is genuine and not about this order.
    pub fn check(self, expected: &ExpectedOrder) -> Result<Notify<Checked>, Mismatch> {
        let found = &self.report;
        differs(MismatchField::Channel, expected.channel.code(), found.channel.code())?;
        differs(MismatchField::AppId, expected.app_id.as_str(), &found.app_id)?;
        differs(MismatchField::SellerId, expected.seller_id.as_str(), &found.seller_id)?;
        differs(MismatchField::OutTradeNo, expected.out_trade_no.as_str(), &found.out_trade_no)?;
        differs(MismatchField::Amount, &expected.amount.to_string(), &found.amount.to_string())?;
        let stage = Checked { out_trade_no: expected.out_trade_no.clone() };
        Ok(Notify { report: self.report, stage })
    }
}

impl Notify<Checked> {
    /// The number of the order that this is about.
    #[must_use]
    pub fn out_trade_no(&self) -> &OutTradeNo {
        &self.stage.out_trade_no
    }
}

impl<S> Notify<S> {
    /// The gateway.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.report.channel
    }

    /// The gateway's number of the trade.
    #[must_use]
    pub fn trade_no(&self) -> &TradeNo {
        &self.report.trade_no
    }

    /// The whole amount of the trade.
    #[must_use]
    pub fn amount(&self) -> Money {
        self.report.amount
    }

    /// What happened to the trade.
    #[must_use]
    pub fn status(&self) -> TradeStatus {
        self.report.status
    }

    /// The gateway's number of this message; none if it was asked for by a query.
    #[must_use]
    pub fn notify_id(&self) -> Option<&str> {
        self.report.notify_id.as_deref()
    }

    /// True if the message shows that the buyer once paid this trade, also when the money has gone back since.
    pub(crate) fn money_came(&self) -> bool {
        self.report.money_came
    }

    /// True if a refund of this trade was asked for, and the message does not tell what became of it.
    pub(crate) fn refund_asked(&self) -> bool {
        self.report.refund_asked
    }

    /// Any other signed field by its name at the gateway, such as `gmt_payment` or `buyer_id`. None if it is empty:
    /// the gateway does not sign empty fields.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.report.fields.get(name).map(String::as_str)
    }
}

pub(crate) fn differs(field: MismatchField, expected: &str, found: &str) -> Result<(), Mismatch> {
    if expected == found {
        Ok(())
    } else {
        Err(Mismatch { field, expected: expected.to_owned(), found: quoted(found) })
    }
}

impl Mismatch {
    /// The field that differs.
    #[must_use]
    pub fn field(&self) -> MismatchField {
        self.field
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.field {
            MismatchField::Channel => "channel",
            MismatchField::RefundNo => "refund no",
            MismatchField::AppId => "app id",
            MismatchField::SellerId => "seller id",
            MismatchField::OutTradeNo => "out trade no",
            MismatchField::Amount => "amount",
        };
        write!(f, "the notify has {name} `{}`, the order has `{}`", self.found, self.expected)
    }
}

impl std::error::Error for Mismatch {}

/// Numbers and status only: the other fields tell about the buyer.
impl<S> fmt::Debug for Notify<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify")
            .field("channel", &self.report.channel)
            .field("out_trade_no", &self.report.out_trade_no)
            .field("trade_no", &self.report.trade_no)
            .field("amount", &self.report.amount)
            .field("status", &self.report.status)
            .finish_non_exhaustive()
    }
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Alipay, Self::Wechat, Self::Unionpay];

    /// The word that stores and logs use.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Alipay => "alipay",
            Self::Wechat => "wechat",
            Self::Unionpay => "unionpay",
        }
    }

    /// Reads the word that [`Channel::code`] writes.
    ///
    /// # Errors
    /// `InvalidInput` for any other word.
    pub fn parse(code: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|channel| channel.code() == code);
        known.ok_or_else(|| crate::error::refused_value("channel", code, "this version does not know it"))
    }
}
