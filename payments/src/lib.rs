//! Alipay, WeChat Pay and UnionPay behind one typed interface.
//!
//! A request to a gateway is a value, signed and ready to be sent; a reply is verified before it is parsed. What a
//! gateway says climbs three steps of trust, and only the last one can be settled:
//!
//! ```text
//!              buyer                                 gateway: Alipay, WeChat Pay, UnionPay
//!                │                                      ▲ pay, query,        │ notify
//!                ▼                                      │ close, refund      ▼
//!  ┌─ Desk ── checkout ──────────────────────────── Gateway ─────────── read_notify ── is it the gateway's?
//!  │             │                                      │                    │
//!  │             │ recorded first                       └─> Notify<Verified> ┘
//!  │             │                                                │ check ── is it about our order?
//!  │             ▼                                                ▼
//!  │        OrderStore <───────────── settle, once ─────── Notify<Checked>
//!  │          │      ▲                     └──> Settlement::{Paid, Duplicate, ...} ─> the exact answer
//!  │     work │      │ what stays open
//!  │          ▼      ▼
//!  └──── Worker    Reconciler ── asks, closes, lays the day's bill beside our books
//! ```
//!
//! The whole way, against the local gateway of feature `sandbox`:
//!
#![cfg_attr(feature = "sandbox", doc = "```")]
#![cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
//! # use payments::{*, alipay::{Alipay, Endpoint, Merchant}, desk::*, store::*, sandbox::{*, generate_key}};
//! # use std::sync::Arc;
//! # const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
//! # #[derive(Debug)]
//! # struct Here(Sandbox);
//! # impl Transport for Here {
//! #     fn send(&self, request: http::Request<bytes::Bytes>)
//! #     -> BoxFuture<'_, Result<http::Response<bytes::Bytes>, TransportError>> {
//! #         Box::pin(async move { Ok(self.0.handle(&request, NOW, [9; 32])) })
//! #     }
//! #     fn pause(&self, _millis: u64) -> BoxFuture<'_, ()> { Box::pin(async {}) }
//! # }
//! # impl Edge for Here {
//! #     fn now(&self) -> UnixMillis { NOW }
//! #     fn random(&self) -> Result<[u8; 16], Error> { Ok([7; 16]) }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (app_key, keys) = (generate_key()?, SandboxKeys::generate()?);
//! # let (app_id, seller_id) = (AppId::parse("9021000122682882")?, SellerId::parse("2088721003899159")?);
//! # let endpoint = Endpoint::parse("http://127.0.0.1:8070/gateway.do")?;
//! # let merchant = Merchant::new(app_id.clone(), seller_id.clone(), endpoint, app_key.clone(), keys.public_key()?);
//! # let own = MerchantRegistration { app_id, seller_id, public_key: app_key.public_key()? };
//! # let sandbox = Sandbox::new("http://127.0.0.1:8070")?.with_alipay(SandboxAlipay::new(keys, own));
//! # let here = Arc::new(Here(sandbox));
//! # let (sandbox, transport, edge): (&Sandbox, Arc<dyn Transport>, Arc<dyn Edge>) = (&here.0, here.clone(), here.clone());
//! # let (notify_url, return_url) = (CallbackUrl::parse("https://shop.example/notify")?, CallbackUrl::parse("https://shop.example/return")?);
//! let alipay = Arc::new(Alipay::new(merchant, Client::new(transport, edge.clone())));
//! let desk = Desk::new(Arc::new(MemoryStore::new()), edge).with_gateway(alipay, notify_url)?;
//! let order = Order::new(OutTradeNo::parse("COURSE_0001")?, Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?);
//! let checkout = Checkout::new(Channel::Alipay, order, Scene::Page).returning_to(return_url);
//! let CheckoutOutcome::Pay(PayWith::Redirect { url }) = desk.checkout(&checkout).await? else { return Ok(()) };
//!
//! // The buyer follows the address and pays; the gateway posts this notify to us.
//! # let page = sandbox.page_pay(url.split_once('?').ok_or("no query")?.1, NOW, [9; 32])?;
//! # sandbox.pay(page.token(), NOW)?;
//! # let notify = sandbox.due(NOW).remove(0).request;
//! let received = desk.receive(Channel::Alipay, &notify).await;
//! assert_eq!(received.response.body(), "success"); // send it back byte for byte
//! assert!(matches!(received.receipt?, Receipt::Trade { settlement: Settlement::Paid, .. }));
//! let again = desk.receive(Channel::Alipay, &notify).await.receipt?;
//! assert!(matches!(again, Receipt::Trade { settlement: Settlement::Duplicate, .. }));
//! # Ok(())
//! # }
//! ```
//!
//! # The nouns
//!
//! - [`Order`], [`OutTradeNo`], [`Money`], [`Refund`]: what is sold and given back, parsed and valid. [`TradeState`] and
//!   [`apply`], [`RefundState`] and [`apply_refund`]: where it stands and the pure rules that move it.
//! - [`Gateway`]: one interface over the three; [`alipay::Alipay`], [`wechat::Wechat`], [`unionpay::Unionpay`]. What a
//!   gateway lacks is an answer, not a guess.
//! - [`Call`] and [`Stamp`]: a request and a reply as values, for what the interface does not have. [`Client`] sends
//!   them over a [`Transport`] (feature `reqwest`), repeats with the same numbers, and calls what is not known
//!   [`OutcomeUnknown`].
//! - [`Notify`], [`RefundNotify`]: the steps of trust.
//! - [`store`]: settle exactly once, refund never more than was paid, keep the work that follows; in memory, SQLite,
//!   PostgreSQL or MySQL (features `sqlite`, `postgres`, `mysql`).
//! - [`desk`]: the front door. [`worker`]: does what settling left behind. [`reconcile`]: finds out what nobody told.
//! - [`PrivateKey`], [`PublicKey`], [`Certificate`], [`Pkcs12`]: keys in the shapes that merchants have. [`sign`]: a
//!   second backend in pure Rust (feature `rust-crypto`).
//! - `sandbox` (feature): the three gateways for development and tests; it verifies the merchant as they do.
//!
//! # The pages
//!
//! In the folder `docs` of the crate, every example compiled: `alipay.md`, `wechat.md` and `unionpay.md` lead from keys
//! to the first payment, `notify.md` holds the answers and the threat table, `coming-from.md` is for users of gopay,
//! yansongda/pay and IJPay.
//!
//! # Missing on purpose
//!
//! No clock, no random numbers and, without `reqwest`, no HTTP client: the application brings them. No floating-point
//! amounts, no SHA-1 signatures, no switch that skips a check. WeChat Pay is API version 3 and UnionPay is ACP 5.1.0
//! alone: nothing signs with MD5. No money leaves but as a refund: no transfers, no red packets, no split accounts. One
//! currency, CNY. No framework: a notify is an `http::Request`.

