//! Alipay's form gateway (OpenAPI version 2, key mode, RSA2): every way to pay, queries, refunds, bills, notifies.
//!
//! [`Alipay`] is the whole of it behind [`Gateway`](crate::Gateway). Each call stands on its own too:
//!
//! | to do | by |
//! |---|---|
//! | take a payment | [`PagePay`], [`WapPay`], [`AppPay`]: signed here, carried by the buyer; [`Precreate`], [`Create`], [`BarCodePay`]: sent |
//! | ask | [`TradeQuery`], [`RefundQuery`] |
//! | end a trade | [`Close`], [`Cancel`] |
//! | give money back | [`RefundCall`] |
//! | compare books | [`BillUrl`], [`read_bill`] |
//! | listen | [`RawNotify`] moves money in our books; [`SyncReturn`] is for display; [`ServiceMessage`] is about no trade |

mod app_pay;
mod bar_code_pay;
mod bill;
mod bill_lines;
mod bill_url;
mod cancel;
mod canonical;
mod cert_download;
mod cert_sn;
mod certificates;
mod close;
mod collect;
mod content;
mod create;
mod gateway;
mod learning;
mod merchant;
mod notify;
mod page_pay;
mod precreate;
mod query;
mod redirect;
mod refund;
mod refusal;
mod reply;
mod request;
mod service_message;
mod signed_form;
mod sync_return;
mod trade_reply;
mod v3;
mod v3_query;
mod wap_pay;

pub use app_pay::AppPay;
pub use bar_code_pay::{AuthCode, BarCodeOutcome, BarCodePay};
pub use bill::{BILL_BYTES_MAX, BILL_FILES_MAX, read_bill};
pub use bill_url::{BillLink, BillUrl};
pub use cancel::{Cancel, CancelOutcome};
pub use cert_download::{CertDownload, Learned};
pub use cert_sn::{certificate_sn, root_certificate_sn};
pub use certificates::{Certificates, TrustedCertificate};
pub use close::{Close, CloseAnswer};
pub use collect::{Collected, QUERIES_MAX, QUERY_EVERY_SECS};
pub use content::ContentKey;
pub use create::{Buyer, Create};
pub use gateway::Alipay;
pub use merchant::{Endpoint, Merchant};
pub use notify::{ACK_FAIL, ACK_SUCCESS, RawNotify, ack_response};
pub use page_pay::PagePay;
pub use precreate::{Precreate, QrProduct};
pub use query::TradeQuery;
pub use redirect::Redirect;
pub use refund::{RefundCall, RefundQuery};
pub use service_message::ServiceMessage;
pub use signed_form::FORM_BYTES_MAX;
pub use sync_return::SyncReturn;
pub use v3::{V3Answer, V3Call};
pub use v3_query::V3TradeQuery;
pub use wap_pay::WapPay;

#[cfg(all(doctest, feature = "reqwest", feature = "sandbox"))]
#[doc = include_str!("../docs/alipay.md")]
struct Guide;
