//! What the buyer sees at the cashier, as values; the page itself is drawn elsewhere.

use super::trades::Trade;
use crate::Money;
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

impl Cashier {
    pub(super) fn new(token: String, view: TradeView) -> Self {
        Self { token, view }
    }

    /// The token for [`Gateway::pay`](super::Gateway::pay) and [`Gateway::refuse`](super::Gateway::refuse). It
    /// works once.
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

impl From<&Trade> for TradeView {
    fn from(trade: &Trade) -> Self {
        Self {
            out_trade_no: trade.terms.out_trade_no.clone(),
            trade_no: trade.trade_no.clone(),
            subject: trade.terms.subject.clone(),
            amount: trade.terms.amount,
            shop_origin: trade.terms.return_url.as_ref().map(|url| url.origin()),
        }
    }
}

/// The token lets anyone pay, so it is not shown.
impl fmt::Debug for Cashier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cashier").field("view", &self.view).finish_non_exhaustive()
    }
}
