//! A notify before it is signed: honest as it is made, and open to every forgery that a test needs.

use super::{SandboxAlipay, canonical, status_word, succeeded};
use crate::error::Cause;
use crate::form::{self, Params};
use crate::sandbox::Speed;
use crate::sandbox::book::Trade;
use crate::sandbox::notices::About;
use crate::sign::{Signer, sign_text};
use crate::{CallbackUrl, Currency, Error, Money, UnixMillis};
use bytes::Bytes;
use http::{Method, Request, header};

/// A notify that can be changed before it is signed, rightly or wrongly.
#[derive(Debug, Clone)]
pub struct NotifyDraft<'a> {
    side: &'a SandboxAlipay,
    url: CallbackUrl,
    params: Params,
}

impl<'a> NotifyDraft<'a> {
    /// The honest notify of a trade as it stands; none if the merchant gave no address.
    pub(super) fn new(
        side: &'a SandboxAlipay,
        trade: &Trade,
        about: &About,
        now: UnixMillis,
    ) -> Option<Self> {
        let url = trade.terms.notify_url.clone()?;
        let merchant = &side.merchant;
        let mut params = Params::new();
        for (name, value) in [
            ("app_id", merchant.app_id.as_str()),
            ("auth_app_id", merchant.app_id.as_str()),
            ("buyer_id", "2088000000000001"),
            ("charset", "utf-8"),
            ("gmt_create", &trade.created_at.china_text()),
            ("notify_id", &notify_id(trade, about)),
            ("notify_time", &now.china_text()),
            ("notify_type", "trade_status_sync"),
            ("out_trade_no", &trade.out_trade_no),
            ("seller_id", merchant.seller_id.as_str()),
            ("subject", &trade.terms.subject),
            ("total_amount", &trade.terms.amount.yuan_text()),
            ("trade_no", &trade.trade_no),
            ("trade_status", status_word(trade, now, Speed::REAL)),
            ("version", "1.0"),
        ] {
            params.insert(name.to_owned(), value.to_owned());
        }
        payment(&mut params, trade);
        if let About::Refund(refund_no) = about {
            refund(&mut params, trade, refund_no);
        }
        Some(Self { side, url, params })
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
        canonical::of_message(&self.params)
    }

    /// The request, signed by the gateway: whatever it says, it is genuine.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign.
    pub fn signed(self) -> Result<Request<Bytes>, Error> {
        let (signer, _serial) = self.side.signing();
        self.signed_by(&signer)
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

/// The number of a message stays the same over its retries: it comes from what the message is about.
fn notify_id(trade: &Trade, about: &About) -> String {
    let digits: String = trade.created_at.china_text().chars().filter(char::is_ascii_digit).collect();
    let event = match about {
        About::Payment => "00222".to_owned(),
        About::Closed => "00223".to_owned(),
        About::Refund(refund_no) => {
            let place = trade.refunds.iter().position(|refund| refund.refund_no == *refund_no);
            format!("{:05}", 224 + place.unwrap_or_default())
        }
    };
    format!("{digits}{event}{}", trade.trade_no)
}

fn payment(params: &mut Params, trade: &Trade) {
    let Some(paid_at) = trade.paid_at else { return };
    let amount = trade.terms.amount.yuan_text();
    let funds = format!("[{{\"amount\":\"{amount}\",\"fundChannel\":\"ALIPAYACCOUNT\"}}]");
    params.insert("gmt_payment".to_owned(), paid_at.china_text());
    params.insert("fund_bill_list".to_owned(), funds);
    for name in ["buyer_pay_amount", "invoice_amount", "receipt_amount"] {
        params.insert(name.to_owned(), amount.clone());
    }
}

/// `refund_fee` counts everything that went back so far.
fn refund(params: &mut Params, trade: &Trade, refund_no: &str) {
    let Some(refund) = trade.refund(refund_no).filter(|refund| succeeded(refund.stage)) else { return };
    let ended_at = refund.ended_at.unwrap_or(refund.created_at);
    params.insert("out_biz_no".to_owned(), refund.refund_no.clone());
    // The manual writes tenths of a second here.
    params.insert("gmt_refund".to_owned(), format!("{}.000", ended_at.china_text()));
    if let Ok(sum) = Money::from_minor(trade.refunded_fen(), Currency::Cny) {
        params.insert("refund_fee".to_owned(), sum.yuan_text());
    }
}
