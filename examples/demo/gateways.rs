//! The payment gateways: those that the settings name, or all three of the sandbox, each behind the one interface.

mod alipay;
mod embedded;
mod unionpay;
mod wechat;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use payments::{Client, Gateway, ReqwestTransport, Retry, SystemEdge};

pub(crate) use self::alipay::AlipayFlags;
pub(crate) use self::embedded::embedded;
pub(crate) use self::unionpay::UnionpayFlags;
pub(crate) use self::wechat::WechatFlags;
use crate::config::Config;
use crate::start_error::StartError;

/// A gateway that the settings name.
pub(crate) struct Real {
    pub(crate) gateway: Arc<dyn Gateway>,
    /// Its address, for people.
    pub(crate) place: String,
    /// Where its forms and redirects may lead, as sources of a content security policy.
    pub(crate) cashiers: Vec<String>,
    /// WeChat Pay in certificate mode: whose certificates are to be kept fresh.
    pub(crate) fresh: Option<(payments::wechat::Merchant, Client)>,
}

/// The gateways that the settings name; none means the sandbox. A real one never stands beside the sandbox, where
/// everybody pays with a click.
pub(crate) fn real(config: &Config) -> Result<Vec<Real>, StartError> {
    let client = client(ReqwestTransport::new().map_err(StartError::part("payment gateway"))?);
    let found = [
        alipay::open(&config.alipay, &client)?,
        wechat::open(&config.wechat, &client)?,
        unionpay::open(&config.unionpay, &client)?,
    ];
    Ok(found.into_iter().flatten().collect())
}

/// A person waits, and a request of ours ends after fifteen seconds: what is not known by then is asked about later.
const RETRY: Retry = Retry::new(3, 200, 10_000);

fn client(transport: ReqwestTransport) -> Client {
    Client::new(Arc::new(transport), Arc::new(SystemEdge)).with_retry(RETRY)
}

/// A setting that the gateway's address asks for; clap has seen to it that it is there.
fn text(value: Option<&String>) -> &str {
    value.map(String::as_str).unwrap_or_default()
}

/// The text of the file that a flag names.
fn read(flag: &'static str, path: Option<&PathBuf>) -> Result<String, StartError> {
    let path = path.cloned().unwrap_or_default();
    fs::read_to_string(&path).map_err(|cause| StartError::File { flag, path, cause })
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin_of("https://openapi.alipay.com/gateway.do"), "https://openapi.alipay.com");
        assert_eq!(origin_of("http://127.0.0.1:9"), "http://127.0.0.1:9");
    }
}
