//! What an audit found, in numbers for programs and in words for people.

use rbac::Lang;
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
    pub(crate) fn of(slug: &str, audit: &Audit, lang: Lang) -> Self {
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
        view.words = if lang == Lang::Zh { view.told_zh(slug) } else { view.told(slug) };
        view
    }

    fn told(&self, slug: &str) -> String {
        let Self { initial, added, withdrawn, left, held, paid, gone, over_limit, .. } = self;
        let verdict = if self.conserved {
            "the books balance"
        } else {
            "the books do NOT balance: stop the sale and restore the store"
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

    fn told_zh(&self, slug: &str) -> String {
        let Self { initial, added, withdrawn, left, held, paid, gone, over_limit, .. } = self;
        let verdict =
            if self.conserved { "账目平衡" } else { "账目不符：请停止抢购并恢复存储" };
        let limit = match over_limit {
            0 => "无人超限".to_owned(),
            buyers => format!("{buyers} 人超限"),
        };
        let late = match gone {
            0 => String::new(),
            gone => format!("；{gone} 笔逾期付款待退"),
        };
        format!(
            "{slug}：{verdict}。初始 {initial} + 增加 {added} - 撤回 {withdrawn}；剩余 {left} + 占用 {held} + 已付 {paid}；{limit}{late}。"
        )
    }
}
