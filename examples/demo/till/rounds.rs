//! What a round of asking gateways found, in words: one line for each order and refund.

use payments::desk::{Asked, Receipt, RefundAnswer};
use payments::reconcile::{Closing, OrderFinding, ReconcileReport, RefundFinding};
use payments::store::{RefundSettlement, Step};
use payments::{Error, Settlement, UnixMillis};
use rbac::Lang;

use crate::clock;
use crate::http::words::{Told, channel_words, refund_words};

/// One round.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Round {
    /// When it ended, for people.
    pub(crate) at: String,
    pub(crate) findings: Vec<Finding>,
    /// Why it looked at less than it should; else empty.
    pub(crate) stopped_by: String,
}

/// What became of one order or refund.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Finding {
    /// The number of the order or of the refund.
    pub(crate) number: String,
    pub(crate) kind: &'static str,
    pub(crate) words: String,
    /// The same for pages in Chinese.
    #[serde(skip)]
    zh: String,
    /// Somebody should look at it.
    pub(crate) alarming: bool,
}

impl Round {
    /// The words of a report that was made now.
    pub(super) fn of(report: &ReconcileReport, now: UnixMillis) -> Self {
        let orders = report.orders.iter().map(Finding::of_order);
        Self {
            at: clock::text(now.as_millis()),
            findings: orders.chain(report.refunds.iter().map(Finding::of_refund)).collect(),
            stopped_by: report.stopped_by.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// Tells the log what somebody should look at.
    pub(super) fn log(&self) {
        for finding in self.findings.iter().filter(|finding| finding.alarming) {
            tracing::warn!(finding.kind, finding.number, finding.words, "reconciliation");
        }
        if !self.stopped_by.is_empty() {
            tracing::warn!(cause = self.stopped_by, "reconciliation was stopped");
        }
    }
}

impl Finding {
    fn new(number: String, kind: &'static str, words: Told, alarming: bool) -> Self {
        Self { number, kind, words: words.en, zh: words.zh, alarming }
    }

    /// What was found, in one language.
    pub(crate) fn words_in(&self, lang: Lang) -> &str {
        if lang == Lang::Zh { &self.zh } else { &self.words }
    }

    fn of_order(found: &OrderFinding) -> Self {
        let mut words = Vec::new();
        let mut alarming = false;
        for answer in &found.asked {
            let (said, alarm) = asked(&answer.asked);
            let channel = answer.channel;
            let zh = format!("{}：{}", channel_words(channel).in_lang(Lang::Zh), said.zh);
            words.push(Told::new(format!("{}: {}", channel.code(), said.en), zh));
            alarming |= alarm;
        }
        if let Some(closing) = &found.closing {
            words.push(closed(closing));
        }
        let en: Vec<&str> = words.iter().map(|words| words.en.as_str()).collect();
        let zh: Vec<&str> = words.iter().map(|words| words.zh.as_str()).collect();
        let words = Told::new(en.join("; "), zh.join("；"));
        Self::new(found.out_trade_no.to_string(), "order", words, alarming)
    }

    fn of_refund(found: &RefundFinding) -> Self {
        let (words, alarming) = match &found.answer {
            Ok(RefundAnswer::Told(receipt)) => told(receipt),
            Ok(RefundAnswer::Refused { code, message }) => {
                (Told::new(format!("refused: {code} {message}"), format!("被拒绝：{code} {message}")), true)
            }
            Ok(RefundAnswer::NotFound) => (Told::new("the gateway does not know it", "渠道查不到"), true),
            Ok(RefundAnswer::Unknown(unknown)) => {
                let cause = unknown.cause();
                (Told::new(format!("no answer: {cause}"), format!("没有答复：{cause}")), false)
            }
            Ok(other) => (Told::new(format!("not asked for: {other:?}"), format!("未申请：{other:?}")), true),
            Err(cause) => broken(cause),
        };
        Self::new(found.refund_no.to_string(), "refund", words, alarming)
    }
}

fn asked(asked: &Result<Asked, Error>) -> (Told, bool) {
    match asked {
        Ok(Asked::Told(Receipt::Trade { settlement: Settlement::Paid, .. })) => {
            (Told::new("paid; nobody had told us", "已付款，此前未收到通知"), false)
        }
        Ok(Asked::Told(receipt)) => told(receipt),
        Ok(Asked::NotFound) => (Told::new("no trade yet", "尚无交易"), false),
        Ok(Asked::NotSubmitted) => (Told::new("never asked to pay there", "未在此发起支付"), false),
        Ok(_) => (Told::new("no such order", "没有此订单"), true),
        Err(cause) => broken(cause),
    }
}

fn broken(cause: &Error) -> (Told, bool) {
    (Told::new(format!("no answer: {cause}"), format!("没有答复：{cause}")), !cause.is_transient())
}

/// What settling an answer came to, and whether somebody should look at it.
pub(crate) fn told(receipt: &Receipt) -> (Told, bool) {
    match receipt {
        Receipt::Trade { settlement, .. } => settled(settlement),
        Receipt::Refund { settlement, .. } => match settlement {
            RefundSettlement::Moved { refund, .. } => {
                let zh = refund_words(*refund).0.in_lang(Lang::Zh);
                (Told::new(format!("now {}", refund.code()), format!("现为“{zh}”")), false)
            }
            RefundSettlement::Duplicate => (unchanged(), false),
            other => (Told::new(format!("contradiction: {other:?}"), format!("矛盾：{other:?}")), true),
        },
        Receipt::Mismatch(mismatch) => (Told::new(mismatch.to_string(), format!("不符：{mismatch}")), true),
        Receipt::UnknownOrder { number } => (
            Told::new(format!("an order that is not ours: {number}"), format!("不是我方订单：{number}")),
            true,
        ),
        Receipt::UnknownRefund { number } => (
            Told::new(format!("a refund that is not ours: {number}"), format!("不是我方退款：{number}")),
            true,
        ),
        other => (Told::new(format!("{other:?}"), format!("{other:?}")), true),
    }
}

fn unchanged() -> Told {
    Told::new("as before", "无变化")
}

fn settled(settlement: &Settlement) -> (Told, bool) {
    match settlement {
        Settlement::Paid => (Told::new("paid", "已付款"), false),
        Settlement::Duplicate => (unchanged(), false),
        Settlement::NotPaid { .. } => (Told::new("not paid", "未付款"), false),
        Settlement::Refunded => (Told::new("refunded", "已退款"), false),
        Settlement::PaidAfterClose => (Told::new("paid after it was closed", "关闭后付款"), true),
        Settlement::PaidTwice { first } => {
            (Told::new(format!("paid again, after {first}"), format!("重复付款，首次为 {first}")), true)
        }
        other => (Told::new(format!("not settled: {other:?}"), format!("未入账：{other:?}")), true),
    }
}

fn closed(closing: &Closing) -> Told {
    match closing {
        Closing::Closed(Step::Moved(_) | Step::Same(_)) => Told::new("closed", "已关闭"),
        Closing::Closed(step) => Told::new(format!("not closed: {step:?}"), format!("未关闭：{step:?}")),
        Closing::PaidMeanwhile { channel, .. } => {
            let zh = channel_words(*channel).in_lang(Lang::Zh);
            Told::new(format!("paid at {} meanwhile", channel.code()), format!("其间已在{zh}付款"))
        }
        Closing::StillPayable { channel } => {
            let zh = channel_words(*channel).in_lang(Lang::Zh);
            Told::new(
                format!("{} ends it by its own time limit", channel.code()),
                format!("由{zh}到时自动关闭"),
            )
        }
        Closing::Unknown { channel, .. } => {
            let zh = channel_words(*channel).in_lang(Lang::Zh);
            Told::new(format!("{} did not answer the closing", channel.code()), format!("{zh}未答复关闭请求"))
        }
        Closing::Failed(cause) => {
            Told::new(format!("could not be closed: {cause}"), format!("无法关闭：{cause}"))
        }
        other => Told::new(format!("{other:?}"), format!("{other:?}")),
    }
}
