//! The façade: one merchant at Alipay and one way of sending, behind the interface that all gateways share.

use super::app_pay::AppPay;
use super::bar_code_pay::{AuthCode, BarCodeOutcome, BarCodePay};
use super::bill::read_bill;
use super::bill_url::BillUrl;
use super::close::{Close, CloseAnswer};
use super::create::{Buyer, Create};
use super::merchant::Merchant;
use super::notify::{RawNotify, ack_response};
use super::page_pay::PagePay;
use super::precreate::Precreate;
use super::query::TradeQuery;
use super::refund::{RefundCall, RefundQuery, number_content};
use super::wap_pay::WapPay;
use crate::bill::{Bill, BillDay};
use crate::client::{Client, Outcome, OutcomeUnknown};
use crate::error::{Cause, Error, refused_value};
use crate::gateway::draft_stamp;
use crate::notify::{Channel, ExpectedOrder, Notify, TradeStatus, Verified};
use crate::refund::RefundStatus;
use crate::store::BoxFuture;
use crate::{
    Ack, Call as _, CallbackUrl, CloseOutcome, ExpectedRefund, Gateway, Incoming, Order, OutTradeNo,
    PayRequest, PayWith, QueryOutcome, Refund, RefundOutcome, RefundRef, Scene, Stake, Stamp, TradeRef,
    UnixMillis,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

/// One merchant at Alipay and one way of sending. Cloning shares both.
///
/// ```
/// # #[cfg(all(feature = "sandbox", feature = "reqwest"))]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use payments::alipay::{Alipay, Endpoint, Merchant};
/// use payments::{AppId, Client, Gateway, ReqwestTransport, SellerId, SystemEdge};
/// use std::sync::Arc;
/// # let (app_key, alipay_key) = (payments::sandbox::generate_key()?, payments::sandbox::generate_key()?.public_key()?);
/// let merchant = Merchant::new(
///     AppId::parse("9021000122682882")?,
///     SellerId::parse("2088721003899159")?,
///     Endpoint::sandbox(),
///     app_key,    // PrivateKey::parse(&text)?
///     alipay_key, // PublicKey::parse(&text)?
/// );
/// let client = Client::new(Arc::new(ReqwestTransport::new()?), Arc::new(SystemEdge));
/// let gateway: Arc<dyn Gateway> = Arc::new(Alipay::new(merchant, client));
/// assert_eq!(gateway.channel().code(), "alipay");
/// # Ok(())
/// # }
/// # #[cfg(all(feature = "sandbox", feature = "reqwest"))]
/// # example().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Alipay {
    merchant: Merchant,
    client: Client,
}

impl Alipay {
    /// A gateway of these parts.
    #[must_use]
    pub fn new(merchant: Merchant, client: Client) -> Self {
        Self { merchant, client }
    }

