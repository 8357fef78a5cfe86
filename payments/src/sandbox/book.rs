//! The trade book of the sandbox: the trades of every channel and the pure rules of their lives.
//!
//! The words of a gateway (codes, states, texts) are its own module's; here a refusal is a [`No`].

#[cfg(test)]
mod clicks;
mod refund;

use crate::{CallbackUrl, Channel, Money, UnixMillis};
pub(super) use refund::{NewRefund, Refund, RefundStage, RefundTaken};
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// The most trades that one sandbox keeps, over all channels.
pub const TRADES_MAX: usize = 10_000;

/// What identifies a trade at its gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) channel: Channel,
    /// The merchant's number, with whatever else belongs to the identity there (`txnTime` at UnionPay).
    pub(super) number: String,
}

/// One trade at a gateway.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Trade {
    pub(super) key: Key,
    /// Its place in the book: trades entered later have a larger one.
    pub(super) serial: u64,
    pub(super) out_trade_no: String,
    pub(super) trade_no: String,
    pub(super) terms: Terms,
    pub(super) entry: Entry,
    pub(super) stage: Stage,
    pub(super) created_at: UnixMillis,
    /// When a buyer first saw it: a QR code that nobody scanned is no trade yet at some gateways.
    pub(super) opened_at: Option<UnixMillis>,
    pub(super) paid_at: Option<UnixMillis>,
    pub(super) closed_at: Option<UnixMillis>,
    pub(super) refunds: Vec<Refund>,
    /// The token of the newest cashier page; gone once it was used.
    pub(super) token: Option<String>,
}

/// What the merchant asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) subject: String,
    pub(super) amount: Money,
    /// What else a repeat under the same number must not change, by the names of the gateway.
    pub(super) fixed: BTreeMap<String, String>,
    /// These three may change in a repeat.
    pub(super) expires_at: Option<UnixMillis>,
    pub(super) notify_url: Option<CallbackUrl>,
    pub(super) return_url: Option<CallbackUrl>,
}

/// How the buyer comes to the cashier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The browser was sent there; the page works once.
    Page,
    /// A QR code or a token of an application: it opens the cashier until the trade is over.
    Code,
    /// The shop scanned the buyer's code.
    Scanned,
}

/// Where a trade stands, before its time limit is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Waiting,
    Paid,
    Closed,
    Failed,
}

/// Why the book refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    /// No trade, or no refund, has this number.
    Unknown,
    /// It is paid already.
    Paid,
    /// It is closed, by the merchant or by its time limit.
    Closed,
    /// The payment failed.
    Failed,
    /// It is not paid.
    NotPaid,
    /// The number was used on other terms.
    OtherTerms,
    /// More would go back than came in.
    Exceeds,
    /// No further refund of this trade.
    TooManyRefunds,
    /// The cashier page was used or replaced.
    TokenUsed,
    /// The sandbox keeps no more trades.
    Full,
}

/// A trade to be entered.
#[derive(Debug)]
pub(super) struct NewTrade {
    pub(super) key: Key,
    pub(super) out_trade_no: String,
    pub(super) trade_no: String,
    pub(super) token: String,
    pub(super) terms: Terms,
    pub(super) entry: Entry,
}

/// All trades.
#[derive(Debug, Default)]
pub(super) struct Book {
    trades: HashMap<Key, Trade>,
    serial: u64,
}

impl Key {
    pub(super) fn new(channel: Channel, number: &str) -> Self {
        Self { channel, number: number.to_owned() }
    }
}

impl Trade {
    /// Where the trade stands at this moment.
    pub(super) fn stage(&self, now: UnixMillis) -> Stage {
        match self.stage {
            Stage::Waiting if self.terms.expires_at.is_some_and(|at| now >= at) => Stage::Closed,
            stage => stage,
        }
    }

    fn check_payable(&self, now: UnixMillis) -> Result<(), No> {
        match self.stage(now) {
            Stage::Waiting => Ok(()),
            Stage::Paid => Err(No::Paid),
            Stage::Closed => Err(No::Closed),
            Stage::Failed => Err(No::Failed),
        }
    }

    fn new(new: NewTrade, serial: u64, now: UnixMillis) -> Self {
        Self {
            key: new.key,
            serial,
            out_trade_no: new.out_trade_no,
            trade_no: new.trade_no,
            terms: new.terms,
            entry: new.entry,
            stage: Stage::Waiting,
            created_at: now,
            opened_at: (new.entry != Entry::Code).then_some(now),
            paid_at: None,
            closed_at: None,
            refunds: Vec::new(),
            token: Some(new.token),
        }
    }
}

impl Terms {
    fn keeps(&self, again: &Self) -> bool {
        self.subject == again.subject && self.amount == again.amount && self.fixed == again.fixed
    }
}

