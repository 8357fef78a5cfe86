//! The merchant at Alipay: its numbers, its keys, the gateway's address, the addresses it is called back at.

use crate::error::{Error, refused_value};
use crate::notify::ExpectedOrder;
use crate::sign::{Signer, Verifier};
use crate::{AppId, Order, SellerId};
use std::fmt;
use std::sync::Arc;

/// One application of one merchant, in key mode. Keys are parsed once, when this is made.
///
/// ```
/// # #[cfg(feature = "sandbox")]
/// # fn example() -> Result<(), payments::Error> {
/// use payments::alipay::{Endpoint, Merchant};
/// use payments::{AppId, PrivateKey, PublicKey, SellerId};
/// # let app_key = payments::sandbox::generate_key()?;
/// # let alipay_key_text = payments::sandbox::generate_key()?.public_key()?.to_base64()?;
/// let merchant = Merchant::new(
///     AppId::parse("9021000122682882")?,
///     SellerId::parse("2088721003899159")?,
///     Endpoint::sandbox(),
///     app_key, // PrivateKey::parse(&text)?
///     PublicKey::parse(&alipay_key_text)?,
/// );
/// # Ok(())
/// # }
/// # #[cfg(feature = "sandbox")]
/// # example().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Merchant {
    pub(crate) app_id: AppId,
    pub(crate) seller_id: SellerId,
    pub(crate) endpoint: Endpoint,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) alipay: Arc<dyn Verifier>,
}

impl Merchant {
    /// A merchant of these parts; `alipay` verifies with Alipay's public key of this application, not with our own.
    #[must_use]
    pub fn new(
        app_id: AppId,
        seller_id: SellerId,
        endpoint: Endpoint,
        signer: impl Signer + 'static,
        alipay: impl Verifier + 'static,
    ) -> Self {
        Self { app_id, seller_id, endpoint, signer: Arc::new(signer), alipay: Arc::new(alipay) }
    }

    /// What a notify must say to be about this order of this merchant.
    #[must_use]
    pub fn expected(&self, order: &Order) -> ExpectedOrder {
        ExpectedOrder {
            app_id: self.app_id.clone(),
            seller_id: self.seller_id.clone(),
            out_trade_no: order.out_trade_no.clone(),
            amount: order.amount,
        }
    }
}

/// The address of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// The production gateway.
    #[must_use]
    pub fn production() -> Self {
        Self("https://openapi.alipay.com/gateway.do".to_owned())
    }

    /// Alipay's own sandbox.
    #[must_use]
    pub fn sandbox() -> Self {
        Self("https://openapi-sandbox.dl.alipaydev.com/gateway.do".to_owned())
    }

    /// Any gateway over TLS, or over plain HTTP on this machine (`127.0.0.1`, `[::1]`, `localhost`).
    ///
    /// # Errors
    /// `InvalidInput` if it is no such address, or has a query.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).ok_or_else(|| refused_value("gateway address", text, URL_RULE))?;
        if url.secure || matches!(url.host.as_str(), "127.0.0.1" | "[::1]" | "localhost") {
            Ok(Self(url.text))
        } else {
            Err(refused_value("gateway address", text, "use https, or http on this machine only"))
        }
    }

    /// A gateway over plain HTTP on another machine: for a sandbox in a closed network, never for money.
    ///
    /// # Errors
    /// `InvalidInput` if it is no address, or has a query.
    pub fn danger_plain_http(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).ok_or_else(|| refused_value("gateway address", text, URL_RULE))?;
        Ok(Self(url.text))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address of ours that Alipay calls (`notify_url`) or sends the buyer back to (`return_url`).
///
/// It has no query: Alipay signs only its own parameters, and drops or re-encodes others. Put an order number
/// into the path if it is needed there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackUrl {
    url: Url,
}

const URL_RULE: &str =
    "give http:// or https://, a host, an optional path; no query, no user, at most 256 characters";
/// Alipay's limit on `notify_url` and `return_url`.
const URL_CHARS_MAX: usize = 256;

impl CallbackUrl {
    /// Reads an absolute address.
    ///
    /// # Errors
    /// `InvalidInput` if it is no absolute HTTP address, has a query or a fragment, or is too long.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).ok_or_else(|| refused_value("callback address", text, URL_RULE))?;
        Ok(Self { url })
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url.text
    }

    /// Scheme, host and port: what a content security policy and a link home need.
    #[cfg(feature = "sandbox")]
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.url.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.url.authority)
    }
}

impl fmt::Display for CallbackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Url {
    text: String,
    secure: bool,
    host: String,

    authority: String,
}

impl Url {
    fn parse(text: &str) -> Option<Self> {
        let uri: http::Uri = text.parse().ok()?;
        let secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.as_str().to_owned();
        // The authority ends up in headers, so it holds nothing that a header could be split at.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let fits = text.len() <= URL_CHARS_MAX && uri.query().is_none() && !text.contains(['#', '?']);
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        (fits && authority.bytes().all(plain)).then(|| Self {
            text: text.to_owned(),
            secure,
            host,
            authority,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_that_are_refused() {
        let shapes = [
            "",
            "/notify",
            "ftp://shop.example/",
            "https://",
            "https://a:b@shop.example/",
            "https://shop;x/",
        ];
        let queries = ["https://shop.example/?a=1", "https://shop.example/#top", "https://shop.example/a b"];
        for text in shapes.into_iter().chain(queries) {
            assert!(CallbackUrl::parse(text).is_err(), "{text}");
        }
        let long = format!("https://shop.example/{}", "x".repeat(256));
        assert!(CallbackUrl::parse(&long).is_err());
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        assert!(Endpoint::parse("http://127.0.0.1:8070/gateway.do").is_ok());
        assert!(Endpoint::parse("http://localhost.evil.example/gateway.do").is_err());
        assert!(Endpoint::parse("http://10.0.0.7/gateway.do").is_err());
        assert!(Endpoint::danger_plain_http("http://10.0.0.7/gateway.do").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,40}") {
            let _answered = (CallbackUrl::parse(&text), Endpoint::parse(&text));
        }
    }
}
