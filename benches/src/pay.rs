//! Payments that both sides of a figure sign, verify and settle: one key of 2048 bits, orders of 88.00 yuan.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::alipay::{self, PagePay};
use payments::sandbox::{generate_key, private_key_text};
use payments::sign::Signer as _;
use payments::{
    AppId, CallbackUrl, Checked, Money, Nonce, Notify, Order, OutTradeNo, PrivateKey, SellerId, Stamp,
    Subject, UnixMillis,
};

use crate::Error;

mod wechat;

pub(crate) use wechat::{Notifies, WechatOrder, WechatOrders, header};

/// The price of every order.
pub(crate) const PRICE_FEN: i64 = 8800;
/// The moment of every request and notify.
pub(crate) const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
const ALIPAY_APP: &str = "9021000122682882";
const ALIPAY_SELLER: &str = "2088721003899159";
/// Different orders.
const COUNT: u32 = 256;

/// Orders for Alipay's page, and the merchant who signs them.
pub(crate) struct PageOrders {
    pub(crate) merchant: alipay::Merchant,
    pub(crate) all: Vec<PageOrder>,
    key: PrivateKey,
}

/// One order, in all the forms in which a side may want it.
#[derive(Debug, Clone)]
pub(crate) struct PageOrder {
    /// As our crate takes it.
    pub(crate) pay: PagePay,
    /// The whole address that it makes.
    pub(crate) url: String,
    /// All parameters, decoded.
    pub(crate) params: BTreeMap<String, String>,
    /// What is signed.
    pub(crate) text: String,
    /// The signature, as it comes out of the key.
    pub(crate) signature: Vec<u8>,
}

/// An order and what its gateway says: it is paid.
pub(crate) struct Paid {
    pub(crate) order: Order,
    pub(crate) notify: Notify<Checked>,
}

/// The moment and the randomness of every request.
pub(crate) fn stamp() -> Stamp {
    Stamp { now: NOW, nonce: Nonce::from_bytes([7; 16]) }
}

fn order(number: u32) -> Result<Order, Error> {
    // Only the digits differ, so that every order is the same work.
    let out_trade_no = OutTradeNo::parse(&format!("COURSE_{number:08}"))?;
    Ok(Order::new(out_trade_no, Subject::parse("Rust 入门课")?, Money::parse_yuan("88.00")?))
}

fn alipay_merchant(key: &PrivateKey, alipay_key: &PrivateKey) -> Result<alipay::Merchant, Error> {
    let (app, seller) = (AppId::parse(ALIPAY_APP)?, SellerId::parse(ALIPAY_SELLER)?);
    let (endpoint, alipay_key) = (alipay::Endpoint::production(), alipay_key.public_key()?);
    Ok(alipay::Merchant::new(app, seller, endpoint, key.clone(), alipay_key))
}

impl PageOrders {
    /// A new key, and orders of different numbers.
    pub(crate) fn draw() -> Result<Self, Error> {
        let key = generate_key()?;
        let merchant = alipay_merchant(&key, &key)?;
        let all = (0..COUNT).map(|number| PageOrder::draw(number, &merchant)).collect::<Result<_, _>>()?;
        Ok(Self { merchant, all, key })
    }

    /// The private key, PKCS #8 in base64.
    pub(crate) fn key_text(&self) -> Result<String, Error> {
        Ok(private_key_text(&self.key)?.to_string())
    }

    /// The same as bytes.
    pub(crate) fn key_der(&self) -> Result<Vec<u8>, Error> {
        STANDARD.decode(self.key_text()?).map_err(|_| Error::Key)
    }

    /// How long the signed text is, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.all.first().map_or(0, |order| order.text.len())
    }
}

impl PageOrder {
    fn draw(number: u32, merchant: &alipay::Merchant) -> Result<Self, Error> {
        let notify_url = CallbackUrl::parse("https://shop.example/alipay/notify")?;
        let return_url = CallbackUrl::parse("https://shop.example/alipay/return")?;
        let pay = PagePay::new(order(number)?, notify_url, return_url);
        let redirect = pay.redirect(merchant, stamp())?;
        let params: BTreeMap<String, String> =
            form_urlencoded::parse(redirect.query().as_bytes()).into_owned().collect();
        let signed = params.iter().filter(|(name, _)| *name != "sign");
        let text = signed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let signature = params.get("sign").and_then(|sign| STANDARD.decode(sign).ok()).ok_or(Error::Key)?;
        Ok(Self { pay, url: redirect.url(), params, text, signature })
    }
}

impl Paid {
    /// Orders and their checked notifies, by Alipay.
    pub(crate) fn draw_all() -> Result<Rc<[Self]>, Error> {
        let key = generate_key()?;
        let merchant = alipay_merchant(&key, &key)?;
        (0..COUNT).map(|number| Self::draw(number, &merchant, &key)).collect()
    }

    fn draw(number: u32, merchant: &alipay::Merchant, key: &PrivateKey) -> Result<Self, Error> {
        let order = order(number)?;
        let (trade_no, notify_id) = (format!("20261123{number:08}"), format!("2026112300222{number:08}"));
        // In the order of their names, as they are signed.
        let fields = [
            ("app_id", ALIPAY_APP),
            ("notify_id", notify_id.as_str()),
            ("notify_type", "trade_status_sync"),
            ("out_trade_no", order.out_trade_no.as_str()),
            ("seller_id", ALIPAY_SELLER),
            ("total_amount", "88.00"),
            ("trade_no", trade_no.as_str()),
            ("trade_status", "TRADE_SUCCESS"),
        ];
        let text = fields.map(|(name, value)| format!("{name}={value}")).join("&");
        let sign = STANDARD.encode(key.sign(text.as_bytes())?);
        let mut form = form_urlencoded::Serializer::new(String::new());
        let form =
            form.extend_pairs(fields).append_pair("sign_type", "RSA2").append_pair("sign", &sign).finish();
        let verified = alipay::RawNotify::parse(form.as_bytes())?.verify(merchant, NOW)?;
        let notify = verified.check(&merchant.expected(&order)).map_err(|mismatch| Error::Answer {
            given: mismatch.to_string(),
            wanted: "a notify of the order".to_owned(),
        })?;
        Ok(Self { order, notify })
    }
}
