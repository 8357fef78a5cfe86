//! A flash sale: many buyers, few units, nobody twice, and an audit at the end.
//!
//! `cargo run -p examples --bin flash_sale -- [BUYERS] [STOCK]`; with `REDIS_URL` set, the sale is in Redis.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use seckill::{
    BuyerId, FlashSale, MemoryStore, Outcome, Quantity, RedisStore, Refusal, RequestId, ReservationId,
    SaleConfig, SaleId, SaleStore, UnixMillis,
};
use tokio::task::{JoinError, JoinSet};

/// The most buyers of this example.
const BUYERS_MAX: u64 = 100_000;
/// Clicks under way at the same time.
const CLICKS_AT_A_TIME_MAX: usize = 256;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let buyers: u64 = args.next().map_or(Ok(1_000), |text| text.parse())?;
    let stock: u64 = args.next().map_or(Ok(50), |text| text.parse())?;
    if buyers > BUYERS_MAX {
        return Err(
            format!("{buyers} buyers are too many for this example; give at most {BUYERS_MAX}").into()
        );
    }
    let store: Arc<dyn SaleStore> = match std::env::var("REDIS_URL") {
        Ok(url) => Arc::new(RedisStore::connect(&url).await?),
        Err(_) => Arc::new(MemoryStore::new()),
    };
    let now = UnixMillis::new(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)?;
    let id = SaleId::new(&format!("example-{}", now.millis()))?;
    let terms = SaleConfig::new(id, now, now.plus(Duration::from_secs(3600)), stock)?;
    let sale = FlashSale::open(store, &terms).await?;

    // Everybody clicks twice; both clicks carry one request id.
    let (mut clicks, mut tally) = (JoinSet::new(), Tally::default());
    for buyer in (0..buyers).flat_map(|buyer| [buyer, buyer]) {
        while clicks.len() >= CLICKS_AT_A_TIME_MAX {
            tally.add(clicks.join_next().await)?;
        }
        let sale = sale.clone();
        let who = BuyerId::new(&format!("buyer-{buyer}"))?;
        let request = RequestId::new(&format!("request-{buyer}"))?;
        clicks.spawn(async move { sale.reserve(who, Quantity::ONE, request).await });
    }
    while !clicks.is_empty() {
        tally.add(clicks.join_next().await)?;
    }
    let Tally { won, replayed, sold_out } = tally;
    println!("{} won, {replayed} second clicks answered again, {sold_out} sold out", won.len());

    // Half of the winners pay, the others let go.
    for (turn, reservation) in won.iter().enumerate() {
        if turn % 2 == 0 {
            sale.confirm(reservation).await?;
        } else {
            sale.release(reservation).await?;
        }
    }
    let audit = sale.audit().await?;
    println!("{audit:#?}\nconserved: {}", audit.conserved());
    Ok(())
}

/// What the buyers were told.
#[derive(Default)]
struct Tally {
    won: Vec<ReservationId>,
    replayed: u64,
    sold_out: u64,
}

impl Tally {
    fn add(
        &mut self,
        answer: Option<Result<Result<Outcome, seckill::Error>, JoinError>>,
    ) -> Result<(), Box<dyn Error>> {
        match answer.transpose()?.transpose()? {
            Some(Outcome::Reserved(reservation)) if reservation.replayed => self.replayed += 1,
            Some(Outcome::Reserved(reservation)) => self.won.push(reservation.id),
            Some(Outcome::Refused(Refusal::SoldOut)) => self.sold_out += 1,
            Some(other) => return Err(format!("nobody expected {other:?}").into()),
            None => {}
        }
        Ok(())
    }
}
