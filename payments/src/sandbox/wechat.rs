//! WeChat Pay's gateway of the sandbox, API v3: payments, refunds, bills, platform certificates, notifies. The real
//! gateway has no test environment.

mod admission;
mod bill;
mod merchant;
mod message;
mod platform;
mod prepay;
mod refunds;
mod refusal;
mod reply;
mod trades;

pub use admission::WECHAT_CLOCK_SKEW_SECS_MAX;
pub use merchant::WechatRegistration;
pub use platform::WechatSigner;

use self::admission::Admitted;
use self::platform::Platform;
use self::prepay::Product;
use self::refusal::Refusal;
use self::reply::{Content, Done};
use self::trades::By;
use super::book::Trade;
use super::cashier;
use super::keys::SandboxKeys;
use super::notices::Notice;
use super::shell::status;
use super::side::{Answer, Desk, Side, WayBack};
use crate::form;
use crate::{CallbackUrl, Channel, Error, UnixMillis};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The paths of the gateway, and those of pages that its addresses lead to.
const PREFIXES: [&str; 6] = [
    "/v3/pay/transactions/",
    "/v3/refund/domestic/",
    "/v3/bill/",
    "/v3/billdownload/",
    "/v3/certificates",
    PAGES,
];
const PAGES: &str = "/wechat/";

/// WeChat Pay's gateway with its one merchant.
///
/// A buyer pays on the cashier page: `code_url` and `h5_url` are its address, and a `prepay_id` opens it at
/// `/wechat/pay/{prepay_id}`, where the telephone's kit would. The numbers of refunds choose odd ends: [`RefundFate`](super::RefundFate).
///
/// ```
/// use payments::sandbox::{Sandbox, SandboxKeys, SandboxWechat, WechatRegistration, generate_key};
/// use payments::{AppId, SellerId};
/// let merchant = WechatRegistration::new(
///     AppId::parse("wx2421b1c4370ec43b")?,
///     SellerId::parse("1900000109")?,
///     "0C4AEF34B89340881BB2B25226393DC2E47F094B",
///     generate_key()?.public_key()?,
///     *b"0123456789abcdef0123456789abcdef",
/// )?;
/// let wechat = SandboxWechat::of_public_key("PUB_KEY_ID_0119000001092026", &SandboxKeys::generate()?, merchant)?;
/// let sandbox = Sandbox::new("http://127.0.0.1:8070")?.with_wechat(wechat);
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug)]
pub struct SandboxWechat {
    merchant: WechatRegistration,
    platform: Mutex<Platform>,
    bills: Mutex<Vec<bill::Link>>,
}

impl SandboxWechat {
    /// The gateway in public key mode: everything is signed with this key, under this id (`PUB_KEY_ID_…`).
    ///
    /// # Errors
    /// `InvalidInput` if the id has another shape.
    pub fn of_public_key(id: &str, keys: &SandboxKeys, merchant: WechatRegistration) -> Result<Self, Error> {
        Platform::of_public_key(id, keys.gateway.clone()).map(|platform| Self::of(platform, merchant))
    }

    /// The gateway in certificate mode: `root` vouches for the platform certificate of `keys`, which the merchant
    /// downloads.
    ///
    /// # Errors
    /// `Misuse` if a key cannot sign.
    pub fn of_certificates(
        root: &SandboxKeys,
        keys: &SandboxKeys,
        merchant: WechatRegistration,
        now: UnixMillis,
    ) -> Result<Self, Error> {
        let platform = Platform::of_certificates(root.gateway.clone(), keys.gateway.clone(), now)?;
        Ok(Self::of(platform, merchant))
    }

    /// The same gateway with a public key beside its certificates, for a merchant that moves from one to the other:
    /// who asks for the key by its id gets replies signed with it. Notifies follow [`SandboxWechat::sign_notifies`].
    ///
    /// # Errors
    /// `InvalidInput` if the id has another shape.
    pub fn with_public_key(self, id: &str, keys: &SandboxKeys) -> Result<Self, Error> {
        self.platform().add_public_key(id, keys.gateway.clone())?;
        Ok(self)
    }

