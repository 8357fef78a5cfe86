//! Reads a sale's counters and records without changing or holding up anything.

use std::collections::{HashMap, HashSet};

use redis::FromRedisValue;

use super::link::Link;
use super::reply::{number, stored};
use super::script::Key;
use crate::audit::{Audit, Books};
use crate::error::{Error, Fault};
use crate::ids::{BuyerId, SaleId};
use crate::outcome::SaleState;
use crate::quantity::Quantity;

/// Fields that one `HSCAN` step looks at, roughly.
const SCAN_COUNT: u32 = 500;

/// The counters, in one step.
pub(crate) async fn state(link: &Link, sale: &SaleId) -> Result<SaleState, Error> {
    let [left, held, paid, sequence] = numbers(link, sale, ["left", "held", "paid", "seq"]).await?;
    Ok(SaleState { left, held, paid, sequence })
}

/// Counters and records side by side. The records count only if no call came in between.
pub(crate) async fn audit(link: &Link, sale: &SaleId) -> Result<Audit, Error> {
    let [initial, limit] = numbers(link, sale, ["stock", "limit"]).await?;
    let limit = u32::try_from(limit).ok().and_then(|limit| Quantity::new(limit).ok());
    let limit = limit.ok_or_else(|| corrupt(sale, "limit"))?;
    let before = state(link, sale).await?;
    let mut books = Books::new(counts(link, sale).await?);
    enter_records(link, sale, &mut books).await?;
    let quiet = state(link, sale).await? == before;
    Ok(books.balance(initial, limit, before, quiet))
}

async fn counts(link: &Link, sale: &SaleId) -> Result<HashMap<BuyerId, u64>, Error> {
    let mut counts = HashMap::new();
    let mut cursor = 0;
    loop {
        let (next, pairs) = scan(link, sale, "buyers", cursor).await?;
        for (buyer, count) in pairs {
            let pair = BuyerId::new(&buyer).ok().zip(number(&count));
            let (buyer, count) = pair.ok_or_else(|| corrupt(sale, "buyers"))?;
            counts.insert(buyer, count);
        }
        if next == 0 {
            return Ok(counts);
        }
        cursor = next;
    }
}

async fn enter_records(link: &Link, sale: &SaleId, books: &mut Books) -> Result<(), Error> {
    // A scan may show a field twice while the server resizes its table.
    let mut seen = HashSet::new();
    let mut cursor = 0;
    loop {
        let (next, pairs) = scan(link, sale, "reservations", cursor).await?;
        for (request, text) in pairs {
            let record = stored(&text).ok_or_else(|| corrupt(sale, "reservations"))?;
            if seen.insert(request) {
                books.enter(&record.buyer, record.quantity, record.state);
            }
        }
        if next == 0 {
            return Ok(());
        }
        cursor = next;
    }
}

async fn scan(
    link: &Link,
    sale: &SaleId,
    part: &str,
    cursor: u64,
) -> Result<(u64, Vec<(String, String)>), Error> {
    let mut cmd = redis::cmd("HSCAN");
    cmd.arg(Key { sale, part }).arg(cursor).arg("COUNT").arg(SCAN_COUNT);
    ask(link, sale, &cmd).await
}

async fn numbers<const N: usize>(link: &Link, sale: &SaleId, names: [&str; N]) -> Result<[u64; N], Error> {
    let mut cmd = redis::cmd("HMGET");
    cmd.arg(Key { sale, part: "numbers" }).arg(&names[..]);
    let values: Vec<Option<String>> = ask(link, sale, &cmd).await?;
    let mut numbers = [0; N];
    for ((slot, name), value) in numbers.iter_mut().zip(names).zip(values) {
        let text = value.ok_or_else(|| Fault::NotLoaded { sale: sale.clone() })?;
        *slot = number(&text).ok_or_else(|| corrupt(sale, name))?;
    }
    Ok(numbers)
}

async fn ask<T: FromRedisValue>(link: &Link, sale: &SaleId, cmd: &redis::Cmd) -> Result<T, Error> {
    link.query(cmd).await.map_err(|broken| broken.into_error(Some(sale)))
}

fn corrupt(sale: &SaleId, what: &str) -> Error {
    Fault::Corrupt { sale: sale.clone(), what: what.to_owned() }.into()
}
