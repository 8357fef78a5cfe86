//! What a round of asking gateways found, in words: one line for each order and refund.

use payments::desk::{Asked, Receipt, RefundAnswer};
use payments::reconcile::{Closing, OrderFinding, ReconcileReport, RefundFinding};
use payments::store::{RefundSettlement, Step};
use payments::{Error, Settlement, UnixMillis};

use crate::clock;

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
    fn of_order(found: &OrderFinding) -> Self {
        let mut words = Vec::new();
        let mut alarming = false;
        for answer in &found.asked {
            let (said, alarm) = asked(&answer.asked);
            words.push(format!("{}: {said}", answer.channel.code()));
            alarming |= alarm;
        }
        if let Some(closing) = &found.closing {
            words.push(closed(closing));
        }
        Self { number: found.out_trade_no.to_string(), kind: "order", words: words.join("; "), alarming }
    }

    fn of_refund(found: &RefundFinding) -> Self {
        let (words, alarming) = match &found.answer {
            Ok(RefundAnswer::Told(receipt)) => told(receipt),
            Ok(RefundAnswer::Refused { code, message }) => (format!("refused: {code} {message}"), true),
            Ok(RefundAnswer::NotFound) => ("the gateway does not know it".to_owned(), true),
            Ok(RefundAnswer::Unknown(unknown)) => (format!("no answer: {}", unknown.cause()), false),
            Ok(other) => (format!("not asked for: {other:?}"), true),
            Err(cause) => broken(cause),
        };
        Self { number: found.refund_no.to_string(), kind: "refund", words, alarming }
    }
}

fn asked(asked: &Result<Asked, Error>) -> (String, bool) {
    match asked {
        Ok(Asked::Told(Receipt::Trade { settlement: Settlement::Paid, .. })) => {
            ("paid; nobody had told us".to_owned(), false)
        }
        Ok(Asked::Told(receipt)) => told(receipt),
        Ok(Asked::NotFound) => ("no trade yet".to_owned(), false),
        Ok(Asked::NotSubmitted) => ("never asked to pay there".to_owned(), false),
        Ok(_) => ("no such order".to_owned(), true),
        Err(cause) => broken(cause),
    }
}

fn broken(cause: &Error) -> (String, bool) {
    (format!("no answer: {cause}"), !cause.is_transient())
}

/// What settling an answer came to, and whether somebody should look at it.
pub(crate) fn told(receipt: &Receipt) -> (String, bool) {
    match receipt {
        Receipt::Trade { settlement, .. } => settled(settlement),
        Receipt::Refund { settlement, .. } => match settlement {
            RefundSettlement::Moved { refund, .. } => (format!("now {}", refund.code()), false),
            RefundSettlement::Duplicate => ("as before".to_owned(), false),
            other => (format!("contradiction: {other:?}"), true),
        },
        Receipt::Mismatch(mismatch) => (mismatch.to_string(), true),
        Receipt::UnknownOrder { number } => (format!("an order that is not ours: {number}"), true),
        Receipt::UnknownRefund { number } => (format!("a refund that is not ours: {number}"), true),
        other => (format!("{other:?}"), true),
    }
}

fn settled(settlement: &Settlement) -> (String, bool) {
    match settlement {
        Settlement::Paid => ("paid".to_owned(), false),
        Settlement::Duplicate => ("as before".to_owned(), false),
        Settlement::NotPaid { .. } => ("not paid".to_owned(), false),
        Settlement::Refunded => ("refunded".to_owned(), false),
        Settlement::PaidAfterClose => ("paid after it was closed".to_owned(), true),
        Settlement::PaidTwice { first } => (format!("paid again, after {first}"), true),
        other => (format!("not settled: {other:?}"), true),
    }
}

fn closed(closing: &Closing) -> String {
    match closing {
        Closing::Closed(Step::Moved(_) | Step::Same(_)) => "closed".to_owned(),
        Closing::Closed(step) => format!("not closed: {step:?}"),
        Closing::PaidMeanwhile { channel, .. } => format!("paid at {} meanwhile", channel.code()),
        Closing::StillPayable { channel } => format!("{} ends it by its own time limit", channel.code()),
        Closing::Unknown { channel, .. } => format!("{} did not answer the closing", channel.code()),
        Closing::Failed(cause) => format!("could not be closed: {cause}"),
        other => format!("{other:?}"),
    }
}
