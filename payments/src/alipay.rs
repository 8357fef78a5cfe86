//! Alipay's form gateway (OpenAPI version 2, key mode, RSA2): page pay, trade query, notifies.
//!
//! A page payment is a [`Redirect`] for the buyer's browser. The gateway answers with a [`SyncReturn`] in the
//! browser, for display, and with a notify to the server, which alone moves money in our books: [`RawNotify`].

mod canonical;
mod merchant;
mod notify;
mod page_pay;
mod query;
mod reply;
mod request;
mod signed_form;
mod sync_return;

#[cfg(feature = "sandbox")]
pub(crate) use canonical::canonical;
pub use merchant::{CallbackUrl, Endpoint, Merchant};
pub use notify::{ACK_FAIL, ACK_SUCCESS, RawNotify, ack_response};
pub use page_pay::{PagePay, Redirect};
pub use query::{QueryOutcome, TradeQuery};
#[cfg(feature = "sandbox")]
pub(crate) use request::{PAGE_PAY, PAGE_PAY_PRODUCT, TRADE_QUERY};
pub use signed_form::FORM_BYTES_MAX;
pub use sync_return::SyncReturn;
