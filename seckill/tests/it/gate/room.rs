//! What a waiting room promises, whatever its store: order, pace, patience, sell-out and a fair draw.

use proptest::prelude::*;
use seckill::ErrorKind;
use seckill::gate::{
    Admission, Admit, DrawSeed, Joined, MemoryStore, Order, Pace, Place, Purpose, RoomState, RoomStore,
    RoomTerms, WaitingRoom,
};
use std::sync::Arc;

use super::stage::{at, buyer, fresh, key, ms, terms, time};

fn waiting(joined: Joined) -> Place {
    match joined {
        Joined::Waiting(place) => place,
        no => panic!("not waiting: {no:?}"),
    }
}

async fn join(store: &MemoryStore, terms: &RoomTerms, who: u64, now: u64) -> Place {
    waiting(store.join(terms, &buyer(who), at(now)).await.unwrap())
}

async fn admit(store: &MemoryStore, terms: &RoomTerms, who: u64, now: u64) -> Admit {
    store.admit(terms, &buyer(who), at(now)).await.unwrap()
}

#[tokio::test]
async fn buyers_come_in_order_of_arrival_at_the_pace() {
    // Two turns a second: at 1,500, 2,000, 2,500.
    let (store, terms) = (MemoryStore::new(), terms(2, 1_000));
    for (who, wait) in [(1, 1_500), (2, 2_000), (3, 2_500)] {
        let place = join(&store, &terms, who, 0).await;
        assert_eq!((u64::from(place.number), place.ahead), (who, who - 1));
        assert_eq!(place.estimated_wait, ms(wait));
    }
    assert_eq!(join(&store, &terms, 2, 900).await.number, 2);
    assert!(matches!(admit(&store, &terms, 1, 1_499).await, Admit::Wait(place) if place.ahead == 0));
    assert_eq!(admit(&store, &terms, 1, 1_500).await, Admit::Admitted { now: time(1_500) });
    assert!(matches!(admit(&store, &terms, 3, 2_000).await, Admit::Wait(place) if place.ahead == 0));
    assert_eq!(admit(&store, &terms, 2, 2_000).await, Admit::Admitted { now: time(2_000) });
    assert_eq!(admit(&store, &terms, 9, 2_000).await, Admit::NoPlace);
    // After a quiet while nobody waits, and the turns that were not used are lost.
    let late = join(&store, &terms, 4, 30_000).await;
    assert_eq!((late.number, late.ahead, late.estimated_wait), (4, 0, ms(0)));
    assert!(matches!(admit(&store, &terms, 4, 30_000).await, Admit::Admitted { .. }));
    assert_eq!(join(&store, &terms, 5, 30_000).await.estimated_wait, ms(500));
}

#[tokio::test]
async fn who_left_holds_nobody_up_and_joins_behind() {
    let (store, terms) = (MemoryStore::new(), terms(1, 1_000).patience(ms(2_000)).unwrap());
    for who in 1..=3 {
        join(&store, &terms, who, 0).await;
    }
    // The first never asks; the second is let in on time all the same.
    assert!(matches!(admit(&store, &terms, 2, 3_000).await, Admit::Admitted { .. }));
    assert!(matches!(admit(&store, &terms, 1, 4_000).await, Admit::Admitted { .. }));
    assert_eq!(admit(&store, &terms, 1, 4_001).await, Admit::NoPlace);
    let again = join(&store, &terms, 1, 4_001).await;
    assert_eq!((again.number, again.ahead), (4, 0));
    assert!(matches!(admit(&store, &terms, 1, 4_001).await, Admit::Wait(_)));
    assert!(matches!(admit(&store, &terms, 1, 5_000).await, Admit::Admitted { .. }));
}

#[tokio::test]
async fn nobody_waits_for_what_is_sold_out_and_places_are_kept() {
    let (store, terms) = (MemoryStore::new(), terms(1, 1_000).patience(ms(2_000)).unwrap());
    join(&store, &terms, 1, 0).await;
    join(&store, &terms, 2, 0).await;
    assert!(matches!(admit(&store, &terms, 1, 2_000).await, Admit::Admitted { .. }));
    assert_eq!(store.left_hint(&terms, 0, at(2_500)).await.unwrap(), RoomState::Closed);
    assert_eq!(admit(&store, &terms, 2, 3_000).await, Admit::Over);
    assert_eq!(store.join(&terms, &buyer(3), at(3_000)).await.unwrap(), Joined::Over);
    // Half a second was missing when the room closed, and still is.
    assert_eq!(store.left_hint(&terms, 4, at(50_000)).await.unwrap(), RoomState::Open);
    assert!(matches!(admit(&store, &terms, 2, 50_499).await, Admit::Wait(_)));
    assert!(matches!(admit(&store, &terms, 2, 50_500).await, Admit::Admitted { .. }));
    assert_eq!(admit(&store, &terms, 2, 61_000).await, Admit::Over);
    assert_eq!(store.join(&terms, &buyer(4), at(61_000)).await.unwrap(), Joined::Over);
}

