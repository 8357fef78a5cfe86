//! The rule by example, in the memory store and in Redis: each case is one promise of the crate.

use seckill::{
    At, Confirm, ErrorKind, FlashSale, Opened, Outcome, Refusal, Release, ReservationId, ReservationState,
    Reserve, SaleConfig, SaleStore, Swept, UnixMillis,
};

use crate::stage::{CLOSES, OPENS, PAY, ask, at, buyer, in_all, open_terms, quantity, request, terms, won};

#[tokio::test]
async fn window_is_closed_before_and_after() {
    in_all(async |store| {
        let terms = terms(5, 1);
        assert_eq!(store.open_sale(&terms).await.unwrap(), Opened::Created);
        let early = store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS - 1)).await.unwrap();
        assert_eq!(early, Outcome::Refused(Refusal::NotOpen { opens_at: terms.opens_at() }));
        won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS)).await.unwrap());
        won(store.reserve(terms.id(), &ask(2, 1, 2), at(CLOSES - 1)).await.unwrap());
        let late = store.reserve(terms.id(), &ask(3, 1, 3), at(CLOSES)).await.unwrap();
        assert_eq!(late, Outcome::Refused(Refusal::Closed));
        // A win is told again even then.
        assert!(won(store.reserve(terms.id(), &ask(2, 1, 2), at(CLOSES)).await.unwrap()).replayed);
    })
    .await;
}

#[tokio::test]
async fn same_request_wins_once_and_cannot_be_reused() {
    in_all(async |store| {
        let terms = terms(5, 2);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 2, 1), at(OPENS)).await.unwrap());
        let again = won(store.reserve(terms.id(), &ask(1, 2, 1), at(OPENS + 9)).await.unwrap());
        assert!(again.replayed && !first.replayed);
        assert_eq!((again.id, again.pay_until, again.state), (first.id, first.pay_until, first.state));
        for other in [ask(2, 2, 1), ask(1, 1, 1)] {
            let error = store.reserve(terms.id(), &other, at(OPENS)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misuse);
            assert!(error.to_string().starts_with("request id `request-1` was used before"), "{error}");
        }
        assert_eq!(store.state(terms.id()).await.unwrap().left, 3);
    })
    .await;
}

#[tokio::test]
async fn limit_and_stock_refuse_and_are_decided_anew() {
    in_all(async |store| {
        let terms = terms(3, 2);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 2, 1), at(OPENS)).await.unwrap());
        let over = store.reserve(terms.id(), &ask(1, 1, 2), at(OPENS)).await.unwrap();
        assert_eq!(over, Outcome::Refused(Refusal::LimitReached { limit: 2, held: 2 }));
        let out = store.reserve(terms.id(), &ask(2, 2, 3), at(OPENS)).await.unwrap();
        assert_eq!(out, Outcome::Refused(Refusal::SoldOut));
        assert_eq!(store.release(&first.id).await.unwrap(), Release::Released);
        assert_eq!(store.release(&first.id).await.unwrap(), Release::AlreadyReturned);
        won(store.reserve(terms.id(), &ask(2, 2, 3), at(OPENS)).await.unwrap());
        won(store.reserve(terms.id(), &ask(1, 1, 2), at(OPENS)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn hold_that_is_over_refuses_nobody() {
    in_all(async |store| {
        let terms = terms(1, 1);
        store.open_sale(&terms).await.unwrap();
        won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS)).await.unwrap());
        let held = store.reserve(terms.id(), &ask(2, 1, 2), at(OPENS + PAY - 1)).await.unwrap();
        assert_eq!(held, Outcome::Refused(Refusal::SoldOut));
        // Nobody has swept: the request itself returns what is overdue.
        won(store.reserve(terms.id(), &ask(2, 1, 2), at(OPENS + PAY)).await.unwrap());
        let replay = won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS + PAY)).await.unwrap());
        assert_eq!(replay.state, ReservationState::Returned);
    })
    .await;
}

/// Lets each of `count` buyers, the first with number `first`, hold one unit.
async fn crowd(store: &dyn SaleStore, terms: &SaleConfig, first: u64, count: u64) {
    let holds: Vec<_> = (first..first + count).map(|number| ask(number, 1, number)).collect();
    for chunk in holds.chunks(Reserve::BATCH_MAX) {
        for answer in store.reserve_batch(terms.id(), chunk, at(OPENS)).await {
            won(answer.unwrap());
        }
    }
}

