//! Sales at the start: each is opened, or brought back from the school's tables if its store has lost it.

use std::sync::Arc;

use payments::store::OrderStore;
use payments::{OutTradeNo, TradeState};
use seckill::{
    ErrorKind, FlashSale, KeptOrder, Outcome, Quantity, RedisStore, ReservationState, Reserve, SaleConfig,
    SaleStore,
};

use crate::clock;
use crate::http::problem::Problem;
use crate::sales;
use crate::school::School;
use crate::start_error::StartError;

/// The most steps that a sale takes in a millisecond, generously.
const STEPS_A_MILLI_MAX: u64 = 1000;

/// Where sales are kept.
#[derive(Debug, Clone)]
pub(crate) enum Shelf {
    /// In this process: every start begins with nothing.
    Memory(Arc<dyn SaleStore>),
    /// Shared between instances, one of which may be selling while another starts.
    Redis(Arc<RedisStore>),
}

/// What the school's tables know of sales.
#[derive(Clone, Copy)]
pub(crate) struct Books<'a> {
    pub(crate) school: &'a School,
    pub(crate) orders: &'a dyn OrderStore,
}

/// Why a sale did not come back.
enum Halt {
    /// Its store holds no stock of it, or not the last. It refuses everybody until that is mended.
    Still(String),
    /// Nothing can be opened this way.
    Start(StartError),
}

impl Shelf {
    fn store(&self) -> Arc<dyn SaleStore> {
        match self {
            Self::Memory(store) => Arc::clone(store),
            Self::Redis(store) => Arc::<RedisStore>::clone(store),
        }
    }
}

/// The sale of a course with these terms. One that cannot be brought back stands still, and the others go on.
pub(crate) async fn sale(
    shelf: &Shelf,
    books: Books<'_>,
    terms: &SaleConfig,
) -> Result<FlashSale, StartError> {
    let sale = FlashSale::attach(shelf.store(), terms.id().clone());
    let back = match shelf {
        Shelf::Memory(store) => take_again(&**store, &sale, books, terms).await,
        Shelf::Redis(store) => bring_back(store, &sale, books, terms).await,
    };
    match back {
        Ok(()) => Ok(sale),
        Err(Halt::Still(cause)) => {
            let slug = sale.id().as_str();
            tracing::error!(slug, cause, "this sale stands still: restore its store and start again");
            Ok(sale)
        }
        Err(Halt::Start(error)) => Err(error),
    }
}

/// In a store of our own nobody else buys meanwhile: the seats are taken as they were the first time.
async fn take_again(
    store: &dyn SaleStore,
    sale: &FlashSale,
    books: Books<'_>,
    terms: &SaleConfig,
) -> Result<(), Halt> {
    store.open_sale(terms).await.map_err(Halt::of(sale))?;
    sales::restock_again(books.school, sale).await?;
    for kept in kept(books, sale).await? {
        let request = Reserve::new(kept.id.buyer().clone(), Quantity::ONE, kept.id.request().clone());
        match sale.reserve(&request.again()).await.map_err(Halt::of(sale))? {
            Outcome::Reserved(_) if kept.state == ReservationState::Paid => {
                let confirmed = sale.confirm(&kept.id).await.map_err(Halt::of(sale))?;
                tracing::debug!(reservation = %kept.id, ?confirmed, "seat restored");
            }
            Outcome::Reserved(_) => tracing::debug!(reservation = %kept.id, "held seat restored"),
            refused => tracing::error!(reservation = %kept.id, ?refused, "seat could not be restored"),
        }
    }
    // Last: a sale that is paused or closed gives no seat.
    Ok(sales::steer_again(books.school, sale).await?)
}

/// In a shared store somebody may buy at any moment, so a lost sale is made anew paused: its seats come on sale only
/// when all that are sold or held are back. A sale that is all there stays as it is.
async fn bring_back(
    store: &RedisStore,
    sale: &FlashSale,
    books: Books<'_>,
    terms: &SaleConfig,
) -> Result<(), Halt> {
    let slug = sale.id().as_str();
    let is_lost = match sale.state().await {
        Ok(_) => false,
        Err(cause) if cause.kind() == ErrorKind::NotLoaded => true,
        Err(cause) => return Err(Halt::of(sale)(cause)),
    };
    // The school numbers no steps. Other instances may have seen any that there was time for.
    let now = clock::now().map_err(Problem::from)?.get();
    let millis = now.saturating_sub(terms.opens_at().millis());
    let seen = [millis.saturating_mul(STEPS_A_MILLI_MAX)];
    let highest: &[u64] = if is_lost { &seen } else { &[] };
    let kept = kept(books, sale).await?;
    match store.rebuild(terms, &[], highest).await {
        Ok(_) if is_lost => tracing::info!(slug, seats = kept.len(), "sale made from the school's tables"),
        Ok(_) => {}
        Err(cause) if cause.kind() == ErrorKind::Frozen => {
            tracing::warn!(
                slug,
                seats = kept.len(),
                "the store went back in time; the school's tables did not"
            );
            store.recover(terms.id(), &kept, &seen).await.map_err(Halt::of(sale))?;
            store.rebuild(terms, &[], &[]).await.map_err(Halt::of(sale))?;
        }
        Err(cause) => return Err(Halt::of(sale)(cause)),
    }
    sales::restock_again(books.school, sale).await?;
    let back = store.recover(terms.id(), &kept, &[]).await.map_err(Halt::of(sale))?;
    for reservation in &back.short {
        tracing::error!(%reservation, "seat could not be restored");
    }
    Ok(sales::steer_again(books.school, sale).await?)
}

/// The seats that are paid, or may still be paid.
async fn kept(books: Books<'_>, sale: &FlashSale) -> Result<Vec<KeptOrder>, Problem> {
    let mut kept = Vec::new();
    for checkout in books.school.checkouts_alive(sale.id().as_str()).await? {
        let number = OutTradeNo::parse(&checkout.out_trade_no)?;
        let Some(order) = books.orders.find(&number).await? else { continue };
        let state = match order.state {
            TradeState::Paid | TradeState::PaidLate | TradeState::PartiallyRefunded => ReservationState::Paid,
            state if state.is_open() && !checkout.is_over()? => ReservationState::Held,
            _ => continue,
        };
        let reservation = seckill::ReservationId::parse(&checkout.reservation_id)?;
        let pay_until = clock::from_column(checkout.expires_at)?;
        kept.push(KeptOrder::new(reservation, Quantity::ONE.into(), pay_until, state));
    }
    Ok(kept)
}

impl Halt {
    fn of(sale: &FlashSale) -> impl FnOnce(seckill::Error) -> Self {
        let slug = sale.id().as_str();
        move |cause| match cause.kind() {
            ErrorKind::Misuse => Self::Start(StartError::Sale { slug: slug.to_owned(), cause }),
            ErrorKind::Frozen | ErrorKind::NotLoaded | ErrorKind::Corrupt => Self::Still(cause.to_string()),
            _ => Self::Start(StartError::part("sale store")(cause)),
        }
    }
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        match problem.code {
            "sale_frozen" | "sale_not_loaded" => Self::Still(problem.detail),
            _ => Self::Start(problem.into()),
        }
    }
}