    /// What notifies are signed with from now on, as far as there is such a key.
    pub fn sign_notifies(&self, signer: WechatSigner) {
        self.platform().notifies = signer;
    }

    /// The next platform certificate. It is listed at once; five days later both sign, and after ten the old one is
    /// gone ([`Speed`](super::Speed) shortens that). In public key mode nothing happens.
    ///
    /// # Errors
    /// `Misuse` if a key cannot sign.
    pub fn rotate_certificate(&self, keys: &SandboxKeys, now: UnixMillis) -> Result<(), Error> {
        self.platform().rotate(keys.gateway.clone(), now)
    }

    /// The root of the platform certificates as PEM; none in public key mode.
    #[must_use]
    pub fn root_certificate(&self) -> Option<String> {
        self.platform().root_pem().map(ToOwned::to_owned)
    }

    fn of(platform: Platform, merchant: WechatRegistration) -> Self {
        Self { merchant, platform: Mutex::new(platform), bills: Mutex::default() }
    }

    /// A panic elsewhere cannot leave a list half changed, so a poisoned lock is taken over.
    fn platform(&self) -> MutexGuard<'_, Platform> {
        self.platform.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn links(&self) -> MutexGuard<'_, Vec<bill::Link>> {
        self.bills.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dispatch(
        &self,
        request: &Request<Bytes>,
        admitted: &Admitted,
        desk: &mut Desk<'_>,
    ) -> Result<Done, Refusal> {
        let segments: Vec<&str> = request.uri().path().split('/').skip(2).collect();
        match (request.method().as_str(), segments.as_slice()) {
            ("GET", ["pay", "transactions", "id", id]) => {
                trades::query(self, admitted, By::TransactionId(&decoded(id)), desk)
            }
            ("GET", ["pay", "transactions", "out-trade-no", number]) => {
                trades::query(self, admitted, By::OutTradeNo(&decoded(number)), desk)
            }
            ("POST", ["pay", "transactions", "out-trade-no", number, "close"]) => {
                trades::close(self, admitted, &decoded(number), desk)
            }
            ("POST", ["pay", "transactions", product]) => match Product::find(product) {
                Some(product) => prepay::open(self, product, admitted, desk),
                None => Err(NO_SUCH_CALL),
            },
            ("POST", ["refund", "domestic", "refunds"]) => refunds::refund(admitted, desk),
            ("GET", ["refund", "domestic", "refunds", number]) => refunds::query(&decoded(number), desk),
            ("POST", ["refund", "domestic", "refunds", id, "apply-abnormal-refund"]) => {
                refunds::abnormal(self, id, admitted, desk)
            }
            ("GET", ["bill", "tradebill"]) => bill::link(self, bill::Kind::Trade, admitted, desk),
            ("GET", ["bill", "fundflowbill"]) => bill::link(self, bill::Kind::FundFlow, admitted, desk),
            ("GET", ["billdownload", "file"]) => bill::download(self, admitted, desk),
            ("GET", ["certificates"]) => self.certificates(desk),
            _ => Err(NO_SUCH_CALL),
        }
    }

    /// `GET /v3/certificates`: each sealed with the API v3 key (manual: 获取平台证书列表).
    fn certificates(&self, desk: &mut Desk<'_>) -> Result<Done, Refusal> {
        let listed: Vec<_> = self.platform().listed(desk.now, desk.speed).cloned().collect();
        if listed.is_empty() {
            return Err(Refusal::missing("无可用的平台证书，请使用微信支付公钥"));
        }
        let mut all = Vec::new();
        for own in listed {
            let mut sealed =
                message::sealed(self, "", "certificate", &own.pem, desk).map_err(|_| Refusal::failed())?;
            if let Some(members) = sealed.as_object_mut() {
                members.remove("original_type");
            }
            all.push(json!({
                "serial_no": own.serial,
                "effective_time": own.not_before.china_rfc3339(),
                "expire_time": own.not_after.china_rfc3339(),
                "encrypt_certificate": sealed,
            }));
        }
        Ok(Done { content: Content::Json(json!({ "data": Value::from(all) })), key: None })
    }

