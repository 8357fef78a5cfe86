//! The shell of the sandbox: one address for all gateways, one book under a lock, one queue of notifies.

use super::alipay::SandboxAlipay;
use super::book::{Book, Key};
use super::cashier::{self, CashierRefusal, TradeView};
use super::console;
use super::entropy::Entropy;
use super::mischief::{Mischief, Switches};
use super::notices::{About, AfterAttempt, Delivery, DeliveryId, Notices};
use super::retry::Speed;
use super::side::{Desk, Side, WayBack};
use super::unionpay::SandboxUnionpay;
use super::wechat::SandboxWechat;
use crate::error::refused_value;
use crate::{Channel, Error, OutTradeNo, UnixMillis, address};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The longest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 65_536;
/// By how much [`Mischief::Slow`] delays an answer, in milliseconds.
pub const SLOW_MILLIS: u64 = 8_000;

/// A sandbox for up to three gateways, each with one merchant. Share it behind an `Arc`.
///
/// ```
/// use payments::sandbox::{MerchantRegistration, Sandbox, SandboxAlipay, SandboxKeys, generate_key};
/// use payments::{AppId, SellerId};
/// let own = generate_key()?;
/// let registration = MerchantRegistration {
///     app_id: AppId::parse("9021000122682882")?,
///     seller_id: SellerId::parse("2088721003899159")?,
///     public_key: own.public_key()?,
/// };
/// let alipay = SandboxAlipay::new(SandboxKeys::generate()?, registration);
/// let sandbox = Sandbox::new("http://127.0.0.1:8070")?.with_alipay(alipay);
/// # Ok::<(), payments::Error>(())
/// ```
#[derive(Debug)]
pub struct Sandbox {
    origin: String,
    speed: Speed,
    alipay: Option<SandboxAlipay>,
    wechat: Option<SandboxWechat>,
    unionpay: Option<SandboxUnionpay>,
    state: Mutex<State>,
}

/// All that changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) book: Book,
    pub(super) notices: Notices,
    pub(super) switches: Switches,
    pub(super) entropy: Entropy,
}

/// An extension of a response that has to be held back, as [`Mischief::Slow`] wants; the program that owns the
/// socket waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldBack {
    /// For so long.
    pub millis: u64,
}

/// Whether a kind of mischief happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a switch is on or off")]
pub enum Switch {
    /// It happens.
    On,
    /// It does not.
    Off,
}

impl Sandbox {
    /// A sandbox without gateways that is reached at this origin: scheme, host and port, such as
    /// `http://127.0.0.1:8070`. Cashier addresses and QR codes begin with it.
    ///
    /// # Errors
    /// `InvalidInput` if it is no origin.
    pub fn new(origin: &str) -> Result<Self, Error> {
        let url = address::any_gateway_url(origin)?;
        let bare = url.trim_end_matches('/');
        if bare.splitn(4, '/').count() != 3 {
            return Err(refused_value("origin", origin, "give scheme, host and port only, without a path"));
        }
        let state = State {
            book: Book::default(),
            notices: Notices::default(),
            switches: Switches::default(),
            entropy: Entropy::new(),
        };
        let (origin, state) = (bare.to_owned(), Mutex::new(state));
        Ok(Self { origin, speed: Speed::REAL, alipay: None, wechat: None, unionpay: None, state })
    }

    /// The same sandbox with Alipay's gateway.
    #[must_use]
    pub fn with_alipay(mut self, alipay: SandboxAlipay) -> Self {
        self.alipay = Some(alipay);
        self
    }

    /// The same sandbox with WeChat Pay's gateway.
    #[must_use]
    pub fn with_wechat(mut self, wechat: SandboxWechat) -> Self {
        self.wechat = Some(wechat);
        self
    }

    /// The same sandbox with UnionPay's gateway.
    #[must_use]
    pub fn with_unionpay(mut self, unionpay: SandboxUnionpay) -> Self {
        self.unionpay = Some(unionpay);
        self
    }

