//! One day: the gateway's bill beside our books, and a second look at everything that seems to be missing.

use super::diff::{BillReport, MIDNIGHT_SECS, StateDiffers, diff};
use super::{Reconciler, ago};
use crate::bill::{BillDay, BillLine, Movement};
use crate::error::Error;
use crate::{Channel, OutTradeNo, Payment, RefundNo, RefundState, UnixMillis};
use std::ops::Range;

impl Reconciler {
    /// Downloads the bill of a day and compares it with our books; `None` if the gateway has no bill for it.
    ///
    /// Nothing is called missing at first sight. A movement near midnight is looked for in the bill of the day
    /// before or after; a line that our books of the day do not have is looked up by its numbers, because a notify
    /// may come days later. A refund that takes the gateway days stands in the bill of the day it was asked for: in
    /// the report of the later day it is missing there.
    ///
    /// # Errors
    /// As [`Gateway::bill`](crate::Gateway::bill) and the store's; `Misuse` if the desk has no such gateway.
    pub async fn compare_day(&self, channel: Channel, day: BillDay) -> Result<Option<BillReport>, Error> {
        let gateway = self.desk.gateway(channel)?;
        let Some(bill) = gateway.bill(day).await? else { return Ok(None) };
        let (from, to) = (ago(day.begins_at(), MIDNIGHT_SECS), day.ends_at().plus_secs(MIDNIGHT_SECS));
        let ours = self.desk.store().movements(channel, from, to).await?;
        let mut report = diff(&bill, &ours);
        for neighbour in [day.previous(), BillDay::of(day.ends_at())] {
            // A day that is not over has no bill yet.
            if report.near_midnight.is_empty() || neighbour.ends_at() > self.desk.now() {
                continue;
            }
            if let Some(bill) = gateway.bill(neighbour).await? {
                report.look_in(day, &bill);
            }
        }
        let missing = std::mem::take(&mut report.missing_here);
        for line in missing {
            self.look_up(channel, line, &(from..to), &mut report).await?;
        }
        Ok(Some(report))
    }

    /// Looks a line up by its numbers, whenever it was recorded. What was recorded while `seen` was compared before and
    /// belongs to another line: this one is in the bill twice.
    async fn look_up(
        &self,
        channel: Channel,
        line: BillLine,
        seen: &Range<UnixMillis>,
        report: &mut BillReport,
    ) -> Result<(), Error> {
        let state = match &line.movement {
            Movement::Payment => self.payment_state(channel, &line).await?,
            Movement::Refund { refund_no, .. } => {
                self.refund_state(channel, &line, refund_no.as_deref()).await?
            }
        };
        match state {
            Elsewhere::Recorded(at) if seen.contains(&at) => report.missing_here.push(line),
            Elsewhere::Recorded(_) => report.matched += 1,
            Elsewhere::Refund(ours) => report.state_differs.push(StateDiffers { line, ours }),
            Elsewhere::Absent => report.missing_here.push(line),
        }
        Ok(())
    }

    async fn payment_state(&self, channel: Channel, line: &BillLine) -> Result<Elsewhere, Error> {
        let Ok(number) = OutTradeNo::parse(&line.out_trade_no) else { return Ok(Elsewhere::Absent) };
        let Some(stored) = self.desk.store().find(&number).await? else { return Ok(Elsewhere::Absent) };
        if stored.order.amount != line.amount {
            return Ok(Elsewhere::Absent);
        }
        let is_meant = |payment: &&Payment| payment.channel == channel && payment.trade_no == line.trade_no;
        let paid = stored.payments.iter().find(is_meant);
        Ok(paid.map_or(Elsewhere::Absent, |payment| Elsewhere::Recorded(payment.settled_at)))
    }

    /// A line without a number cannot be told from another refund of the same trade: it stays missing.
    async fn refund_state(
        &self,
        channel: Channel,
        line: &BillLine,
        refund_no: Option<&str>,
    ) -> Result<Elsewhere, Error> {
        let Some(Ok(number)) = refund_no.map(RefundNo::parse) else { return Ok(Elsewhere::Absent) };
        let Some(stored) = self.desk.store().find_refund(&number).await? else {
            return Ok(Elsewhere::Absent);
        };
        let same = stored.refund.channel == channel
            && stored.refund.amount == line.amount
            && stored.refund.out_trade_no.as_str() == line.out_trade_no;
        Ok(match stored.state {
            _ if !same => Elsewhere::Absent,
            RefundState::Succeeded => Elsewhere::Recorded(stored.updated_at),
            state => Elsewhere::Refund(state),
        })
    }
}

/// What our books say about a line outside the day's movements.
enum Elsewhere {
    /// Recorded at this moment.
    Recorded(UnixMillis),
    Refund(RefundState),
    Absent,
}
