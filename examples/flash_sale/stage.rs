//! Before and after the crowd: a sale of its own is warmed; at the end it is swept, closed, settled and audited.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use seckill::{Audit, FlashSale, Phase, SaleConfig, SaleId, SaleStore, Step, UnixMillis};
use tokio::time::sleep;

use super::args::Args;

/// Short, so that those who let go are swept within the run.
const TIME_TO_PAY: Duration = Duration::from_secs(3);
/// How far the clocks of this machine and of the store may be apart.
const CLOCKS_APART: u64 = 3_600_000;
/// How long a sale of this tool is open at most.
const OPEN: Duration = Duration::from_secs(24 * 3600);
/// How long to wait for the last unpaid reservation to be returned.
const LAST_SWEEP: Duration = Duration::from_secs(60);

/// How long one call is repeated while the store is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// How the sale ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its name.
    pub(crate) id: SaleId,
    /// Whether its books could be closed.
    pub(crate) settled: bool,
    /// The counters beside the records.
    pub(crate) audit: Audit,
}

/// Makes a sale with a name of its own and loads its stock.
pub(crate) async fn warm(
    store: Arc<dyn SaleStore>,
    args: &Args,
) -> Result<FlashSale, Box<dyn Error + Send + Sync>> {
    let now = UnixMillis::try_from(SystemTime::now())?;
    let id = SaleId::new(&format!("load-{}-{}", now.millis(), std::process::id()))?;
    let opens = UnixMillis::new(now.millis().saturating_sub(CLOCKS_APART))?;
    let terms = SaleConfig::new(id, opens, now.plus(OPEN), args.stock)?
        .limit_per_buyer(args.limit)
        .time_to_pay(TIME_TO_PAY)?
        .shards(args.shards.unwrap_or(1))?;
    let sale = patiently(async || FlashSale::draft(Arc::clone(&store), &terms).await).await?;
    patiently(async || sale.steer(Step::Warm).await).await?;
    Ok(sale)
}

/// Sweeps until nothing is held, closes the sale and its books, and checks them.
pub(crate) async fn end(sale: &FlashSale) -> Result<Ended, seckill::Error> {
    let deadline = Instant::now() + TIME_TO_PAY + LAST_SWEEP;
    while patiently(async || sale.state().await).await?.held() > 0 && Instant::now() < deadline {
        while patiently(async || sale.sweep().await).await?.more {}
        sleep(PAUSE).await;
    }
    patiently(async || sale.steer(Step::Close).await).await?;
    patiently(async || sale.steer(Step::Settle).await).await?;
    let settled = patiently(async || sale.state().await).await?.phase == Phase::Settled;
    let audit = patiently(async || sale.audit().await).await?;
    Ok(Ended { id: sale.id().clone(), settled, audit })
}

/// Calls again while the store is away for a moment: each of these calls is safe to repeat.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, seckill::Error>) -> Result<T, seckill::Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call().await {
            Err(error) if error.is_transient() && Instant::now() < deadline => sleep(PAUSE).await,
            answer => return answer,
        }
    }
}
