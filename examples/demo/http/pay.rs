//! The ways to pay: the buyer chooses one, the order goes to its gateway, and the browser is shown what comes next.

use askama::Template;
use axum::Json as Reply;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect};
use payments::desk::{self, CheckoutOutcome};
use payments::{CallbackUrl, Channel, OutTradeNo, PayWith, Scene, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::checkout::{OrderView, own};
use super::chrome::{Chrome, page as render};
use super::input::{Form, Json};
use super::problem::{ApiResult, PageResult, Problem};
use super::qr::QrCode;
use super::visitor::Visitor;
use crate::app::{App, Shared};
use crate::school::checkout::Checkout;

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// Alipay's page in this browser.
    Alipay,
    /// A code for Alipay's application.
    AlipayQr,
    /// A code for WeChat.
    Wechat,
    /// UnionPay's page in this browser.
    Unionpay,
}

impl Way {
    const ALL: [Self; 4] = [Self::Alipay, Self::AlipayQr, Self::Wechat, Self::Unionpay];

    const fn channel(self) -> Channel {
        match self {
            Self::Alipay | Self::AlipayQr => Channel::Alipay,
            Self::Wechat => Channel::Wechat,
            Self::Unionpay => Channel::Unionpay,
        }
    }

    const fn scene(self) -> Scene {
        match self {
            Self::Alipay | Self::Unionpay => Scene::Page,
            Self::AlipayQr | Self::Wechat => Scene::Qr,
        }
    }
}

/// A way to pay as the checkout page offers it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WayView {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) hint: &'static str,
}

impl WayView {
    /// The ways over these gateways.
    pub(crate) fn all(channels: &[Channel]) -> Vec<Self> {
        let there = Way::ALL.into_iter().filter(|way| channels.contains(&way.channel()));
        there.map(Self::of).collect()
    }

    const fn of(way: Way) -> Self {
        let (code, name, hint) = match way {
            Way::Alipay => ("alipay", "Alipay 支付宝", "web 网页"),
            Way::AlipayQr => ("alipay_qr", "Alipay 支付宝", "scan 扫码"),
            Way::Wechat => ("wechat", "WeChat Pay 微信支付", "scan 扫码"),
            Way::Unionpay => ("unionpay", "UnionPay 银联", "web 网页"),
        };
        Self { code, name, hint }
    }
}

/// What the form and the API send.
#[derive(Debug, Deserialize)]
pub(crate) struct PayInput {
    way: Way,
}

/// What the buyer does next.
#[derive(Debug, Serialize)]
#[serde(tag = "next", rename_all = "snake_case")]
enum Next {
    /// Go to this address.
    Redirect { url: String },
    /// Send this form, which has this `id`.
    Form { html: String, id: &'static str },
    /// Scan this text.
    Scan { text: String },
    /// Look at the order: it is paid, closed, or the gateway did not answer.
    Look,
}

/// Sends the order to the gateway. The same way again is the same trade there.
async fn begin(app: &App, checkout: &Checkout, order: &OrderView, way: Way) -> Result<Next, Problem> {
    if !order.payable {
        return Ok(Next::Look);
    }
    let number = OutTradeNo::parse(&checkout.out_trade_no)?;
    let stored = app.orders.find(&number).await?.ok_or_else(Problem::not_found)?;
    let back = CallbackUrl::parse(&format!("{}/checkout/{number}/return", app.public_url))?;
    let asked = desk::Checkout::new(way.channel(), stored.order, way.scene());
    let outcome = app.till.desk.checkout(&asked.returning_to(back).expiring_at(expiry(checkout))).await;
    match outcome.map_err(Problem::gateway)? {
        CheckoutOutcome::Pay(with) => next(with),
        CheckoutOutcome::Refused { code, message } => Err(Problem::conflict(
            "gateway_refused",
            format!("the gateway refuses this payment: {code} {message}"),
        )),
        CheckoutOutcome::Conflict { .. } => {
            Err(Problem::conflict("price_changed", "the price changed meanwhile; start again"))
        }
        CheckoutOutcome::Unknown(unknown) => {
            tracing::warn!(%number, cause = %unknown.cause(), "the gateway did not answer");
            Ok(Next::Look)
        }
        _ => Ok(Next::Look),
    }
}

fn next(with: PayWith) -> Result<Next, Problem> {
    match with {
        PayWith::Redirect { url } => Ok(Next::Redirect { url }),
        PayWith::Form { html, id } => Ok(Next::Form { html, id }),
        PayWith::QrCode { text } => Ok(Next::Scan { text }),
        _ => Err(Problem::conflict("gateway_refused", "the gateway gave a way to pay that no browser has")),
    }
}

/// The gateway takes no money after the seat goes back.
fn expiry(checkout: &Checkout) -> UnixMillis {
    UnixMillis::from_millis(u64::try_from(checkout.expires_at).unwrap_or(0))
}

#[derive(Template)]
#[template(path = "scan.html")]
struct ScanPage {
    chrome: Chrome,
    order: OrderView,
    way: WayView,
    code: QrCode,
    /// Where the code leads, if a browser can go there.
    link: String,
}

#[derive(Template)]
#[template(path = "leave.html")]
struct LeavePage {
    chrome: Chrome,
    order: OrderView,
    way: WayView,
    form: String,
    form_id: &'static str,
}

/// `POST /checkout/{no}/pay`
pub(crate) async fn pay(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    Form(input): Form<PayInput>,
) -> PageResult {
    let (checkout, order) = own(&app, &visitor, &number).await?;
    let way = WayView::of(input.way);
    match begin(&app, &checkout, &order, input.way).await? {
        Next::Redirect { url } => Ok(Redirect::to(&url).into_response()),
        Next::Look => Ok(Redirect::to(&format!("/checkout/{}", checkout.out_trade_no)).into_response()),
        Next::Form { html, id } => {
            let chrome = visitor.chrome("courses");
            render(&LeavePage { chrome, order, way, form: html, form_id: id })
        }
        Next::Scan { text } => {
            // Other codes are read by one application only.
            let link = if text.starts_with("http") { text.clone() } else { String::new() };
            let (chrome, code) = (visitor.chrome("courses"), QrCode::of(&text)?);
            let (_, order) = own(&app, &visitor, &number).await?;
            render(&ScanPage { chrome, order, way, code, link })
        }
    }
}

/// `POST /api/v1/orders/{no}/payments`: the same for programs.
pub(crate) async fn api(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
    Json(input): Json<PayInput>,
) -> ApiResult {
    let (checkout, order) = own(&app, &visitor, &number).await?;
    let next = begin(&app, &checkout, &order, input.way).await?;
    Ok(Reply(json!({ "order": checkout.out_trade_no, "way": input.way, "step": next })).into_response())
}
