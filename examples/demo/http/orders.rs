//! The back office of orders: the list, and one order with its payments and refunds. Pages and API share the views.

use askama::Template;
use axum::extract::{Path, Query, State};
use payments::store::StoredRefund;
use payments::{Channel, Money, OutTradeNo, Payment, RefundState, StoredOrder, TradeState};
use rbac::{Lang, Permission};
use serde::{Deserialize, Serialize};

use super::checkout::owed;
use super::chrome::{Chrome, page as render};
use super::courses::request_id;
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use super::words::{channel_words, refund_words, trade_words};
use crate::app::{App, Shared};
use crate::clock;
use crate::perm;
use crate::school::checkout::{Checkout, Place};

/// What looking at orders needs.
pub(crate) const VIEW: Permission = perm::PAYMENT_VIEW;

/// Orders on one page.
const ROWS_A_PAGE: usize = 25;
/// Checkouts read at once, and how often, while looking for orders that fit a filter.
const BATCH: u32 = 100;
const BATCHES_MAX: usize = 10;

/// An order as the list shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OrderRow {
    pub(crate) out_trade_no: String,
    course: String,
    buyer: String,
    /// Yuan, two places.
    amount: String,
    state: &'static str,
    #[serde(skip)]
    words: &'static str,
    #[serde(skip)]
    tone: &'static str,
    channels: Vec<&'static str>,
    /// When it was made, for people.
    created: String,
    /// A payment of it bought nothing and waits to be given back.
    owed: bool,
}

/// What the list is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct OrdersQuery {
    #[serde(default)]
    number: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    channel: String,
    /// Where the page before ended.
    #[serde(default)]
    after: String,
}

/// A query that was read.
struct Filter {
    number: String,
    state: Option<TradeState>,
    channel: Option<Channel>,
    after: Place,
}

impl Filter {
    fn read(query: &OrdersQuery) -> Result<Self, Problem> {
        let state = Some(query.state.as_str()).filter(|code| !code.is_empty());
        let channel = Some(query.channel.as_str()).filter(|code| !code.is_empty());
        Ok(Self {
            number: query.number.trim().to_owned(),
            state: state.map(TradeState::parse).transpose()?,
            channel: channel.map(Channel::parse).transpose()?,
            after: place(&query.after)?,
        })
    }

    fn takes(&self, order: &StoredOrder) -> bool {
        let there = |channel| order.submissions.iter().any(|(known, _)| *known == channel);
        self.state.is_none_or(|state| state == order.state) && self.channel.is_none_or(there)
    }
}

fn place(text: &str) -> Result<Place, Problem> {
    let unreadable = || Problem::bad_request("invalid", "this is no page; begin with the first one");
    if text.is_empty() {
        return Ok(Place { created_at: i64::MAX, out_trade_no: String::new() });
    }
    let (at, number) = text.split_once('.').ok_or_else(unreadable)?;
    let created_at = at.parse().map_err(|_| unreadable())?;
    Ok(Place { created_at, out_trade_no: number.to_owned() })
}

/// One page of orders, and where the next one begins; empty if there is none.
pub(crate) async fn rows(
    app: &App,
    query: &OrdersQuery,
    lang: Lang,
) -> Result<(Vec<OrderRow>, String), Problem> {
    let mut filter = Filter::read(query)?;
    let mut rows = Vec::new();
    for _ in 0..BATCHES_MAX {
        let batch = app.school.checkouts(&filter.number, &filter.after, BATCH).await?;
        let whole = u32::try_from(batch.len()).is_ok_and(|length| length == BATCH);
        for checkout in batch {
            if rows.len() == ROWS_A_PAGE {
                let Place { created_at, out_trade_no } = &filter.after;
                return Ok((rows, format!("{created_at}.{out_trade_no}")));
            }
            let number = checkout.out_trade_no.clone();
            filter.after = Place { created_at: checkout.created_at, out_trade_no: number };
            let Some(order) = app.orders.find(&OutTradeNo::parse(&checkout.out_trade_no)?).await? else {
                continue;
            };
            if filter.takes(&order) {
                let refunds = app.orders.refunds_of(&order.order.out_trade_no).await?;
                let owed = owed(app, &checkout.out_trade_no, &refunds).await?;
                rows.push(row(app, &checkout, &order, &owed, lang).await?);
            }
        }
        if !whole {
            return Ok((rows, String::new()));
        }
    }
    Ok((rows, format!("{}.{}", filter.after.created_at, filter.after.out_trade_no)))
}

