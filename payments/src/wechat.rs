//! WeChat Pay, API version 3: JSAPI, Native, H5 and App payments, refunds, bills, notifies.
//!
//! Replies and notifies are signed by WeChat Pay over their raw bytes, with a platform certificate or with a public
//! key that has an id; [`WechatKeys`] holds both, so that a merchant can move from one to the other. Every reader
//! here verifies first and parses second; the one exception is the first download of the platform certificates,
//! which [`Certificates`] explains.
//!
//! # Replies that are errors
//!
//! An error reply (status 400 and above) that is signed is verified like any other and its code is believed. An
//! unsigned one is only a hint: a 4xx becomes an `Unverified` error that names the code, a 429 or 5xx an
//! `Unavailable` one. Neither is ever "no such order" or "already closed".

mod authorization;
mod bill;
mod bill_csv;
mod bill_file;
mod bill_table;
mod certificates;
mod close;
mod gateway;
mod handle;
mod invoke;
mod keys;
mod merchant;
mod notify;
mod prepay;
mod query;
mod refresh;
mod refund;
mod refund_content;
mod reply;
mod request;
mod sensitive;
mod serial;
mod signature;
mod transaction;

pub use bill::{BillLink, FundAccount, FundFlowBill, TradeBill};
pub use bill_csv::{FundDirection, FundFlow, FundFlowLine, read_fund_flow, read_trade_bill};
pub use bill_file::{BILL_BYTES_MAX, BillDownload};
pub use certificates::{Certificates, PlatformCertificate};
pub use close::Close;
pub use gateway::Wechat;
pub use handle::{CodeUrl, H5Url, OpenId, PrepayId};
pub use invoke::InvokeParams;
pub use keys::WechatKeys;
pub use merchant::{ApiV3Key, Credential, Endpoint, Merchant};
pub use notify::{NOTIFY_BYTES_MAX, RawNotify, ack_response};
pub use prepay::{App, H5, Jsapi, Native};
pub use query::TradeQuery;
pub use refresh::Refresh;
pub use refund::{AbnormalPayout, AbnormalRefund, RefundAnswer, RefundCall, RefundId, RefundQuery};
pub use reply::REPLY_BYTES_MAX;
pub use sensitive::SealedField;
pub use serial::CertSerial;

#[cfg(all(doctest, feature = "sandbox"))]
#[doc = include_str!("../docs/wechat.md")]
struct Page;
