//! A gateway and a clock that do what a test tells them: no bytes, no signatures, any failure at any moment.

use crate::bill::{Bill, BillDay};
use crate::client::{Edge, Outcome, OutcomeUnknown, TransportError};
use crate::error::{Cause, Error};
use crate::form::Params;
use crate::notify::Report;
use crate::refund::RefundReport;
use crate::store::BoxFuture;
use crate::{
    Ack, AppId, CallbackUrl, Channel, CloseOutcome, ExpectedOrder, ExpectedRefund, Gateway, Incoming, Money,
    Notify, Order, OutTradeNo, PayRequest, PayWith, QueryOutcome, Refund, RefundNotify, RefundOutcome,
    RefundRef, RefundStatus, Scene, SellerId, Stake, TradeNo, TradeRef, TradeStatus, UnixMillis, Verified,
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

mod store;

pub(crate) use self::store::FlakyStore;

pub(crate) const SELLER: &str = "2088721003899159";

/// A clock that a test moves.
#[derive(Debug)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    pub(crate) fn at(at: UnixMillis) -> Self {
        Self(AtomicU64::new(at.as_millis()))
    }

    pub(crate) fn forward_secs(&self, secs: u64) {
        self.0.fetch_add(secs * 1000, Ordering::Relaxed);
    }
}

impl Edge for Clock {
    fn now(&self) -> UnixMillis {
        UnixMillis::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn random(&self) -> Result<[u8; 16], Error> {
        Ok([7; 16])
    }
}

/// What goes wrong with the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happened, and the caller knows it.
    Fails,
    /// It happened, and the caller does not hear of it.
    ReplyLost,
    /// It did not happen, and the caller does not know.
    RequestLost,
}

#[derive(Debug, Clone)]
pub(crate) struct Trade {
    pub(crate) trade_no: String,
    pub(crate) amount: Money,
    pub(crate) status: TradeStatus,
    /// Somebody asked for a refund at the gateway's own console.
    pub(crate) refund_asked: bool,
}

/// The gateway's own books.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) trades: BTreeMap<String, Trade>,
    pub(crate) refunds: BTreeMap<String, (Refund, RefundStatus)>,
    pub(crate) bills: HashMap<BillDay, Bill>,
    /// How new refunds stand at once.
    pub(crate) refund_status: Option<RefundStatus>,
    /// Values of payments and refunds are refused before anything is sent.
    pub(crate) takes_no_value: bool,
    pub(crate) refuse_refunds: bool,
    /// Questions about refunds that are not here are refused, not just answered with "none".
    pub(crate) refuse_refund_queries: bool,
    pub(crate) closes: bool,
    /// The buyer pays between a question and the close that follows it.
    pub(crate) pays_before_close: bool,
    pub(crate) faults: VecDeque<Fault>,
    /// What was called, in order.
    pub(crate) calls: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct FakeGateway {
    channel: Channel,
    books: Mutex<Books>,
}