#[tokio::test]
async fn own_hold_that_is_over_behind_many_others_refuses_nobody() {
    in_all(async |store| {
        let terms = terms(2_000, 1);
        store.open_sale(&terms).await.unwrap();
        crowd(&*store, &terms, 1_000, 600).await;
        won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS + 1)).await.unwrap());
        let held = store.reserve(terms.id(), &ask(1, 1, 2), at(OPENS + PAY)).await.unwrap();
        assert_eq!(held, Outcome::Refused(Refusal::LimitReached { limit: 1, held: 1 }));
        // That refusal came after a look at all others, each step of which is a call by its number.
        let state = store.state(terms.id()).await.unwrap();
        assert_eq!((state.left, state.held, state.sequence), (1_999, 1, 7));
        won(store.reserve(terms.id(), &ask(1, 1, 2), at(OPENS + PAY + 1)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn batch_goes_on_after_the_step_in_which_it_swept() {
    in_all(async |store| {
        let terms = terms(601, 601);
        store.open_sale(&terms).await.unwrap();
        crowd(&*store, &terms, 1_000, 600).await;
        // The first takes what is left, the second needs one sweep, the third two more; the last is the
        // first again, and the one before it comes too late for all of these.
        let batch = [ask(1, 1, 1), ask(2, 200, 2), ask(3, 400, 3), ask(4, 1, 4), ask(1, 1, 1)];
        let answers = store.reserve_batch(terms.id(), &batch, at(OPENS + PAY)).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        for (answer, replayed) in answers.iter().zip([false, false, false]) {
            assert_eq!(won(answer.clone()).replayed, replayed);
        }
        assert_eq!(answers[3], Outcome::Refused(Refusal::SoldOut));
        assert!(won(answers[4].clone()).replayed);
        let audit = store.audit(terms.id()).await.unwrap();
        assert_eq!((audit.left, audit.held, audit.conserved()), (0, 601, true));
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_not_gone_while_enough_holds_are_over() {
    in_all(async |store| {
        let terms = terms(512, 300);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 300, 1), at(OPENS)).await.unwrap()).id;
        assert_eq!(store.release(&first).await.unwrap(), Release::Released);
        crowd(&*store, &terms, 1_000, 512).await;
        assert_eq!(store.confirm(&first, at(OPENS + PAY)).await.unwrap(), Confirm::Retaken);
        let audit = store.audit(terms.id()).await.unwrap();
        assert_eq!((audit.left, audit.held, audit.paid, audit.conserved()), (212, 0, 300, true));
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_gone_when_all_holds_that_are_over_are_too_few() {
    in_all(async |store| {
        let terms = terms(812, 300);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 300, 1), at(OPENS)).await.unwrap()).id;
        assert_eq!(store.release(&first).await.unwrap(), Release::Released);
        for (who, number) in [(2, 2), (3, 3)] {
            won(store.reserve(terms.id(), &ask(who, 270, number), at(OPENS + PAY)).await.unwrap());
        }
        crowd(&*store, &terms, 1_000, 272).await;
        assert_eq!(store.confirm(&first, at(OPENS + PAY)).await.unwrap(), Confirm::Gone);
        let state = store.state(terms.id()).await.unwrap();
        assert_eq!((state.left, state.held, state.paid), (272, 540, 0));
    })
    .await;
}

#[tokio::test]
async fn late_payment_is_retaken_while_units_are_left() {
    in_all(async |store| {
        let terms = terms(2, 1);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS)).await.unwrap()).id;
        let second = won(store.reserve(terms.id(), &ask(2, 1, 2), at(OPENS)).await.unwrap()).id;
        // Late, but nobody has swept.
        assert_eq!(store.confirm(&first, at(OPENS + PAY)).await.unwrap(), Confirm::Retaken);
        // Late, and swept.
        assert_eq!(store.sweep(terms.id(), 9, at(OPENS + PAY)).await.unwrap().returned, 1);
        assert_eq!(store.confirm(&second, at(CLOSES + 1)).await.unwrap(), Confirm::Retaken);
        assert_eq!(store.confirm(&second, at(CLOSES + 2)).await.unwrap(), Confirm::AlreadyPaid);
        assert_eq!(store.release(&second).await.unwrap(), Release::AlreadyPaid);
        let audit = store.audit(terms.id()).await.unwrap();
        assert_eq!((audit.left, audit.held, audit.paid, audit.conserved()), (0, 0, 2, true));
    })
    .await;
}

#[tokio::test]
async fn late_payment_without_units_is_gone_for_good() {
    in_all(async |store| {
        let terms = terms(1, 1);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS)).await.unwrap()).id;
        let later = at(OPENS + PAY);
        let second = won(store.reserve(terms.id(), &ask(2, 1, 2), later).await.unwrap()).id;
        assert_eq!(store.confirm(&first, later).await.unwrap(), Confirm::Gone);
        // The unit comes back, and the gateway tells again: the refund must not turn into a sale.
        assert_eq!(store.release(&second).await.unwrap(), Release::Released);
        assert_eq!(store.confirm(&first, later).await.unwrap(), Confirm::Gone);
        let audit = store.audit(terms.id()).await.unwrap();
        assert_eq!((audit.left, audit.paid, audit.records.unwrap().gone), (1, 0, 1));
    })
    .await;
}

#[tokio::test]
async fn late_payment_over_the_limit_is_gone() {
    in_all(async |store| {
        let terms = terms(5, 1);
        store.open_sale(&terms).await.unwrap();
        let first = won(store.reserve(terms.id(), &ask(1, 1, 1), at(OPENS)).await.unwrap()).id;
        store.release(&first).await.unwrap();
        won(store.reserve(terms.id(), &ask(1, 1, 2), at(OPENS)).await.unwrap());
        assert_eq!(store.confirm(&first, at(OPENS)).await.unwrap(), Confirm::Gone);
    })
    .await;
}