    /// The merchant.
    #[must_use]
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// The way of sending.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn take(&self, request: &PayRequest) -> Result<Outcome<PayWith>, Error> {
        match &request.scene {
            Scene::Page | Scene::Wap | Scene::App => {
                self.hand_over(request, self.client.stamp()?).map(Outcome::Known)
            }
            Scene::Qr => {
                let code = self.merchant.call(&self.client, &precreate(request)).await?;
                Ok(code.map(|text| PayWith::QrCode { text }))
            }
            Scene::Jsapi { openid } => {
                let trade_no = self.merchant.call(&self.client, &create(request, openid)?).await?;
                Ok(trade_no
                    .map(|trade_no| PayWith::Invoke { json: format!("{{\"tradeNO\":\"{trade_no}\"}}") }))
            }
            Scene::BarCode { auth_code } => self.scan(&bar_code(request, auth_code)?).await,
            Scene::H5 { .. } => Err(no_h5()),
        }
    }

    /// Builds the request that [`Alipay::take`] would send, and throws it away.
    fn draft(&self, request: &PayRequest) -> Result<(), Error> {
        let (merchant, stamp) = (&self.merchant, draft_stamp(request.submitted_at));
        match &request.scene {
            Scene::Page | Scene::Wap | Scene::App => self.hand_over(request, stamp).map(drop),
            Scene::Qr => precreate(request).request(merchant, stamp).map(drop),
            Scene::Jsapi { openid } => create(request, openid)?.request(merchant, stamp).map(drop),
            Scene::BarCode { auth_code } => bar_code(request, auth_code)?.request(merchant, stamp).map(drop),
            Scene::H5 { .. } => Err(no_h5()),
        }
    }

    /// The payments that the buyer carries to the gateway: nothing is sent.
    fn hand_over(&self, request: &PayRequest, stamp: Stamp) -> Result<PayWith, Error> {
        let (order, notify_url) = (request.order.clone(), request.notify_url.clone());
        let merchant = &self.merchant;
        if request.scene == Scene::App {
            let call = AppPay { expires_at: request.expires_at, ..AppPay::new(order, notify_url) };
            return call.order_string(merchant, stamp).map(|text| PayWith::Token { text });
        }
        let why = "a page needs an address to send the buyer back to";
        let return_url = request.return_url.clone().ok_or(Cause::Shape { what: "payment request", why })?;
        let redirect = if request.scene == Scene::Wap {
            let call = WapPay::new(order, notify_url, return_url);
            WapPay { expires_at: request.expires_at, ..call }.redirect(merchant, stamp)
        } else {
            let call = PagePay::new(order, notify_url, return_url);
            PagePay { expires_at: request.expires_at, ..call }.redirect(merchant, stamp)
        };
        redirect.map(|redirect| PayWith::Redirect { url: redirect.url() })
    }

    async fn scan(&self, call: &BarCodePay) -> Result<Outcome<PayWith>, Error> {
        Ok(match self.merchant.call(&self.client, call).await? {
            Outcome::Known(BarCodeOutcome::Paid(notify)) => Outcome::Known(PayWith::Paid(notify)),
            Outcome::Known(BarCodeOutcome::BuyerConfirms) => Outcome::Known(PayWith::BuyerConfirms),
            Outcome::Known(BarCodeOutcome::Refused { code, message }) => {
                Outcome::Known(PayWith::Refused { code, message })
            }
            Outcome::Known(BarCodeOutcome::AlreadyPaid) => {
                self.paid_before(&call.order.out_trade_no).await.map(PayWith::Paid)
            }
            Outcome::Unknown(unknown) => Outcome::Unknown(unknown),
        })
    }

    /// The trade that the gateway calls paid already.
    pub(super) async fn paid_before(&self, number: &OutTradeNo) -> Outcome<Box<Notify<Verified>>> {
        match self.ask(number).await {
            Ok(QueryOutcome::Trade(notify)) if notify.status() == TradeStatus::Paid => Outcome::Known(notify),
            Ok(_) => unknown(number, contradiction()),
            Err(error) => unknown(number, error),
        }
    }

    pub(super) async fn ask(&self, number: &OutTradeNo) -> Result<QueryOutcome, Error> {
        self.merchant.call(&self.client, &TradeQuery::new(number.clone())).await?.known()
    }

    async fn end(&self, number: &OutTradeNo) -> Result<Outcome<CloseOutcome>, Error> {
        let call = Close::new(number.clone());
        let answer = match self.merchant.call(&self.client, &call).await? {
            Outcome::Known(answer) => answer,
            Outcome::Unknown(unknown) => return Ok(Outcome::Unknown(unknown)),
        };
        Ok(match answer {
            CloseAnswer::Closed => Outcome::Known(CloseOutcome::Closed),
            CloseAnswer::NotFound => Outcome::Known(CloseOutcome::NotFound),
            // Paid and closed before are one answer at the gateway: the trade itself tells them apart.
            CloseAnswer::NotWaiting => match self.ask(number).await {
                // A refunded trade is closed and was paid: settling the query tells.
                Ok(QueryOutcome::Trade(notify)) if notify.money_came() => {
                    Outcome::Known(CloseOutcome::AlreadyPaid)
                }
                Ok(QueryOutcome::Trade(notify)) if notify.status() == TradeStatus::Closed => {
                    Outcome::Known(CloseOutcome::Closed)
                }
                Ok(_) => unknown(number, contradiction()),
                Err(error) => unknown(number, error),
            },
        })
    }

    /// A refund that the gateway took without saying that the money went back is asked about once.
    async fn give_back(&self, refund: &Refund) -> Result<Outcome<RefundOutcome>, Error> {
        let taken = match self.merchant.call(&self.client, &RefundCall::new(refund.clone())).await? {
            Outcome::Known(RefundOutcome::Refund(notify)) if notify.status() == RefundStatus::Processing => {
                notify
            }
            other => return Ok(other),
        };
        // Whatever the question brings, the gateway did take the refund.
        Ok(Outcome::Known(match self.ask_refund(refund).await {
            Ok(RefundOutcome::Refund(notify)) => RefundOutcome::Refund(notify),
            Ok(_) | Err(_) => RefundOutcome::Refund(taken),
        }))
    }

    async fn ask_refund(&self, refund: &Refund) -> Result<RefundOutcome, Error> {
        self.merchant.call(&self.client, &RefundQuery::new(refund.clone())).await?.known()
    }

    async fn download(&self, day: BillDay) -> Result<Option<Bill>, Error> {
        let Some(link) = self.merchant.call(&self.client, &BillUrl::new(day)).await?.known()? else {
            return Ok(None);
        };
        let reply = self.client.fetch(link.request()?).await?;
        if reply.response.status() != StatusCode::OK {
            return Err(Cause::Status(reply.response.status().as_u16()).into());
        }
        read_bill(day, reply.response.body()).map(Some)
    }
}

