//! Alipay's gateway of the sandbox: the form gateway, version 3 for queries, notifies and returns, bills, certificates.

mod admission;
mod bill;
mod canonical;
mod certs;
mod content;
mod draft;
mod opening;
mod refunds;
mod refusal;
mod reply;
mod trades;
mod v3;
mod verbs;

pub use admission::CLOCK_SKEW_SECS_MAX;
pub use certs::CertificateFiles;
pub use draft::NotifyDraft;
pub use opening::BarCode;
pub use refusal::SandboxRefusal;

use self::admission::Admitted;
use self::certs::Certs;
use super::book::{RefundStage, Stage, Trade};
use super::cashier;
use super::keys::{MerchantRegistration, SandboxKeys};
use super::notices::{Notice, Trick};
use super::shell::status;
use super::side::{Answer, Desk, Side, WayBack};
use crate::{Channel, Error, PrivateKey, UnixMillis, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Map, Value};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// Alipay's gateway with its one merchant.
pub struct SandboxAlipay {
    keys: SandboxKeys,
    merchant: MerchantRegistration,
    content_key: Option<Zeroizing<[u8; 16]>>,
    certs: Option<Mutex<Certs>>,
    bills: Mutex<Vec<bill::Link>>,
}

impl SandboxAlipay {
    /// The gateway in key mode, with these keys, for this merchant.
    #[must_use]
    pub fn new(keys: SandboxKeys, merchant: MerchantRegistration) -> Self {
        Self { keys, merchant, content_key: None, certs: None, bills: Mutex::default() }
    }

    /// The same gateway with the merchant's content key (AES-128), for requests with `encrypt_type=AES`.
    #[must_use]
    pub fn with_content_key(mut self, key: [u8; 16]) -> Self {
        self.content_key = Some(Zeroizing::new(key));
        self
    }

    /// The same gateway in certificate mode: `root` vouches for the gateway's certificate and for the merchant's.
    ///
    /// # Errors
    /// `Misuse` if a key cannot sign.
    pub fn with_certificates(mut self, root: &SandboxKeys, now: UnixMillis) -> Result<Self, Error> {
        let (root, own) = (root.gateway.clone(), self.keys.gateway.clone());
        let merchant = &self.merchant;
        let (app_id, seller_id) = (merchant.app_id.as_str(), merchant.seller_id.as_str());
        let certs = Certs::issue(root, own, app_id, &merchant.public_key, seller_id, now)?;
        self.certs = Some(Mutex::new(certs));
        Ok(self)
    }

    /// The files that the merchant takes from the console; none in key mode.
    #[must_use]
    pub fn certificate_files(&self) -> Option<CertificateFiles> {
        self.certs.as_ref().map(|certs| locked(certs).files())
    }

    /// Changes the gateway's certificate: everything is signed with the new one from now on, and the merchant can
    /// download it by its number. In key mode nothing happens.
    ///
    /// # Errors
    /// `Misuse` if a key cannot sign.
    pub fn rotate_certificate(&self, keys: &SandboxKeys, now: UnixMillis) -> Result<(), Error> {
        self.certs.as_ref().map_or(Ok(()), |certs| locked(certs).rotate(keys.gateway.clone(), now))
    }

    /// The key that signs now, and the number of its certificate in certificate mode.
    fn signing(&self) -> (PrivateKey, Option<String>) {
        let newest = self.certs.as_ref().and_then(|certs| locked(certs).signing());
        match newest {
            Some((key, sn)) => (key, Some(sn)),
            None => (self.keys.gateway.clone(), None),
        }
    }

    /// In key mode nobody sends serials; in certificate mode everybody does.
    fn check_serials(&self, app: &str, root: &str) -> Result<(), SandboxRefusal> {
        if let Some(certs) = &self.certs {
            return locked(certs).check(app, root);
        }
        let remedy = "this merchant is in key mode: send no certificate serials";
        if app.is_empty() && root.is_empty() {
            Ok(())
        } else {
            Err(SandboxRefusal::invalid("isv.invalid-app-cert-sn", remedy))
        }
    }

    fn gateway_do(&self, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer {
        let query = request.uri().query().unwrap_or_default();
        let answer = admission::admit(query, request.body(), self, desk.now)
            .and_then(|admitted| self.dispatch(&admitted, desk));
        match answer {
            Ok(answer) => answer,
            // A browser and a server make the same mistakes; only the browser can read a page.
            Err(refusal) if verbs::wants_page(request) => Answer::plain(verbs::refusal_page(&refusal)),
            Err(refusal) => Answer::plain(reply::unsigned(&refusal)),
        }
    }

    fn dispatch(&self, request: &Admitted, desk: &mut Desk<'_>) -> Result<Answer, SandboxRefusal> {
        if opening::is_page(&request.method) {
            let trade = opening::page(request, desk)?;
            return Ok(Answer::about(trade.key.clone(), cashier::show(&trade)));
        }
        let called = match request.method.as_str() {
            "alipay.trade.precreate" => opening::precreate(request, desk),
            "alipay.trade.create" => opening::create(request, desk),
            "alipay.trade.pay" => opening::pay(request, desk),
            "alipay.trade.query" => trades::query(request, desk),
            "alipay.trade.close" => trades::close(request, desk),
            "alipay.trade.cancel" => trades::cancel(request, desk),
            "alipay.trade.refund" => refunds::refund(request, desk),
            "alipay.trade.fastpay.refund.query" => refunds::query(request, desk),
            "alipay.data.dataservice.bill.downloadurl.query" => {
                bill::url(request, &mut locked(&self.bills), desk)
            }
            "alipay.open.app.alipaycert.download" => self.certificate(request),
            _ => {
                let remedy = "the sandbox has no such method";
                return Err(SandboxRefusal::invalid("isv.invalid-method", remedy));
            }
        };
        // What is refused from here on is refused to the merchant itself, so it is signed.
        let touched = trades::key_of(&request.biz, desk);
        let content = called.unwrap_or_else(|refusal| refusal.content());
        let failed = |_| SandboxRefusal::failed("the sandbox cannot sign");
        let response = reply::signed(self, request, content).map_err(failed)?;
        Ok(Answer { response, touched })
    }
}

impl Side for SandboxAlipay {
    fn channel(&self) -> Channel {
        Channel::Alipay
    }