impl FakeGateway {
    pub(crate) fn new(channel: Channel) -> Self {
        let books = Books { closes: true, ..Books::default() };
        Self { channel, books: Mutex::new(books) }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    pub(crate) fn trade_no(&self, number: &OutTradeNo) -> TradeNo {
        TradeNo::parse(&format!("{}{number}", self.channel.code())).unwrap()
    }

    /// The buyer pays.
    pub(crate) fn pay_now(&self, order: &Order) {
        let trade_no = self.trade_no(&order.out_trade_no).to_string();
        let trade = Trade { trade_no, amount: order.amount, status: TradeStatus::Paid, refund_asked: false };
        self.books().trades.insert(order.out_trade_no.to_string(), trade);
    }

    /// Runs a call under the next fault.
    fn call<T>(
        &self,
        name: &str,
        stake: Stake,
        act: impl FnOnce(&mut Books) -> T,
    ) -> Result<Outcome<T>, Error> {
        let mut books = self.books();
        books.calls.push(name.to_owned());
        let lost = || Cause::from(TransportError::new(true, "lost")).into();
        match books.faults.pop_front() {
            None => Ok(Outcome::Known(act(&mut books))),
            Some(Fault::Fails) => Err(unavailable()),
            Some(Fault::ReplyLost) => {
                drop(act(&mut books));
                Ok(Outcome::Unknown(OutcomeUnknown::new(stake, lost())))
            }
            Some(Fault::RequestLost) => Ok(Outcome::Unknown(OutcomeUnknown::new(stake, lost()))),
        }
    }

    fn takes(&self, what: &'static str) -> Result<(), Error> {
        let refused = || Err(crate::error::refused_value(what, "x", "this gateway takes nothing"));
        if self.books().takes_no_value { refused() } else { Ok(()) }
    }

    /// As [`FakeGateway::call`], for calls that only ask.
    fn ask<T>(&self, name: &str, act: impl FnOnce(&mut Books) -> T) -> Result<T, Error> {
        let stake = Stake::Trade(OutTradeNo::parse("COURSE_0001").unwrap());
        self.call(name, stake, act)?.known()
    }

    fn notify(&self, number: &str, trade: &Trade, notify_id: Option<&str>) -> Box<Notify<Verified>> {
        Box::new(Notify::verified(Report {
            channel: self.channel,
            app_id: "app1".to_owned(),
            seller_id: SELLER.to_owned(),
            out_trade_no: number.to_owned(),
            trade_no: TradeNo::parse(&trade.trade_no).unwrap(),
            amount: trade.amount,
            status: trade.status,
            notify_id: notify_id.map(ToOwned::to_owned),
            money_came: trade.status == TradeStatus::Paid,
            refund_asked: trade.refund_asked,
            fields: Params::new(),
        }))
    }

    fn refund_notify(&self, refund: &Refund, status: RefundStatus) -> Box<RefundNotify<Verified>> {
        Box::new(RefundNotify::verified(RefundReport {
            channel: self.channel,
            seller_id: SELLER.to_owned(),
            out_trade_no: refund.out_trade_no.to_string(),
            trade_no: Some(refund.trade_no.clone()),
            refund_no: refund.refund_no.to_string(),
            amount: refund.amount,
            status,
            succeeded_at: None,
        }))
    }

    fn refund_outcome(&self, books: &Books, number: &str) -> RefundOutcome {
        match books.refunds.get(number) {
            Some((refund, status)) => RefundOutcome::Refund(self.refund_notify(refund, *status)),
            None if books.refuse_refund_queries => refused(),
            None => RefundOutcome::NotFound,
        }
    }
}

fn refused() -> RefundOutcome {
    RefundOutcome::Refused { code: "NOT_ENOUGH".to_owned(), message: "no".to_owned() }
}

fn unavailable() -> Error {
    Cause::Status(503).into()
}

impl Gateway for FakeGateway {
    fn channel(&self) -> Channel {
        self.channel
    }

    fn expected(&self, order: &Order) -> ExpectedOrder {
        ExpectedOrder {
            channel: self.channel,
            app_id: AppId::parse("app1").unwrap(),
            seller_id: SellerId::parse(SELLER).unwrap(),
            out_trade_no: order.out_trade_no.clone(),
            amount: order.amount,
        }
    }

    fn expected_refund(&self, refund: &Refund) -> ExpectedRefund {
        ExpectedRefund {
            channel: self.channel,
            seller_id: SellerId::parse(SELLER).unwrap(),
            out_trade_no: refund.out_trade_no.clone(),
            refund_no: refund.refund_no.clone(),
            amount: refund.amount,
        }
    }

    fn accepts(&self, _request: &PayRequest) -> Result<(), Error> {
        self.takes("out trade no")
    }

    fn accepts_refund(&self, _refund: &RefundRef) -> Result<(), Error> {
        self.takes("refund no")
    }

    fn pay<'a>(&'a self, request: &'a PayRequest) -> BoxFuture<'a, Result<Outcome<PayWith>, Error>> {
        let number = request.order.out_trade_no.clone();
        let at_once = matches!(request.scene, Scene::BarCode { .. });
        let status = if at_once { TradeStatus::Paid } else { TradeStatus::Waiting };
        let trade_no = self.trade_no(&number).to_string();
        let trade = Trade { trade_no, amount: request.order.amount, status, refund_asked: false };
        Box::pin(ready(self.call("pay", Stake::Trade(number.clone()), |books| {
            let trade = books.trades.entry(number.to_string()).or_insert(trade).clone();
            if at_once {
                PayWith::Paid(self.notify(number.as_str(), &trade, None))
            } else {
                PayWith::QrCode { text: format!("qr://{number}/{}", request.submitted_at.as_millis()) }
            }
        })))
    }

