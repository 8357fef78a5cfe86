//! The same rules by hand in this process: a concurrent map of buyers, and the stock as one atomic number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use dashmap::{DashMap, Entry};

use super::versioned;
use crate::Error;
use crate::side::Client;
use crate::workload::{Answer, Request, Terms};

/// A sale that is open.
#[derive(Clone, Default)]
pub(crate) struct HandWritten {
    sale: Arc<Sale>,
}

#[derive(Default)]
struct Sale {
    left: AtomicU64,
    sequence: AtomicU64,
    buyers: DashMap<Box<str>, Vec<Purchase>>,
}

struct Purchase {
    id: Box<str>,
    units: u64,
    deadline: u64,
}

/// What one buyer may have.
const LIMIT: u64 = 1;

impl Sale {
    /// One unit for this buyer: by the same rules, and in the same order, as the peers' scripts.
    fn decide(&self, request: &Request, now: u64) -> Result<Answer, Error> {
        let refused = |given: &str| Error::Answer { given: given.to_owned(), wanted: "a win".to_owned() };
        let entry = self.buyers.entry(request.buyer.as_str().into());
        let had: &[Purchase] = match &entry {
            Entry::Occupied(buyer) => buyer.get(),
            Entry::Vacant(_) => &[],
        };
        if let Some(known) = had.iter().find(|purchase| *purchase.id == *request.id) {
            return Err(refused(&format!("won before, until {}", known.deadline)));
        }
        if had.iter().map(|purchase| purchase.units).sum::<u64>() + 1 > LIMIT {
            return Err(refused("limit reached"));
        }
        if !(Terms::OPENS..Terms::CLOSES).contains(&now) {
            return Err(refused("not open"));
        }
        let taken = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        if taken.is_err() {
            return Ok(Answer::SoldOut);
        }
        self.sequence.fetch_add(1, Ordering::AcqRel);
        let purchase = Purchase { id: request.id.as_str().into(), units: 1, deadline: now + Terms::PAY };
        entry.or_default().push(purchase);
        Ok(Answer::Won)
    }
}

impl Client for HandWritten {
    type Ask = Request;

    fn draw(request: &Request) -> Result<Request, Error> {
        Ok(request.clone())
    }

    async fn open_sale(&mut self, terms: &Terms) -> Result<(), Error> {
        self.sale = Arc::new(Sale { left: AtomicU64::new(terms.stock), ..Sale::default() });
        Ok(())
    }

    async fn reserve(&self, request: &Request) -> Result<Answer, Error> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.sale.decide(request, u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn describe(&self) -> String {
        format!("{} and an atomic stock, by hand", versioned("dashmap"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wins_once_and_never_oversells() {
        let sale = Sale { left: AtomicU64::new(2), ..Sale::default() };
        assert_eq!(sale.decide(&Request::new(0), 1).unwrap(), Answer::Won);
        assert!(sale.decide(&Request::new(0), 1).is_err());
        let again = Request { buyer: Request::new(0).buyer, id: Request::new(1).id };
        assert!(sale.decide(&again, 1).is_err());
        assert_eq!(sale.decide(&Request::new(1), 1).unwrap(), Answer::Won);
        assert_eq!(sale.decide(&Request::new(2), 1).unwrap(), Answer::SoldOut);
        assert_eq!(sale.sequence.load(Ordering::Acquire), 2);
    }
}