    /// The pages that a telephone would open.
    fn page(&self, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer {
        let path = request.uri().path();
        let token = path.strip_prefix("/wechat/h5/").or_else(|| path.strip_prefix("/wechat/pay/"));
        let Some(token) = token.filter(|_| request.method() == Method::GET) else {
            return Answer::plain(status(StatusCode::NOT_FOUND));
        };
        let Some(mut trade) = prepay::opened_by(token, desk).cloned() else {
            return Answer::plain(status(StatusCode::NOT_FOUND));
        };
        if let Some(url) = redirect_url(request) {
            desk.book.lead_back(&trade.key, url.clone());
            trade.terms.return_url = Some(url);
        }
        Answer::plain(cashier::show(&trade))
    }
}

const NO_SUCH_CALL: Refusal = Refusal::of(StatusCode::NOT_FOUND, "RESOURCE_NOT_EXISTS", "请求的资源不存在");

impl Side for SandboxWechat {
    fn channel(&self) -> Channel {
        Channel::Wechat
    }

    fn owns(&self, path: &str) -> bool {
        PREFIXES.iter().any(|prefix| path.starts_with(prefix))
    }

    fn answer(&self, request: &Request<Bytes>, desk: &mut Desk<'_>) -> Answer {
        if request.uri().path().starts_with(PAGES) {
            return self.page(request, desk);
        }
        let admitted = match admission::admit(self, request, desk) {
            Ok(admitted) => admitted,
            Err(refusal) => return Answer::plain(reply::unsigned(&refusal)),
        };
        let (content, touched) = match self.dispatch(request, &admitted, desk) {
            Ok(done) => (Ok(done.content), done.key),
            Err(refusal) => (Err(refusal), None),
        };
        let response = reply::signed(self, admitted.asked.as_deref(), &content, desk);
        Answer { response: response.unwrap_or_else(|_| reply::unsigned(&Refusal::failed())), touched }
    }

    fn notify(&self, notice: &Notice, desk: &mut Desk<'_>) -> Result<Option<Request<Bytes>>, Error> {
        message::notify(self, notice, desk)
    }

    fn acknowledges(&self, status: StatusCode, _body: &[u8]) -> bool {
        matches!(status, StatusCode::OK | StatusCode::NO_CONTENT)
    }

    fn way_back(&self, trade: &Trade, _desk: &mut Desk<'_>) -> Result<Option<WayBack>, Error> {
        Ok(trade.terms.return_url.as_ref().map(|url| WayBack::Get(url.to_string())))
    }

    fn busy(&self) -> Response<Bytes> {
        let message = "频率超限，请降低请求频率";
        reply::unsigned(&Refusal::of(StatusCode::TOO_MANY_REQUESTS, "FREQUENCY_LIMITED", message))
    }
}

/// One segment of a path; text that cannot be decoded names nothing.
fn decoded(segment: &str) -> String {
    let pairs = form::decode(segment.replace('+', "%2B").as_bytes()).unwrap_or_default();
    pairs.into_iter().next().and_then(|(name, _)| String::from_utf8(name).ok()).unwrap_or_default()
}

/// Where an H5 payment goes back to: the shop appends it to the address (manual: H5 调起支付).
fn redirect_url(request: &Request<Bytes>) -> Option<CallbackUrl> {
    let params = form::decode(request.uri().query()?.as_bytes()).and_then(form::params).ok()?;
    CallbackUrl::parse(params.get("redirect_url")?).ok()
}
