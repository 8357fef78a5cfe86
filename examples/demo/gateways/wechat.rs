//! WeChat Pay by settings: its flags, and the merchant that they make, with a public key or with certificates that are
//! downloaded.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use payments::wechat::{ApiV3Key, CertSerial, Credential, Endpoint, Merchant, Wechat, WechatKeys};
use payments::{AppId, Client, PrivateKey, PublicKey, SellerId};

use super::{Real, read, text};
use crate::start_error::StartError;

/// What to set for WeChat Pay.
#[derive(Debug, Clone, Args)]
pub(crate) struct WechatFlags {
    /// WeChat Pay: the gateway, for example `https://api.mch.weixin.qq.com`.
    #[arg(long, env = "WECHAT_GATEWAY_URL", requires_all = ["wechat_app_id", "wechat_mchid", "wechat_cert_serial", "wechat_private_key_file", "wechat_api_v3_key_file"])]
    wechat_gateway_url: Option<String>,

    /// WeChat Pay: a second entrance for when the first cannot be reached, for example `https://api2.mch.weixin.qq.com`.
    #[arg(long, env = "WECHAT_FALLBACK_URL", requires = "wechat_gateway_url")]
    wechat_fallback_url: Option<String>,

    /// WeChat Pay: the application's id (wx...).
    #[arg(long, env = "WECHAT_APP_ID", requires = "wechat_gateway_url")]
    wechat_app_id: Option<String>,

    /// WeChat Pay: the merchant's number.
    #[arg(long, env = "WECHAT_MCHID", requires = "wechat_gateway_url")]
    wechat_mchid: Option<String>,

    /// WeChat Pay: the serial number of the merchant's certificate.
    #[arg(long, env = "WECHAT_CERT_SERIAL", requires = "wechat_gateway_url")]
    wechat_cert_serial: Option<String>,

    /// WeChat Pay: file of the merchant's private key (`apiclient_key.pem`).
    #[arg(long, env = "WECHAT_PRIVATE_KEY_FILE", requires = "wechat_gateway_url")]
    wechat_private_key_file: Option<PathBuf>,

    /// WeChat Pay: file of the API v3 key, 32 characters.
    #[arg(long, env = "WECHAT_API_V3_KEY_FILE", requires = "wechat_gateway_url")]
    wechat_api_v3_key_file: Option<PathBuf>,

    /// WeChat Pay: the id of its public key (`PUB_KEY_ID_...`). Default: platform certificates, which are downloaded.
    #[arg(long, env = "WECHAT_PUBLIC_KEY_ID", requires_all = ["wechat_gateway_url", "wechat_public_key_file"])]
    wechat_public_key_id: Option<String>,

    /// WeChat Pay: file of its public key (`pub_key.pem`).
    #[arg(long, env = "WECHAT_PUBLIC_KEY_FILE", requires = "wechat_public_key_id")]
    wechat_public_key_file: Option<PathBuf>,
}

/// WeChat Pay, if it is set.
pub(super) fn open(flags: &WechatFlags, client: &Client) -> Result<Option<Real>, StartError> {
    let Some(gateway) = &flags.wechat_gateway_url else { return Ok(None) };
    let merchant = merchant(flags, gateway)?;
    let downloads = flags.wechat_public_key_id.is_none();
    Ok(Some(Real {
        gateway: Arc::new(Wechat::new(merchant.clone(), client.clone())),
        place: gateway.clone(),
        // Its codes are scanned: no browser is sent there.
        cashiers: Vec::new(),
        fresh: downloads.then(|| (merchant, client.clone())),
    }))
}

fn merchant(flags: &WechatFlags, gateway: &str) -> Result<Merchant, StartError> {
    let refused = || StartError::part::<payments::Error>("WeChat Pay gateway");
    let mut endpoint = Endpoint::parse(gateway).map_err(refused())?;
    if let Some(second) = &flags.wechat_fallback_url {
        endpoint = endpoint.with_fallback(second).map_err(refused())?;
    }
    let own = read("--wechat-private-key-file", flags.wechat_private_key_file.as_ref())?;
    let own = PrivateKey::parse(&own).map_err(StartError::part("file of --wechat-private-key-file"))?;
    let serial = CertSerial::parse(text(flags.wechat_cert_serial.as_ref())).map_err(refused())?;
    let secret = read("--wechat-api-v3-key-file", flags.wechat_api_v3_key_file.as_ref())?;
    Ok(Merchant::new(
        SellerId::parse(text(flags.wechat_mchid.as_ref())).map_err(refused())?,
        AppId::parse(text(flags.wechat_app_id.as_ref())).map_err(refused())?,
        Credential::new(serial, own),
        ApiV3Key::parse(secret.trim_end()).map_err(StartError::part("file of --wechat-api-v3-key-file"))?,
        keys(flags)?,
        endpoint,
    ))
}

fn keys(flags: &WechatFlags) -> Result<WechatKeys, StartError> {
    let Some(id) = &flags.wechat_public_key_id else { return Ok(WechatKeys::downloading()) };
    let refused = || StartError::part::<payments::Error>("file of --wechat-public-key-file");
    let theirs = read("--wechat-public-key-file", flags.wechat_public_key_file.as_ref())?;
    let theirs = PublicKey::parse(&theirs).map_err(refused())?;
    WechatKeys::of_public_key(id, theirs).map_err(refused())
}