async fn row(
    app: &App,
    checkout: &Checkout,
    order: &StoredOrder,
    owed: &[String],
    lang: Lang,
) -> Result<OrderRow, Problem> {
    let buyer = app.school.account(&checkout.account_id).await?;
    let (words, tone) = trade_words(order.state);
    Ok(OrderRow {
        out_trade_no: checkout.out_trade_no.clone(),
        course: checkout.course_slug.clone(),
        buyer: buyer.map_or_else(|| checkout.account_id.clone(), |account| account.display_name),
        amount: order.order.amount.yuan_text(),
        state: order.state.code(),
        words: words.in_lang(lang),
        tone,
        channels: order
            .submissions
            .iter()
            .map(|(channel, _)| channel_words(*channel).in_lang(lang))
            .collect(),
        created: clock::text(order.created_at.as_millis()),
        owed: !owed.is_empty(),
    })
}

/// A choice of a filter.
#[derive(Debug)]
struct Choice {
    code: &'static str,
    words: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    chrome: Chrome,
    number: String,
    states: Vec<Choice>,
    channels: Vec<Choice>,
    rows: Vec<OrderRow>,
    /// The query of the next page; empty on the last.
    next: String,
}

/// `GET /admin/orders`
pub(crate) async fn list(
    State(app): State<Shared>,
    visitor: Visitor,
    Query(query): Query<OrdersQuery>,
) -> PageResult {
    visitor.must(VIEW)?;
    let lang = visitor.look.lang;
    let (rows, after) = rows(&app, &query, lang).await?;
    let states = TradeState::ALL.into_iter().map(|state| Choice {
        code: state.code(),
        words: trade_words(state).0.in_lang(lang),
        chosen: state.code() == query.state,
    });
    let channels = Channel::ALL.into_iter().map(|channel| Choice {
        code: channel.code(),
        words: channel_words(channel).in_lang(lang),
        chosen: channel.code() == query.channel,
    });
    render(&OrdersPage {
        chrome: visitor.chrome("orders"),
        states: states.collect(),
        channels: channels.collect(),
        rows,
        next: if after.is_empty() { after } else { next_page(&query, &after) },
        number: query.number,
    })
}

fn next_page(query: &OrdersQuery, after: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("number", &query.number)
        .append_pair("state", &query.state)
        .append_pair("channel", &query.channel)
        .append_pair("after", after)
        .finish()
}

/// One order with all that happened to it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OrderDetail {
    #[serde(flatten)]
    pub(crate) order: OrderRow,
    buyer_id: String,
    enrolled: bool,
    submissions: Vec<Visit>,
    payments: Vec<PaymentView>,
    refunds: Vec<RefundView>,
    /// True while a gateway may still move it.
    moving: bool,
    /// Another text whenever a state moved.
    version: String,
}

/// The buyer was sent to a gateway.
#[derive(Debug, Clone, Serialize)]
struct Visit {
    channel: &'static str,
    #[serde(skip)]
    words: &'static str,
    at: String,
}

/// A payment, and what can still be given back of it.
#[derive(Debug, Clone, Serialize)]
struct PaymentView {
    channel: &'static str,
    #[serde(skip)]
    words: &'static str,
    trade_no: String,
    at: String,
    /// Told by a notify; else found by asking.
    notified: bool,
    /// Yuan, two places; empty if all of it is given back or on its way.
    left: String,
    /// It bought nothing: give all of it back.
    owed: bool,
    /// The number of the next refund, so that two clicks are one.
    #[serde(skip)]
    refund_no: String,
}

/// A refund as the back office shows it.
#[derive(Debug, Clone, Serialize)]
struct RefundView {
    refund_no: String,
    channel: &'static str,
    #[serde(skip)]
    channel_words: &'static str,
    trade_no: String,
    amount: String,
    reason: String,
    state: &'static str,
    #[serde(skip)]
    words: &'static str,
    #[serde(skip)]
    tone: &'static str,
    at: String,
    /// The gateway may still move it.
    open: bool,
}

