//! UnionPay's gateway of the sandbox, ACP 5.1.0: payments, query, refunds and undo, settlement files, the encryption
//! certificate, notifies.

mod admission;
mod authority;
mod file;
mod message;
mod opening;
mod refunds;
mod trades;

pub use admission::TXN_TIME_SKEW_SECS_MAX;
pub use authority::{UnionpayCertificate, UnionpayFiles, UnionpayKeys};

use self::admission::{Fields, Refusal};
use self::authority::Authority;
use super::book::{Key, RefundStage, Trade};
use super::cashier;
use super::notices::{About, Notice, Trick};
use super::page;
use super::shell::status;
use super::side::{Answer, Desk, Side, WayBack};
use crate::error::{Cause, Error};
use crate::form::{self, Params};
use crate::html::escape;
use crate::{CallbackUrl, Channel, Currency, Money, PublicKey, SellerId, UnixMillis};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use std::sync::{Mutex, PoisonError};

const FRONT: &str = "/gateway/api/frontTransReq.do";
const APP: &str = "/gateway/api/appTransReq.do";
const BACK: &str = "/gateway/api/backTransReq.do";
const QUERY: &str = "/gateway/api/queryTrans.do";
/// The real gateway has a host of its own for files.
const FILE: &str = "/unionpay/file";
/// Where a `tn` opens the cashier.
const PAY: &str = "/unionpay/pay/";

/// The merchant as UnionPay has it on file.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "two fields, all of them needed; a new one must break callers")]
pub struct UnionpayRegistration {
    /// The merchant's number, 15 characters.
    pub mer_id: SellerId,
    /// The key that it signs with; the sandbox issues the certificate of it.
    pub public_key: PublicKey,
}

/// UnionPay's gateway with its one merchant.
///
/// Its addresses are those of the real one below the origin of the sandbox; settlement files are at `/unionpay/file`,
/// and a `tn` opens the cashier at `/unionpay/pay/{tn}`, where the telephone's kit would. The numbers of refunds
/// choose odd ends: [`RefundFate`](super::RefundFate). A payment in the browser whose order number ends with `FAILED`
/// is refused by the bank, for good.
///
/// ```
/// use payments::sandbox::{Sandbox, SandboxUnionpay, UnionpayKeys, UnionpayRegistration, generate_key};
/// use payments::{Certificate, SellerId, UnixMillis};
/// let now = UnixMillis::from_millis(1_790_000_000_000);
/// let own = generate_key()?;
/// let merchant = UnionpayRegistration {
///     mer_id: SellerId::parse("777290058167151")?,
///     public_key: own.public_key()?,
/// };
/// let unionpay = SandboxUnionpay::new(UnionpayKeys::generate()?, merchant, now)?;
/// let certificate = Certificate::parse(&unionpay.files().merchant)?;
/// let sandbox = Sandbox::new("http://127.0.0.1:8070")?.with_unionpay(unionpay);
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug)]
pub struct SandboxUnionpay {
    merchant: UnionpayRegistration,
    authority: Authority,
    presented: Mutex<UnionpayCertificate>,
}

impl SandboxUnionpay {
    /// The gateway with these keys, for this merchant; every certificate is issued now and valid for five years.
    ///
    /// # Errors
    /// `Misuse` if a key cannot sign.
    pub fn new(keys: UnionpayKeys, merchant: UnionpayRegistration, now: UnixMillis) -> Result<Self, Error> {
        let authority = Authority::issue(keys, merchant.mer_id.as_str(), &merchant.public_key, now)?;
        Ok(Self { merchant, authority, presented: Mutex::new(UnionpayCertificate::Genuine) })
    }

    /// What the merchant configures.
    #[must_use]
    pub fn files(&self) -> &UnionpayFiles {
        &self.authority.files
    }

    /// Which certificate messages carry from now on.
    pub fn present(&self, certificate: UnionpayCertificate) {
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    fn presented(&self) -> UnionpayCertificate {
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn front(&self, fields: &Fields, desk: &mut Desk<'_>) -> Answer {
        let opened = admission::admit(self, fields).and_then(|()| opening::front(self, fields, desk));
        match opened {
            Ok(trade) => Answer::about(trade.key.clone(), cashier::show(&trade)),
            Err(refusal) => Answer::plain(refusal_page(&refusal)),
        }
    }

    fn back(&self, path: &str, fields: &Fields, desk: &mut Desk<'_>) -> Answer {
        let (response, touched) = match admission::admit(self, fields) {
            Err(refusal) => (message::refused(self, None, &refusal), None),
            Ok(()) => match self.dispatch(path, fields, desk) {
                Ok((touched, content)) => (message::reply(self, fields, content), touched),
                Err(refusal) => (message::refused(self, Some(fields), &refusal), None),
            },
        };
        Answer { response: response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR)), touched }
    }

    fn dispatch(
        &self,
        path: &str,
        fields: &Fields,
        desk: &mut Desk<'_>,
    ) -> Result<(Option<Key>, Params), Refusal> {
        let about = |(key, content)| (Some(key), content);
        match (path, fields.text("txnType")) {
            (APP, "01") => opening::app(self, fields, desk).map(about),
            (QUERY, "00") => trades::query(fields, desk).map(about),
            (BACK, "04" | "31") => refunds::refund(fields, desk).map(about),
            (BACK | FILE, "76") => file::file(self, fields, desk).map(|content| (None, content)),
            (BACK, "95") => self.encryption_certificate(fields).map(|content| (None, content)),
            _ => Err(Refusal::field("txnType")),
        }
    }