    fn owns(&self, path: &str) -> bool {
        path == "/gateway.do" || path.starts_with(v3::PREFIX) || path.starts_with(bill::PREFIX)
    }

    fn answer(&self, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer {
        let path = request.uri().path();
        if path.starts_with(v3::PREFIX) {
            return v3::answer(self, request, desk);
        }
        match (request.method(), path.strip_prefix(bill::PREFIX)) {
            (&Method::GET, Some(token)) => Answer::plain(self.bill(token, desk)),
            (&Method::GET | &Method::POST, None) => self.gateway_do(request, desk),
            _ => Answer::plain(status(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    fn notify(&self, notice: &Notice, desk: &mut Desk<'_>) -> Result<Option<Request<Bytes>>, Error> {
        let Some(draft) = NotifyDraft::new(self, &notice.trade, &notice.about, desk.now) else {
            return Ok(None);
        };
        match notice.trick {
            Trick::Honest => draft.signed().map(Some),
            Trick::WrongAmount => draft.set("total_amount", "0.01").signed().map(Some),
            Trick::Forged => {
                let foreign = sign::sign_text(&self.signing().0, "another text")?;
                draft.with_sign(&foreign).map(Some)
            }
            // Only WeChat Pay probes.
            Trick::Probe => Ok(None),
        }
    }

    /// Exactly these seven characters.
    fn acknowledges(&self, status: StatusCode, body: &[u8]) -> bool {
        status == StatusCode::OK && body == b"success"
    }

    fn way_back(&self, trade: &Trade, desk: &mut Desk<'_>) -> Result<Option<WayBack>, Error> {
        let Some(url) = &trade.terms.return_url else { return Ok(None) };
        let query = verbs::sync_return(self, trade, desk.now)?;
        Ok(Some(WayBack::Get(format!("{url}?{query}"))))
    }

    fn busy(&self) -> Response<Bytes> {
        status(StatusCode::SERVICE_UNAVAILABLE)
    }
}

impl SandboxAlipay {
    fn certificate(&self, request: &Admitted) -> Result<Map<String, Value>, SandboxRefusal> {
        let sn = request.biz.text("alipay_cert_sn").unwrap_or_default();
        let certs = self.certs.as_ref().map(locked);
        let pem = certs.as_ref().and_then(|certs| certs.find(&sn));
        let pem = pem.ok_or_else(|| {
            SandboxRefusal::invalid("isv.invalid-alipay-cert-sn", "the gateway has no such certificate")
        })?;
        Ok(reply::good([("alipay_cert_content", &STANDARD.encode(pem))]))
    }

    fn bill(&self, token: &str, desk: &Desk<'_>) -> Response<Bytes> {
        let seller_id = self.merchant.seller_id.as_str();
        match bill::download(token, seller_id, &locked(&self.bills), desk) {
            Some(Ok(archive)) => {
                let mut response = Response::new(archive);
                let zip = HeaderValue::from_static("application/zip");
                response.headers_mut().insert(header::CONTENT_TYPE, zip);
                response
            }
            Some(Err(_)) => status(StatusCode::INTERNAL_SERVER_ERROR),
            None => status(StatusCode::FORBIDDEN),
        }
    }
}

/// The trade's state in the gateway's word. Closed is ambiguous, as it is at the real gateway.
fn status_word(trade: &Trade, now: UnixMillis, speed: super::Speed) -> &'static str {
    /// Three months, after which nothing can be refunded.
    const REFUND_SECS_MAX: u64 = 90 * 86_400;
    match (trade.stage(now), trade.paid_at) {
        (Stage::Paid, Some(_)) if trade.refunded_fen() >= trade.terms.amount.minor() => "TRADE_CLOSED",
        (Stage::Paid, Some(paid_at))
            if now.as_millis() >= paid_at.as_millis().saturating_add(speed.millis(REFUND_SECS_MAX)) =>
        {
            "TRADE_FINISHED"
        }
        (Stage::Paid, _) => "TRADE_SUCCESS",
        (Stage::Waiting, _) => "WAIT_BUYER_PAY",
        (Stage::Closed | Stage::Failed, _) => "TRADE_CLOSED",
    }
}

impl std::fmt::Debug for SandboxAlipay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxAlipay").field("merchant", &self.merchant).finish_non_exhaustive()
    }
}

/// A panic elsewhere cannot leave a list half changed, so a poisoned lock is taken over.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// True if the refund ended well.
fn succeeded(stage: RefundStage) -> bool {
    stage == RefundStage::Succeeded
}
