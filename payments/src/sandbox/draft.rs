//! A notify before it is signed: honest as it is made, and open to every forgery that a test needs.

use super::keys::{MerchantRegistration, SandboxKeys};
use super::trades::Trade;
use crate::alipay::{CallbackUrl, canonical};
use crate::error::Cause;
use crate::form::{self, Params};
use crate::sign::{Signer, sign_text};
use crate::{Error, UnixMillis};
use bytes::Bytes;
use http::{Method, Request, header};

/// A notify that can be changed before it is signed, rightly or wrongly.
#[derive(Debug, Clone)]
pub struct NotifyDraft<'a> {
    keys: &'a SandboxKeys,
    url: CallbackUrl,
    params: Params,
}

impl<'a> NotifyDraft<'a> {
    /// The honest notify of a trade as it stands.
    pub(super) fn new(
        keys: &'a SandboxKeys,
        merchant: &MerchantRegistration,
        trade: &Trade,
        now: UnixMillis,
    ) -> Option<Self> {
        let url = trade.terms.notify_url.clone()?;
        let amount = trade.terms.amount.yuan_text();
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        // The number of the message stays the same over its retries: it comes from the trade alone.
        let notify_id = format!("{}00222{}", digits(&trade.created_at.china_text()), trade.trade_no);
        let mut params = Params::new();
        for (name, value) in [
            ("app_id", merchant.app_id.as_str()),
            ("auth_app_id", merchant.app_id.as_str()),
            ("buyer_id", "2088000000000001"),
            ("charset", "utf-8"),
            ("gmt_create", &trade.created_at.china_text()),
            ("notify_id", &notify_id),
            ("notify_time", &now.china_text()),
            ("notify_type", "trade_status_sync"),
            ("out_trade_no", &trade.terms.out_trade_no),
            ("seller_id", merchant.seller_id.as_str()),
            ("subject", &trade.terms.subject),
            ("total_amount", &amount),
            ("trade_no", &trade.trade_no),
            ("trade_status", trade.status(now)),
            ("version", "1.0"),
        ] {
            params.insert(name.to_owned(), value.to_owned());
        }
        if let Some(paid_at) = trade.paid_at {
            let funds = format!("[{{\"amount\":\"{amount}\",\"fundChannel\":\"ALIPAYACCOUNT\"}}]");
            params.insert("gmt_payment".to_owned(), paid_at.china_text());
            params.insert("fund_bill_list".to_owned(), funds);
            for name in ["buyer_pay_amount", "invoice_amount", "receipt_amount"] {
                params.insert(name.to_owned(), amount.clone());
            }
        }
        Some(Self { keys, url, params })
    }

    /// Sets a parameter, such as `total_amount` or `trade_status`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Leaves a parameter out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.params.remove(name);
        self
    }

    /// The text that a signature covers.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(&self.params, &["sign", "sign_type"])
    }

    /// The request, signed by the gateway: whatever it says, it is genuine.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    pub fn signed(self) -> Result<Request<Bytes>, Error> {
        let keys = self.keys;
        self.signed_by(&keys.gateway)
    }

    /// The request, signed by somebody else: forged.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    pub fn signed_by(self, signer: &dyn Signer) -> Result<Request<Bytes>, Error> {
        let sign = sign_text(signer, &self.canonical())?;
        self.with_sign(&sign)
    }

    /// The request with any text for a signature, also an empty one. `sign_type` is RSA2 unless it was set.
    ///
    /// # Errors
    /// `Misuse` if the request cannot be built.
    pub fn with_sign(mut self, sign: &str) -> Result<Request<Bytes>, Error> {
        self.params.entry("sign_type".to_owned()).or_insert_with(|| "RSA2".to_owned());
        self.params.insert("sign".to_owned(), sign.to_owned());
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.url.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Bytes::from(form::encode(&self.params)))
            .map_err(Cause::from)?;
        Ok(request)
    }
}