    /// `95/00` (manual: 银联加密公钥更新查询).
    fn encryption_certificate(&self, fields: &Fields) -> Result<Params, Refusal> {
        fields.fitting("certType", |value| value == "01")?;
        fields.fitting("bizType", |value| value == "000000")?;
        let mut reply = message::done();
        reply.insert("encryptPubKeyCert".to_owned(), self.authority.encrypt_pem.clone());
        Ok(reply)
    }

    /// What there is to say, and to whom. UnionPay tells of good ends only.
    fn told<'a>(&self, notice: &'a Notice) -> Result<Option<(&'a CallbackUrl, Params)>, Error> {
        let trade = &notice.trade;
        let wrong = |amount: Money| match notice.trick {
            Trick::WrongAmount => Money::from_minor(if amount.minor() == 1 { 2 } else { 1 }, Currency::Cny),
            _ => Ok(amount),
        };
        match &notice.about {
            About::Payment => {
                let content = trades::payment(trade, wrong(trade.terms.amount)?);
                Ok(trade.terms.notify_url.as_ref().map(|url| (url, content)))
            }
            About::Refund(number) => {
                let refund = trade.refund(number).filter(|refund| refund.stage == RefundStage::Succeeded);
                let Some(refund) = refund else { return Ok(None) };
                let content = trades::refund(trade, refund, wrong(refund.amount)?);
                Ok(refund.notify_url.as_ref().map(|url| (url, content)))
            }
            About::Closed => Ok(None),
        }
    }

    /// Facts with the merchant and a good code, signed.
    fn message(&self, mut content: Params, forged: bool) -> Result<Params, Error> {
        content.insert("merId".to_owned(), self.merchant.mer_id.to_string());
        content.extend(message::code("00", "Success!"));
        message::signed(self, content, forged)
    }
}

impl Side for SandboxUnionpay {
    fn channel(&self) -> Channel {
        Channel::Unionpay
    }

    fn owns(&self, path: &str) -> bool {
        matches!(path, FRONT | APP | BACK | QUERY | FILE) || path.starts_with(PAY)
    }

    fn answer(&self, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer {
        let path = request.uri().path();
        match (request.method(), path.strip_prefix(PAY)) {
            (&Method::GET, Some(tn)) => Answer::plain(match opening::opened_by(tn, desk) {
                Some(trade) => cashier::show(trade),
                None => status(StatusCode::NOT_FOUND),
            }),
            (&Method::POST, None) => match admission::read(request) {
                Ok(fields) if path == FRONT => self.front(&fields, desk),
                Ok(fields) => self.back(path, &fields, desk),
                Err(refusal) if path == FRONT => Answer::plain(refusal_page(&refusal)),
                Err(refusal) => Answer::plain(self.refused(&refusal)),
            },
            _ => Answer::plain(status(StatusCode::METHOD_NOT_ALLOWED)),
        }
    }

    fn notify(&self, notice: &Notice, _desk: &mut Desk<'_>) -> Result<Option<Request<Bytes>>, Error> {
        // Only WeChat Pay probes.
        let told = if notice.trick == Trick::Probe { None } else { self.told(notice)? };
        let Some((url, content)) = told else { return Ok(None) };
        let params = self.message(content, notice.trick == Trick::Forged)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(url.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded;charset=UTF-8")
            .body(Bytes::from(form::encode(&params)))
            .map_err(Cause::from)?;
        Ok(Some(request))
    }

    fn acknowledges(&self, status: StatusCode, _body: &[u8]) -> bool {
        status == StatusCode::OK
    }

    fn way_back(&self, trade: &Trade, _desk: &mut Desk<'_>) -> Result<Option<WayBack>, Error> {
        let Some(url) = &trade.terms.return_url else { return Ok(None) };
        let params = self.message(trades::payment(trade, trade.terms.amount), false)?;
        Ok(Some(WayBack::Post { url: url.to_string(), fields: params.into_iter().collect() }))
    }

    fn busy(&self) -> Response<Bytes> {
        self.refused(&Refusal::new("06", "系统繁忙，请稍后重试"))
    }
}

impl SandboxUnionpay {
    /// A refusal of a request that nothing is known about.
    fn refused(&self, refusal: &Refusal) -> Response<Bytes> {
        let response = message::refused(self, None, refusal);
        response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// A refusal in the buyer's browser, for the developer of the shop.
fn refusal_page(refusal: &Refusal) -> Response<Bytes> {
    let canonical = refusal.canonical.as_deref().map(|text| {
        let label = "待签名字符串 <span lang=\"en\">Text to be hashed and signed</span>";
        format!("<p>{label}</p>\n<pre>{}</pre>\n", escape(text))
    });
    let main = format!(
        "<h1>无法付款 <span lang=\"en\">Cannot pay</span></h1>\n<dl>\n<dt>respCode</dt><dd>{}</dd>\n\
         <dt>respMsg</dt><dd>{}</dd>\n</dl>\n{}",
        escape(refusal.code),
        escape(&refusal.message),
        canonical.unwrap_or_default()
    );
    page::small(StatusCode::BAD_REQUEST, "无法付款 Cannot pay", &main, None)
}
