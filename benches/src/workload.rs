//! Work that both sides of a figure do: the same requests by the same callers.

use std::future::Future;
use std::time::{Duration, Instant};

use seckill::{BuyerId, FlashSale, Quantity, RequestId, Reserve, SaleConfig, SaleId, SaleStore, UnixMillis};
use tokio::task::JoinSet;

use crate::{Error, Options};

/// Every run draws the same requests.
const SEED: u64 = 0x5eed_0f9a_7e40_05e1;

/// The request with this number: a buyer and an id of its own, in an order without pattern.
pub(crate) fn request(number: u32) -> Result<Reserve, Error> {
    let mixed = mix(SEED ^ u64::from(number));
    let buyer = BuyerId::new(&format!("u{mixed:015x}"))?;
    let id = RequestId::new(&format!("{mixed:016x}-{number}"))?;
    Ok(Reserve::new(buyer, Quantity::ONE, id))
}

/// Opens a sale that is open now and that no run can sell out.
pub(crate) async fn open_sale(store: impl SaleStore + 'static, name: &str) -> Result<FlashSale, Error> {
    let closes = UnixMillis::new(9_000_000_000_000)?;
    let terms = SaleConfig::new(SaleId::new(name)?, UnixMillis::MIN, closes, SaleConfig::STOCK_MAX)?;
    Ok(FlashSale::open(std::sync::Arc::new(store), &terms).await?)
}

/// Lets all callers work at once and returns requests a second. Each caller takes every n-th request
/// and waits for each answer.
pub(crate) async fn rate<F, Fut>(options: &Options, ask: F) -> Result<f64, Error>
where
    F: Fn(Reserve) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Error>> + Send,
{
    let (requests, step) = (options.requests, options.callers.max(1));
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for first in 0..step {
        let (ask, mut number) = (ask.clone(), first);
        callers.spawn(async move {
            while number < requests {
                ask(request(number)?).await?;
                number += step;
            }
            Ok::<(), Error>(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    Ok(a_second(requests, started.elapsed()))
}

fn a_second(count: u32, span: Duration) -> f64 {
    f64::from(count) / span.as_secs_f64()
}

/// The finalizer of SplitMix64.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
