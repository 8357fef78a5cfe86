//! What this process knows to be sold out, so that it can say so without asking the store.
//!
//! Nothing is known for longer than [`Latch::STALE_MILLIS_MAX`], and nobody who may have won is told no: buyers
//! with a record are kept in a filter that has no false negatives.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use foldhash::fast::RandomState;

use crate::config::SaleConfig;
use crate::ids::BuyerId;
use crate::reservation::Reserve;

/// The sold-out latch of one sale in one process. The store feeds it; [`FlashSale`](crate::FlashSale) asks it
/// before it asks the store.
#[derive(Debug)]
pub struct Latch {
    terms: Arc<SaleConfig>,
    /// A bit for each thing of which no unit is left in any shard.
    sold_out: AtomicU64,
    /// Until when that is known, in microseconds of the clock that the caller passes in.
    known_until: AtomicU64,
    /// Whether anybody was refused since the feeder last looked.
    used: AtomicBool,
    hasher: RandomState,
    /// Bits of the buyers who have a record, [`PROBES`] for each.
    buyers: Box<[AtomicU64]>,
}

const PROBES: u32 = 4;
/// Bits of the filter for each unit of stock: one false positive in about five thousand.
#[cfg(any(test, feature = "redis"))]
const BITS_PER_BUYER: u64 = 32;
/// The largest filter, in bits: 8 MiB.
#[cfg(any(test, feature = "redis"))]
const BITS_MAX: u64 = 1 << 26;

impl Latch {
    /// After how many milliseconds at the latest returned stock is on sale again in every process.
    pub const STALE_MILLIS_MAX: u64 = 50;