#[tokio::test]
async fn the_draw_orders_those_who_came_before_the_opening() {
    let seed = DrawSeed::new(&[5; 32]);
    let (store, terms) = (MemoryStore::new(), terms(1, 1).order(Order::Draw(seed.clone())));
    for who in 1..=50 {
        join(&store, &terms, who, 0).await;
    }
    // Before the draw, everybody else may be ahead.
    assert_eq!(join(&store, &terms, 1, 500).await.ahead, 49);
    assert_eq!(join(&store, &terms, 51, 1_000).await.ahead, 50);
    for who in 1..=50u32 {
        let turn = u64::from(seed.rank(who, 50).unwrap());
        let place = join(&store, &terms, who.into(), 1_000).await;
        assert_eq!((place.number, place.ahead, place.estimated_wait), (who, turn - 1, ms(turn)));
        assert!(matches!(admit(&store, &terms, who.into(), 1_000 + turn - 1).await, Admit::Wait(_)));
        assert!(matches!(admit(&store, &terms, who.into(), 1_000 + turn).await, Admit::Admitted { .. }));
    }
}

#[tokio::test]
async fn an_admission_is_a_token_for_this_buyer_and_time() {
    let (terms, key) = (terms(1, 1_000), key());
    let sale = terms.sale().clone();
    let room = WaitingRoom::new(Arc::new(MemoryStore::new()), Arc::clone(&key), terms, ms(300)).unwrap();
    room.join(&buyer(1), at(0)).await.unwrap();
    let Admission::Admitted(token) = room.admit(&buyer(1), at(2_100)).await.unwrap() else {
        panic!("not admitted");
    };
    let verify = |who, now| key.verify(token.expose(), Purpose::Admitted, &sale, &buyer(who), time(now));
    assert_eq!(verify(1, 2_399).unwrap().expires(), time(2_400));
    assert!(verify(1, 2_400).is_err());
    assert!(verify(2, 2_399).is_err());
}

#[tokio::test]
async fn numbers_have_an_end_and_terms_have_bounds() {
    let (store, terms) = (MemoryStore::new(), terms(1, 1_000).places_max(2).unwrap());
    join(&store, &terms, 1, 0).await;
    join(&store, &terms, 2, 0).await;
    assert_eq!(store.join(&terms, &buyer(3), at(0)).await.unwrap(), Joined::Full);
    assert_eq!(join(&store, &terms, 2, 0).await.number, 2);

    let pace = Pace::new(1, ms(1)).unwrap();
    let faults = [
        Pace::new(0, ms(1)).map(drop),
        Pace::new(1, ms(3_600_001)).map(drop),
        Pace::new(1, std::time::Duration::from_micros(1_500)).map(drop),
        RoomTerms::new(fresh(), time(5), time(5), pace).map(drop),
        RoomTerms::new(fresh(), time(0), time(31 * 86_400_000), pace).map(drop),
        terms.clone().patience(ms(0)).map(drop),
        terms.places_max(100_000_001).map(drop),
    ];
    assert!(faults.into_iter().all(|fault| fault.unwrap_err().kind() == ErrorKind::InvalidInput));
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(64))]

    /// Whoever comes when, in no span are more turns called than the pace says, and nobody overtakes.
    #[test]
    fn the_pace_is_never_passed(
        count in 1u32..5, per in 1u64..50, arrivals in proptest::collection::vec(0u64..40, 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (store, terms, mut now) = (MemoryStore::new(), terms(count, per), 900);
        let mut turns = Vec::new();
        for (who, gap) in (0..).zip(&arrivals) {
            now += gap;
            let place = runtime.block_on(join(&store, &terms, who, now));
            turns.push(u128::from(now) + place.estimated_wait.as_millis());
        }
        prop_assert!(turns.is_sorted());
        // A turn stands at its even distance, rounded up to a millisecond: so the turns of a span and of the
        // millisecond before it may meet in it. A turn that nobody waited for is taken late, by less than
        // one distance, and no other is taken before it.
        let (count, per) = (u128::from(count), u128::from(per));
        for (first, one) in turns.iter().enumerate() {
            let within = turns[first..].iter().take_while(|turn| **turn - one <= per).count();
            prop_assert!(u128::try_from(within).unwrap() <= count + count.div_ceil(per));
        }
    }

    #[test]
    fn a_draw_is_a_permutation(seed: [u8; 32], of in 1u32..2_000) {
        let seed = DrawSeed::new(&seed);
        let mut ranks: Vec<u32> = (1..=of).map(|number| seed.rank(number, of).unwrap()).collect();
        ranks.sort_unstable();
        prop_assert_eq!(ranks, (1..=of).collect::<Vec<_>>());
        prop_assert_eq!((seed.rank(0, of), seed.rank(of + 1, of)), (None, None));
    }

    #[test]
    fn a_large_draw_stays_inside(seed: [u8; 32], of in 1u32.., number: u32) {
        let number = number % of + 1;
        let rank = DrawSeed::new(&seed).rank(number, of).unwrap();
        prop_assert!((1..=of).contains(&rank));
    }
}

/// Over many seeds every number draws every place about as often: 3,000 draws of six places, 500 each.
#[test]
fn a_draw_favours_no_number() {
    let mut counts = [[0u32; 6]; 6];
    for draw in 0..3_000u32 {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&draw.to_be_bytes());
        let seed = DrawSeed::new(&bytes);
        for (number, row) in (1..).zip(&mut counts) {
            row[usize::try_from(seed.rank(number, 6).unwrap()).unwrap() - 1] += 1;
        }
    }
    // Five standard deviations of a fair draw are 102.
    assert!(counts.iter().flatten().all(|count| (398..=602).contains(count)), "{counts:?}");
}
