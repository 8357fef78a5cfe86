//! The decision of one request by example, in every store: each case is one promise of the crate.

use seckill::{Eligible, ErrorKind, Phase, Refusal, Release, ReservationState, Reserve, Steered, Step};

use crate::stage::{CLOSES, OPENS, PAY, Shop, ask, at, buyer, fresh, in_all, refused, terms, won};

#[tokio::test]
async fn window_is_closed_before_and_after() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 1)).await;
        let not_open = refused(Refusal::NotOpen { opens_at: shop.terms.opens_at() });
        assert_eq!(shop.ask(&ask(1, 1, 1), OPENS - 1).await, not_open);
        shop.win(&ask(1, 1, 1), OPENS).await;
        shop.win(&ask(2, 1, 2), CLOSES - 1).await;
        assert_eq!(shop.ask(&ask(3, 1, 3), CLOSES).await, refused(Refusal::Closed));
        // A win is told again even then.
        assert!(won(shop.ask(&ask(2, 1, 2), CLOSES).await).replayed);
    })
    .await;
}

#[tokio::test]
async fn draft_and_pause_are_not_open_before_the_opening_and_closed_after_the_end() {
    in_all(async |store| {
        let draft = Shop::draft(&store, terms(5, 1)).await;
        let paused = Shop::open(&store, terms(5, 1)).await;
        assert_eq!(paused.steer(Step::Pause, 0).await, Steered::Done);
        let not_open = refused(Refusal::NotOpen { opens_at: draft.terms.opens_at() });
        assert_eq!(draft.ask(&ask(1, 1, 1), OPENS - 1).await, not_open);
        assert_eq!(draft.ask(&ask(1, 1, 1), CLOSES - 1).await, not_open);
        assert_eq!(draft.ask(&ask(1, 1, 1), CLOSES).await, refused(Refusal::Closed));
        assert_eq!(paused.ask(&ask(1, 1, 1), OPENS - 1).await, not_open);
        assert_eq!(paused.ask(&ask(1, 1, 1), OPENS).await, refused(Refusal::Paused));
        assert_eq!(paused.ask(&ask(1, 1, 1), CLOSES).await, refused(Refusal::Closed));
        let closed = Shop::open(&store, terms(5, 1)).await;
        assert_eq!(closed.steer(Step::Close, 0).await, Steered::Done);
        assert_eq!(closed.ask(&ask(1, 1, 1), 0).await, refused(Refusal::Closed));
    })
    .await;
}

#[tokio::test]
async fn same_request_wins_once_and_cannot_be_reused() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 2)).await;
        let first = won(shop.ask(&ask(1, 2, 1), OPENS).await);
        let before = shop.state(OPENS).await;
        let again = won(shop.ask(&ask(1, 2, 1), OPENS + 9).await);
        assert!(again.replayed && !first.replayed);
        assert_eq!((again.id, again.pay_until, again.state), (first.id, first.pay_until, first.state));
        let reused = store.reserve(shop.terms.id(), &ask(1, 1, 1), at(OPENS)).await.unwrap_err();
        assert_eq!(reused.kind(), ErrorKind::Misuse);
        assert!(reused.to_string().starts_with("request id `request-1` was used before"), "{reused}");
        assert_eq!(shop.state(OPENS).await, before);
        // Request ids are each buyer's own.
        shop.win(&ask(2, 1, 1), OPENS).await;
        assert_eq!(shop.units().await, (2, 3, 0));
    })
    .await;
}

