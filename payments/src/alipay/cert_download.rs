//! `alipay.open.app.alipaycert.download`: fetches a certificate of Alipay by its number, and calls that do so when a
//! reply names one that is not known. A notify never leads to a download: anybody can send one.

use super::cert_sn::is_sn;
use super::certificates::{Certificates, TrustedCertificate};
use super::merchant::Merchant;
use super::reply;
use super::request::{CERT_DOWNLOAD, post};
use crate::error::{Cause, Error, refused_value};
use crate::{Call, Client, Effect, ErrorKind, Outcome, Reply, Stamp, UnixMillis};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};

const WHAT: &str = "alipay certificate reply";

/// Asks for the certificate of this number, for a merchant in certificate mode.
///
/// The reply may be signed with the very certificate that it brings, so its signature is not asked: the certificate
/// has to prove itself by its number, its holder, its dates and a chain to the configured roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertDownload {
    sn: String,
}

/// What became of an unknown certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Learned {
    /// It is known, from now on or already: repeat the call.
    Known,
    /// It is not asked for now, because another download is under way, or one was a short while ago, or this one
    /// failed. Try again at that moment.
    Later {
        /// When.
        at: UnixMillis,
    },
}

#[derive(Serialize)]
struct BizContent<'a> {
    alipay_cert_sn: &'a str,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    code: String,
    #[serde(default)]
    sub_code: String,
    alipay_cert_content: Option<String>,
}

impl CertDownload {
    /// A download of the certificate of this number.
    ///
    /// # Errors
    /// `InvalidInput` if it is not 32 lower-case hexadecimal digits.
    pub fn new(sn: &str) -> Result<Self, Error> {
        if is_sn(sn) {
            Ok(Self { sn: sn.to_owned() })
        } else {
            Err(refused_value("certificate number", sn, "it has 32 lower-case hexadecimal digits"))
        }
    }
}

impl Call for CertDownload {
    type Merchant = Merchant;
    type Output = TrustedCertificate;

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn request(&self, merchant: &Merchant, stamp: Stamp) -> Result<Request<Bytes>, Error> {
        // Nothing here is secret, and the reply has to be readable before any key is known.
        let merchant = Merchant { content_key: None, ..merchant.clone() };
        post(&merchant, CERT_DOWNLOAD, &BizContent { alipay_cert_sn: &self.sn }, &[], stamp.now)
    }

    fn read(&self, merchant: &Merchant, reply: &Reply) -> Result<TrustedCertificate, Error> {
        let certificates = certificates_of(merchant)?;
        reply::check_shape(&reply.response)?;
        let content = reply::unproved_content(CERT_DOWNLOAD, reply.response.body())?;
        let content: Content =
            serde_json::from_str(content).map_err(|source| Cause::Json { what: WHAT, source })?;
        let Some(text) = content.alipay_cert_content.filter(|_| content.code == "10000") else {
            let code = format!("{} {}", content.code, content.sub_code);
            return Err(Cause::Unsigned { code: crate::error::quoted(code.trim()) }.into());
        };
        let field = || Cause::Field { what: WHAT, field: "alipay_cert_content", source: None };
        let pem = STANDARD.decode(text.trim()).map_err(|_| field())?;
        certificates.check(&self.sn, &pem, reply.received_at)
    }
}

impl Merchant {
    /// Downloads the certificate that [`Error::unknown_certificate`] names, unless a limit forbids it: one download
    /// at a time, one a minute, and ten minutes of rest for a number that failed. Only for what a reply named: a
    /// forged notify can name anything, and whoever sends many keeps the one download a minute busy.
    ///
    /// # Errors
    /// `Misuse` in key mode; `Unverified` if what came is not trusted; as [`Client::call`] if nothing came.
    pub async fn learn_certificate(&self, client: &Client, sn: &str) -> Result<Learned, Error> {
        let (certificates, download) = (certificates_of(self)?, CertDownload::new(sn)?);
        if certificates.knows(sn) {
            return Ok(Learned::Known);
        }
        if let Err(at) = certificates.learning().begin(sn, client.now()) {
            return Ok(Learned::Later { at });
        }
        let under_way = UnderWay(certificates);
        let answer = client.call(self, &download).await.and_then(Outcome::known);
        drop(under_way);
        match answer {
            Ok(trusted) => {
                certificates.learn(&trusted);
                Ok(Learned::Known)
            }
            Err(error) => {
                if error.kind() != ErrorKind::Unavailable {
                    certificates.learning().failed(sn, client.now());
                }
                Err(error)
            }
        }
    }

    /// Makes a call; if the reply names an unknown certificate, learns that one and asks again where a repeat is
    /// harmless. In key mode it is [`Client::call`].
    ///
    /// # Errors
    /// As [`Client::call`], and as [`Merchant::learn_certificate`] for a call that only asks.
    pub async fn call<C>(&self, client: &Client, call: &C) -> Result<Outcome<C::Output>, Error>
    where
        C: Call<Merchant = Self>,
    {
        let first = client.call(self, call).await;
        let cause = match &first {
            Ok(Outcome::Unknown(unknown)) => Some(unknown.cause()),
            Ok(Outcome::Known(_)) => None,
            Err(error) => Some(error),
        };
        let Some(sn) = cause.and_then(Error::unknown_certificate).map(str::to_owned) else { return first };
        let learned = self.learn_certificate(client, &sn).await;
        match (call.effect(), learned, first) {
            (Effect::Reads, Ok(Learned::Known), _) => client.call(self, call).await,
            (Effect::Reads, Err(error), _) => Err(error),
            (Effect::Idempotent(_), Ok(Learned::Known), first) => match client.call(self, call).await {
                // The first attempt may have acted, so a refusal of the second one says nothing about it.
                Err(_) => first,
                Ok(Outcome::Known(output)) if call.refusal_code(&output).is_some() => first,
                answer => answer,
            },
            (_, _, first) => first,
        }
    }
}

fn certificates_of(merchant: &Merchant) -> Result<&Certificates, Error> {
    let why = "it is in key mode, which has no certificates to download";
    merchant.certificates().ok_or_else(|| Cause::Setup { what: "alipay merchant", why }.into())
}

/// Ends a download also if its future is dropped.
struct UnderWay<'a>(&'a Certificates);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.learning().end();
    }
}
