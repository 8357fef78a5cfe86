//! What an audit found, in numbers for programs and in words for people.

use seckill::Audit;
use serde::Serialize;

/// An audit as the back office shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AuditView {
    /// Whether counters and records agree and nobody is over the limit.
    pub(crate) conserved: bool,
    initial: u64,
    added: u64,
    withdrawn: u64,
    left: u64,
    /// By the records, not by the counter.
    held: u64,
    /// By the records, not by the counter.
    paid: u64,
    /// Payments that came too late.
    gone: u64,
    /// Buyers with more than the limit.
    over_limit: u64,
    /// The result for people.
    pub(crate) words: String,
}

impl AuditView {
    /// The view of an audit of this sale.
    pub(crate) fn of(slug: &str, audit: &Audit) -> Self {
        let total = audit.total();
        let (initial, added) =
            (total.iter().map(|count| count.initial).sum(), total.iter().map(|count| count.added).sum());
        let withdrawn = total.iter().map(|count| count.withdrawn).sum();
        let mut view = Self {
            conserved: audit.conserved(),
            initial,
            added,
            withdrawn,
            left: audit.left(),
            held: audit.held(),
            paid: audit.paid(),
            gone: audit.gone(),
            over_limit: audit.over_limit(),
            words: String::new(),
        };
        view.words = view.told(slug);
        view
    }

    fn told(&self, slug: &str) -> String {
        let Self { initial, added, withdrawn, left, held, paid, gone, over_limit, .. } = self;
        let verdict = if self.conserved {
            "the books balance 账目平衡"
        } else {
            "the books do NOT balance 账目不符: stop the sale and restore the store"
        };
        let sum = format!(
            "{initial} at the start + {added} added - {withdrawn} withdrawn; {left} left + {held} held + {paid} paid"
        );
        let limit = match over_limit {
            0 => "nobody has more than the limit".to_owned(),
            buyers => format!("{buyers} buyers have more than the limit"),
        };
        let late = match gone {
            0 => String::new(),
            gone => format!("; {gone} payments came too late and are owed back"),
        };
        format!("{slug}: {verdict}. {sum}; {limit}{late}.")
    }
}