mod address;
mod aead;
mod bill;
mod call;
mod client;
mod error;
mod form;
mod gateway;
mod html;
mod key;
mod money;
mod notify;
mod order;
mod pkcs12;
mod refund;
mod settle;
mod submit;
mod time;
mod trade;
mod x509;

#[cfg(test)]
mod fake;

pub mod alipay;
pub mod desk;
pub mod reconcile;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod sign;
pub mod store;
pub mod unionpay;
pub mod wechat;
pub mod worker;

pub use address::CallbackUrl;
pub use bill::{Bill, BillDay, BillLine, Movement};
pub use call::{Call, Effect, Nonce, Reply, Stake, Stamp};
pub use client::{Client, Edge, Outcome, OutcomeUnknown, Retry, Transport, TransportError};
#[cfg(feature = "reqwest")]
pub use client::{ReqwestTransport, SystemEdge};
pub use error::{Error, ErrorKind};
pub use gateway::{
    CloseOutcome, Gateway, Incoming, PayRequest, PayWith, QueryOutcome, RefundOutcome, RefundRef, Scene,
    TradeRef,
};
pub use key::{KEY_TEXT_BYTES_MAX, PrivateKey, PublicKey};
pub use money::{Currency, Money};
pub use notify::{Channel, Checked, ExpectedOrder, Mismatch, MismatchField, Notify, TradeStatus, Verified};
pub use order::{AppId, Order, OutTradeNo, RefundNo, SellerId, Subject, TradeNo};
pub use pkcs12::{PFX_BYTES_MAX, Pkcs12};
pub use refund::{
    ExpectedRefund, Refund, RefundChecked, RefundNotify, RefundState, RefundStatus, RefundTransition,
    apply_refund,
};
pub use settle::{Ack, Payment, Settlement, StoredOrder};
pub use time::UnixMillis;
pub use trade::{TradeEvent, TradeState, Transition, apply};
pub use x509::{
    BUNDLE_BYTES_MAX, BUNDLE_CERTIFICATES_MAX, CERTIFICATE_BYTES_MAX, Certificate, CertificateBundle,
};

#[cfg(all(doctest, feature = "reqwest", feature = "sandbox"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "reqwest", feature = "sandbox"))]
#[doc = include_str!("../docs/alipay.md")]
struct AlipayPage;

#[cfg(all(doctest, feature = "sandbox"))]
#[doc = include_str!("../docs/coming-from.md")]
struct ComingFromPage;

#[cfg(all(doctest, feature = "sandbox"))]
#[doc = include_str!("../docs/notify.md")]
struct NotifyPage;

#[cfg(all(doctest, feature = "sandbox"))]
#[doc = include_str!("../docs/unionpay.md")]
struct UnionpayPage;

#[cfg(all(doctest, feature = "sandbox"))]
#[doc = include_str!("../docs/wechat.md")]
struct WechatPage;
