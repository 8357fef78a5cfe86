//! The gateway's own console at `/`: every trade, its deliveries, and what the gateway may do to it by hand.

use super::book::{Entry, Key, NewRefund, RefundStage, Stage, Trade};
use super::cashier::channel_name;
use super::mischief::Mischief;
use super::notices::{About, LogLine, Trick};
use super::page;
use super::shell::{Sandbox, State, see_other, status};
use super::side::Desk;
use crate::form::{self, Params};
use crate::html::escape;
use crate::{Channel, UnixMillis};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};

/// The most trades on the page.
const ROWS_MAX: usize = 100;

/// Answers `/` and the addresses below `/console/`.
pub(super) fn answer(
    sandbox: &Sandbox,
    request: &Request<Bytes>,
    state: &mut State,
    now: UnixMillis,
) -> Response<Bytes> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => list(state, now),
        (&Method::POST, "/console/resend" | "/console/refund" | "/console/misbehave") => {
            act(sandbox, request, state, now)
        }
        (_, "/" | "/console/resend" | "/console/refund" | "/console/misbehave") => {
            status(StatusCode::METHOD_NOT_ALLOWED)
        }
        _ => status(StatusCode::NOT_FOUND),
    }
}

fn act(sandbox: &Sandbox, request: &Request<Bytes>, state: &mut State, now: UnixMillis) -> Response<Bytes> {
    if !is_own_form(request.headers()) {
        return status(StatusCode::FORBIDDEN);
    }
    let Ok(params) = form::decode(request.body()).and_then(form::params) else {
        return status(StatusCode::BAD_REQUEST);
    };
    match done(sandbox, request.uri().path(), &params, state, now) {
        Some(()) => see_other("/"),
        None => status(StatusCode::BAD_REQUEST),
    }
}

fn done(sandbox: &Sandbox, path: &str, params: &Params, state: &mut State, now: UnixMillis) -> Option<()> {
    let key = match params.get("channel").map(String::as_str) {
        None | Some("") => None,
        Some(code) => {
            let key = Key { channel: Channel::parse(code).ok()?, number: params.get("number")?.clone() };
            state.book.find(&key)?;
            Some(key)
        }
    };
    match (path, key) {
        ("/console/misbehave", key) => {
            let mischief = Mischief::find(params.get("mischief")?)?;
            let on = state.switches.has(key.as_ref(), mischief);
            state.switches.set(key.as_ref(), mischief, !on);
        }
        ("/console/resend", Some(key)) => {
            let about = newest(state.book.find(&key)?, now)?;
            sandbox.desk(state, now).announce(&key, about);
        }
        ("/console/refund", Some(key)) => {
            sandbox.side(key.channel)?.refund_by_hand(&key, &mut sandbox.desk(state, now));
        }
        _ => return None,
    }
    Some(())
}

/// What there is to tell about a trade.
fn newest(trade: &Trade, now: UnixMillis) -> Option<About> {
    if let Some(refund) = trade.refunds.last() {
        return Some(About::Refund(refund.refund_no.clone()));
    }
    match trade.stage(now) {
        Stage::Paid => Some(About::Payment),
        Stage::Closed => Some(About::Closed),
        Stage::Waiting | Stage::Failed => None,
    }
}

/// Gives the rest back under a number of the gateway's own, and tells the merchant.
pub(super) fn refund_the_rest(key: &Key, desk: &mut Desk<'_>) {
    let Some(rest) = desk.book.find(key).and_then(Trade::refundable) else {
        return;
    };
    let refund_no = format!("HAND{}", desk.entropy.digits(16));
    let new = NewRefund {
        refund_no: refund_no.clone(),
        refund_id: desk.entropy.digits(28),
        amount: rest,
        reason: "console".to_owned(),
        notify_url: None,
        stage: RefundStage::Succeeded,
    };
    if desk.book.refund(key, new, desk.now).is_ok() {
        desk.announce(key, About::Refund(refund_no));
    }
}

/// A page of another site must not press buttons here.
fn is_own_form(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = text(header::HOST.as_str());
    match text(header::ORIGIN.as_str()) {
        Some(origin) => origin.split_once("://").map(|(_, host)| host) == host,
        None => true,
    }
}

fn list(state: &State, now: UnixMillis) -> Response<Bytes> {
    let everywhere = switches(None, state.switches.everywhere());
    let trades = state.book.all_by(|_| true);
    let rows: String = trades.iter().take(ROWS_MAX).map(|trade| row(state, trade, now)).collect();
    let empty = if trades.is_empty() {
        "<p>还没有交易。<span lang=\"en\">No trades yet.</span></p>\n"
    } else {
        ""
    };
    let main = format!(
        "<h1>交易 <span lang=\"en\">Trades</span></h1>\n\
         <details><summary>对所有交易捣乱 <span lang=\"en\">Misbehave for all</span></summary>\n{everywhere}</details>\n\
         {empty}{rows}"
    );
    page::wide("交易 Trades", &main)
}

