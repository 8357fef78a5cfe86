//! Reads a shard's records without changing or holding up anything, and puts them beside its counters.
//!
//! Records are read in pieces while the sale goes on, then what happened meanwhile is laid over them from the
//! streams. So they are all of one step: that of the counters, which are read last.

use std::collections::HashMap;

use super::desk::Desk;
use super::reply::number;
use super::shard::Shard;
use crate::audit::{Books, ShardAudit};
use crate::error::{Error, Fault};
use crate::ids::{BuyerId, RequestId};
use crate::lines::Picks;
use crate::orders::{OrderEvent, Part, history};
use crate::reservation::ReservationState;
use crate::text::{in_list, unescape};
use crate::time::At;

/// Fields that one `HSCAN` step looks at, and entries that one `XRANGE` returns, roughly.
pub(super) const READ_MAX: usize = 500;
/// How often an audit begins anew when the history that it needs is trimmed meanwhile.
const TRIES_MAX: usize = 3;

type Name = (BuyerId, RequestId);
type Records = HashMap<Name, (Picks, ReservationState)>;

impl Desk {
    /// Counters and records of one shard, side by side.
    pub(crate) async fn audit(&self, shard: &Shard) -> Result<ShardAudit, Error> {
        for _ in 0..TRIES_MAX {
            let from = self.numbers(shard, At::Server).await?.step;
            let mut records = self.records(shard).await?;
            let numbers = self.numbers(shard, At::Server).await?;
            if !self.lay_over(shard, from, numbers.step, &mut records).await? {
                continue;
            }
            let mut books = Books::new(numbers.counts.len());
            for ((buyer, _), (picks, state)) in &records {
                books.enter(buyer, picks, *state);
            }
            return Ok(books.balance(numbers.counts, self.terms.buyer_limit().units(), numbers.step));
        }
        Err(Fault::Overtaken { sale: self.terms.id().clone() }.into())
    }

    async fn records(&self, shard: &Shard) -> Result<Records, Error> {
        let [_, buyers, ..] = shard.keys();
        let (mut records, mut cursor) = (Records::new(), 0u64);
        loop {
            let mut cmd = redis::cmd("HSCAN");
            cmd.arg(buyers).arg(cursor).arg("COUNT").arg(READ_MAX);
            let (next, pairs): (u64, Vec<(String, String)>) = self.read(shard, cmd).await?;
            for (escaped, text) in pairs {
                enter(&mut records, &escaped, &text).ok_or_else(|| self.corrupt("buyers"))?;
            }
            if next == 0 {
                return Ok(records);
            }
            cursor = next;
        }
    }

    /// Lays the steps after `from` up to `to` over the records; false when not all of them are there any more.
    async fn lay_over(
        &self,
        shard: &Shard,
        from: u64,
        to: u64,
        records: &mut Records,
    ) -> Result<bool, Error> {
        for part in [Part::Wins, Part::Changes] {
            let mut last = from;
            loop {
                let (entries, events) = self.history(shard, part, last, Some(to)).await?;
                for event in &events {
                    last = event.sequence;
                    let Some(order) = event.order() else { continue };
                    let Some(state) = order.change.state() else { continue };
                    let name = (order.reservation.buyer().clone(), order.reservation.request().clone());
                    records.insert(name, (order.lines.picks().clone(), state));
                }
                if entries < READ_MAX {
                    break;
                }
            }
            if !self.is_kept(shard, part, from).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the entries of a stream after step `from` say, and how many there are of up to [`READ_MAX`].
    pub(super) async fn history(
        &self,
        shard: &Shard,
        part: Part,
        from: u64,
        to: Option<u64>,
    ) -> Result<(usize, Vec<OrderEvent>), Error> {
        let [_, _, wins, changes, _] = shard.keys();
        let key = if part == Part::Wins { wins } else { changes };
        let mut cmd = redis::cmd("XRANGE");
        let end = to.map_or_else(|| "+".to_owned(), |to| format!("{to}-0"));
        cmd.arg(key).arg(format!("({from}-0")).arg(end).arg("COUNT").arg(READ_MAX);
        history(self.read(shard, cmd).await?, self.terms.id(), shard.index, part)
    }

    /// Whether no entry of a stream after step `from` has been trimmed or lost.
    pub(super) async fn is_kept(&self, shard: &Shard, part: Part, from: u64) -> Result<bool, Error> {
        let [numbers, ..] = shard.keys();
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(numbers).arg(if part == Part::Wins { "trim" } else { "trim:changes" }).arg("thawed");
        let (first_kept, thawed): (Option<u64>, Option<u64>) = self.read(shard, cmd).await?;
        // A shard that went back in time has used the steps before its thaw twice.
        Ok(first_kept.is_none_or(|first_kept| first_kept <= from + 1)
            && thawed.is_none_or(|thawed| thawed <= from))
    }

    pub(super) fn corrupt(&self, what: &str) -> Error {
        Fault::Corrupt { sale: self.terms.id().clone(), what: what.to_owned() }.into()
    }
}

/// Enters the records of one buyer.
fn enter(records: &mut Records, escaped: &str, text: &str) -> Option<()> {
    let buyer = BuyerId::new(&unescape(escaped, in_list)?).ok()?;
    for record in text.split(';') {
        let mut parts = record.splitn(3, ':');
        let (head, picks) = (parts.next()?, Picks::from_text(parts.next()?)?);
        let mut chars = head.chars();
        let state = ReservationState::from_letter(chars.next()?)?;
        number::<u64>(chars.as_str())?;
        records.insert((buyer.clone(), RequestId::new(parts.next()?).ok()?), (picks, state));
    }
    Some(())
}
