//! The till: the merchant's keys, and the sandbox gateway on a port of its own unless a real one is set.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use payments::alipay::{Endpoint, Merchant};
use payments::sandbox::{Gateway, MerchantRegistration, SandboxKeys, generate_key};
use payments::{AppId, PrivateKey, PublicKey, SellerId};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Part;
use crate::config::Config;
use crate::sandbox;
use crate::start_error::StartError;

const SANDBOX_APP_ID: &str = "2026000000000001";
/// Every instance behind a load balancer has a sandbox on a port of its own.
const SANDBOX_CASHIERS: &str = "http://127.0.0.1:*";
const SANDBOX_SELLER_ID: &str = "2088000000000001";

/// What the till needs.
pub(super) struct Till {
    pub(super) merchant: Merchant,
    /// Where a form may lead: the gateway and its cashiers, as sources of a content security policy.
    pub(super) cashiers: String,
    /// Where the gateway's notifies are sent.
    pub(super) notify_base: String,
    pub(super) part: Part,
}

/// Opens the real gateway's till where one is set, else the sandbox.
pub(super) async fn open(
    config: &Config,
    public_url: &str,
    addr: SocketAddr,
    stopping: watch::Receiver<bool>,
) -> Result<Till, StartError> {
    match &config.alipay_gateway_url {
        Some(gateway) => real(config, gateway, public_url),
        None => embedded(addr, stopping).await,
    }
}

fn real(config: &Config, gateway: &str, public_url: &str) -> Result<Till, StartError> {
    let private = read("--alipay-private-key-file", config.alipay_private_key_file.as_ref())?;
    let public = read("--alipay-public-key-file", config.alipay_public_key_file.as_ref())?;
    let refused = "payment gateway";
    let merchant = Merchant::new(
        AppId::parse(config.alipay_app_id.as_deref().unwrap_or_default())
            .map_err(StartError::part(refused))?,
        SellerId::parse(config.alipay_seller_id.as_deref().unwrap_or_default())
            .map_err(StartError::part(refused))?,
        Endpoint::parse(gateway).map_err(StartError::part(refused))?,
        PrivateKey::parse(&private).map_err(StartError::part("merchant's private key"))?,
        PublicKey::parse(&public).map_err(StartError::part("gateway's public key"))?,
    );
    let part = Part { name: "payment gateway", external: true, words: gateway.to_owned() };
    Ok(Till {
        merchant,
        cashiers: cashiers(gateway, &config.alipay_cashiers)?,
        notify_base: public_url.to_owned(),
        part,
    })
}

fn read(flag: &'static str, path: Option<&PathBuf>) -> Result<String, StartError> {
    let path = path.cloned().unwrap_or_default();
    fs::read_to_string(&path).map_err(|cause| StartError::File { flag, path, cause })
}

async fn embedded(addr: SocketAddr, stopping: watch::Receiver<bool>) -> Result<Till, StartError> {
    let place = SocketAddr::from(([127, 0, 0, 1], 0));
    let taken = |cause| StartError::Listen { addr: place, cause };
    let listener = TcpListener::bind(place).await.map_err(taken)?;
    let url = sandbox::url(listener.local_addr().map_err(taken)?);
    let (merchant, gateway) = sandbox_pair(&url).map_err(StartError::part("sandbox gateway"))?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(StartError::part("sandbox gateway"))?;
    tokio::spawn(async move {
        if let Err(cause) = sandbox::serve(listener, gateway, client, stopping).await {
            tracing::error!(%cause, "the sandbox gateway stopped");
        }
    });
    let part = Part { name: "payment gateway", external: false, words: format!("sandbox at {url}") };
    Ok(Till { merchant, cashiers: SANDBOX_CASHIERS.to_owned(), notify_base: format!("http://{addr}"), part })
}

/// A gateway and its one merchant, each with the other's public key. The keys live as long as the process.
fn sandbox_pair(url: &str) -> Result<(Merchant, Gateway), payments::Error> {
    let (app_id, seller_id) = (AppId::parse(SANDBOX_APP_ID)?, SellerId::parse(SANDBOX_SELLER_ID)?);
    let (own, theirs) = (generate_key()?, SandboxKeys::generate()?);
    let public_key = own.public_key()?;
    let merchant =
        Merchant::new(app_id.clone(), seller_id.clone(), Endpoint::parse(url)?, own, theirs.public_key()?);
    Ok((merchant, Gateway::new(theirs, MerchantRegistration { app_id, seller_id, public_key })))
}

/// The gateway's origin and the configured cashiers, each a plain source.
fn cashiers(gateway: &str, others: &[String]) -> Result<String, StartError> {
    let mut sources = vec![origin_of(gateway)];
    for source in others {
        if !source.starts_with("https://") || source.contains([';', ',', ' ', '\'']) {
            return Err(StartError::Cashier { source_text: source.clone() });
        }
        sources.push(source.clone());
    }
    Ok(sources.join(" "))
}

/// Scheme, host and port of an address.
fn origin_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{cashiers, origin_of};

    #[test]
    fn a_cashier_is_one_plain_source() {
        let gateway = "https://openapi.alipay.com/gateway.do";
        let sources = cashiers(gateway, &["https://*.alipay.com".to_owned()]).unwrap();
        assert_eq!(sources, "https://openapi.alipay.com https://*.alipay.com");
        for odd in ["http://a.example", "https://a.example; script-src *", "https://a.example'none'"] {
            assert!(cashiers(gateway, &[odd.to_owned()]).is_err(), "{odd}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin_of("https://openapi.alipay.com/gateway.do"), "https://openapi.alipay.com");
        assert_eq!(origin_of("http://127.0.0.1:9"), "http://127.0.0.1:9");
    }
}
