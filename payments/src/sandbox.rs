//! A local gateway for development and tests: it verifies the merchant as the real one does, shows a cashier that a
//! person can click, and signs what it says with keys of its own.
//!
//! It is a value machine. [`Sandbox::handle`] takes a request and gives a response; what the merchant has to be told
//! waits in a queue: post what [`Sandbox::due`] gives, and hand the answer to [`Sandbox::answered`], which knows each
//! gateway's table of retries ([`Speed`] shortens it). It opens no socket, reads no clock and draws no random number.
//! No money moves: never mount it where a real order could be paid with it.
//!
//! At `/` it lists its trades, with buttons that send a notify again, give money back, and turn [`Mischief`] on:
//! duplicates, forged and late messages, lost replies.
//!
//! It is an oracle: the texts that a merchant has to sign are built here anew, from the manuals, and shown where a
//! signature does not fit. Not imitated: risk control, fees, other charsets than UTF-8.

mod alipay;
mod book;
mod cashier;
mod console;
mod entropy;
mod fate;
mod issuer;
mod keys;
mod mischief;
mod notices;
mod page;
mod retry;
mod shell;
mod side;
mod unionpay;
mod wechat;

pub use alipay::{
    BarCode, CLOCK_SKEW_SECS_MAX, CertificateFiles, NotifyDraft, SandboxAlipay, SandboxRefusal,
};
pub use book::TRADES_MAX;
pub use cashier::{Cashier, CashierRefusal, TradeView};
pub use fate::RefundFate;
pub use keys::{MerchantRegistration, SandboxKeys, generate_key, private_key_text};
pub use mischief::Mischief;
pub use notices::{AfterAttempt, Delivery, DeliveryId, NOTICES_MAX};
pub use retry::{Speed, retry_delays_secs};
pub use shell::{BODY_BYTES_MAX, HoldBack, SLOW_MILLIS, Sandbox, Switch};
pub use unionpay::{
    SandboxUnionpay, TXN_TIME_SKEW_SECS_MAX, UnionpayCertificate, UnionpayFiles, UnionpayKeys,
    UnionpayRegistration,
};
pub use wechat::{SandboxWechat, WECHAT_CLOCK_SKEW_SECS_MAX, WechatRegistration, WechatSigner};