#[tokio::test]
async fn win_is_told_again_as_long_as_the_sale_lives() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 1)).await;
        let (paid, freed, swept) = (ask(1, 1, 1), ask(2, 1, 1), ask(3, 1, 1));
        for request in [&paid, &freed, &swept] {
            shop.win(request, OPENS).await;
        }
        shop.pay(&shop.id(1, 1), OPENS).await;
        assert_eq!(store.release(&shop.id(2, 1)).await.unwrap(), Release::Released);
        let told = async |request: &Reserve, now| {
            let again = won(shop.ask(request, now).await);
            assert!(again.replayed && again.pay_until.millis() == OPENS + PAY, "{again:?}");
            again.state
        };
        shop.steer(Step::Pause, OPENS).await;
        assert_eq!(told(&swept, OPENS).await, ReservationState::Held);
        store.sweep(shop.terms.id(), 9, at(OPENS + PAY)).await.unwrap();
        for (step, now) in [(Step::Resume, OPENS), (Step::Close, OPENS), (Step::Settle, CLOSES)] {
            assert_eq!(shop.steer(step, now).await, Steered::Done);
            assert_eq!(told(&paid, now).await, ReservationState::Paid, "after {step:?}");
            assert_eq!(told(&freed, now).await, ReservationState::Returned, "after {step:?}");
            assert_eq!(told(&swept, now).await, ReservationState::Returned, "after {step:?}");
        }
        assert_eq!(shop.state(CLOSES).await.phase, Phase::Settled);
    })
    .await;
}

#[tokio::test]
async fn limit_and_stock_refuse_and_are_decided_anew() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(3, 2)).await;
        assert_eq!(
            shop.ask(&ask(1, 3, 1), OPENS).await,
            refused(Refusal::LimitReached { limit: 2, held: 0 })
        );
        let first = shop.win(&ask(1, 2, 1), OPENS).await;
        let over = refused(Refusal::LimitReached { limit: 2, held: 2 });
        assert_eq!(shop.ask(&ask(1, 1, 2), OPENS).await, over);
        assert_eq!(shop.ask(&ask(2, 2, 3), OPENS).await, refused(Refusal::SoldOut));
        assert_eq!(store.release(&first).await.unwrap(), Release::Released);
        assert_eq!(store.release(&first).await.unwrap(), Release::AlreadyReturned);
        shop.win(&ask(2, 2, 3), OPENS).await;
        shop.win(&ask(1, 1, 2), OPENS).await;
        // Paid units count as held ones do.
        shop.pay(&shop.id(2, 3), OPENS).await;
        assert_eq!(shop.ask(&ask(2, 1, 4), OPENS).await, over);
    })
    .await;
}

#[tokio::test]
async fn hold_that_is_over_refuses_nobody() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(1, 1)).await;
        shop.win(&ask(1, 1, 1), OPENS).await;
        assert_eq!(shop.ask(&ask(2, 1, 2), OPENS + PAY - 1).await, refused(Refusal::SoldOut));
        // Nobody has swept: the request itself returns what is overdue.
        shop.win(&ask(2, 1, 2), OPENS + PAY).await;
        let replay = won(shop.ask(&ask(1, 1, 1), OPENS + PAY).await);
        assert_eq!(replay.state, ReservationState::Returned);
    })
    .await;
}

#[tokio::test]
async fn own_holds_that_are_over_are_returned_at_the_limit() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(2_000, 3)).await;
        shop.crowd(1_000, 600, OPENS).await;
        shop.win(&ask(1, 1, 1), OPENS + 1).await;
        shop.win(&ask(1, 1, 2), OPENS + 1).await;
        shop.win(&ask(1, 1, 3), OPENS + 2).await;
        let full = shop.ask(&ask(1, 1, 4), OPENS + PAY).await;
        assert_eq!(full, refused(Refusal::LimitReached { limit: 3, held: 3 }));
        // Both that are over go, in this very step, and none of the crowd before them.
        let before = shop.state(OPENS).await;
        let all = shop.ask(&ask(1, 3, 4), OPENS + PAY + 1).await;
        assert_eq!(all, refused(Refusal::LimitReached { limit: 3, held: 1 }));
        let after = shop.state(OPENS).await;
        assert_eq!((after.held(), after.sequence), (before.held() - 2, before.sequence + 1));
        shop.win(&ask(1, 2, 4), OPENS + PAY + 1).await;
        assert_eq!(shop.units().await, (1_397, 603, 0));
        // Below the limit nothing is returned.
        shop.win(&ask(2, 1, 1), OPENS).await;
        shop.win(&ask(2, 1, 2), OPENS + PAY).await;
        assert_eq!(won(shop.ask(&ask(2, 1, 1), OPENS + PAY).await).state, ReservationState::Held);
    })
    .await;
}

