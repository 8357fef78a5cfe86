//! The least that a question to a database costs: a bare `SELECT` of the row of an order, by the same driver.

use std::rc::Rc;

use super::versioned;
use crate::Error;
use crate::Timing;
use crate::contest::Load;
use crate::database::Database;
use crate::pay::{PRICE_FEN, Paid};
use crate::shift::{Task, together};
use crate::side::Local;

/// Reads the amounts of orders.
pub(crate) struct Selects {
    database: Rc<Database>,
    paid: Rc<[Paid]>,
}

impl Selects {
    /// Of these orders, which are in the database.
    pub(crate) fn new(database: Rc<Database>, paid: Rc<[Paid]>) -> Self {
        Self { database, paid }
    }
}

impl Task for Selects {
    fn prepare(&mut self) -> Local<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn run(&mut self, load: Load) -> Local<'_, Result<Timing, Error>> {
        Box::pin(async move {
            let read = async |paid: &Paid| {
                Ok(self.database.amount(paid.order.out_trade_no.as_str()).await? == PRICE_FEN)
            };
            together(&self.paid, load, read).await
        })
    }

    fn about(&self) -> String {
        format!("{}, a bare SELECT of the amount by number over the same pool", versioned("sqlx"))
    }
}
