//! Asks a gateway what became of a trade, and records the answer as if the gateway had told it on its own.

use super::{Desk, Receipt};
use crate::error::Error;
use crate::settle::StoredOrder;
use crate::{Channel, Incoming, OutTradeNo, QueryOutcome, TradeRef};

/// What asking about an order led to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the answer may be a settlement"]
#[non_exhaustive]
pub enum Asked {
    /// The gateway told, and this became of it.
    Told(Receipt),
    /// The gateway has no trade of this number: the buyer never got as far as its page.
    NotFound,
    /// The order was never submitted to this channel.
    NotSubmitted,
    /// No order has this number.
    UnknownOrder,
}

impl Desk {
    /// Asks what became of an order: when the buyer comes back from the gateway's page, or while the buyer confirms
    /// a bar code payment.
    ///
    /// # Errors
    /// As [`Gateway::query`](crate::Gateway::query) and the store's; nothing changed then.
    pub async fn ask(&self, number: &OutTradeNo, channel: Channel) -> Result<Asked, Error> {
        let Some(stored) = self.store.find(number).await? else { return Ok(Asked::UnknownOrder) };
        match trade_at(&stored, channel) {
            Some(trade) => self.ask_about(&trade, channel).await,
            None => Ok(Asked::NotSubmitted),
        }
    }

    pub(crate) async fn ask_about(&self, trade: &TradeRef, channel: Channel) -> Result<Asked, Error> {
        match self.gateway(channel)?.query(trade).await? {
            QueryOutcome::Trade(notify) => self.record(Incoming::Trade(notify)).await.map(Asked::Told),
            QueryOutcome::NotFound => Ok(Asked::NotFound),
        }
    }
}

/// The order's trade at a channel; none if it was never submitted there.
fn trade_at(stored: &StoredOrder, channel: Channel) -> Option<TradeRef> {
    let (_, submitted_at) = stored.submissions.iter().find(|(known, _)| *known == channel)?;
    Some(TradeRef { out_trade_no: stored.order.out_trade_no.clone(), submitted_at: *submitted_at })
}
