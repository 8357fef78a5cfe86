//! A flash sale: many buyers, few units, nobody twice, and an audit at the end.
//!
//! `cargo run -p examples --bin flash_sale -- [BUYERS] [STOCK]`; with `REDIS_URL` set, the sale is in Redis.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use seckill::{
    BuyerId, FlashSale, MemoryStore, Outcome, Quantity, RedisStore, Refusal, RequestId, SaleConfig, SaleId,
    SaleStore, UnixMillis,
};
use tokio::task::JoinSet;

const BUYERS_MAX: u64 = 100_000;

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
    let mut clicks = JoinSet::new();
    for buyer in (0..buyers).chain(0..buyers) {
        let sale = sale.clone();
        let (who, request) =
            (BuyerId::new(&format!("buyer-{buyer}"))?, RequestId::new(&format!("request-{buyer}"))?);
        clicks.spawn(async move { sale.reserve(who, Quantity::ONE, request).await });
    }
    let (mut won, mut replayed, mut sold_out) = (Vec::new(), 0_u64, 0_u64);
    while let Some(answer) = clicks.join_next().await {
        match answer?? {
            Outcome::Reserved(reservation) if reservation.replayed => replayed += 1,
            Outcome::Reserved(reservation) => won.push(reservation.id),
            Outcome::Refused(Refusal::SoldOut) => sold_out += 1,
            Outcome::Refused(other) => println!("refused: {other:?}"),
            other => println!("{other:?}"),
        }
    }
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
