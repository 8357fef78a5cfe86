//! UnionPay by settings: its flags, and the merchant that they make.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use payments::unionpay::{Endpoint, Merchant, SigningKey, Trust, Unionpay};
use payments::{Certificate, Client, Pkcs12, PrivateKey, SellerId};

use super::{Real, origin_of, read, text};
use crate::start_error::StartError;

/// What to set for UnionPay.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnionpayFlags {
    /// UnionPay: the gateway, for example `https://gateway.95516.com`.
    #[arg(long, env = "UNIONPAY_GATEWAY_URL", requires_all = ["unionpay_mer_id", "unionpay_middle_cert_file", "unionpay_root_cert_file"])]
    unionpay_gateway_url: Option<String>,

    /// UnionPay: the address of settlement files, for example `https://filedownload.95516.com/`.
    #[arg(long, env = "UNIONPAY_FILES_URL", requires = "unionpay_gateway_url")]
    unionpay_files_url: Option<String>,

    /// UnionPay: the merchant's number, 15 characters.
    #[arg(long, env = "UNIONPAY_MER_ID", requires = "unionpay_gateway_url")]
    unionpay_mer_id: Option<String>,

    /// UnionPay: the `.pfx` file of the merchant's key and certificate.
    #[arg(long, env = "UNIONPAY_PFX_FILE", requires_all = ["unionpay_gateway_url", "unionpay_pfx_password_file"])]
    unionpay_pfx_file: Option<PathBuf>,

    /// UnionPay: file of the password of the `.pfx` file.
    #[arg(long, env = "UNIONPAY_PFX_PASSWORD_FILE", requires = "unionpay_pfx_file")]
    unionpay_pfx_password_file: Option<PathBuf>,

    /// UnionPay: file of the merchant's private key, in place of a `.pfx` file.
    #[arg(long, env = "UNIONPAY_PRIVATE_KEY_FILE", conflicts_with = "unionpay_pfx_file", requires_all = ["unionpay_gateway_url", "unionpay_cert_file"])]
    unionpay_private_key_file: Option<PathBuf>,

    /// UnionPay: file of the merchant's certificate, beside its private key.
    #[arg(long, env = "UNIONPAY_CERT_FILE", requires = "unionpay_private_key_file")]
    unionpay_cert_file: Option<PathBuf>,

    /// UnionPay: file of the middle certificate (`acp_prod_middle.cer`).
    #[arg(long, env = "UNIONPAY_MIDDLE_CERT_FILE", requires = "unionpay_gateway_url")]
    unionpay_middle_cert_file: Option<PathBuf>,

    /// UnionPay: file of the root certificate (`acp_prod_root.cer`).
    #[arg(long, env = "UNIONPAY_ROOT_CERT_FILE", requires = "unionpay_gateway_url")]
    unionpay_root_cert_file: Option<PathBuf>,

    /// UnionPay: the gateway is its test environment, whose signer has another name.
    #[arg(long, env = "UNIONPAY_TEST", requires = "unionpay_gateway_url")]
    unionpay_test: bool,
}

/// UnionPay, if it is set.
pub(super) fn open(flags: &UnionpayFlags, client: &Client) -> Result<Option<Real>, StartError> {
    let Some(gateway) = &flags.unionpay_gateway_url else { return Ok(None) };
    let refused = || StartError::part::<payments::Error>("UnionPay gateway");
    let mut endpoint = Endpoint::parse(gateway).map_err(refused())?;
    if let Some(files) = &flags.unionpay_files_url {
        endpoint = endpoint.with_files(files).map_err(refused())?;
    }
    let mer_id = SellerId::parse(text(flags.unionpay_mer_id.as_ref())).map_err(refused())?;
    let middle = certificate("--unionpay-middle-cert-file", flags.unionpay_middle_cert_file.as_ref())?;
    let root = certificate("--unionpay-root-cert-file", flags.unionpay_root_cert_file.as_ref())?;
    let trust = if flags.unionpay_test { Trust::test } else { Trust::production };
    let merchant = Merchant::new(mer_id, endpoint, signing_key(flags)?, trust(vec![middle], vec![root]));
    Ok(Some(Real {
        gateway: Arc::new(Unionpay::new(merchant.map_err(refused())?, client.clone())),
        place: gateway.clone(),
        cashiers: vec![origin_of(gateway)],
        fresh: None,
    }))
}

fn signing_key(flags: &UnionpayFlags) -> Result<SigningKey, StartError> {
    if let Some(path) = &flags.unionpay_pfx_file {
        let flag = "--unionpay-pfx-file";
        let file = fs::read(path).map_err(|cause| StartError::File { flag, path: path.clone(), cause })?;
        let password = read("--unionpay-pfx-password-file", flags.unionpay_pfx_password_file.as_ref())?;
        let opened = Pkcs12::parse(&file, password.trim_end_matches(['\r', '\n']));
        return opened.map(Into::into).map_err(StartError::part("file of --unionpay-pfx-file"));
    }
    if flags.unionpay_private_key_file.is_none() {
        return Err(StartError::Either {
            one: "--unionpay-pfx-file with its password",
            other: "--unionpay-private-key-file with --unionpay-cert-file",
        });
    }
    let own = read("--unionpay-private-key-file", flags.unionpay_private_key_file.as_ref())?;
    let own = PrivateKey::parse(&own).map_err(StartError::part("file of --unionpay-private-key-file"))?;
    let certificate = certificate("--unionpay-cert-file", flags.unionpay_cert_file.as_ref())?;
    SigningKey::new(own, &certificate).map_err(StartError::part("file of --unionpay-cert-file"))
}

fn certificate(flag: &'static str, path: Option<&PathBuf>) -> Result<Certificate, StartError> {
    let path = path.cloned().unwrap_or_default();
    let bytes = fs::read(&path).map_err(|cause| StartError::File { flag, path, cause })?;
    Certificate::parse(bytes).map_err(StartError::part(flag))
}