    /// The same sandbox with shorter waits.
    #[must_use]
    pub fn sped_up(mut self, speed: Speed) -> Self {
        self.speed = speed;
        self
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Answers one request of a merchant or a browser. `random` has to be fresh for every request. Notifies are
    /// queued: ask [`Sandbox::due`] afterwards.
    ///
    /// Limit the body before it comes here; more than [`BODY_BYTES_MAX`] bytes are refused.
    #[must_use]
    pub fn handle(&self, request: &Request<Bytes>, now: UnixMillis, random: [u8; 32]) -> Response<Bytes> {
        if request.body().len() > BODY_BYTES_MAX {
            return status(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let mut state = self.state();
        state.entropy.stir(&random);
        let path = request.uri().path();
        if let Some(side) = self.sides().find(|side| side.owns(path)) {
            return self.call(side, request, &mut state, now);
        }
        if path == "/" || path.starts_with("/console/") {
            return console::answer(self, request, &mut state, now);
        }
        cashier::answer(self, request, &mut state, now)
    }

    fn call(
        &self,
        side: &dyn Side,
        request: &Request<Bytes>,
        state: &mut State,
        now: UnixMillis,
    ) -> Response<Bytes> {
        if state.switches.has(None, Mischief::Busy) {
            return side.busy();
        }
        let answer = side.answer(request, &mut self.desk(state, now));
        let on = |mischief| state.switches.has(answer.touched.as_ref(), mischief);
        let mut response = answer.response;
        if on(Mischief::ReplyLost) {
            response = status(StatusCode::GATEWAY_TIMEOUT);
        } else if on(Mischief::ReplyGarbled) {
            let half = response.body().len() / 2;
            response.body_mut().truncate(half);
        }
        if on(Mischief::Slow) {
            response.extensions_mut().insert(HoldBack { millis: SLOW_MILLIS });
        }
        response
    }

    /// The buyer pays on the cashier page of this token. The notify is queued. Gives the address that the browser
    /// is redirected to, if the gateway redirects and the merchant gave one.
    ///
    /// # Errors
    /// A refusal if the token was used or replaced, or no payment is possible any more.
    pub fn pay(&self, token: &str, now: UnixMillis) -> Result<Option<String>, CashierRefusal> {
        match self.settle(token, &mut self.state(), now)? {
            Some(WayBack::Get(url)) => Ok(Some(url)),
            Some(WayBack::Post { .. }) | None => Ok(None),
        }
    }

    /// The buyer refuses on the cashier page of this token; the trade stays unpaid.
    ///
    /// # Errors
    /// A refusal if the token was used or replaced.
    pub fn refuse(&self, token: &str) -> Result<TradeView, CashierRefusal> {
        Ok(TradeView::from(self.state().book.refuse(token)?))
    }

    pub(super) fn settle(
        &self,
        token: &str,
        state: &mut State,
        now: UnixMillis,
    ) -> Result<Option<WayBack>, CashierRefusal> {
        let trade = state.book.pay(token, now)?.clone();
        let mut desk = self.desk(state, now);
        desk.announce(&trade.key, About::Payment);
        let side = self.side(trade.key.channel).ok_or(CashierRefusal::Broken)?;
        side.way_back(&trade, &mut desk).map_err(|_| CashierRefusal::Broken)
    }

    /// The notifies that are due, at most 32 at once: post each within a minute, and give the merchant's answer to [`Sandbox::answered`].
    #[must_use]
    pub fn due(&self, now: UnixMillis) -> Vec<Delivery> {
        let mut state = self.state();
        let mut deliveries = Vec::new();
        for (id, notice) in state.notices.due(now) {
            let side = self.side(notice.trade.key.channel);
            let mut desk = self.desk(&mut state, now);
            let request = side.map(|side| side.notify(&notice, &mut desk));
            match request {
                Some(Ok(Some(request))) => deliveries.push(Delivery { id, request }),
                // Nowhere to send it, or nothing to sign it with: the merchant has to query.
                Some(Ok(None) | Err(_)) | None => state.notices.drop_one(id),
            }
        }
        deliveries
    }

    /// The earliest moment at which [`Sandbox::due`] has something; none if nothing waits.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.state().notices.next_due()
    }

    /// What the merchant answered: its status and body, or none if it could not be reached.
    pub fn answered(
        &self,
        id: DeliveryId,
        answer: Option<(StatusCode, &[u8])>,
        now: UnixMillis,
    ) -> AfterAttempt {
        let mut state = self.state();
        let Some(notice) = state.notices.under_way(id) else {
            return AfterAttempt::Unknown;
        };
        let side = self.side(notice.trade.key.channel);
        let acknowledged =
            answer.is_some_and(|(status, body)| side.is_some_and(|side| side.acknowledges(status, body)));
        let status = answer.map(|(status, _)| status.as_u16());
        state.notices.answered(id, status, acknowledged, self.speed, now)
    }

    /// Turns a kind of mischief on or off, for one trade or for all.
    pub fn misbehave(&self, trade: Option<(Channel, &OutTradeNo)>, mischief: Mischief, switch: Switch) {
        let mut state = self.state();
        let key = trade.and_then(|(channel, number)| key_of(&state.book, channel, number));
        if key.is_some() || trade.is_none() {
            state.switches.set(key.as_ref(), mischief, switch == Switch::On);
        }
    }

    /// Alipay's gateway.
    #[must_use]
    pub fn alipay(&self) -> Option<&SandboxAlipay> {
        self.alipay.as_ref()
    }

    /// WeChat Pay's gateway.
    #[must_use]
    pub fn wechat(&self) -> Option<&SandboxWechat> {
        self.wechat.as_ref()
    }

    /// UnionPay's gateway.
    #[must_use]
    pub fn unionpay(&self) -> Option<&SandboxUnionpay> {
        self.unionpay.as_ref()
    }

    pub(super) fn sides(&self) -> impl Iterator<Item = &dyn Side> {
        let alipay = self.alipay.as_ref().map(|side| -> &dyn Side { side });
        let wechat = self.wechat.as_ref().map(|side| -> &dyn Side { side });
        let unionpay = self.unionpay.as_ref().map(|side| -> &dyn Side { side });
        [alipay, wechat, unionpay].into_iter().flatten()
    }

    pub(super) fn side(&self, channel: Channel) -> Option<&dyn Side> {
        self.sides().find(|side| side.channel() == channel)
    }

    pub(super) fn desk<'a>(&'a self, state: &'a mut State, now: UnixMillis) -> Desk<'a> {
        Desk {
            book: &mut state.book,
            notices: &mut state.notices,
            switches: &state.switches,
            entropy: &mut state.entropy,
            origin: &self.origin,
            speed: self.speed,
            now,
        }
    }

    /// A panic elsewhere cannot leave a trade half changed, so a poisoned lock is taken over.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The newest trade of this number: a gateway may have several.
fn key_of(book: &Book, channel: Channel, number: &OutTradeNo) -> Option<Key> {
    let all = book.all_by(|trade| trade.key.channel == channel && trade.out_trade_no == number.as_str());
    all.first().map(|trade| trade.key.clone())
}

/// An empty answer.
pub(super) fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 303, so that the browser comes back with a GET and does not repeat a form when the page is reloaded.
pub(super) fn see_other(url: &str) -> Response<Bytes> {
    let mut response = status(StatusCode::SEE_OTHER);
    match HeaderValue::from_str(url) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    response
}
