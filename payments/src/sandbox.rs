//! A local gateway for development and tests: it verifies the merchant as the real one does, shows a cashier, and
//! signs what it says with a key of its own.
//!
//! It is a value machine: [`Gateway::handle`] takes a request and gives a response, and the notifies that the
//! application has to send. It opens no socket, reads no clock and draws no random number. No money moves: never
//! mount it where a real order could be paid with it.
//!
//! Not imitated: clock skew limits, risk control, fees, refunds, certificate mode, other charsets than UTF-8.

mod admission;
mod cashier;
mod draft;
mod gateway;
mod keys;
mod page;
mod refusal;
mod retry;
mod routes;
mod trades;

pub use cashier::{Cashier, TradeView};
pub use draft::NotifyDraft;
pub use gateway::{Gateway, Paid};
pub use keys::{MerchantRegistration, SandboxKeys, generate_key};
pub use refusal::SandboxRefusal;
pub use retry::{Delivery, RETRY_DELAYS_SECS, after_attempt};
pub use trades::TRADES_MAX;
