//! Chinese payment gateways behind typed calls. This version speaks Alipay's page pay with RSA2.
//!
//! A request to a gateway is a value, signed and ready for any HTTP client. What a gateway says climbs three steps
//! of trust, and only the last one can be settled:
//!
//! ```text
//! bytes ─> RawNotify ─ verify(merchant) ─> Notify<Verified> ─ check(expected order) ─> Notify<Checked>
//!                      is it Alipay's?                        is it about our order?        │
//!                                                                                           ▼
//!            answer "success" or "fail" <─ Settlement::{Paid, Duplicate, ...} <─ OrderStore::settle
//! ```
//!
//! The whole way, against the local gateway of feature `sandbox`:
//!
#![cfg_attr(feature = "sandbox", doc = "```")]
#![cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
//! # use payments::{*, alipay::*, store::*, sandbox::*};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let now = UnixMillis::from_millis(1_790_000_000_000);
//! # let stamp = Stamp { now, nonce: Nonce::from_bytes([7; 16]) };
//! # let (app_key, keys) = (generate_key()?, SandboxKeys::generate()?);
//! # let (app_id, seller_id) = (AppId::parse("9021000122682882")?, SellerId::parse("2088721003899159")?);
//! # let merchant = Merchant::new(app_id.clone(), seller_id.clone(), Endpoint::sandbox(), app_key.clone(), keys.public_key()?);
//! # let gateway = Gateway::new(keys, MerchantRegistration { app_id, seller_id, public_key: app_key.public_key()? });
//! # let (notify_url, return_url) = (CallbackUrl::parse("https://shop.example/notify")?, CallbackUrl::parse("https://shop.example/return")?);
//! let number = OutTradeNo::parse("COURSE_0001")?;
//! let order = Order::new(number.clone(), Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?);
//! let store = MemoryStore::new();
//! store.create(&order, now).await?;
//! let redirect = PagePay::new(order.clone(), notify_url, return_url).redirect(&merchant, stamp)?;
//!
//! // The buyer follows `redirect.url()` and pays; the gateway posts this notify to us.
//! let cashier = gateway.page_pay(&redirect.query(), now, [9; 32])?;
//! let notify = gateway.pay(cashier.token(), now)?.notify.ok_or("no notify")?;
//!
//! let verified = RawNotify::parse(notify.body())?.verify(&merchant)?;
//! let checked = verified.check(&merchant.expected(&order))?;
//! assert_eq!(store.settle(&checked, now).await?, Settlement::Paid);
//! assert_eq!(store.settle(&checked, now).await?, Settlement::Duplicate);
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! - [`Order`], [`OutTradeNo`], [`Money`]: what is sold, parsed and valid. [`TradeState`] and [`apply`]: where it
//!   stands and the pure rule that moves it.
//! - [`PrivateKey`], [`PublicKey`], [`sign`]: RSA2. [`Call`] and [`Stamp`]: a request and a reply as values.
//! - [`alipay`]: the merchant, page pay, trade query, notifies. [`Notify`]: the steps of trust.
//! - [`store`]: settle exactly once, in memory or in SQLite (feature `sqlite`).
//! - `sandbox` (feature): a gateway for development and tests that verifies the merchant as the real one does.
//!
//! # Missing on purpose
//!
//! No HTTP client, no clock, no random numbers: the application brings them. No floating-point amounts, no
//! SHA-1 signatures, no switch that skips a check. Certificate mode, refunds, bills, WeChat Pay and UnionPay are
//! not here yet.

mod call;
mod error;
mod form;
mod html;
mod key;
mod money;
mod notify;
mod order;
mod settle;
mod time;
mod trade;

pub mod alipay;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod sign;
pub mod store;

pub use call::{Call, Nonce, Stamp};
pub use error::{Error, ErrorKind};
pub use key::{KEY_TEXT_BYTES_MAX, PrivateKey, PublicKey};
pub use money::{Currency, Money};
pub use notify::{Channel, Checked, ExpectedOrder, Mismatch, MismatchField, Notify, TradeStatus, Verified};
pub use order::{AppId, Order, OutTradeNo, SellerId, Subject, TradeNo};
pub use settle::{Ack, Payment, Settlement, StoredOrder};
pub use time::UnixMillis;
pub use trade::{TradeEvent, TradeState, Transition, apply};

#[cfg(all(doctest, feature = "sandbox"))]
#[doc = include_str!("../README.md")]
struct Readme;
