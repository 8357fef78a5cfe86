//! Refunds that are given up: only what the gateway does not have.

use super::{NOW, Shop, part, shop};
use crate::desk::{DropAnswer, Receipt, RefundAnswer};
use crate::fake::Fault;
use crate::store::{OrderStore, RefundSettlement, RefundStart, RefundStep};
use crate::{RefundNo, RefundState, RefundStatus, TradeState};

impl Shop {
    /// A paid order with a refund that the gateway refused.
    async fn refused(number: &str) -> (Self, RefundNo) {
        let shop = shop();
        shop.sell().await;
        shop.gateway.books().refuse_refunds = true;
        let refund = part(number, "60.00", &shop.gateway);
        let answer = shop.desk.refund(&refund).await.unwrap();
        assert!(matches!(answer, RefundAnswer::Refused { .. }), "{answer:?}");
        shop.calls();
        shop.clock.forward_secs(300);
        (shop, refund.refund_no)
    }
}

#[tokio::test]
async fn a_refused_refund_is_given_up_and_its_amount_is_free() {
    for refuses_questions in [false, true] {
        let (shop, number) = Shop::refused("REFUND_1").await;
        shop.gateway.books().refuse_refund_queries = refuses_questions;
        let other = part("REFUND_2", "88.00", &shop.gateway);
        let kept = shop.desk.refund(&other).await.unwrap();
        assert!(matches!(kept, RefundAnswer::NotStarted(RefundStart::Exceeds { .. })), "{kept:?}");

        let dropped = shop.desk.drop_refund(&number).await.unwrap();
        assert_eq!(dropped, DropAnswer::Stored(RefundStep::Moved));
        assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Closed);
        assert_eq!(shop.calls(), ["query_refund"], "it is never asked for again");
        assert_eq!(shop.desk.drop_refund(&number).await.unwrap(), DropAnswer::Stored(RefundStep::Same));
        let again = shop.desk.refund(&part("REFUND_1", "60.00", &shop.gateway)).await.unwrap();
        assert!(matches!(again, RefundAnswer::NotStarted(RefundStart::Same(RefundState::Closed))));
        assert!(shop.store.open_refunds(NOW.plus_secs(999), None, 9).await.unwrap().is_empty());
        assert!(shop.calls().is_empty(), "what is over is not asked about");

        shop.gateway.books().refuse_refunds = false;
        assert!(matches!(shop.desk.refund(&other).await.unwrap(), RefundAnswer::Told(_)));
        assert_eq!(shop.state().await, TradeState::Refunded);
    }
}

#[tokio::test]
async fn what_the_gateway_has_is_recorded_and_not_given_up() {
    for (status, state) in [
        (RefundStatus::Processing, RefundState::Processing),
        (RefundStatus::Succeeded, RefundState::Succeeded),
        (RefundStatus::Abnormal, RefundState::Abnormal),
        (RefundStatus::Closed, RefundState::Closed),
    ] {
        let (shop, number) = Shop::refused("REFUND_1").await;
        let refund = part("REFUND_1", "60.00", &shop.gateway);
        shop.gateway.books().refunds.insert("REFUND_1".to_owned(), (refund, status));
        let DropAnswer::Told(Receipt::Refund { settlement, .. }) =
            shop.desk.drop_refund(&number).await.unwrap()
        else {
            panic!("given up while the gateway has it")
        };
        assert!(matches!(settlement, RefundSettlement::Moved { .. }), "{settlement:?}");
        assert_eq!(shop.refund_state("REFUND_1").await, state);
    }
}

#[tokio::test]
async fn without_an_answer_or_a_record_nothing_is_given_up() {
    let (shop, number) = Shop::refused("REFUND_1").await;
    for fault in [Fault::Fails, Fault::RequestLost, Fault::ReplyLost] {
        shop.gateway.books().faults.push_back(fault);
        assert!(shop.desk.drop_refund(&number).await.unwrap_err().is_transient(), "{fault:?}");
        assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Requested);
    }
    // Between the question and the record somebody else hears that the gateway took it.
    let refund = part("REFUND_1", "60.00", &shop.gateway);
    shop.gateway.books().refunds.insert("REFUND_1".to_owned(), (refund, RefundStatus::Processing));
    let (status, _) = shop.post("refund REFUND_1").await;
    assert!(status.is_success());
    shop.gateway.books().refunds.clear();
    let late = shop.desk.drop_refund(&number).await.unwrap();
    assert_eq!(late, DropAnswer::Stored(RefundStep::Refused(RefundState::Processing)));

    let nobody = RefundNo::parse("REFUND_9").unwrap();
    shop.calls();
    let answer = shop.desk.drop_refund(&nobody).await.unwrap();
    assert_eq!((answer, shop.calls().len()), (DropAnswer::Stored(RefundStep::UnknownRefund), 0));
}

#[tokio::test]
async fn a_request_that_may_be_on_its_way_keeps_the_refund() {
    let (shop, number) = Shop::refused("REFUND_1").await;
    // It is asked for again: the refusal of before tells nothing of this request.
    let again = shop.desk.refund(&part("REFUND_1", "60.00", &shop.gateway)).await.unwrap();
    assert!(matches!(again, RefundAnswer::Refused { .. }), "{again:?}");
    let until = shop.desk.now().plus_secs(300);
    for secs in [0, 299] {
        shop.clock.forward_secs(secs);
        let early = shop.desk.drop_refund(&number).await.unwrap();
        assert_eq!(early, DropAnswer::Stored(RefundStep::TooSoon { until }));
        assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Requested);
    }
    shop.clock.forward_secs(1);
    let dropped = shop.desk.drop_refund(&number).await.unwrap();
    assert_eq!(dropped, DropAnswer::Stored(RefundStep::Moved));
}

#[tokio::test]
async fn a_refund_that_was_given_up_since_is_not_asked_for_again() {
    let (shop, number) = Shop::refused("REFUND_1").await;
    let page = shop.store.open_refunds(shop.desk.now(), None, 9).await.unwrap();
    assert_eq!(shop.desk.drop_refund(&number).await.unwrap(), DropAnswer::Stored(RefundStep::Moved));
    shop.gateway.books().refuse_refunds = false;
    shop.calls();
    let late = shop.desk.resume_refund(&page[0]).await.unwrap();
    assert!(matches!(late, RefundAnswer::NotStarted(RefundStart::Same(RefundState::Closed))), "{late:?}");
    assert_eq!(shop.calls(), ["query_refund"]);
    assert!(shop.gateway.books().refunds.is_empty(), "no money moved");
}
