//! The trades of the sandbox and the pure rules of their lives: enter, pay, refuse, expire.

use super::refusal::SandboxRefusal;
use crate::alipay::{CallbackUrl, PAGE_PAY_PRODUCT};
use crate::form::Params;
use crate::{Money, Subject, UnixMillis};
use serde::Deserialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

/// The most trades that one sandbox keeps.
pub const TRADES_MAX: usize = 10_000;

/// One trade at the gateway.
#[derive(Clone)]
pub(super) struct Trade {
    pub(super) terms: Terms,
    pub(super) trade_no: String,
    pub(super) created_at: UnixMillis,
    pub(super) paid_at: Option<UnixMillis>,
    /// The token of the newest cashier page; gone once it was used.
    pub(super) token: Option<String>,
}

/// What the merchant asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) out_trade_no: String,
    pub(super) subject: String,
    pub(super) amount: Money,
    pub(super) expires_at: Option<UnixMillis>,
    pub(super) notify_url: Option<CallbackUrl>,
    pub(super) return_url: Option<CallbackUrl>,
}

/// All trades, by the merchant's number.
#[derive(Debug, Default)]
pub(super) struct Trades {
    by_number: HashMap<String, Trade>,
}

#[derive(Deserialize)]
struct BizContent {
    out_trade_no: String,
    product_code: String,
    subject: String,
    total_amount: String,
    time_expire: Option<String>,
}

impl Terms {
    /// Reads `biz_content` and the two addresses of a page payment.
    pub(super) fn read(params: &Params) -> Result<Self, SandboxRefusal> {
        let refused = |remedy| SandboxRefusal::business("ACQ.INVALID_PARAMETER", remedy);
        let text = params.get("biz_content").map(String::as_str).unwrap_or_default();
        let biz: BizContent =
            serde_json::from_str(text).map_err(|_| refused("biz_content misses a field"))?;
        let number = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !(1..=64).contains(&biz.out_trade_no.len()) || !biz.out_trade_no.bytes().all(number) {
            return Err(refused("out_trade_no takes 1 to 64 letters, digits and `_`"));
        }
        if biz.product_code != PAGE_PAY_PRODUCT {
            return Err(refused("product_code is FAST_INSTANT_TRADE_PAY"));
        }
        if Subject::parse(&biz.subject).is_err() || biz.subject.contains(['/', '=', '&']) {
            return Err(refused("subject takes 1 to 256 characters, none of `/`, `=`, `&`"));
        }
        let expires_at = biz.time_expire.as_deref().map(UnixMillis::parse_china_text).transpose();
        let url = |name: &str| params.get(name).map(|url| CallbackUrl::parse(url)).transpose();
        Ok(Self {
            out_trade_no: biz.out_trade_no,
            subject: biz.subject,
            amount: Money::parse_yuan(&biz.total_amount)
                .map_err(|_| refused("total_amount is yuan from 0.01 to 100000000, two places"))?,
            expires_at: expires_at.map_err(|_| refused("time_expire is yyyy-MM-dd HH:mm:ss"))?,
            notify_url: url("notify_url").map_err(|_| refused("notify_url is an address without a query"))?,
            return_url: url("return_url").map_err(|_| refused("return_url is an address without a query"))?,
        })
    }
}

impl Trade {
    pub(super) fn status(&self, now: UnixMillis) -> &'static str {
        if self.paid_at.is_some() {
            "TRADE_SUCCESS"
        } else if self.is_expired(now) {
            "TRADE_CLOSED"
        } else {
            "WAIT_BUYER_PAY"
        }
    }

    fn is_expired(&self, now: UnixMillis) -> bool {
        self.terms.expires_at.is_some_and(|at| now >= at)
    }

    fn check_payable(&self, now: UnixMillis) -> Result<(), SandboxRefusal> {
        if self.paid_at.is_some() {
            return Err(SandboxRefusal::business("ACQ.TRADE_HAS_SUCCESS", "the trade is paid already"));
        }
        if self.is_expired(now) {
            return Err(SandboxRefusal::business(
                "ACQ.TRADE_HAS_CLOSE",
                "the trade has expired: make a new order",
            ));
        }
        Ok(())
    }
}

/// The token lets anyone pay, so it is not shown.
impl fmt::Debug for Trade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trade")
            .field("terms", &self.terms)
            .field("trade_no", &self.trade_no)
            .field("created_at", &self.created_at)
            .field("paid_at", &self.paid_at)
            .field("token", &self.token.as_ref().map(|_| "redacted"))
            .finish()
    }
}

impl Trades {
    /// Opens a trade, or enters an unpaid one again on the same terms. The newest cashier page is the valid one.
    pub(super) fn enter(
        &mut self,
        terms: &Terms,
        trade_no: String,
        token: String,
        now: UnixMillis,
    ) -> Result<&Trade, SandboxRefusal> {
        if !self.by_number.contains_key(&terms.out_trade_no) && self.by_number.len() >= TRADES_MAX {
            return Err(SandboxRefusal::failed("the sandbox is full: start it again"));
        }
        let fresh = Trade { terms: terms.clone(), trade_no, created_at: now, paid_at: None, token: None };
        let trade = match self.by_number.entry(terms.out_trade_no.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                fresh.check_payable(now)?;
                entry.insert(fresh)
            }
        };
        trade.check_payable(now)?;
        if trade.terms != *terms {
            let remedy = "this out_trade_no was used on other terms: take a new one";
            return Err(SandboxRefusal::business("ACQ.CONTEXT_INCONSISTENT", remedy));
        }
        trade.token = Some(token);
        Ok(trade)
    }

    pub(super) fn find(&self, out_trade_no: &str) -> Option<&Trade> {
        self.by_number.get(out_trade_no)
    }

    /// The buyer pays on the cashier page of this token. The token is used up by the first answer.
    pub(super) fn pay(&mut self, token: &str, now: UnixMillis) -> Result<&Trade, SandboxRefusal> {
        let trade = self.take_token(token)?;
        trade.check_payable(now)?;
        trade.paid_at = Some(now);
        Ok(trade)
    }

    /// The buyer refuses. The trade stays open: the merchant may send the buyer again.
    pub(super) fn refuse(&mut self, token: &str) -> Result<&Trade, SandboxRefusal> {
        self.take_token(token).map(|trade| &*trade)
    }

    fn take_token(&mut self, token: &str) -> Result<&mut Trade, SandboxRefusal> {
        let holder = self.by_number.values_mut().find(|trade| trade.token.as_deref() == Some(token));
        let remedy = "this cashier page was used or replaced: start again at the shop";
        let trade = holder.ok_or_else(|| SandboxRefusal::business("ACQ.CASHIER_PAGE_USED", remedy))?;
        trade.token = None;
        Ok(trade)
    }
}