impl RefundView {
    fn of(stored: &StoredRefund, lang: Lang) -> Self {
        let (refund, (words, tone)) = (&stored.refund, refund_words(stored.state));
        Self {
            refund_no: refund.refund_no.to_string(),
            channel: refund.channel.code(),
            channel_words: channel_words(refund.channel).in_lang(lang),
            trade_no: refund.trade_no.to_string(),
            amount: refund.amount.yuan_text(),
            reason: refund.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            state: stored.state.code(),
            words: words.in_lang(lang),
            tone,
            at: clock::text(stored.created_at.as_millis()),
            open: stored.state.is_open(),
        }
    }
}

/// What is left of a payment; none if all of it went back or is on its way.
pub(crate) fn left_of(paid: Money, payment: &Payment, refunds: &[StoredRefund]) -> Option<Money> {
    let of_it = |stored: &&StoredRefund| {
        stored.refund.channel == payment.channel
            && stored.refund.trade_no == payment.trade_no
            && stored.state != RefundState::Closed
    };
    refunds.iter().filter(of_it).try_fold(paid, |left, stored| left.checked_sub(stored.refund.amount))
}

/// One order, or 404.
pub(crate) async fn detail(app: &App, number: &str, lang: Lang) -> Result<OrderDetail, Problem> {
    let number = OutTradeNo::parse(number)?;
    let checkout = app.school.checkout(number.as_str()).await?.ok_or_else(Problem::not_found)?;
    let order = app.orders.find(&number).await?.ok_or_else(Problem::not_found)?;
    let refunds = app.orders.refunds_of(&number).await?;
    let owed = owed(app, number.as_str(), &refunds).await?;
    let enrolled = app.school.is_enrolled_by(number.as_str()).await?;
    let mut payments = Vec::new();
    for payment in &order.payments {
        let left = left_of(order.order.amount, payment, &refunds);
        payments.push(PaymentView {
            channel: payment.channel.code(),
            words: channel_words(payment.channel).in_lang(lang),
            trade_no: payment.trade_no.to_string(),
            at: clock::text(payment.settled_at.as_millis()),
            notified: payment.notify_id.is_some(),
            left: left.map(Money::yuan_text).unwrap_or_default(),
            owed: owed.iter().any(|trade| *trade == payment.trade_no.as_str()),
            refund_no: format!("RF{}", request_id()?),
        });
    }
    let submissions = order.submissions.iter().map(|(channel, at)| Visit {
        channel: channel.code(),
        words: channel_words(*channel).in_lang(lang),
        at: clock::text(at.as_millis()),
    });
    let states: Vec<_> = refunds.iter().map(|stored| stored.state.code()).collect();
    let version = format!("{}/{}/{enrolled}/{}", order.state.code(), order.payments.len(), states.join(","));
    Ok(OrderDetail {
        order: row(app, &checkout, &order, &owed, lang).await?,
        buyer_id: checkout.account_id.clone(),
        enrolled,
        submissions: submissions.collect(),
        payments,
        moving: order.state.is_open() || refunds.iter().any(|stored| stored.state.is_open()),
        refunds: refunds.iter().map(|stored| RefundView::of(stored, lang)).collect(),
        version,
    })
}

/// What a page says above an order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) words: String,
    pub(crate) tone: &'static str,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    chrome: Chrome,
    detail: OrderDetail,
    may_refund: bool,
    message: Message,
}

/// `GET /admin/orders/{no}`
pub(crate) async fn one(
    State(app): State<Shared>,
    visitor: Visitor,
    Path(number): Path<String>,
) -> PageResult {
    visitor.must(VIEW)?;
    show(&app, &visitor, &number, Message::default()).await
}

/// The page of an order with a message above it.
pub(crate) async fn show(app: &App, visitor: &Visitor, number: &str, message: Message) -> PageResult {
    let detail = detail(app, number, visitor.look.lang).await?;
    let may_refund = visitor.may(super::refunds::REFUND);
    render(&OrderPage { chrome: visitor.chrome("orders"), detail, may_refund, message })
}