impl Book {
    /// Opens a trade, or enters an unpaid one again on the same terms. The newest cashier page is the valid one;
    /// a code stays what it was.
    pub(super) fn enter(&mut self, new: NewTrade, now: UnixMillis) -> Result<&mut Trade, No> {
        let full = self.trades.len() >= TRADES_MAX;
        if let Some(old) = self.trades.get(&new.key) {
            old.check_payable(now)?;
            if !old.terms.keeps(&new.terms) {
                return Err(No::OtherTerms);
            }
        } else if full {
            return Err(No::Full);
        }
        let key = new.key.clone();
        if let Some(old) = self.trades.get_mut(&key) {
            let same_code = old.entry == Entry::Code && new.entry == Entry::Code && old.token.is_some();
            if !same_code {
                old.token = Some(new.token);
            }
            if new.entry != Entry::Code {
                old.opened_at.get_or_insert(now);
            }
            old.entry = new.entry;
            old.terms = new.terms;
        } else {
            let trade = Trade::new(new, self.serial, now);
            // A trade that was never payable leaves nothing behind.
            trade.check_payable(now)?;
            self.serial += 1;
            self.trades.insert(key.clone(), trade);
        }
        self.trades.get_mut(&key).ok_or(No::Unknown)
    }

    /// The trade of this number.
    pub(super) fn find(&self, key: &Key) -> Option<&Trade> {
        self.trades.get(key)
    }

    /// The first trade that fits, such as one with this number of the gateway.
    pub(super) fn find_by(&self, fits: impl Fn(&Trade) -> bool) -> Option<&Trade> {
        self.trades.values().find(|trade| fits(trade))
    }

    /// The trades that fit, the newest first.
    pub(super) fn all_by(&self, fits: impl Fn(&Trade) -> bool) -> Vec<&Trade> {
        let mut trades: Vec<_> = self.trades.values().filter(|trade| fits(trade)).collect();
        trades.sort_by_key(|trade| std::cmp::Reverse(trade.serial));
        trades
    }

    /// The buyer opens the cashier page of this token.
    pub(super) fn open(&mut self, token: &str, now: UnixMillis) -> Result<&Trade, No> {
        let trade = self.holder(token)?;
        trade.check_payable(now)?;
        trade.opened_at.get_or_insert(now);
        Ok(trade)
    }

    /// The buyer pays on the cashier page of this token, which is used up by the first answer.
    pub(super) fn pay(&mut self, token: &str, now: UnixMillis) -> Result<&Trade, No> {
        let trade = self.holder(token)?;
        trade.token = None;
        trade.check_payable(now)?;
        trade.opened_at.get_or_insert(now);
        trade.stage = Stage::Paid;
        trade.paid_at = Some(now);
        Ok(trade)
    }

    /// The buyer refuses. The trade stays open: the merchant may send the buyer again, and a code still opens it.
    pub(super) fn refuse(&mut self, token: &str) -> Result<&Trade, No> {
        let trade = self.holder(token)?;
        if trade.entry != Entry::Code {
            trade.token = None;
        }
        Ok(trade)
    }

    /// The buyer lets the trade time out, now.
    pub(super) fn expire(&mut self, token: &str, now: UnixMillis) -> Result<&Trade, No> {
        let trade = self.holder(token)?;
        trade.check_payable(now)?;
        trade.token = None;
        trade.terms.expires_at = Some(now);
        Ok(trade)
    }

    /// Where the buyer's browser goes after the payment, at gateways where the browser itself says so.
    pub(super) fn lead_back(&mut self, key: &Key, url: CallbackUrl) {
        if let Some(trade) = self.trades.get_mut(key) {
            trade.terms.return_url = Some(url);
        }
    }

    /// The payment fails for good.
    pub(super) fn fail(&mut self, key: &Key, now: UnixMillis) -> Result<&Trade, No> {
        let trade = self.trades.get_mut(key).ok_or(No::Unknown)?;
        trade.check_payable(now)?;
        trade.token = None;
        trade.stage = Stage::Failed;
        Ok(trade)
    }

    /// The merchant closes the trade. Closing a closed trade is refused: gateways differ in what they answer.
    pub(super) fn close(&mut self, key: &Key, now: UnixMillis) -> Result<&Trade, No> {
        let trade = self.trades.get_mut(key).ok_or(No::Unknown)?;
        trade.check_payable(now)?;
        trade.token = None;
        trade.stage = Stage::Closed;
        trade.closed_at = Some(now);
        Ok(trade)
    }

    /// The merchant asks for a refund. The same number on the same terms is the same refund.
    pub(super) fn refund(
        &mut self,
        key: &Key,
        new: NewRefund,
        now: UnixMillis,
    ) -> Result<(RefundTaken, &Trade), No> {
        let trade = self.trades.get_mut(key).ok_or(No::Unknown)?;
        let taken = refund::take(trade, new, now)?;
        Ok((taken, trade))
    }

    /// A refund under way comes to an end, or a failed one is tried again.
    pub(super) fn move_refund(
        &mut self,
        key: &Key,
        refund_no: &str,
        stage: RefundStage,
        now: UnixMillis,
    ) -> Result<&Trade, No> {
        let trade = self.trades.get_mut(key).ok_or(No::Unknown)?;
        refund::advance(trade, refund_no, stage, now)?;
        Ok(trade)
    }

    fn holder(&mut self, token: &str) -> Result<&mut Trade, No> {
        self.trades.values_mut().find(|trade| trade.token.as_deref() == Some(token)).ok_or(No::TokenUsed)
    }
}

/// The token lets anyone pay, so it is not shown.
impl fmt::Debug for Trade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trade")
            .field("key", &self.key)
            .field("trade_no", &self.trade_no)
            .field("terms", &self.terms)
            .field("stage", &self.stage)
            .field("paid_at", &self.paid_at)
            .field("refunds", &self.refunds)
            .field("token", &self.token.as_ref().map(|_| "redacted"))
            .finish_non_exhaustive()
    }
}