fn row(state: &State, trade: &Trade, now: UnixMillis) -> String {
    let key = &trade.key;
    let refunds: String = trade
        .refunds
        .iter()
        .map(|refund| {
            format!(
                "<li>{} ¥{} {:?}</li>\n",
                escape(&refund.refund_no),
                refund.amount.yuan_text(),
                refund.stage
            )
        })
        .collect();
    let deliveries: String = state.notices.log_of(key).map(delivery).collect();
    let waits = if state.notices.waits(key) { "<li>… waiting</li>\n" } else { "" };
    format!(
        "<section class=\"trade\" id=\"{channel}-{number}\">\n<h2>{name} · {subject}</h2>\n\
         <dl>\n<dt>订单 <span lang=\"en\">Order</span></dt><dd>{out}</dd>\n\
         <dt>交易 <span lang=\"en\">Trade</span></dt><dd>{trade_no}</dd>\n\
         <dt>金额 <span lang=\"en\">Amount</span></dt><dd>¥{amount}</dd>\n\
         <dt>状态 <span lang=\"en\">State</span></dt><dd>{stage:?}</dd>\n</dl>\n\
         <ul>\n{refunds}{deliveries}{waits}</ul>\n{buttons}\
         <details><summary>捣乱 <span lang=\"en\">Misbehave</span></summary>\n{switches}</details>\n</section>\n",
        channel = key.channel.code(),
        number = escape(&key.number),
        name = channel_name(key.channel),
        subject = escape(&trade.terms.subject),
        out = escape(&trade.out_trade_no),
        trade_no = escape(&trade.trade_no),
        amount = trade.terms.amount.yuan_text(),
        stage = trade.stage(now),
        buttons = buttons(trade, now),
        switches = switches(Some(key), state.switches.of(key)),
    )
}

fn delivery(line: &LogLine) -> String {
    let about = match &line.about {
        About::Payment => "payment".to_owned(),
        About::Closed => "closed".to_owned(),
        About::Refund(number) => format!("refund {}", escape(number)),
    };
    let trick = match line.trick {
        Trick::Honest => "",
        Trick::Forged => ", forged",
        Trick::WrongAmount => ", wrong amount",
        Trick::Probe => ", probe",
    };
    let status = line.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let end = if line.acknowledged { "acknowledged" } else { "not acknowledged" };
    format!(
        "<li>{} notify of the {about}{trick}, attempt {}: {status}, {end}</li>\n",
        line.at.china_text(),
        line.attempt + 1
    )
}

fn buttons(trade: &Trade, now: UnixMillis) -> String {
    let mut html = String::new();
    let cashier = trade.token.as_deref().filter(|_| trade.entry == Entry::Code);
    if let Some(token) = cashier.filter(|_| trade.stage(now) == Stage::Waiting) {
        html.push_str(&format!(
            "<a class=\"back\" href=\"/cashier/{token}\">打开收银台 <span lang=\"en\">Open the cashier</span></a>\n"
        ));
    }
    if newest(trade, now).is_some() {
        html.push_str(&button(
            &trade.key,
            "resend",
            "重发通知 <span lang=\"en\">Send the notify again</span>",
        ));
    }
    if trade.stage == Stage::Paid && trade.refundable().is_some() {
        html.push_str(&button(&trade.key, "refund", "退回余额 <span lang=\"en\">Refund the rest</span>"));
    }
    html
}

fn button(key: &Key, act: &str, words: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/console/{act}\">{}<button class=\"refuse\">{words}</button></form>\n",
        identity(Some(key))
    )
}

fn switches(key: Option<&Key>, on: &[Mischief]) -> String {
    let buttons: String = Mischief::ALL
        .into_iter()
        .filter(|mischief| key.is_none() || *mischief != Mischief::Busy)
        .map(|mischief| {
            let pressed = if on.contains(&mischief) { "true" } else { "false" };
            let code = mischief.code();
            format!(
                "<button class=\"chip\" name=\"mischief\" value=\"{code}\" aria-pressed=\"{pressed}\">{code}</button>\n"
            )
        })
        .collect();
    format!("<form method=\"post\" action=\"/console/misbehave\">{}{buttons}</form>\n", identity(key))
}

fn identity(key: Option<&Key>) -> String {
    key.map(|key| {
        format!(
            "<input type=\"hidden\" name=\"channel\" value=\"{}\"><input type=\"hidden\" name=\"number\" value=\"{}\">\n",
            key.channel.code(),
            escape(&key.number)
        )
    })
    .unwrap_or_default()
}
