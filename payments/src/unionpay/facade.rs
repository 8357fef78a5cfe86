//! UnionPay behind the one interface of all gateways.

use super::app_pay::AppPay;
use super::file::FileDownload;
use super::gateway_pay::{Device, FrontForm, GatewayPay};
use super::merchant::Merchant;
use super::notify::{RawNotify, ack_response};
use super::query::{Query, RefundQuery};
use super::refund::{Numbers, RefundAnswer, RefundCall};
use crate::client::OutcomeUnknown;
use crate::error::{Cause, Error, ErrorKind, refused_value};
use crate::gateway::draft_stamp;
use crate::store::BoxFuture;
use crate::{
    Ack, Bill, BillDay, Call as _, CallbackUrl, Channel, Client, CloseOutcome, ExpectedOrder, ExpectedRefund,
    Gateway, Incoming, Order, Outcome, PayRequest, PayWith, QueryOutcome, Refund, RefundOutcome, RefundRef,
    Scene, Stake, TradeRef, UnixMillis,
};
use bytes::Bytes;

/// One merchant at UnionPay and one way of sending.
///
/// - [`Scene::Page`] and [`Scene::Wap`] give a form and need a return address, [`Scene::App`] gives a `tn`; the other
///   scenes belong to other products of UnionPay and are refused.
/// - [`Gateway::close`] is [`CloseOutcome::Unsupported`]: give payments a time limit.
/// - [`Gateway::refund`] refunds; to undo on the same day, send an [`Undo`](super::Undo).
/// - [`Gateway::bill`] is the trade file; its days end at 23:00.
///
/// ```no_run
/// # async fn example(merchant: payments::unionpay::Merchant, client: payments::Client, trade: payments::TradeRef)
/// # -> Result<(), payments::Error> {
/// use payments::{Gateway, QueryOutcome, unionpay::Unionpay};
/// let unionpay = Unionpay::new(merchant, client);
/// if let QueryOutcome::Trade(notify) = unionpay.query(&trade).await? {
///     println!("trade {} is {:?}", notify.trade_no(), notify.status()); // check it, then settle it
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Unionpay {
    merchant: Merchant,
    client: Client,
}

impl Unionpay {
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

    async fn pay_now(&self, request: &PayRequest) -> Result<Outcome<PayWith>, Error> {
        if request.scene == Scene::App {
            let outcome = self.client.call(&self.merchant, &app_pay(request)).await?;
            return Ok(outcome.map(|token| PayWith::Token { text: token.as_str().to_owned() }));
        }
        let html = self.form(request)?.html();
        Ok(Outcome::Known(PayWith::Form { html, id: FrontForm::ID }))
    }

    fn form(&self, request: &PayRequest) -> Result<FrontForm, Error> {
        let device = match request.scene {
            Scene::Page => Device::Computer,
            Scene::Wap => Device::Telephone,
            _ => return Err(refused_value("scene", &scene_word(&request.scene), SCENES)),
        };
        let return_url = request.return_url.clone().ok_or(Cause::Shape {
            what: "payment without a return address",
            why: "UnionPay's page sends the buyer back; say where to",
        })?;
        let pay = GatewayPay::new(
            request.order.clone(),
            device,
            request.notify_url.clone(),
            return_url,
            request.submitted_at,
        );
        GatewayPay { expires_at: request.expires_at, ..pay }.form(&self.merchant)
    }

    /// A number that was used before belongs to an earlier attempt of the same refund: that one is asked about. If
    /// UnionPay then does not know it either, nobody can say what happened.
    async fn refund_now(
        &self,
        refund: &RefundRef,
        notify_url: &CallbackUrl,
    ) -> Result<Outcome<RefundOutcome>, Error> {
        let call = RefundCall::new(refund.clone(), notify_url.clone());
        let answer = match self.client.call(&self.merchant, &call).await? {
            Outcome::Known(answer) => answer,
            Outcome::Unknown(unknown) => return Ok(Outcome::Unknown(unknown)),
        };
        let cause = match answer {
            RefundAnswer::Accepted(notify) => return Ok(Outcome::Known(RefundOutcome::Refund(notify))),
            RefundAnswer::Refused { code, message } => {
                return Ok(Outcome::Known(RefundOutcome::Refused { code, message }));
            }
            RefundAnswer::Duplicate => match self.query_refund(refund).await {
                Ok(RefundOutcome::NotFound) => contradiction(),
                Ok(outcome) => return Ok(Outcome::Known(outcome)),
                Err(error) => error,
            },
        };
        let numbers = &refund.refund;
        let stake = Stake::Refund(numbers.out_trade_no.clone(), numbers.refund_no.clone());
        Ok(Outcome::Unknown(OutcomeUnknown::new(stake, cause)))
    }
}

