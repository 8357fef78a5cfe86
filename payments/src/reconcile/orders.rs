//! One open order: ask every gateway that the buyer was sent to, and close what is not paid in time. At the
//! gateways first and in the store last, never the other way: what is closed here must not be payable there.

use super::{Reconciler, ago};
use crate::client::{Outcome, OutcomeUnknown};
use crate::desk::{Asked, Receipt};
use crate::error::Error;
use crate::settle::StoredOrder;
use crate::store::Step;
use crate::{Channel, CloseOutcome, OutTradeNo, Settlement, TradeRef, TradeStatus};

/// What was found about one open order.
#[derive(Debug)]
#[non_exhaustive]
pub struct OrderFinding {
    /// The order.
    pub out_trade_no: OutTradeNo,
    /// What each gateway answered that the buyer was sent to.
    pub asked: Vec<ChannelAnswer>,
    /// What became of closing it; none if it is too young, is paid, or an answer leaves a doubt.
    pub closing: Option<Closing>,
}

/// What one gateway answered.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChannelAnswer {
    /// The gateway.
    pub channel: Channel,
    /// What it told. After an error the order stays open and is asked about again in a later run.
    pub asked: Result<Asked, Error>,
}

/// What became of closing an order that was not paid in time.
#[derive(Debug)]
#[non_exhaustive]
pub enum Closing {
    /// What the store did, after no gateway took a payment any more. [`Step::Changed`] if something happened to the
    /// order since it was read, such as a visit of the buyer: it is looked at again in a later run.
    Closed(Step),
    /// The buyer was faster: the gateway says that the trade is paid, and this is what it told when asked.
    PaidMeanwhile {
        /// The gateway.
        channel: Channel,
        /// What it told.
        asked: Asked,
    },
    /// This gateway closes trades by their time limit only, and its trade still waits. The order stays open.
    StillPayable {
        /// The gateway.
        channel: Channel,
    },
    /// This gateway did not answer. The order stays open.
    Unknown {
        /// The gateway.
        channel: Channel,
        /// Why there is no answer.
        unknown: OutcomeUnknown,
    },
    /// Something broke. The order stays open.
    Failed(Error),
}

/// What an answer says about closing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// There is a trade that may still be paid.
    Waiting,
    /// There is no trade.
    Absent,
    /// The trade is over and brought no money.
    Over,
    /// Money came, or something is wrong: hands off.
    Keep,
}

impl Reconciler {
    pub(super) async fn look_at(&self, stored: &StoredOrder) -> OrderFinding {
        let out_trade_no = stored.order.out_trade_no.clone();
        let mut asked = Vec::new();
        for (channel, submitted_at) in &stored.submissions {
            let trade = TradeRef { out_trade_no: out_trade_no.clone(), submitted_at: *submitted_at };
            let answer = self.desk.ask_about(&trade, *channel).await;
            asked.push(ChannelAnswer { channel: *channel, asked: answer });
        }
        let unpaid = asked.iter().all(|answer| standing(&answer.asked) != Standing::Keep);
        let closing =
            if unpaid && self.is_late(stored) { Some(self.close(stored, &asked).await) } else { None };
        OrderFinding { out_trade_no, asked, closing }
    }

    fn is_late(&self, stored: &StoredOrder) -> bool {
        let visits = stored.submissions.iter().map(|(_, at)| *at);
        // A buyer who came back is written down as a change of the order.
        let last = visits.max().map_or(stored.updated_at, |last| last.max(stored.updated_at));
        last <= ago(self.desk.now(), self.patience.close_after_secs)
    }

    /// Closes what was seen as `stored`, and nothing that changed since: a buyer may have come back meanwhile.
    pub(super) async fn close(&self, stored: &StoredOrder, asked: &[ChannelAnswer]) -> Closing {
        let number = &stored.order.out_trade_no;
        match self.desk.store().find(number).await {
            Ok(Some(now)) if now.updated_at == stored.updated_at => {}
            Ok(Some(now)) => return Closing::Closed(Step::Changed(now.state)),
            Ok(None) => return Closing::Closed(Step::UnknownOrder),
            Err(error) => return Closing::Failed(error),
        }
        for ((channel, submitted_at), answer) in stored.submissions.iter().zip(asked) {
            let trade = TradeRef { out_trade_no: number.clone(), submitted_at: *submitted_at };
            let open = self.close_at(*channel, &trade, standing(&answer.asked)).await;
            match open {
                Ok(None) => {}
                Ok(Some(closing)) => return closing,
                Err(error) => return Closing::Failed(error),
            }
        }
        let closed = self.desk.store().close_if(number, stored.updated_at, self.desk.now()).await;
        closed.map_or_else(Closing::Failed, Closing::Closed)
    }

    /// Closes one trade; the answer says why the order has to stay open, if it has to.
    async fn close_at(
        &self,
        channel: Channel,
        trade: &TradeRef,
        standing: Standing,
    ) -> Result<Option<Closing>, Error> {
        if standing == Standing::Over {
            return Ok(None);
        }
        match self.desk.gateway(channel)?.close(trade).await? {
            Outcome::Known(CloseOutcome::Closed | CloseOutcome::NotFound) => Ok(None),
            Outcome::Known(CloseOutcome::Unsupported) if standing == Standing::Absent => Ok(None),
            Outcome::Known(CloseOutcome::Unsupported) => Ok(Some(Closing::StillPayable { channel })),
            Outcome::Known(CloseOutcome::AlreadyPaid) => {
                let asked = self.desk.ask_about(trade, channel).await?;
                Ok(Some(Closing::PaidMeanwhile { channel, asked }))
            }
            Outcome::Unknown(unknown) => Ok(Some(Closing::Unknown { channel, unknown })),
        }
    }
}

fn standing(asked: &Result<Asked, Error>) -> Standing {
    match asked {
        Ok(Asked::NotFound) => Standing::Absent,
        Ok(Asked::Told(Receipt::Trade { settlement: Settlement::NotPaid { status }, .. })) => match status {
            TradeStatus::Waiting => Standing::Waiting,
            TradeStatus::Failed | TradeStatus::Closed => Standing::Over,
            // INVARIANT: a paid trade is settled as something else.
            TradeStatus::Paid => Standing::Keep,
        },
        Ok(Asked::Told(_) | Asked::NotSubmitted | Asked::UnknownOrder) | Err(_) => Standing::Keep,
    }
}
