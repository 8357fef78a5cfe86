//! `alipay.trade.page.pay`: the buyer's browser carries the signed request; there is no reply to read.

use super::merchant::{CallbackUrl, Merchant};
use super::request::{PAGE_PAY, PAGE_PAY_PRODUCT, alipay_number, signed_params};
use crate::error::{Error, refused_value};
use crate::form::{self, Params};
use crate::html::escape;
use crate::{Order, Stamp, UnixMillis};
use serde::Serialize;

/// A payment on Alipay's page, for a browser on a computer (product `FAST_INSTANT_TRADE_PAY`).
///
/// ```
/// # #[cfg(feature = "sandbox")]
/// # fn example() -> Result<(), payments::Error> {
/// # use payments::alipay::{CallbackUrl, Endpoint, Merchant, PagePay};
/// # use payments::{AppId, Money, Nonce, Order, OutTradeNo, SellerId, Stamp, Subject, UnixMillis};
/// # let (app_key, gateway_key) = (payments::sandbox::generate_key()?, payments::sandbox::generate_key()?);
/// # let merchant = Merchant::new(AppId::parse("9021000122682882")?, SellerId::parse("2088721003899159")?,
/// #     Endpoint::sandbox(), app_key, gateway_key.public_key()?);
/// # let order = Order::new(OutTradeNo::parse("COURSE_0001")?, Subject::parse("Rust")?, Money::parse_yuan("88.00")?);
/// # let stamp = Stamp { now: UnixMillis::from_millis(1_790_000_000_000), nonce: Nonce::from_bytes([7; 16]) };
/// let pay = PagePay::new(
///     order,
///     CallbackUrl::parse("https://shop.example/alipay/notify")?,
///     CallbackUrl::parse("https://shop.example/alipay/return")?,
/// );
/// let redirect = pay.redirect(&merchant, stamp)?;
/// assert!(redirect.url().starts_with("https://openapi-sandbox.dl.alipaydev.com/gateway.do?app_id="));
/// # Ok(())
/// # }
/// # #[cfg(feature = "sandbox")]
/// # example().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PagePay {
    /// What is paid.
    pub order: Order,
    /// Where the gateway sends its notify, server to server.
    pub notify_url: CallbackUrl,
    /// Where the gateway sends the buyer's browser afterwards.
    pub return_url: CallbackUrl,
    /// After this moment the gateway takes no payment; without it Alipay's own limit of 15 days holds.
    pub expires_at: Option<UnixMillis>,
}

/// A signed request that the buyer's browser carries to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    endpoint: String,
    params: Params,
}

#[derive(Serialize)]
struct BizContent<'a> {
    out_trade_no: &'a str,
    product_code: &'a str,
    subject: &'a str,
    total_amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_expire: Option<String>,
}

impl PagePay {
    /// A payment without a time limit of its own.
    #[must_use]
    pub fn new(order: Order, notify_url: CallbackUrl, return_url: CallbackUrl) -> Self {
        Self { order, notify_url, return_url, expires_at: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The signed request.
    ///
    /// # Errors
    /// `InvalidInput` if Alipay does not take the number (no `-`) or the subject (no `/`, `=`, `&`);
    /// `Misuse` if the key cannot sign.
    pub fn redirect(&self, merchant: &Merchant, stamp: Stamp) -> Result<Redirect, Error> {
        let subject = self.order.subject.as_str();
        if subject.contains(['/', '=', '&']) {
            return Err(refused_value("subject", subject, "Alipay takes none of `/`, `=` and `&`"));
        }
        let biz_content = BizContent {
            out_trade_no: alipay_number(&self.order.out_trade_no)?,
            product_code: PAGE_PAY_PRODUCT,
            subject,
            total_amount: self.order.amount.yuan_text(),
            time_expire: self.expires_at.map(UnixMillis::china_text),
        };
        let urls = [("notify_url", self.notify_url.as_str()), ("return_url", self.return_url.as_str())];
        let params = signed_params(merchant, PAGE_PAY, &biz_content, &urls, stamp.now)?;
        Ok(Redirect { endpoint: merchant.endpoint.as_str().to_owned(), params })
    }
}

impl Redirect {
    /// The address for a 303 redirect. It grows with the subject; use [`Redirect::form`] where lengths are limited.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}?{}", self.endpoint, self.query())
    }

    /// The part of [`Redirect::url`] after the question mark.
    #[must_use]
    pub fn query(&self) -> String {
        form::encode(&self.params)
    }

    /// A `<form>` element with a button, every value escaped. It holds no script: a page with a strict content
    /// security policy submits the form `alipay-page-pay` from its own script, or lets the buyer press the button.
    #[must_use]
    pub fn form(&self) -> String {
        // The gateway has to know the charset before it reads the body, so that one stays in the address.
        let action = format!("{}?charset=utf-8", self.endpoint);
        let inputs: String = self
            .params
            .iter()
            .filter(|(name, _)| *name != "charset")
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value))
            })
            .collect();
        format!(
            "<form id=\"alipay-page-pay\" method=\"post\" accept-charset=\"utf-8\" action=\"{}\">\n{inputs}\
             <button type=\"submit\">支付宝 Alipay</button>\n</form>\n",
            escape(&action)
        )
    }
}
