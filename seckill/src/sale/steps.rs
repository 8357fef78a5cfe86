//! What happens to a sale beside requests: payments, returns, changes of the stock, and the steps of its life.

use super::account::Account;
use super::{Sale, full_units, return_overdue};
use crate::config::in_range;
use crate::error::Error;
use crate::ids::ReservationId;
use crate::outcome::{Confirm, Release, Swept};
use crate::phase::{Stage, Steered, Step};
use crate::reservation::ReservationState;
use crate::restock::{Direction, Restock, Restocked};
use crate::time::UnixMillis;

impl Sale {
    /// Makes a reservation paid. One that is overdue or was returned is taken again if units and limit
    /// allow, whether the sale is still open or not: the money is there. Before it is gone, overdue
    /// reservations are returned, in steps of at most [`Swept::SWEEP_MAX`]. In a settled sale it is gone.
    ///
    /// # Errors
    /// `InvalidInput` when no such reservation was ever won.
    pub fn confirm(&mut self, id: &ReservationId, now: UnixMillis) -> Result<Confirm, Error> {
        loop {
            if let Some(answer) = self.step(|sale| sale.confirm_once(id, now))? {
                return Ok(answer);
            }
        }
    }

    /// Gives a held reservation back.
    ///
    /// # Errors
    /// `InvalidInput` when no such reservation was ever won.
    pub fn release(&mut self, id: &ReservationId) -> Result<Release, Error> {
        let state = self.account(id)?.record(id.request()).map(|record| record.state);
        match state {
            Some(ReservationState::Held) => {
                self.step(|sale| sale.turn(id, ReservationState::Returned))?;
                Ok(Release::Released)
            }
            Some(ReservationState::Paid) => Ok(Release::AlreadyPaid),
            _ => Ok(Release::AlreadyReturned),
        }
    }

    /// Looks at wins in their order while their time to pay is over, at most `max` and never more than
    /// [`Swept::SWEEP_MAX`], and returns those still held.
    pub fn sweep(&mut self, max: u32, now: UnixMillis) -> Swept {
        self.step(|sale| sale.sweep_some(max, now))
    }

    /// Takes a step in the sale's life.
    pub fn steer(&mut self, step: Step, now: UnixMillis) -> Steered {
        let held = self.stock.counts().iter().map(|count| count.held).sum();
        let refused = Steered::Refused { phase: self.phase(now), held };
        match self.stage.after(step, now >= self.config.closes_at()) {
            Ok(None) => Steered::Already,
            Ok(Some(Stage::Settled)) if held > 0 => refused,
            Ok(Some(_)) if step == Step::Warm => {
                self.load();
                Steered::Done
            }
            Ok(Some(stage)) => {
                self.stage = stage;
                self.changed = true;
                self.end_step();
                Steered::Done
            }
            Err(()) => refused,
        }
    }

    /// Adds units or withdraws unsold ones.
    ///
    /// # Errors
    /// `InvalidInput` when the thing is not on sale, or when the units are not 1 to
    /// [`SaleConfig::STOCK_MAX`](crate::SaleConfig::STOCK_MAX).
    pub fn restock(&mut self, change: &Restock, now: UnixMillis) -> Result<Restocked, Error> {
        let index = change.position(&self.config)?;
        if let Some(answer) = self.restocks.get(&change.id) {
            return Ok(*answer);
        }
        if !self.stage.takes_stock(&self.config, now) {
            return Ok(Restocked::Refused { phase: self.phase(now) });
        }
        let units = match change.direction {
            Direction::Add => {
                self.stock.add(index, change.units);
                change.units
            }
            Direction::Withdraw => self.stock.withdraw(index, change.units),
        };
        self.restocks.insert(change.id.clone(), Restocked::Done { units });
        self.changed = true;
        self.end_step();
        Ok(Restocked::Done { units })
    }

    /// `None` says that holds were swept and it has to be asked again.
    fn confirm_once(&mut self, id: &ReservationId, now: UnixMillis) -> Result<Option<Confirm>, Error> {
        let (settled, limit) = (self.stage == Stage::Settled, self.config.buyer_limit().units());
        let account = self.account(id)?;
        let Some(record) = account.record(id.request()) else { return Ok(None) };
        let (state, overdue, picks) = (record.state, record.is_overdue(now), record.picks.clone());
        let (to, answer) = match state {
            ReservationState::Paid => return Ok(Some(Confirm::AlreadyPaid)),
            ReservationState::Gone => return Ok(Some(Confirm::Gone)),
            ReservationState::Held if overdue => (ReservationState::Paid, Confirm::Retaken),
            ReservationState::Held => (ReservationState::Paid, Confirm::Confirmed),
            ReservationState::Returned if settled => (ReservationState::Gone, Confirm::Gone),
            ReservationState::Returned if self.is_over(id, limit, picks.units(), now)? => {
                (ReservationState::Gone, Confirm::Gone)
            }
            ReservationState::Returned if self.stock.has(&picks) => {
                (ReservationState::Paid, Confirm::Retaken)
            }
            ReservationState::Returned if self.is_due(now) => {
                self.sweep_some(Swept::SWEEP_MAX, now);
                return Ok(None);
            }
            ReservationState::Returned => (ReservationState::Gone, Confirm::Gone),
        };
        self.turn(id, to)?;
        Ok(Some(answer))
    }

    /// Whether the buyer would be above the limit with so many units more, once the buyer's own holds that
    /// are over are returned.
    fn is_over(
        &mut self,
        id: &ReservationId,
        limit: u32,
        units: u32,
        now: UnixMillis,
    ) -> Result<bool, Error> {
        if full_units(self.account(id)?, units) <= limit {
            return Ok(false);
        }
        let Some(account) = self.accounts.get_mut(id.buyer()) else { return Ok(false) };
        self.changed |= return_overdue(account, &mut self.stock, now);
        Ok(full_units(account, units) > limit)
    }

    /// Moves one reservation and its units to another state.
    fn turn(&mut self, id: &ReservationId, to: ReservationState) -> Result<(), Error> {
        self.account(id)?;
        let account: Option<&mut Account> = self.accounts.get_mut(id.buyer());
        if let Some(record) = account.and_then(|account| account.record_mut(id.request())) {
            self.stock.shift(&record.picks, record.state, to);
            record.state = to;
            self.changed = true;
        }
        Ok(())
    }
}

impl Restock {
    /// Which counter it changes.
    pub(crate) fn position(&self, terms: &crate::SaleConfig) -> Result<usize, Error> {
        in_range("units of a restock", u128::from(self.units), 1, crate::SaleConfig::STOCK_MAX)?;
        terms.position_of(self.sku.as_ref())
    }
}
