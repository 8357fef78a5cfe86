//! The reconcile page: a day's bill beside our books, difference by difference, and what the last round of asking found.

use askama::Template;
use axum::extract::{Query, State};
use payments::reconcile::BillReport;
use payments::store::StoredMovement;
use payments::{BillDay, BillLine, Channel, Movement};
use rbac::{Lang, Permission};
use serde::{Deserialize, Serialize};

use super::chrome::{Chrome, page as render};
use super::problem::{PageResult, Problem};
use super::visitor::Visitor;
use super::words::{channel_words, refund_words, said};
use crate::app::{App, Shared};
use crate::clock;
use crate::perm;
use crate::till::rounds::Round;

/// What comparing bills and asking gateways needs.
pub(crate) const RECONCILE: Permission = perm::PAYMENT_RECONCILE;

/// One difference.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Difference {
    kind: &'static str,
    #[serde(skip)]
    words: &'static str,
    out_trade_no: String,
    trade_no: String,
    /// The refund's number; empty for a payment or where the bill has none.
    refund_no: String,
    /// Yuan; empty where this side has nothing.
    ours: String,
    /// Yuan; empty where this side has nothing.
    theirs: String,
}

/// A day's bill beside our books.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Compared {
    channel: &'static str,
    #[serde(skip)]
    words: &'static str,
    day: String,
    /// False if the gateway has no bill of this day.
    has_bill: bool,
    matched: u64,
    clean: bool,
    differences: Vec<Difference>,
    /// Lines of refunds that the gateway still works on.
    unfinished: usize,
}

/// Downloads a day's bill and compares it, if the visitor may.
pub(crate) async fn compare(
    app: &App,
    visitor: &Visitor,
    channel: &str,
    day: &str,
) -> Result<Compared, Problem> {
    visitor.must(RECONCILE)?;
    let (channel, day) = (Channel::parse(channel)?, BillDay::parse(day)?);
    if !app.till.channels().contains(&channel) {
        return Err(Problem::not_found());
    }
    let lang = visitor.look.lang;
    let report = app.till.reconciler().compare_day(channel, day).await.map_err(Problem::gateway)?;
    let mut compared = Compared {
        channel: channel.code(),
        words: channel_words(channel).in_lang(lang),
        day: day.to_string(),
        has_bill: report.is_some(),
        matched: 0,
        clean: true,
        differences: Vec::new(),
        unfinished: 0,
    };
    if let Some(report) = &report {
        compared.matched = report.matched;
        compared.clean = report.is_clean();
        compared.differences = differences(report, lang);
        compared.unfinished = report.unfinished.len();
    }
    Ok(compared)
}

fn differences(report: &BillReport, lang: Lang) -> Vec<Difference> {
    let words = |en, zh| said(en, zh).in_lang(lang);
    let missing_here = report
        .missing_here
        .iter()
        .map(|line| theirs("missing_here", words("Not in our books", "我方缺失"), line));
    let missing_there = report
        .missing_there
        .iter()
        .map(|movement| ours("missing_there", words("Not in the bill", "账单缺失"), movement));
    let amounts = report.amount_differs.iter().map(|pair| Difference {
        ours: yuan(&pair.ours),
        ..theirs("amount_differs", words("Another amount", "金额不符"), &pair.line)
    });
    let states = report.state_differs.iter().map(|pair| Difference {
        ours: refund_words(pair.ours).0.in_lang(lang).to_owned(),
        ..theirs("state_differs", words("Another state", "状态不符"), &pair.line)
    });
    let near = report
        .near_midnight
        .iter()
        .map(|movement| ours("near_midnight", words("Near midnight", "跨日待查"), movement));
    missing_here.chain(missing_there).chain(amounts).chain(states).chain(near).collect()
}

fn theirs(kind: &'static str, words: &'static str, line: &BillLine) -> Difference {
    let (sign, refund_no) = match &line.movement {
        Movement::Refund { refund_no, .. } => ("−", refund_no.clone().unwrap_or_default()),
        _ => ("", String::new()),
    };
    Difference {
        kind,
        words,
        out_trade_no: line.out_trade_no.clone(),
        trade_no: line.trade_no.to_string(),
        refund_no,
        ours: String::new(),
        theirs: format!("{sign}¥{}", line.amount.yuan_text()),
    }
}

fn ours(kind: &'static str, words: &'static str, movement: &StoredMovement) -> Difference {
    Difference {
        kind,
        words,
        out_trade_no: movement.out_trade_no.to_string(),
        trade_no: movement.trade_no.to_string(),
        refund_no: movement.refund_no.as_ref().map(ToString::to_string).unwrap_or_default(),
        ours: yuan(movement),
        theirs: String::new(),
    }
}

fn yuan(movement: &StoredMovement) -> String {
    let sign = if movement.refund_no.is_some() { "−" } else { "" };
    format!("{sign}¥{}", movement.amount.yuan_text())
}

/// Which bill; both empty for none.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct BillQuery {
    #[serde(default)]
    channel: String,
    #[serde(default)]
    day: String,
}

#[derive(Debug)]
struct Choice {
    code: &'static str,
    words: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "reconcile.html")]
struct ReconcilePage {
    chrome: Chrome,
    channels: Vec<Choice>,
    day: String,
    today: String,
    compared: Option<Compared>,
    round: Option<Round>,
    problem: String,
}

/// `GET /admin/reconcile`
pub(crate) async fn page(
    State(app): State<Shared>,
    visitor: Visitor,
    Query(query): Query<BillQuery>,
) -> PageResult {
    visitor.must(RECONCILE)?;
    let (mut compared, mut problem) = (None, String::new());
    if !query.channel.is_empty() {
        match compare(&app, &visitor, &query.channel, &query.day).await {
            Ok(found) => compared = Some(found),
            Err(cause) => problem = cause.detail,
        }
    }
    show(&app, &visitor, query, compared, problem)
}

/// `POST /admin/reconcile`: asks about every open order and refund now, and shows what came of it.
pub(crate) async fn run(State(app): State<Shared>, visitor: Visitor) -> PageResult {
    asked(&app, &visitor).await?;
    show(&app, &visitor, BillQuery::default(), None, String::new())
}

/// Asks about everything that is open, if the visitor may.
pub(crate) async fn asked(app: &App, visitor: &Visitor) -> Result<Round, Problem> {
    visitor.must(RECONCILE)?;
    let round = app.till.ask_about_all().await;
    tracing::info!(actor = visitor.account.id, findings = round.findings.len(), "gateways asked by hand");
    Ok(round)
}

fn show(
    app: &App,
    visitor: &Visitor,
    query: BillQuery,
    compared: Option<Compared>,
    problem: String,
) -> PageResult {
    let today = BillDay::of(payments::UnixMillis::from_millis(clock::now_millis()));
    let channels = app.till.channels().into_iter().map(|channel| Choice {
        code: channel.code(),
        words: channel_words(channel).in_lang(visitor.look.lang),
        chosen: channel.code() == query.channel,
    });
    render(&ReconcilePage {
        chrome: visitor.chrome("reconcile"),
        channels: channels.collect(),
        // The bill of a day is there on the next morning.
        day: if query.day.is_empty() { today.previous().to_string() } else { query.day },
        today: today.to_string(),
        compared,
        round: app.till.last_round(),
        problem,
    })
}
