//! WeChat Pay behind the one interface of all gateways.

use super::bill::TradeBill;
use super::bill_csv::read_trade_bill;
use super::close::Close;
use super::handle::OpenId;
use super::invoke::InvokeParams;
use super::merchant::Merchant;
use super::notify::{RawNotify, ack_response};
use super::prepay::{App, H5, Jsapi, Native};
use super::query::TradeQuery;
use super::refund::{RefundCall, RefundQuery, reason};
use crate::bill::{Bill, BillDay};
use crate::error::{Error, refused_value};
use crate::gateway::draft_stamp;
use crate::store::BoxFuture;
use crate::{
    Ack, Call as _, CallbackUrl, Channel, Client, CloseOutcome, ExpectedOrder, ExpectedRefund, Gateway,
    Incoming, Order, Outcome, PayRequest, PayWith, QueryOutcome, Refund, RefundOutcome, RefundRef, Scene,
    TradeRef, UnixMillis,
};
use bytes::Bytes;
use http::{Request, Response};
use std::net::IpAddr;

/// A merchant and a way of sending.
#[derive(Debug, Clone)]
pub struct Wechat {
    merchant: Merchant,
    client: Client,
}

impl Wechat {
    /// This merchant over this client.
    #[must_use]
    pub fn new(merchant: Merchant, client: Client) -> Self {
        Self { merchant, client }
    }

    /// The merchant.
    #[must_use]
    pub fn merchant(&self) -> &Merchant {
        &self.merchant
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    async fn pay_with(&self, request: &PayRequest) -> Result<Outcome<PayWith>, Error> {
        let (merchant, client) = (&self.merchant, &self.client);
        match &request.scene {
            Scene::Qr => {
                let opened = client.call(merchant, &native(request)).await?;
                Ok(opened.map(|code| PayWith::QrCode { text: code.as_str().to_owned() }))
            }
            Scene::H5 { payer_ip } => {
                let opened = client.call(merchant, &h5(request, *payer_ip)).await?;
                let back = request.return_url.as_ref();
                Ok(opened.map(|link| PayWith::Redirect {
                    url: back.map_or_else(|| link.as_str().to_owned(), |url| link.returning_to(url)),
                }))
            }
            Scene::Jsapi { openid } => {
                self.invoke(client.call(merchant, &jsapi(request, openid)?).await?, InvokeParams::jsapi)
            }
            Scene::App => self.invoke(client.call(merchant, &app(request)).await?, InvokeParams::app),
            scene => Err(no_scene(scene)),
        }
    }

    /// Builds the request that [`Wechat::pay_with`] would send, and throws it away.
    fn draft(&self, request: &PayRequest) -> Result<(), Error> {
        let (merchant, stamp) = (&self.merchant, draft_stamp(request.submitted_at));
        match &request.scene {
            Scene::Qr => native(request).request(merchant, stamp),
            Scene::H5 { payer_ip } => h5(request, *payer_ip).request(merchant, stamp),
            Scene::Jsapi { openid } => jsapi(request, openid)?.request(merchant, stamp),
            Scene::App => app(request).request(merchant, stamp),
            scene => Err(no_scene(scene)),
        }
        .map(drop)
    }

    fn invoke<T>(
        &self,
        opened: Outcome<T>,
        params: fn(&Merchant, &T, crate::Stamp) -> Result<InvokeParams, Error>,
    ) -> Result<Outcome<PayWith>, Error> {
        match opened {
            Outcome::Unknown(unknown) => Ok(Outcome::Unknown(unknown)),
            Outcome::Known(prepay_id) => {
                let json = params(&self.merchant, &prepay_id, self.client.stamp()?)?.to_json()?;
                Ok(Outcome::Known(PayWith::Invoke { json }))
            }
        }
    }

    async fn bill_of(&self, day: BillDay) -> Result<Option<Bill>, Error> {
        let Some(link) = self.client.call(&self.merchant, &TradeBill::new(day)).await?.known()? else {
            return Ok(None);
        };
        let file = self.client.call(&self.merchant, &link.download()).await?.known()?;
        read_trade_bill(&file, &self.merchant.mchid, day).map(Some)
    }
}

fn native(request: &PayRequest) -> Native {
    let call = Native::new(request.order.clone(), request.notify_url.clone());
    Native { expires_at: request.expires_at, ..call }
}

fn h5(request: &PayRequest, payer_ip: IpAddr) -> H5 {
    let call = H5::new(request.order.clone(), request.notify_url.clone(), payer_ip);
    H5 { expires_at: request.expires_at, ..call }
}

fn jsapi(request: &PayRequest, openid: &str) -> Result<Jsapi, Error> {
    let call = Jsapi::new(request.order.clone(), request.notify_url.clone(), OpenId::parse(openid)?);
    Ok(Jsapi { expires_at: request.expires_at, ..call })
}

fn app(request: &PayRequest) -> App {
    let call = App::new(request.order.clone(), request.notify_url.clone());
    App { expires_at: request.expires_at, ..call }
}

fn no_scene(scene: &Scene) -> Error {
    refused_value("scene", scene_name(scene), "WeChat Pay here has qr, jsapi, h5 and app")
}

const fn scene_name(scene: &Scene) -> &'static str {
    match scene {
        Scene::Page => "page",
        Scene::Wap => "wap",
        Scene::App => "app",
        Scene::Qr => "qr",
        Scene::Jsapi { .. } => "jsapi",
        Scene::H5 { .. } => "h5",
        Scene::BarCode { .. } => "bar code",
    }
}

impl Gateway for Wechat {
    fn channel(&self) -> Channel {
        Channel::Wechat
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
        reason(&refund.refund).map(drop)
    }

    fn pay<'a>(&'a self, request: &'a PayRequest) -> BoxFuture<'a, Result<Outcome<PayWith>, Error>> {
        Box::pin(self.pay_with(request))
    }

    fn query<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<QueryOutcome, Error>> {
        Box::pin(async move {
            let call = TradeQuery::new(trade.out_trade_no.clone());
            self.client.call(&self.merchant, &call).await?.known()
        })
    }

    fn close<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<Outcome<CloseOutcome>, Error>> {
        Box::pin(
            async move { self.client.call(&self.merchant, &Close::new(trade.out_trade_no.clone())).await },
        )
    }

    fn refund<'a>(
        &'a self,
        refund: &'a RefundRef,
        notify_url: &'a CallbackUrl,
    ) -> BoxFuture<'a, Result<Outcome<RefundOutcome>, Error>> {
        Box::pin(async move {
            let call = RefundCall::new(refund.refund.clone(), notify_url.clone());
            Ok(self.client.call(&self.merchant, &call).await?.map(|answer| answer.outcome))
        })
    }

    fn query_refund<'a>(&'a self, refund: &'a RefundRef) -> BoxFuture<'a, Result<RefundOutcome, Error>> {
        Box::pin(async move {
            let asked = &refund.refund;
            let call = RefundQuery::new(asked.refund_no.clone(), asked.out_trade_no.clone());
            Ok(self.client.call(&self.merchant, &call).await?.known()?.outcome)
        })
    }

    fn bill<'a>(&'a self, day: BillDay) -> BoxFuture<'a, Result<Option<Bill>, Error>> {
        Box::pin(self.bill_of(day))
    }

    fn read_notify(&self, request: &Request<Bytes>, received_at: UnixMillis) -> Result<Incoming, Error> {
        RawNotify::parse(request)?.verify(&self.merchant, received_at)
    }

    fn ack(&self, ack: Ack) -> Response<Bytes> {
        ack_response(ack)
    }
}
