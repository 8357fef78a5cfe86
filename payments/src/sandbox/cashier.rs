//! The cashier of all gateways: what the buyer sees there, as values and as pages; pay, refuse, let it time out.

use super::book::{Entry, No, Trade};
use super::page;
use super::shell::{Sandbox, State, see_other, status};
use super::side::WayBack;
use crate::form::{self, Params};
use crate::html::escape;
use crate::{Channel, Money, UnixMillis};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use std::fmt;

/// An open cashier page: the trade it shows and the token that its buttons carry.
#[derive(Clone, PartialEq, Eq)]
pub struct Cashier {
    token: String,
    view: TradeView,
}

/// A trade as the buyer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TradeView {
    /// The gateway.
    pub channel: Channel,
    /// The merchant's number.
    pub out_trade_no: String,
    /// The gateway's number.
    pub trade_no: String,
    /// What is bought; outside text, to be escaped in a page.
    pub subject: String,
    /// The price.
    pub amount: Money,
    /// Scheme and host of the shop, if it gave a return address.
    pub shop_origin: Option<String>,
}

/// Why the cashier takes no money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CashierRefusal {
    /// This page was used, or replaced by a newer one: start again at the shop.
    Used,
    /// The trade is paid already.
    Paid,
    /// The trade is closed, by the merchant or by its time limit.
    Closed,
    /// The payment failed for good.
    Failed,
    /// The sandbox itself cannot go on.
    Broken,
}

impl Cashier {
    pub(super) fn new(token: String, view: TradeView) -> Self {
        Self { token, view }
    }

    /// The token for [`Sandbox::pay`] and [`Sandbox::refuse`]. It works once.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The trade.
    #[must_use]
    pub fn view(&self) -> &TradeView {
        &self.view
    }
}

/// Answers below `/cashier`, and for every address that nobody else has.
pub(super) fn answer(
    sandbox: &Sandbox,
    request: &Request<Bytes>,
    state: &mut State,
    now: UnixMillis,
) -> Response<Bytes> {
    let path = request.uri().path();
    let post = request.method() == Method::POST;
    match path {
        "/cashier.css" if request.method() == Method::GET => page::stylesheet(),
        "/cashier/pay" if post => pay(sandbox, request, state, now),
        "/cashier/refuse" if post => {
            match token(request).and_then(|token| Ok(state.book.refuse(&token)?.into())) {
                Ok(view) => unpaid(&view),
                Err(refusal) => refused(refusal),
            }
        }
        "/cashier/expire" if post => {
            match token(request).and_then(|token| Ok(state.book.expire(&token, now)?.into())) {
                Ok(view) => expired(&view),
                Err(refusal) => refused(refusal),
            }
        }
        "/cashier.css" | "/cashier/pay" | "/cashier/refuse" | "/cashier/expire" => {
            status(StatusCode::METHOD_NOT_ALLOWED)
        }
        _ => match path.strip_prefix("/cashier/") {
            Some(token) if request.method() == Method::GET => match state.book.open(token, now) {
                Ok(trade) => show(trade),
                Err(no) => refused(no.into()),
            },
            Some(_) => status(StatusCode::METHOD_NOT_ALLOWED),
            None => status(StatusCode::NOT_FOUND),
        },
    }
}

fn pay(sandbox: &Sandbox, request: &Request<Bytes>, state: &mut State, now: UnixMillis) -> Response<Bytes> {
    match token(request).and_then(|token| sandbox.settle(&token, state, now)) {
        Ok(Some(WayBack::Get(url))) => see_other(&url),
        Ok(Some(WayBack::Post { url, fields })) => go_back(&url, &fields),
        Ok(None) => paid(),
        Err(refusal) => refused(refusal),
    }
}

fn token(request: &Request<Bytes>) -> Result<String, CashierRefusal> {
    let params: Params =
        form::decode(request.body()).and_then(form::params).map_err(|_| CashierRefusal::Used)?;
    params.get("token").cloned().ok_or(CashierRefusal::Used)
}

/// The page with the buttons.
pub(super) fn show(trade: &Trade) -> Response<Bytes> {
    let view = TradeView::from(trade);
    let main = format!(
        "<p class=\"label\">应付金额 <span lang=\"en\">Amount due</span></p>\n\
         <p class=\"amount\"><span class=\"currency\">¥</span>{amount}</p>\n{facts}\
         <form method=\"post\" action=\"/cashier/pay\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <button class=\"pay\" type=\"submit\" id=\"pay\">确认付款 <span lang=\"en\">Pay now</span></button>\n\
         <button class=\"refuse\" type=\"submit\" id=\"refuse\" formaction=\"/cashier/refuse\">\
         暂不付款 <span lang=\"en\">Do not pay</span></button>\n\
         <button class=\"refuse\" type=\"submit\" id=\"expire\" formaction=\"/cashier/expire\">\
         让订单超时 <span lang=\"en\">Let it time out</span></button>\n</form>\n",
        amount = escape(&view.amount.yuan_text()),
        facts = facts(&view, trade.terms.expires_at),
        token = escape(trade.token.as_deref().unwrap_or_default()),
    );
    page::small(StatusCode::OK, "收银台 Cashier", &main, view.shop_origin.as_deref())
}

