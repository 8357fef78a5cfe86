//! Alipay by settings: its flags, and the merchant that they make, with a public key or with certificates.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use payments::alipay::{Alipay, Certificates, Endpoint, Merchant};
use payments::{AppId, Client, PrivateKey, PublicKey, SellerId};

use super::{Real, origin_of, read, text};
use crate::start_error::StartError;

/// What to set for Alipay.
#[derive(Debug, Clone, Args)]
pub(crate) struct AlipayFlags {
    /// Alipay: the gateway, for example `https://openapi.alipay.com/gateway.do`. Default: none; if no gateway at all is
    /// set, the sandbox stands in for all three.
    #[arg(long, env = "ALIPAY_GATEWAY_URL", requires_all = ["alipay_app_id", "alipay_seller_id", "alipay_private_key_file"])]
    alipay_gateway_url: Option<String>,

    /// Alipay: the application's id.
    #[arg(long, env = "ALIPAY_APP_ID", requires = "alipay_gateway_url")]
    alipay_app_id: Option<String>,

    /// Alipay: the seller's id (2088...).
    #[arg(long, env = "ALIPAY_SELLER_ID", requires = "alipay_gateway_url")]
    alipay_seller_id: Option<String>,

    /// Alipay: file of the application's private key, PKCS#1 or PKCS#8.
    #[arg(long, env = "ALIPAY_PRIVATE_KEY_FILE", requires = "alipay_gateway_url")]
    alipay_private_key_file: Option<PathBuf>,

    /// Alipay: file of Alipay's public key (not the application's), in key mode.
    #[arg(long, env = "ALIPAY_PUBLIC_KEY_FILE", requires = "alipay_gateway_url")]
    alipay_public_key_file: Option<PathBuf>,

    /// Alipay: file of the application's certificate (`appCertPublicKey_*.crt`), in certificate mode.
    #[arg(long, env = "ALIPAY_APP_CERT_FILE", conflicts_with = "alipay_public_key_file", requires_all = ["alipay_gateway_url", "alipay_cert_file", "alipay_root_cert_file"])]
    alipay_app_cert_file: Option<PathBuf>,

    /// Alipay: file of Alipay's certificate (`alipayCertPublicKey_RSA2.crt`), in certificate mode.
    #[arg(long, env = "ALIPAY_CERT_FILE", requires = "alipay_app_cert_file")]
    alipay_cert_file: Option<PathBuf>,

    /// Alipay: file of Alipay's root certificates (`alipayRootCert.crt`), in certificate mode.
    #[arg(long, env = "ALIPAY_ROOT_CERT_FILE", requires = "alipay_app_cert_file")]
    alipay_root_cert_file: Option<PathBuf>,

    /// Alipay: the cashiers that the gateway sends browsers on to, separated by commas.
    #[arg(long, env = "ALIPAY_CASHIERS", value_delimiter = ',', default_value = "https://*.alipay.com")]
    alipay_cashiers: Vec<String>,
}

/// Alipay, if it is set.
pub(super) fn open(flags: &AlipayFlags, client: &Client) -> Result<Option<Real>, StartError> {
    let Some(gateway) = &flags.alipay_gateway_url else { return Ok(None) };
    let merchant = merchant(flags, gateway, client)?;
    Ok(Some(Real {
        gateway: Arc::new(Alipay::new(merchant, client.clone())),
        place: gateway.clone(),
        cashiers: cashiers(gateway, &flags.alipay_cashiers)?,
        fresh: None,
    }))
}

fn merchant(flags: &AlipayFlags, gateway: &str, client: &Client) -> Result<Merchant, StartError> {
    let refused = || StartError::part::<payments::Error>("Alipay gateway");
    let app_id = AppId::parse(text(flags.alipay_app_id.as_ref())).map_err(refused())?;
    let seller_id = SellerId::parse(text(flags.alipay_seller_id.as_ref())).map_err(refused())?;
    let endpoint = Endpoint::parse(gateway).map_err(refused())?;
    let own = read("--alipay-private-key-file", flags.alipay_private_key_file.as_ref())?;
    let own = PrivateKey::parse(&own).map_err(StartError::part("file of --alipay-private-key-file"))?;
    if flags.alipay_app_cert_file.is_some() {
        let app = read("--alipay-app-cert-file", flags.alipay_app_cert_file.as_ref())?;
        let theirs = read("--alipay-cert-file", flags.alipay_cert_file.as_ref())?;
        let roots = read("--alipay-root-cert-file", flags.alipay_root_cert_file.as_ref())?;
        let certificates = Certificates::new(&app, &theirs, &roots, client.now())
            .map_err(StartError::part("set of Alipay's certificates"))?;
        return Merchant::with_certificates(app_id, seller_id, endpoint, own, certificates)
            .map_err(refused());
    }
    if flags.alipay_public_key_file.is_none() {
        return Err(StartError::Either {
            one: "--alipay-public-key-file",
            other: "--alipay-app-cert-file with the other certificates",
        });
    }
    let theirs = read("--alipay-public-key-file", flags.alipay_public_key_file.as_ref())?;
    let theirs = PublicKey::parse(&theirs).map_err(StartError::part("file of --alipay-public-key-file"))?;
    Ok(Merchant::new(app_id, seller_id, endpoint, own, theirs))
}

/// The gateway's origin and the configured cashiers, each a plain source.
fn cashiers(gateway: &str, others: &[String]) -> Result<Vec<String>, StartError> {
    let mut sources = vec![origin_of(gateway)];
    for source in others {
        if !source.starts_with("https://") || source.contains([';', ',', ' ', '\'']) {
            return Err(StartError::Cashier { source_text: source.clone() });
        }
        sources.push(source.clone());
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::cashiers;

    #[test]
    fn a_cashier_is_one_plain_source() {
        let gateway = "https://openapi.alipay.com/gateway.do";
        let sources = cashiers(gateway, &["https://*.alipay.com".to_owned()]).unwrap();
        assert_eq!(sources, ["https://openapi.alipay.com", "https://*.alipay.com"]);
        for odd in ["http://a.example", "https://a.example; script-src *", "https://a.example'none'"] {
            assert!(cashiers(gateway, &[odd.to_owned()]).is_err(), "{odd}");
        }
    }
}
