//! The merchant at Alipay: its numbers, its keys, the gateway's address.

use super::certificates::Certificates;
use super::content::ContentKey;
use crate::address;
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::notify::{Channel, ExpectedOrder};
use crate::sign::{Signer, Verifier};
use crate::{AppId, ExpectedRefund, Order, Refund, SellerId, UnixMillis};
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
    pub(super) keys: Keys,
    /// Common parameters that every request of this merchant has besides the usual ones.
    pub(crate) common: Params,
    pub(crate) content_key: Option<ContentKey>,
}

/// What the gateway's signatures have to fit.
#[derive(Debug, Clone)]
pub(super) enum Keys {
    Key(Arc<dyn Verifier>),
    Certificates(Arc<Certificates>),
}

/// Signed once to see whether a certificate belongs to a key; no gateway takes it for a message.
const KEY_CHECK: &[u8] = b"does this key belong to this certificate?";

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
        let (signer, keys) = (Arc::new(signer), Keys::Key(Arc::new(alipay)));
        Self { app_id, seller_id, endpoint, signer, keys, common: Params::new(), content_key: None }
    }

    /// A merchant in certificate mode: requests name our certificate and the roots, replies are verified by the
    /// certificate that they name, and notifies that name none by any that is known. A certificate that has expired
    /// verifies nothing.
    ///
    /// # Errors
    /// `Misuse` if the key cannot sign, or our certificate belongs to another key.
    pub fn with_certificates(
        app_id: AppId,
        seller_id: SellerId,
        endpoint: Endpoint,
        signer: impl Signer + 'static,
        certificates: Certificates,
    ) -> Result<Self, Error> {
        let signature = signer.sign(KEY_CHECK)?;
        if !certificates.app().public_key()?.verify(KEY_CHECK, &signature) {
            let why = "it belongs to another key than the one that signs";
            return Err(Cause::Setup { what: "app certificate", why }.into());
        }
        let numbers = [
            ("app_cert_sn", certificates.app_cert_sn()),
            ("alipay_root_cert_sn", certificates.root_cert_sn()),
        ];
        let common = numbers.map(|(name, sn)| (name.to_owned(), sn.to_owned())).into();
        let (signer, keys) = (Arc::new(signer), Keys::Certificates(Arc::new(certificates)));
        Ok(Self { app_id, seller_id, endpoint, signer, keys, common, content_key: None })
    }

    /// The same merchant with encrypted content in both directions (`encrypt_type=AES`). Notifies stay plain.
    #[must_use]
    pub fn with_content_key(mut self, key: ContentKey) -> Self {
        self.content_key = Some(key);
        self
    }

    /// The certificates, in certificate mode: their numbers, and when they end.
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        match &self.keys {
            Keys::Certificates(certificates) => Some(certificates),
            Keys::Key(_) => None,
        }
    }

    /// The key that a message of this moment has to fit: in certificate mode that of the certificate that it names.
    pub(crate) fn verifier(
        &self,
        certificate: Option<&str>,
        at: UnixMillis,
    ) -> Result<Arc<dyn Verifier>, Error> {
        match &self.keys {
            Keys::Certificates(certificates) => certificates.verifier(certificate, at),
            Keys::Key(key) => Ok(Arc::clone(key)),
        }
    }

    /// What a notify must say to be about this order of this merchant.
    #[must_use]
    pub fn expected(&self, order: &Order) -> ExpectedOrder {
        ExpectedOrder {
            channel: Channel::Alipay,
            app_id: self.app_id.clone(),
            seller_id: self.seller_id.clone(),
            out_trade_no: order.out_trade_no.clone(),
            amount: order.amount,
        }
    }

    /// What a message must say to be about this refund by this merchant.
    #[must_use]
    pub fn expected_refund(&self, refund: &Refund) -> ExpectedRefund {
        ExpectedRefund {
            channel: Channel::Alipay,
            seller_id: self.seller_id.clone(),
            out_trade_no: refund.out_trade_no.clone(),
            refund_no: refund.refund_no.clone(),
            amount: refund.amount,
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
        address::gateway_url(text).map(Self)
    }

    /// A gateway over plain HTTP on another machine: for a sandbox in a closed network, never for money.
    ///
    /// # Errors
    /// `InvalidInput` if it is no address, or has a query.
    pub fn danger_plain_http(text: &str) -> Result<Self, Error> {
        address::any_gateway_url(text).map(Self)
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port: version 3 has paths of its own.
    pub(crate) fn origin(&self) -> &str {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        self.0.get(..scheme.len() + 3 + authority.len()).unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        assert!(Endpoint::parse("http://127.0.0.1:8070/gateway.do").is_ok());
        assert!(Endpoint::parse("http://10.0.0.7/gateway.do").is_err());
        assert!(Endpoint::danger_plain_http("http://10.0.0.7/gateway.do").is_ok());
    }
}