fn unpaid(view: &TradeView) -> Response<Bytes> {
    let main = format!(
        "<h1>订单未付款 <span lang=\"en\">Not paid</span></h1>\n\
         <p>没有扣款，可以回到商家重新付款。</p>\n\
         <p lang=\"en\">Nothing was charged. You can pay again from the shop.</p>\n{}{}",
        facts(view, None),
        back(view)
    );
    page::small(StatusCode::OK, "未付款 Not paid", &main, None)
}

fn expired(view: &TradeView) -> Response<Bytes> {
    let main = format!(
        "<h1>订单已超时 <span lang=\"en\">Timed out</span></h1>\n\
         <p>这笔交易已关闭，不能再付款。</p>\n\
         <p lang=\"en\">This trade is closed and takes no payment.</p>\n{}{}",
        facts(view, None),
        back(view)
    );
    page::small(StatusCode::OK, "已超时 Timed out", &main, None)
}

/// The buyer paid, and there is no way back to the shop.
fn paid() -> Response<Bytes> {
    let main = "<h1>付款成功 <span lang=\"en\">Paid</span></h1>\n<p>可以关闭此页面，回到商家。</p>\n\
                <p lang=\"en\">You can close this page and go back to the shop.</p>\n";
    page::small(StatusCode::OK, "付款成功 Paid", main, None)
}

/// The buyer paid, and the way back is a form.
fn go_back(url: &str, fields: &[(String, String)]) -> Response<Bytes> {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
        })
        .collect();
    let main = format!(
        "<h1>付款成功 <span lang=\"en\">Paid</span></h1>\n\
         <form method=\"post\" action=\"{}\" accept-charset=\"utf-8\">\n{inputs}\
         <button class=\"pay\" type=\"submit\" id=\"back\">返回商家 \
         <span lang=\"en\">Back to the shop</span></button>\n</form>\n",
        escape(url)
    );
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    page::small(StatusCode::OK, "付款成功 Paid", &main, Some(&origin))
}

fn refused(refusal: CashierRefusal) -> Response<Bytes> {
    let (chinese, english) = refusal.words();
    let main = format!(
        "<h1>无法付款 <span lang=\"en\">Cannot pay</span></h1>\n<p>{chinese}</p>\n<p lang=\"en\">{english}</p>\n"
    );
    page::small(StatusCode::BAD_REQUEST, "无法付款 Cannot pay", &main, None)
}

fn back(view: &TradeView) -> String {
    let link = |origin: &String| {
        format!(
            "<a class=\"back\" href=\"{}/\">返回商家 <span lang=\"en\">Back to the shop</span></a>\n",
            escape(origin)
        )
    };
    view.shop_origin.as_ref().map(link).unwrap_or_default()
}

fn facts(view: &TradeView, expires_at: Option<UnixMillis>) -> String {
    let until = expires_at.map(|at| {
        format!(
            "<dt>付款截止 <span lang=\"en\">Pay before</span></dt><dd>{}</dd>\n",
            escape(&at.china_text())
        )
    });
    format!(
        "<dl>\n<dt>支付方式 <span lang=\"en\">Gateway</span></dt><dd id=\"channel\">{}</dd>\n\
         <dt>商品 <span lang=\"en\">Item</span></dt><dd>{}</dd>\n\
         <dt>商户订单号 <span lang=\"en\">Order</span></dt><dd>{}</dd>\n\
         <dt>交易号 <span lang=\"en\">Trade</span></dt><dd>{}</dd>\n{}</dl>\n",
        channel_name(view.channel),
        escape(&view.subject),
        escape(&view.out_trade_no),
        escape(&view.trade_no),
        until.unwrap_or_default(),
    )
}

/// The gateway's name for people.
pub(super) const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Alipay => "支付宝 Alipay",
        Channel::Wechat => "微信支付 WeChat Pay",
        Channel::Unionpay => "银联 UnionPay",
    }
}

impl CashierRefusal {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Used => {
                ("此收银台页面已使用或已失效。", "This page was used or replaced: start again at the shop.")
            }
            Self::Paid => ("这笔交易已经付款。", "This trade is paid already."),
            Self::Closed => ("这笔交易已关闭。", "This trade is closed: make a new order."),
            Self::Failed => ("这笔交易付款失败。", "The payment of this trade failed: make a new order."),
            Self::Broken => ("沙箱出错。", "The sandbox cannot sign: start it again."),
        }
    }
}

impl From<No> for CashierRefusal {
    fn from(no: No) -> Self {
        match no {
            No::Paid => Self::Paid,
            No::Closed => Self::Closed,
            No::Failed => Self::Failed,
            No::Unknown | No::TokenUsed => Self::Used,
            No::NotPaid | No::OtherTerms | No::Exceeds | No::TooManyRefunds | No::Full => Self::Broken,
        }
    }
}

impl fmt::Display for CashierRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words().1)
    }
}

impl std::error::Error for CashierRefusal {}

impl From<&Trade> for TradeView {
    fn from(trade: &Trade) -> Self {
        let return_url = trade.terms.return_url.as_ref().filter(|_| trade.entry == Entry::Page);
        Self {
            channel: trade.key.channel,
            out_trade_no: trade.out_trade_no.clone(),
            trade_no: trade.trade_no.clone(),
            subject: trade.terms.subject.clone(),
            amount: trade.terms.amount,
            shop_origin: return_url.map(|url| url.origin()),
        }
    }
}

/// The token lets anyone pay, so it is not shown.
impl fmt::Debug for Cashier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cashier").field("view", &self.view).finish_non_exhaustive()
    }
}