#[tokio::test]
async fn buyer_has_sixty_four_reservations_and_no_more() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 2)).await;
        let max = u64::try_from(Reserve::PER_BUYER_MAX).unwrap();
        for number in 1..max {
            let id = shop.win(&ask(1, 1, number), OPENS).await;
            assert_eq!(store.release(&id).await.unwrap(), Release::Released);
        }
        shop.win(&ask(1, 2, max), OPENS).await;
        let too_many = refused(Refusal::TooMany { max: 64 });
        // Said before the limit, which is reached too, and before the stock.
        assert_eq!(shop.ask(&ask(1, 1, 65), OPENS).await, too_many);
        assert_eq!(shop.ask(&ask(1, 1, 65), CLOSES - 1).await, too_many);
        shop.win(&ask(2, 2, 1), OPENS).await;
        shop.win(&ask(3, 1, 1), OPENS).await;
        assert_eq!(shop.ask(&ask(1, 1, 65), OPENS).await, too_many);
        assert_eq!(won(shop.ask(&ask(1, 1, 1), OPENS).await).state, ReservationState::Returned);
        assert!(won(shop.ask(&ask(1, 2, max), OPENS).await).replayed);
        assert_eq!(shop.ask(&ask(1, 1, 65), CLOSES).await, refused(Refusal::Closed));
        shop.steer(Step::Pause, OPENS).await;
        assert_eq!(shop.ask(&ask(1, 1, 65), OPENS).await, refused(Refusal::Paused));
    })
    .await;
}

/// One sale in which everything stands against the request, and one obstacle after the other is taken away.
#[tokio::test]
async fn the_first_obstacle_is_told() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(2, 1).eligible_only()).await;
        let proven = |who, number| ask(who, 1, number).eligible(shop.proof(who));
        shop.win(&proven(1, 1), OPENS).await;
        shop.win(&proven(2, 1), OPENS).await;
        shop.steer(Step::Pause, OPENS).await;
        // Without a proof not even the own win is told.
        assert_eq!(shop.ask(&ask(1, 1, 1), CLOSES).await, refused(Refusal::NotEligible));
        assert_eq!(shop.ask(&ask(1, 1, 2), CLOSES).await, refused(Refusal::NotEligible));
        assert!(won(shop.ask(&proven(1, 1), CLOSES).await).replayed);
        let reused = ask(1, 2, 1).eligible(shop.proof(1));
        let reused = store.reserve(shop.terms.id(), &reused, at(CLOSES)).await.unwrap_err();
        assert_eq!(reused.kind(), ErrorKind::Misuse);
        assert_eq!(shop.ask(&proven(1, 2), CLOSES).await, refused(Refusal::Closed));
        let not_open = refused(Refusal::NotOpen { opens_at: shop.terms.opens_at() });
        assert_eq!(shop.ask(&proven(1, 2), OPENS - 1).await, not_open);
        assert_eq!(shop.ask(&proven(1, 2), OPENS).await, refused(Refusal::Paused));
        shop.steer(Step::Resume, OPENS).await;
        assert_eq!(
            shop.ask(&proven(1, 2), OPENS).await,
            refused(Refusal::LimitReached { limit: 1, held: 1 })
        );
        assert_eq!(shop.ask(&proven(3, 1), OPENS).await, refused(Refusal::SoldOut));
        store.release(&shop.id(2, 1)).await.unwrap();
        shop.win(&proven(3, 1), OPENS).await;
    })
    .await;
}