#[tokio::test]
async fn unknown_names_are_errors() {
    in_all(async |store| {
        let terms = open_terms(1, 1);
        let id = ReservationId::new(terms.id(), &request(1));
        assert_eq!(store.confirm(&id, At::Server).await.unwrap_err().kind(), ErrorKind::NotLoaded);
        let asked = store.reserve(terms.id(), &ask(1, 1, 1), At::Server).await;
        assert_eq!(asked.unwrap_err().kind(), ErrorKind::NotLoaded);
        let sale = FlashSale::open(store, &terms).await.unwrap();
        assert_eq!(sale.confirm(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(sale.release(&id).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let other = ReservationId::new(open_terms(1, 1).id(), &request(1));
        assert_eq!(sale.confirm(&other).await.unwrap_err().kind(), ErrorKind::Misuse);
    })
    .await;
}

#[tokio::test]
async fn sweep_of_two_thousand_goes_in_chunks() {
    in_all(async |store| {
        let terms = terms(2_000, 1);
        store.open_sale(&terms).await.unwrap();
        for chunk in (0..2_000u64).collect::<Vec<_>>().chunks(250) {
            let requests: Vec<_> = chunk.iter().map(|number| ask(*number, 1, *number)).collect();
            for answer in store.reserve_batch(terms.id(), &requests, at(OPENS)).await {
                won(answer.unwrap());
            }
        }
        let late = at(OPENS + PAY);
        // A request that would be refused returns one chunk, and no more.
        won(store.reserve(terms.id(), &ask(9_999, 1, 9_999), late).await.unwrap());
        let mut returned = Vec::new();
        loop {
            let swept = store.sweep(terms.id(), u32::MAX, late).await.unwrap();
            assert_eq!(u64::from(swept.returned), swept.units);
            returned.push(swept.returned);
            if !swept.more {
                break;
            }
        }
        let chunk = Swept::SWEEP_MAX;
        assert_eq!(returned, [chunk, chunk, chunk, chunk, chunk, chunk, 2_000 - 7 * chunk]);
        let audit = store.audit(terms.id()).await.unwrap();
        assert_eq!((audit.left, audit.held, audit.conserved()), (1_999, 1, true));
    })
    .await;
}

#[tokio::test]
async fn batch_over_the_bound_is_refused_whole() {
    in_all(async |store| {
        let terms = open_terms(1_000, 1);
        store.open_sale(&terms).await.unwrap();
        let requests: Vec<_> = (0..257).map(|number| ask(number, 1, number)).collect();
        let answers = store.reserve_batch(terms.id(), &requests, At::Server).await;
        assert_eq!(answers.len(), 257);
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().kind() == ErrorKind::InvalidInput));
        assert_eq!(store.state(terms.id()).await.unwrap().left, 1_000);
    })
    .await;
}

#[test]
fn terms_are_checked() {
    let time = |millis| UnixMillis::new(millis).unwrap();
    let made =
        |opens, closes, stock| SaleConfig::new(crate::stage::fresh(), time(opens), time(closes), stock);
    assert!(made(5, 5, 1).is_err());
    assert!(made(5, UnixMillis::MAX.millis(), 1).is_err());
    assert!(made(5, 6, 0).is_err());
    assert!(made(5, 6, SaleConfig::STOCK_MAX + 1).is_err());
    let terms = made(5, 6, SaleConfig::STOCK_MAX).unwrap();
    assert!(terms.clone().time_to_pay(std::time::Duration::ZERO).is_err());
    assert!(terms.time_to_pay(SaleConfig::TIME_TO_PAY_MAX).is_ok());
    assert!(UnixMillis::new(UnixMillis::MAX.millis() + 1).is_err());
    assert_eq!(quantity(10_000), seckill::Quantity::MAX);
    assert!(seckill::Quantity::new(10_001).is_err());
    assert_eq!(buyer(1).as_str(), "buyer 1: 买家");
}

mod names {
    use proptest::prelude::*;
    use seckill::{BuyerId, RequestId, ReservationId, SaleId};

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = (SaleId::new(&text), RequestId::new(&text), ReservationId::parse(&text));
            prop_assert_eq!(BuyerId::new(&text).is_ok(), (1..=128).contains(&text.len()));
        }

        #[test]
        fn reservation_ids_survive_as_text(sale in "[A-Za-z0-9_-]{1,64}", request in "[A-Za-z0-9_-]{8,64}") {
            let id = ReservationId::new(&SaleId::new(&sale).unwrap(), &RequestId::new(&request).unwrap());
            prop_assert_eq!(ReservationId::parse(&id.to_string()).unwrap(), id);
        }

        #[test]
        fn refused_text_is_escaped(text in "[\\x00-\\x1f]{1,80}") {
            let words = SaleId::new(&text).unwrap_err().to_string();
            prop_assert!(words.chars().all(|char| !char.is_control()), "{:?}", words);
        }
    }
}