fn precreate(request: &PayRequest) -> Precreate {
    let call = Precreate::new(request.order.clone(), request.notify_url.clone());
    Precreate { expires_at: request.expires_at, ..call }
}

fn create(request: &PayRequest, buyer: &str) -> Result<Create, Error> {
    let call = Create::new(request.order.clone(), Buyer::parse(buyer)?, request.notify_url.clone());
    Ok(Create { expires_at: request.expires_at, ..call })
}

fn bar_code(request: &PayRequest, auth_code: &str) -> Result<BarCodePay, Error> {
    let call =
        BarCodePay::new(request.order.clone(), AuthCode::parse(auth_code)?, request.notify_url.clone());
    Ok(BarCodePay { expires_at: request.expires_at, ..call })
}

fn no_h5() -> Error {
    refused_value("scene", "H5", "Alipay has Page, Wap, App, Qr, Jsapi and BarCode")
}

impl Gateway for Alipay {
    fn channel(&self) -> Channel {
        Channel::Alipay
    }

    fn expected(&self, order: &Order) -> ExpectedOrder {
        self.merchant.expected(order)
    }

    fn expected_refund(&self, refund: &Refund) -> ExpectedRefund {
        self.merchant.expected_refund(refund)
    }

    fn accepts(&self, request: &PayRequest) -> Result<(), Error> {
        self.draft(request)
    }

    fn accepts_refund(&self, refund: &RefundRef) -> Result<(), Error> {
        number_content(&refund.refund).map(drop)
    }

    fn pay<'a>(&'a self, request: &'a PayRequest) -> BoxFuture<'a, Result<Outcome<PayWith>, Error>> {
        Box::pin(self.take(request))
    }

    fn query<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<QueryOutcome, Error>> {
        Box::pin(self.ask(&trade.out_trade_no))
    }

    fn close<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<Outcome<CloseOutcome>, Error>> {
        Box::pin(self.end(&trade.out_trade_no))
    }

    /// Alipay tells about refunds only in the notify of their trade, so the address is not used.
    fn refund<'a>(
        &'a self,
        refund: &'a RefundRef,
        _notify_url: &'a CallbackUrl,
    ) -> BoxFuture<'a, Result<Outcome<RefundOutcome>, Error>> {
        Box::pin(self.give_back(&refund.refund))
    }

    fn query_refund<'a>(&'a self, refund: &'a RefundRef) -> BoxFuture<'a, Result<RefundOutcome, Error>> {
        Box::pin(self.ask_refund(&refund.refund))
    }

    fn bill<'a>(&'a self, day: BillDay) -> BoxFuture<'a, Result<Option<Bill>, Error>> {
        Box::pin(self.download(day))
    }

    fn read_notify(&self, request: &Request<Bytes>, received_at: UnixMillis) -> Result<Incoming, Error> {
        if request.method() != Method::POST {
            return Err(Cause::Shape { what: "alipay notify", why: "it is not a POST" }.into());
        }
        let notify = RawNotify::parse(request.body())?.verify(&self.merchant, received_at)?;
        Ok(Incoming::Trade(Box::new(notify)))
    }

    fn ack(&self, ack: Ack) -> Response<Bytes> {
        ack_response(ack)
    }
}

/// A trade whose state is not known, and why.
pub(super) fn unknown<T>(number: &OutTradeNo, cause: Error) -> Outcome<T> {
    Outcome::Unknown(OutcomeUnknown::new(Stake::Trade(number.clone()), cause))
}

/// The gateway says of one trade that it is settled, and that it is not.
fn contradiction() -> Error {
    Cause::Field { what: "alipay reply", field: "trade_status", source: None }.into()
}
