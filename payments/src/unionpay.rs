//! UnionPay's online gateway (`银联全渠道`), ACP 5.1.0 with RSA: forms for browsers, `tn` for applications, query,
//! undo, refund, settlement files, notifies.
//!
//! A browser carries a signed form ([`GatewayPay`]) or an application a token ([`AppPay`]); the gateway answers with
//! a notify to the server ([`RawNotify`]), and only a verified one moves money in our books. Every message of the
//! gateway brings its certificate along, so [`Trust`] says whose certificates count: those that our own copies of
//! the middle and root certificates vouch for *and* that name China UnionPay. Merchants have certificates of the
//! same authority, so the chain alone proves nothing.
//!
//! A trade is named by merchant, order number and `txnTime` together. `txnTime` is
//! [`TradeRef::submitted_at`](crate::TradeRef): keep it with the order.
//!
//! Not here: the shared-key methods (`signMethod` 11 and 12), SM2 (21), and the version 5.0.0, which signs without a
//! certificate in the message. There is no call that closes a trade: give it a time limit.

mod app_pay;
mod codes;
mod encrypt;
mod facade;
mod file;
mod gateway_pay;
mod merchant;
mod message;
mod names;
mod notify;
mod query;
mod refund;
mod reply;
mod report;
mod request;
mod settlement;
mod trust;

pub use app_pay::{AppPay, AppToken};
pub use encrypt::{EncryptedField, EncryptionCertificate, EncryptionKey};
pub use facade::Unionpay;
pub use file::{FileDownload, SettlementFile};
pub use gateway_pay::{Device, FrontForm, GatewayPay};
pub use merchant::{Endpoint, Merchant, SigningKey};
pub use message::FORM_BYTES_MAX;
pub use notify::{RawNotify, ack_response};
pub use query::{Query, RefundQuery};
pub use refund::{RefundAnswer, RefundCall, Undo};
pub use settlement::SettledRow;
pub use trust::Trust;

#[cfg(doctest)]
#[doc = include_str!("../docs/unionpay.md")]
struct Page;