#[tokio::test]
async fn proof_is_for_one_sale_and_one_buyer() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(5, 1).eligible_only()).await;
        let request = ask(1, 1, 1);
        let wrong = [shop.proof(2), Eligible::vouched(&fresh(), &buyer(1))];
        for proof in wrong {
            let answer = shop.ask(&request.clone().eligible(proof), OPENS).await;
            assert_eq!(answer, refused(Refusal::NotEligible));
        }
        shop.win(&request.clone().eligible(shop.proof(1)), OPENS).await;
        // One batch has both.
        let batch =
            [ask(2, 1, 1), ask(3, 1, 1).eligible(shop.proof(3)), ask(4, 1, 1).eligible(shop.proof(3))];
        let answers = shop.batch(&batch, OPENS).await;
        assert_eq!(
            (&answers[0], &answers[2]),
            (&refused(Refusal::NotEligible), &refused(Refusal::NotEligible))
        );
        assert!(!won(answers[1].clone()).replayed);
        // Where everybody may take part, a wrong proof does no harm.
        let open = Shop::open(&store, terms(5, 1)).await;
        open.win(&request.eligible(shop.proof(2)), OPENS).await;
    })
    .await;
}

#[tokio::test]
async fn batch_goes_on_after_the_step_in_which_it_swept() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(601, 601)).await;
        shop.crowd(1_000, 600, OPENS).await;
        // The first takes what is left, the second needs one sweep, the third two more; the last is the
        // first again, and the one before it comes too late for all of these.
        let batch = [ask(1, 1, 1), ask(2, 200, 2), ask(3, 400, 3), ask(4, 1, 4), ask(1, 1, 1)];
        let answers = shop.batch(&batch, OPENS + PAY).await;
        // In the pass after the first sweep 256 units are left: 200 for the second and 1 for the fourth.
        let wins: Vec<_> = answers.iter().map(won_anew).collect();
        assert_eq!(wins, [Some(true), Some(true), None, Some(true), Some(false)]);
        assert_eq!(answers[2], refused(Refusal::SoldOut));
        assert_eq!(shop.units().await, (399, 202, 0));
    })
    .await;
}

fn won_anew(answer: &seckill::Outcome) -> Option<bool> {
    match answer {
        seckill::Outcome::Reserved(won) => Some(!won.replayed),
        _ => None,
    }
}

#[tokio::test]
async fn batch_decides_the_requests_of_one_buyer_one_after_the_other() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(3, 2)).await;
        let batch = [ask(1, 1, 1), ask(1, 1, 1), ask(1, 1, 2), ask(1, 1, 3), ask(2, 2, 1)];
        let answers = shop.batch(&batch, OPENS).await;
        // The other buyer is in the first pass, before the second request of the first buyer.
        let wins: Vec<_> = answers.iter().map(won_anew).collect();
        assert_eq!(wins, [Some(true), Some(false), None, None, Some(true)]);
        assert_eq!((&answers[2], &answers[3]), (&refused(Refusal::SoldOut), &refused(Refusal::SoldOut)));
        assert_eq!(shop.state(OPENS).await.sequence, 2);
    })
    .await;
}

#[tokio::test]
async fn batch_over_the_bound_is_refused_whole() {
    in_all(async |store| {
        let shop = Shop::open(&store, terms(1_000, 1)).await;
        let requests: Vec<_> = (0..257).map(|number| ask(number, 1, number)).collect();
        let answers = store.reserve_batch(shop.terms.id(), &requests, at(OPENS)).await;
        assert_eq!(answers.len(), 257);
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().kind() == ErrorKind::InvalidInput));
        assert!(store.reserve_batch(shop.terms.id(), &[], at(OPENS)).await.is_empty());
        assert_eq!(shop.units().await, (1_000, 0, 0));
    })
    .await;
}