    /// An open latch.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn new(terms: Arc<SaleConfig>) -> Self {
        let bits = terms.stock().saturating_mul(BITS_PER_BUYER).clamp(1 << 10, BITS_MAX).next_power_of_two();
        let words = usize::try_from(bits / 64).unwrap_or(1);
        let buyers = std::iter::repeat_with(AtomicU64::default).take(words).collect();
        Self {
            terms,
            sold_out: AtomicU64::new(0),
            known_until: AtomicU64::new(0),
            used: AtomicBool::new(false),
            hasher: RandomState::default(),
            buyers,
        }
    }

    /// Whether this request is surely refused for want of units at `micros`.
    pub(crate) fn refuses(&self, request: &Reserve, micros: impl FnOnce() -> u64) -> bool {
        // INVARIANT: read before the bits, so that they were set for this time or a later one.
        let known_until = self.known_until.load(Ordering::Acquire);
        let sold_out = self.sold_out.load(Ordering::Acquire);
        if sold_out == 0 || request.retry || !self.asks_for(request, sold_out) {
            return false;
        }
        if self.has_record(&request.buyer) || !request.may_take_part(&self.terms) {
            return false;
        }
        // INVARIANT: asked last, so that what was read before was known at this time.
        if micros() >= known_until {
            return false;
        }
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Notes a buyer who has a record, before the buyer hears of it.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn note(&self, buyer: &BuyerId) {
        for (word, bit) in self.places(buyer) {
            if let Some(word) = self.buyers.get(word) {
                word.fetch_or(bit, Ordering::AcqRel);
            }
        }
    }

    /// Closes for the things in `sold_out` until `known_until`, or opens when there are none.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn set(&self, sold_out: u64, known_until: u64) {
        // INVARIANT: no old bit outlives its time: those that are not set again go before the time is moved.
        self.sold_out.fetch_and(sold_out, Ordering::AcqRel);
        self.known_until.store(known_until, Ordering::Release);
        self.sold_out.store(sold_out, Ordering::Release);
    }

    /// Whether anything is refused without asking.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn is_closed(&self) -> bool {
        self.sold_out.load(Ordering::Acquire) != 0
    }

    /// Whether anybody was refused since the last call.
    #[cfg(any(test, feature = "redis"))]
    pub(crate) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    fn asks_for(&self, request: &Reserve, sold_out: u64) -> bool {
        if request.lines.named().is_empty() && self.terms.skus().len() == 1 {
            return sold_out & 1 == 1;
        }
        let bit =
            |index: usize| u32::try_from(index).ok().and_then(|index| 1u64.checked_shl(index)).unwrap_or(0);
        request
            .lines
            .picks(&self.terms)
            .is_ok_and(|picks| picks.iter().any(|(index, _)| sold_out & bit(index) != 0))
    }

    fn has_record(&self, buyer: &BuyerId) -> bool {
        self.places(buyer).all(|(word, bit)| {
            self.buyers.get(word).is_none_or(|word| word.load(Ordering::Acquire) & bit != 0)
        })
    }

    /// Where the bits of a buyer are: two halves of one hash, combined as Kirsch and Mitzenmacher show.
    fn places(&self, buyer: &BuyerId) -> impl Iterator<Item = (usize, u64)> {
        let hash = self.hasher.hash_one(buyer.as_str());
        let (first, step) = (hash, (hash >> 32) | 1);
        let mask = u64::try_from(self.buyers.len()).unwrap_or(1) * 64 - 1;
        (0..PROBES).map(move |probe| {
            let bit = first.wrapping_add(step.wrapping_mul(u64::from(probe))) & mask;
            (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Eligible, Lines, Quantity, RequestId, SaleId, SkuId, UnixMillis};

    fn sku(index: u64) -> SkuId {
        SkuId::new(&format!("sku-{index}")).unwrap()
    }

    fn terms(skus: u64, stock: u64) -> SaleConfig {
        let closes = UnixMillis::new(9).unwrap();
        let skus: Vec<_> = (0..skus).map(|index| (sku(index), stock)).collect();
        SaleConfig::of(SaleId::new("sale").unwrap(), UnixMillis::MIN, closes, &skus).unwrap()
    }

    fn latch(terms: SaleConfig) -> Latch {
        Latch::new(Arc::new(terms))
    }

    fn buyer(number: u64) -> BuyerId {
        BuyerId::new(&format!("buyer-{number}")).unwrap()
    }

    fn ask(who: u64, of: &[u64]) -> Reserve {
        let lines: Vec<_> = of.iter().map(|index| (sku(*index), Quantity::ONE)).collect();
        let request = RequestId::new("request-1").unwrap();
        Reserve::new(buyer(who), Lines::of(&lines).unwrap(), request)
    }

    #[test]
    fn refuses_only_what_is_known_to_be_sold_out() {
        let latch = latch(terms(64, 5));
        assert!(!latch.is_closed() && !latch.refuses(&ask(1, &[0]), || 0));
        latch.set(1 | 1 << 63, 100);
        assert!(latch.is_closed());
        assert!(latch.refuses(&ask(1, &[0]), || 99));
        assert!(latch.refuses(&ask(1, &[5, 63]), || 99));
        assert!(!latch.refuses(&ask(1, &[5, 62]), || 99));
        // The store has to say what is wrong with these lines.
        assert!(!latch.refuses(&ask(1, &[0, 64]), || 99));
        let unnamed = Reserve::new(buyer(1), Quantity::ONE, RequestId::new("request-1").unwrap());
        assert!(!latch.refuses(&unnamed, || 99));
        latch.set(0, 200);
        assert!(!latch.is_closed() && !latch.refuses(&ask(1, &[0]), || 99));
    }

    #[test]
    fn knows_nothing_after_its_time() {
        let latch = latch(terms(1, 5));
        latch.set(1, 100);
        assert!(latch.refuses(&ask(1, &[0]), || 99));
        assert!(!latch.refuses(&ask(1, &[0]), || 100));
        latch.set(1, 200);
        assert!(latch.refuses(&ask(1, &[0]), || 100));
    }

    #[test]
    fn sends_on_who_may_have_won_or_may_not_take_part() {
        let latch = latch(terms(1, 5).eligible_only());
        let proof = |who| Eligible::vouched(latch.terms.id(), &buyer(who));
        latch.set(1, 100);
        assert!(latch.refuses(&ask(1, &[0]).eligible(proof(1)), || 0));
        assert!(!latch.refuses(&ask(1, &[0]).eligible(proof(1)).again(), || 0));
        assert!(!latch.refuses(&ask(1, &[0]), || 0));
        assert!(!latch.refuses(&ask(1, &[0]).eligible(proof(2)), || 0));
        latch.note(&buyer(1));
        assert!(!latch.refuses(&ask(1, &[0]).eligible(proof(1)), || 0));
        assert!(latch.refuses(&ask(2, &[0]).eligible(proof(2)), || 0));
    }

    #[test]
    fn tells_whether_it_was_used() {
        let latch = latch(terms(2, 5));
        latch.set(1, 100);
        assert!(!latch.refuses(&ask(1, &[1]), || 0));
        assert!(!latch.refuses(&ask(1, &[0]), || 100));
        assert!(!latch.take_used());
        assert!(latch.refuses(&ask(1, &[0]), || 0) && latch.refuses(&ask(2, &[0]), || 0));
        assert!(latch.take_used() && !latch.take_used());
    }

    /// The feeder comes between the reader's two looks: what the reader saw first is not given the new time.
    #[test]
    fn stale_bits_do_not_get_a_new_time() {
        let latch = latch(terms(2, 5));
        for fed in [0, 2] {
            latch.set(1, 100);
            let meanwhile = || {
                latch.set(fed, 1_000);
                500
            };
            assert!(!latch.refuses(&ask(1, &[0]), meanwhile));
        }
    }

    #[test]
    fn every_noted_buyer_is_sent_on_and_few_others_are() {
        const STOCK: u64 = 10_000;
        let latch = latch(terms(1, STOCK));
        latch.set(1, 100);
        (0..STOCK).for_each(|number| latch.note(&buyer(number)));
        let refused = |number: &u64| latch.refuses(&ask(*number, &[0]), || 0);
        assert_eq!((0..STOCK).filter(refused).count(), 0);
        let others = (STOCK..3 * STOCK).filter(refused).count();
        // Four bits in 32 or more a buyer: one in five thousand is taken for a buyer with a record.
        assert!(others > 19_900, "{others} of 20000 are refused");
    }
}