    fn query<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<QueryOutcome, Error>> {
        let number = trade.out_trade_no.as_str();
        Box::pin(ready(self.ask("query", |books| {
            let found = books.trades.get(number);
            found
                .map_or(QueryOutcome::NotFound, |trade| QueryOutcome::Trade(self.notify(number, trade, None)))
        })))
    }

    fn close<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<Outcome<CloseOutcome>, Error>> {
        let number = trade.out_trade_no.as_str();
        Box::pin(ready(self.call("close", Stake::Trade(trade.out_trade_no.clone()), |books| {
            let (closes, pays) = (books.closes, books.pays_before_close);
            let Some(trade) = books.trades.get_mut(number) else {
                return if closes { CloseOutcome::NotFound } else { CloseOutcome::Unsupported };
            };
            if pays {
                trade.status = TradeStatus::Paid;
            }
            match trade.status {
                _ if !closes => CloseOutcome::Unsupported,
                TradeStatus::Paid => CloseOutcome::AlreadyPaid,
                _ => {
                    trade.status = TradeStatus::Closed;
                    CloseOutcome::Closed
                }
            }
        })))
    }

    fn refund<'a>(
        &'a self,
        refund: &'a RefundRef,
        _notify_url: &'a CallbackUrl,
    ) -> BoxFuture<'a, Result<Outcome<RefundOutcome>, Error>> {
        let wanted = &refund.refund;
        let stake = Stake::Refund(wanted.out_trade_no.clone(), wanted.refund_no.clone());
        Box::pin(ready(self.call("refund", stake, |books| {
            // The second request under one number is refused, as UnionPay does it.
            if books.refuse_refunds || books.refunds.contains_key(wanted.refund_no.as_str()) {
                return refused();
            }
            let status = books.refund_status.unwrap_or(RefundStatus::Succeeded);
            books.refunds.insert(wanted.refund_no.to_string(), (wanted.clone(), status));
            RefundOutcome::Refund(self.refund_notify(wanted, status))
        })))
    }

    fn query_refund<'a>(&'a self, refund: &'a RefundRef) -> BoxFuture<'a, Result<RefundOutcome, Error>> {
        let number = refund.refund.refund_no.as_str();
        Box::pin(ready(self.ask("query_refund", |books| self.refund_outcome(books, number))))
    }

    fn bill<'a>(&'a self, day: BillDay) -> BoxFuture<'a, Result<Option<Bill>, Error>> {
        Box::pin(ready(self.ask("bill", |books| books.bills.get(&day).cloned())))
    }

    /// `trade <number>` and `refund <number>` tell how these stand here; everything else is forged.
    fn read_notify(&self, request: &Request<Bytes>, _received_at: UnixMillis) -> Result<Incoming, Error> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let forged = || Cause::Unverified { what: "notify", why: "the signature does not fit" };
        let books = self.books();
        match body.split_once(' ') {
            Some(("trade", number)) => {
                let trade = books.trades.get(number).ok_or_else(forged)?;
                Ok(Incoming::Trade(self.notify(number, trade, Some("message1"))))
            }
            Some(("refund", number)) => {
                let (refund, status) = books.refunds.get(number).ok_or_else(forged)?;
                Ok(Incoming::Refund(self.refund_notify(refund, *status)))
            }
            _ => Err(forged().into()),
        }
    }

    fn ack(&self, ack: Ack) -> Response<Bytes> {
        let (status, body) = match ack {
            Ack::Success => (StatusCode::OK, "success"),
            Ack::Fail => (StatusCode::INTERNAL_SERVER_ERROR, "fail"),
        };
        let mut response = Response::new(Bytes::from_static(body.as_bytes()));
        *response.status_mut() = status;
        response
    }
}
