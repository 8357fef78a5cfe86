//! The merchant at UnionPay: its number, its key and certificate, whom it trusts, the gateway's addresses.

use super::trust::Trust;
use crate::error::{Cause, Error, refused_value};
use crate::notify::{Channel, ExpectedOrder};
use crate::sign::Signer;
use crate::{AppId, Certificate, ExpectedRefund, Order, Pkcs12, PrivateKey, Refund, SellerId, address};
use std::sync::Arc;

/// One merchant. Keys are parsed once, when this is made.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use payments::unionpay::{Endpoint, Merchant, SigningKey, Trust};
/// use payments::{Certificate, Pkcs12, SellerId};
/// let trust = Trust::test(
///     vec![Certificate::parse(std::fs::read("acp_test_middle.cer")?)?],
///     vec![Certificate::parse(std::fs::read("acp_test_root.cer")?)?],
/// );
/// let pfx = Pkcs12::parse(&std::fs::read("acp_test_sign.pfx")?, "000000")?;
/// let mer_id = SellerId::parse("777290058167151")?;
/// let merchant = Merchant::new(mer_id, Endpoint::test(), pfx.into(), trust)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Merchant {
    pub(super) mer_id: SellerId,
    /// UnionPay has no applications: the same text.
    app_id: AppId,
    pub(super) endpoint: Endpoint,
    pub(super) cert_id: String,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) trust: Trust,
}

/// What signs requests, and the number of the certificate that UnionPay checks them with (`certId`).
#[derive(Debug, Clone)]
pub struct SigningKey {
    cert_id: String,
    signer: Arc<dyn Signer>,
}

impl SigningKey {
    /// A private key and its certificate.
    ///
    /// # Errors
    /// `InvalidInput` if the certificate belongs to another key: UnionPay would refuse every signature.
    pub fn new(key: PrivateKey, certificate: &Certificate) -> Result<Self, Error> {
        if certificate.public_key()?.to_base64()? != key.public_key()?.to_base64()? {
            let why = "it belongs to another private key";
            return Err(Cause::Certificate { what: "the merchant's certificate", why }.into());
        }
        Ok(Self { cert_id: certificate.serial_decimal(), signer: Arc::new(key) })
    }

    /// A key that is elsewhere, in a vault or a hardware module, and the certificate of it.
    #[must_use]
    pub fn with_signer(signer: impl Signer + 'static, certificate: &Certificate) -> Self {
        Self { cert_id: certificate.serial_decimal(), signer: Arc::new(signer) }
    }

    /// The serial number of the certificate in decimal digits, as every request names it.
    #[must_use]
    pub fn cert_id(&self) -> &str {
        &self.cert_id
    }
}

/// A `.pfx` file of UnionPay; reading it has compared key and certificate.
impl From<Pkcs12> for SigningKey {
    fn from(file: Pkcs12) -> Self {
        Self::with_signer(file.key, &file.certificate)
    }
}

impl Merchant {
    /// A merchant of these parts.
    ///
    /// # Errors
    /// `InvalidInput` if the number has not 15 characters.
    pub fn new(
        mer_id: SellerId,
        endpoint: Endpoint,
        signing_key: SigningKey,
        trust: Trust,
    ) -> Result<Self, Error> {
        if mer_id.as_str().len() != 15 {
            let rule = "UnionPay's numbers of merchants have 15 characters";
            return Err(refused_value("merchant number", mer_id.as_str(), rule));
        }
        let app_id = AppId::parse(mer_id.as_str())?;
        let SigningKey { cert_id, signer } = signing_key;
        Ok(Self { mer_id, app_id, endpoint, cert_id, signer, trust })
    }

    /// What a notify must say to be about this order of this merchant.
    #[must_use]
    pub fn expected(&self, order: &Order) -> ExpectedOrder {
        ExpectedOrder {
            channel: Channel::Unionpay,
            app_id: self.app_id.clone(),
            seller_id: self.mer_id.clone(),
            out_trade_no: order.out_trade_no.clone(),
            amount: order.amount,
        }
    }

    /// What a message must say to be about this refund of this merchant.
    #[must_use]
    pub fn expected_refund(&self, refund: &Refund) -> ExpectedRefund {
        ExpectedRefund {
            channel: Channel::Unionpay,
            seller_id: self.mer_id.clone(),
            out_trade_no: refund.out_trade_no.clone(),
            refund_no: refund.refund_no.clone(),
            amount: refund.amount,
        }
    }
}

/// The addresses of the gateway: one origin for trades, one address for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    gateway: String,
    files: String,
}

impl Endpoint {
    /// Production.
    #[must_use]
    pub fn production() -> Self {
        Self::of("https://gateway.95516.com", "https://filedownload.95516.com/")
    }

    /// UnionPay's test environment.
    #[must_use]
    pub fn test() -> Self {
        Self::of("https://gateway.test.95516.com", "https://filedownload.test.95516.com/")
    }

    /// Any gateway over TLS, or over plain HTTP on this machine (`127.0.0.1`, `[::1]`, `localhost`): scheme, host and
    /// port. Files come from the path `/` of the same origin; [`Endpoint::with_files`] changes that.
    ///
    /// # Errors
    /// `InvalidInput` if it is no such address, or has a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let gateway = address::gateway_origin(text)?;
        Ok(Self { files: format!("{gateway}/"), gateway })
    }

    /// The same gateway with another address for settlement files.
    ///
    /// # Errors
    /// `InvalidInput` if it is no address as for [`Endpoint::parse`]; a path is fine here.
    pub fn with_files(mut self, text: &str) -> Result<Self, Error> {
        self.files = address::gateway_url(text)?;
        Ok(self)
    }

    fn of(gateway: &str, files: &str) -> Self {
        Self { gateway: gateway.to_owned(), files: files.to_owned() }
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    pub(super) fn files(&self) -> &str {
        &self.files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let here = Endpoint::parse("http://127.0.0.1:8070").unwrap();
        assert_eq!(here.at("/gateway/api/queryTrans.do"), "http://127.0.0.1:8070/gateway/api/queryTrans.do");
        assert_eq!(here.files(), "http://127.0.0.1:8070/");
        assert_eq!(
            here.with_files("http://127.0.0.1:8070/files").unwrap().files(),
            "http://127.0.0.1:8070/files"
        );
        for text in ["http://10.0.0.7", "https://gateway.95516.com/gateway/api", "gateway.95516.com"] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