fn app_pay(request: &PayRequest) -> AppPay {
    let pay = AppPay::new(request.order.clone(), request.notify_url.clone(), request.submitted_at);
    AppPay { expires_at: request.expires_at, ..pay }
}

const SCENES: &str = "UnionPay has pages for browsers (page, wap) and tokens for applications (app)";

/// The name of the scene, without the buyer's data in it.
fn scene_word(scene: &Scene) -> String {
    let debug = format!("{scene:?}");
    debug.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn contradiction() -> Error {
    Cause::Gateway {
        kind: ErrorKind::Unavailable,
        code: super::codes::DUPLICATE.to_owned(),
        message: "the number was used before, and a query does not find it".to_owned(),
    }
    .into()
}

impl Gateway for Unionpay {
    fn channel(&self) -> Channel {
        Channel::Unionpay
    }

    fn expected(&self, order: &Order) -> ExpectedOrder {
        self.merchant.expected(order)
    }

    fn expected_refund(&self, refund: &Refund) -> ExpectedRefund {
        self.merchant.expected_refund(refund)
    }

    fn accepts(&self, request: &PayRequest) -> Result<(), Error> {
        if request.scene == Scene::App {
            return app_pay(request).request(&self.merchant, draft_stamp(request.submitted_at)).map(drop);
        }
        self.form(request).map(drop)
    }

    fn accepts_refund(&self, refund: &RefundRef) -> Result<(), Error> {
        Numbers::of(&refund.refund).map(drop)
    }

    fn pay<'a>(&'a self, request: &'a PayRequest) -> BoxFuture<'a, Result<Outcome<PayWith>, Error>> {
        Box::pin(self.pay_now(request))
    }

    fn query<'a>(&'a self, trade: &'a TradeRef) -> BoxFuture<'a, Result<QueryOutcome, Error>> {
        Box::pin(async { self.client.call(&self.merchant, &Query::new(trade.clone())).await?.known() })
    }

    fn close<'a>(&'a self, _trade: &'a TradeRef) -> BoxFuture<'a, Result<Outcome<CloseOutcome>, Error>> {
        Box::pin(async { Ok(Outcome::Known(CloseOutcome::Unsupported)) })
    }

    fn refund<'a>(
        &'a self,
        refund: &'a RefundRef,
        notify_url: &'a CallbackUrl,
    ) -> BoxFuture<'a, Result<Outcome<RefundOutcome>, Error>> {
        Box::pin(self.refund_now(refund, notify_url))
    }

    fn query_refund<'a>(&'a self, refund: &'a RefundRef) -> BoxFuture<'a, Result<RefundOutcome, Error>> {
        Box::pin(async { self.client.call(&self.merchant, &RefundQuery::new(refund.clone())).await?.known() })
    }

    fn bill<'a>(&'a self, day: BillDay) -> BoxFuture<'a, Result<Option<Bill>, Error>> {
        Box::pin(async move {
            let file = self.client.call(&self.merchant, &FileDownload::new(day)).await?.known()?;
            file.map(|file| file.bill()).transpose()
        })
    }

    fn read_notify(
        &self,
        request: &http::Request<Bytes>,
        received_at: UnixMillis,
    ) -> Result<Incoming, Error> {
        RawNotify::parse(request.body())?.verify(&self.merchant, received_at)
    }

    fn ack(&self, ack: Ack) -> http::Response<Bytes> {
        ack_response(ack)
    }
}
