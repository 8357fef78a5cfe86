//! The merchant at WeChat Pay: its numbers, its key, the API v3 key, the gateway's address.

use super::keys::WechatKeys;
use super::serial::CertSerial;
use crate::address;
use crate::error::{Cause, Error};
use crate::notify::{Channel, ExpectedOrder};
use crate::refund::{ExpectedRefund, Refund};
use crate::sign::Signer;
use crate::{AppId, Order, SellerId};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// One merchant (`mchid`) with one application (`appid`). Cloning shares the keys, so that a refresh reaches every
/// clone.
///
/// ```
/// # #[cfg(feature = "sandbox")]
/// # fn example() -> Result<(), payments::Error> {
/// use payments::wechat::{ApiV3Key, CertSerial, Credential, Endpoint, Merchant, WechatKeys};
/// use payments::{AppId, SellerId};
/// # let merchant_key = payments::sandbox::generate_key()?; // PrivateKey::parse(&text)?
/// # let wechat_key = payments::sandbox::generate_key()?.public_key()?; // PublicKey::parse(&text)?
/// let serial = CertSerial::parse("0C4AEF34B89340881BB2B25226393DC2E47F094B")?;
/// let merchant = Merchant::new(
///     SellerId::parse("1900000109")?,
///     AppId::parse("wx2421b1c4370ec43b")?,
///     Credential::new(serial, merchant_key),
///     ApiV3Key::parse("0123456789abcdef0123456789abcdef")?,
///     WechatKeys::of_public_key("PUB_KEY_ID_0119000001092024123100", wechat_key)?,
///     Endpoint::production(),
/// );
/// assert!(!format!("{merchant:?}").contains("0123456789abcdef"));
/// # Ok(())
/// # }
/// # #[cfg(feature = "sandbox")]
/// # example().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Merchant {
    pub(crate) mchid: SellerId,
    pub(crate) app_id: AppId,
    pub(crate) credential: Credential,
    pub(crate) api_v3_key: ApiV3Key,
    pub(crate) keys: Arc<WechatKeys>,
    pub(crate) endpoint: Endpoint,
}

/// What the merchant signs with: the private key, and the serial of the merchant's certificate.
#[derive(Debug, Clone)]
pub struct Credential {
    pub(crate) serial: CertSerial,
    pub(crate) signer: Arc<dyn Signer>,
}

impl Credential {
    /// A key and the serial of its certificate (`商户API证书序列号`).
    #[must_use]
    pub fn new(serial: CertSerial, signer: impl Signer + 'static) -> Self {
        Self { serial, signer: Arc::new(signer) }
    }
}

impl Merchant {
    /// A merchant of these parts; `keys` verifies what WeChat Pay says.
    #[must_use]
    pub fn new(
        mchid: SellerId,
        app_id: AppId,
        credential: Credential,
        api_v3_key: ApiV3Key,
        keys: impl Into<Arc<WechatKeys>>,
        endpoint: Endpoint,
    ) -> Self {
        Self { mchid, app_id, credential, api_v3_key, keys: keys.into(), endpoint }
    }

    /// The keys of WeChat Pay that this merchant knows.
    #[must_use]
    pub fn keys(&self) -> &Arc<WechatKeys> {
        &self.keys
    }

    /// What a notify must say to be about this order of this merchant.
    #[must_use]
    pub fn expected(&self, order: &Order) -> ExpectedOrder {
        ExpectedOrder {
            channel: Channel::Wechat,
            app_id: self.app_id.clone(),
            seller_id: self.mchid.clone(),
            out_trade_no: order.out_trade_no.clone(),
            amount: order.amount,
        }
    }

    /// What a message must say to be about this refund of this merchant.
    #[must_use]
    pub fn expected_refund(&self, refund: &Refund) -> ExpectedRefund {
        ExpectedRefund {
            channel: Channel::Wechat,
            seller_id: self.mchid.clone(),
            out_trade_no: refund.out_trade_no.clone(),
            refund_no: refund.refund_no.clone(),
            amount: refund.amount,
        }
    }
}

/// The API v3 key (`APIv3密钥`): 32 bytes that the merchant chose on the merchant platform. Wiped when dropped,
/// never printed.
#[derive(Clone)]
pub struct ApiV3Key(Arc<Zeroizing<[u8; 32]>>);

impl ApiV3Key {
    /// Reads the 32 bytes.
    ///
    /// # Errors
    /// `InvalidInput` for another length: a shorter key would be AES-128, which WeChat Pay does not use.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes: [u8; 32] = text.as_bytes().try_into().map_err(|_| Cause::Key {
            what: "API v3",
            remedy: "give the 32 characters that were set on the merchant platform",
            source: None,
        })?;
        Ok(Self(Arc::new(Zeroizing::new(bytes))))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiV3Key(redacted)")
    }
}

/// The address of the gateway, and of its second entrance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    origin: String,
    fallback: Option<String>,
}

impl Endpoint {
    /// The production gateway, and `api2` for when it cannot be reached. WeChat Pay has no test gateway.
    #[must_use]
    pub fn production() -> Self {
        Self {
            origin: "https://api.mch.weixin.qq.com".to_owned(),
            fallback: Some("https://api2.mch.weixin.qq.com".to_owned()),
        }
    }

    /// Any gateway over TLS, or over plain HTTP on this machine: scheme, host and port, without a path.
    ///
    /// # Errors
    /// `InvalidInput` if it is no such address.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(Self { origin: address::gateway_origin(text)?, fallback: None })
    }

    /// The same gateway with another entrance for when the first cannot be reached.
    ///
    /// # Errors
    /// `InvalidInput` if it is no such address.
    pub fn with_fallback(mut self, text: &str) -> Result<Self, Error> {
        self.fallback = Some(address::gateway_origin(text)?);
        Ok(self)
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// The second entrance.
    #[must_use]
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// The path and query of an address of this gateway; none if the address leads anywhere else, where a signed
    /// request has no business.
    pub(crate) fn path_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let origins = [Some(self.origin.as_str()), self.fallback.as_deref()];
        let mut paths = origins.into_iter().flatten().filter_map(|origin| url.strip_prefix(origin));
        paths.find(|path| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_has_32_bytes() {
        assert!(ApiV3Key::parse("a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb").is_ok());
        for text in ["", "testAPIv3Key0000", "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gbx", "密钥"] {
            let error = ApiV3Key::parse(text).unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn a_path_is_of_this_gateway_only() {
        let endpoint = Endpoint::production();
        let path = "/v3/billdownload/file?token=a";
        for host in ["https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com"] {
            assert_eq!(endpoint.path_of(&format!("{host}{path}")), Some(path));
        }
        for url in [
            "https://api.mch.weixin.qq.com.evil.example/v3/x",
            "https://api.mch.weixin.qq.com@evil.example/v3/x",
            "https://api.mch.weixin.qq.com",
            "http://api.mch.weixin.qq.com/v3/x",
            "https://api.mch.weixin.qq.com/v3/x y",
            "//evil.example/v3/x",
        ] {
            assert_eq!(endpoint.path_of(url), None, "{url}");
        }
    }
}
