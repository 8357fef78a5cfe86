//! The gateway product (`网关支付`, 01/01): the buyer's browser carries the signed form; there is no reply to read.

use super::encrypt::EncryptedField;
use super::merchant::Merchant;
use super::report::PAYMENT;
use super::request::{
    CHANNEL_COMPUTER, CHANNEL_TELEPHONE, CURRENCY, FRONT_PATH, GATEWAY_PRODUCT, signed, trade_number,
};
use crate::error::Error;
use crate::form::Params;
use crate::html::escape;
use crate::{CallbackUrl, Order, UnixMillis};

/// A payment on UnionPay's page.
///
/// The order's subject is not sent: the page shows the merchant and the amount. UnionPay refuses a `txnTime` that is
/// far from its clock, so a form that is shown again hours later is refused; query the order, and give a new
/// attempt a new number.
///
/// ```no_run
/// # fn example(merchant: &payments::unionpay::Merchant, order: payments::Order, submitted_at: payments::UnixMillis)
/// # -> Result<(), payments::Error> {
/// use payments::CallbackUrl;
/// use payments::unionpay::{Device, GatewayPay};
/// let pay = GatewayPay::new(
///     order,
///     Device::Computer,
///     CallbackUrl::parse("https://shop.example/unionpay/notify")?,
///     CallbackUrl::parse("https://shop.example/unionpay/return")?,
///     submitted_at, // as the store answered it
/// );
/// let page = format!("<!doctype html><title>UnionPay</title>{}", pay.form(merchant)?.html());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayPay {
    /// What is paid.
    pub order: Order,
    /// Where the buyer's browser runs.
    pub device: Device,
    /// Where the gateway sends its notify, server to server (`backUrl`).
    pub notify_url: CallbackUrl,
    /// Where the gateway sends the buyer's browser afterwards (`frontUrl`): for display only.
    pub return_url: CallbackUrl,
    /// When the order was first submitted to UnionPay (`txnTime`).
    pub submitted_at: UnixMillis,
    /// After this moment the gateway takes no payment (`payTimeout`).
    pub expires_at: Option<UnixMillis>,
    /// The card that the page shall begin with (`accNo`).
    pub account: Option<EncryptedField>,
}

/// Where a browser runs (`channelType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// On a computer (07).
    Computer,
    /// On a telephone (08).
    Telephone,
}

impl GatewayPay {
    /// A payment without a time limit of its own.
    #[must_use]
    pub fn new(
        order: Order,
        device: Device,
        notify_url: CallbackUrl,
        return_url: CallbackUrl,
        submitted_at: UnixMillis,
    ) -> Self {
        Self { order, device, notify_url, return_url, submitted_at, expires_at: None, account: None }
    }

    /// The same payment, taken by the gateway only until this moment.
    #[must_use]
    pub fn expiring_at(mut self, at: UnixMillis) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The same payment from this card, encrypted for UnionPay.
    #[must_use]
    pub fn from_account(mut self, account: EncryptedField) -> Self {
        self.account = Some(account);
        self
    }

    /// The signed form.
    ///
    /// # Errors
    /// `InvalidInput` if UnionPay does not take the number (8 to 40 letters and digits); `Misuse` if the key cannot
    /// sign.
    pub fn form(&self, merchant: &Merchant) -> Result<FrontForm, Error> {
        let channel = match self.device {
            Device::Computer => CHANNEL_COMPUTER,
            Device::Telephone => CHANNEL_TELEPHONE,
        };
        let (amount, submitted_at) = (self.order.amount.fen_text(), self.submitted_at.china_digits());
        let expires_at = self.expires_at.map(UnixMillis::china_digits).unwrap_or_default();
        let account = self.account.as_ref().map(EncryptedField::pair).unwrap_or_default();
        let params = signed(
            merchant,
            &[
                ("accNo", account.0),
                ("backUrl", self.notify_url.as_str()),
                ("bizType", GATEWAY_PRODUCT),
                ("channelType", channel),
                ("currencyCode", CURRENCY),
                ("encryptCertId", account.1),
                ("frontUrl", self.return_url.as_str()),
                ("orderId", trade_number(&self.order.out_trade_no)?),
                ("payTimeout", &expires_at),
                ("txnAmt", &amount),
                ("txnSubType", "01"),
                ("txnTime", &submitted_at),
                ("txnType", PAYMENT),
            ],
        )?;
        Ok(FrontForm { action: merchant.endpoint.at(FRONT_PATH), params })
    }
}

/// A signed form that the buyer's browser carries to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontForm {
    action: String,
    params: Params,
}

impl FrontForm {
    /// The `id` of the element.
    pub const ID: &'static str = "unionpay-front-pay";

    /// Where the form is posted.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Names and values, for a page that draws its own form.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A `<form>` element with a button, every value escaped. It holds no script: a page with a strict content
    /// security policy submits the form [`FrontForm::ID`] from its own script, or lets the buyer press the button.
    #[must_use]
    pub fn html(&self) -> String {
        let inputs: String = self
            .fields()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value))
            })
            .collect();
        format!(
            "<form id=\"{}\" method=\"post\" accept-charset=\"utf-8\" action=\"{}\">\n{inputs}\
             <button type=\"submit\">银联 UnionPay</button>\n</form>\n",
            Self::ID,
            escape(&self.action)
        )
    }
}
