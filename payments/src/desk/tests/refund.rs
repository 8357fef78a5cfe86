//! Refunds: money moves once, however often it is asked for.

use super::{NOW, part, shop};
use crate::desk::{Receipt, RefundAnswer};
use crate::fake::Fault;
use crate::store::{RefundSettlement, RefundStart};
use crate::{Channel, Money, RefundNo, RefundState, RefundStatus, TradeState};
use http::StatusCode;

#[tokio::test]
async fn a_refund_moves_money_once_however_often_it_is_asked_for() {
    // Whatever becomes of the first two requests, the third finds out.
    let faults = [None, Some(Fault::Fails), Some(Fault::ReplyLost), Some(Fault::RequestLost)];
    for first in faults {
        for second in faults {
            let shop = shop();
            shop.sell().await;
            let refund = part("REFUND_1", "30.00", &shop.gateway);
            for fault in [first, second, None] {
                shop.gateway.books().faults.extend(fault);
                let answer = shop.desk.refund(&refund).await;
                assert!(!matches!(answer, Ok(RefundAnswer::Refused { .. })), "{first:?} {second:?}");
                shop.gateway.books().faults.clear();
            }
            assert_eq!(shop.gateway.books().refunds.len(), 1);
            assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Succeeded, "{first:?} {second:?}");
            assert_eq!(shop.state().await, TradeState::PartiallyRefunded);
        }
    }
}

#[tokio::test]
async fn a_refusal_is_believed_only_when_the_gateway_has_no_such_refund() {
    let shop = shop();
    shop.sell().await;
    let refund = part("REFUND_1", "30.00", &shop.gateway);
    shop.gateway.books().refuse_refunds = true;
    let answer = shop.desk.refund(&refund).await.unwrap();
    assert!(matches!(&answer, RefundAnswer::Refused { code, .. } if code == "NOT_ENOUGH"), "{answer:?}");
    assert_eq!(shop.calls(), ["refund", "query_refund"]);
    assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Requested, "it may be asked for again");

    // Another process asks in between, and sees its refund acted upon; ours is refused and tells the truth.
    let done = (refund.clone(), RefundStatus::Processing);
    let counter = shop.desk.counter(Channel::Wechat).unwrap();
    shop.gateway.books().refunds.insert("REFUND_1".to_owned(), done);
    let asked = crate::RefundRef { refund: refund.clone(), requested_at: NOW };
    let answer = shop.desk.ask_for(counter, &asked).await.unwrap();
    assert!(matches!(answer, RefundAnswer::Told(Receipt::Refund { .. })), "{answer:?}");
    assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Processing);
}

#[tokio::test]
async fn a_second_refund_takes_no_more_than_is_left() {
    let shop = shop();
    shop.sell().await;
    for (number, yuan, fits) in
        [("REFUND_1", "60.00", true), ("REFUND_2", "60.00", false), ("REFUND_3", "28.00", true)]
    {
        let answer = shop.desk.refund(&part(number, yuan, &shop.gateway)).await.unwrap();
        match answer {
            RefundAnswer::Told(_) => assert!(fits, "{number}"),
            RefundAnswer::NotStarted(RefundStart::Exceeds { left }) => {
                assert_eq!((fits, left), (false, Some(Money::parse_yuan("28.00").unwrap())));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shop.state().await, TradeState::Refunded);
    assert_eq!(shop.calls(), ["refund", "refund"], "what exceeds never reaches the gateway");
    let again = shop.desk.refund(&part("REFUND_1", "60.00", &shop.gateway)).await.unwrap();
    assert!(matches!(again, RefundAnswer::NotStarted(RefundStart::Same(RefundState::Succeeded))));
    assert!(shop.calls().is_empty());
}

#[tokio::test]
async fn a_refund_notify_is_settled_and_acknowledged() {
    let shop = shop();
    shop.sell().await;
    shop.gateway.books().refund_status = Some(RefundStatus::Processing);
    let answer = shop.desk.refund(&part("REFUND_1", "88.00", &shop.gateway)).await.unwrap();
    assert!(matches!(answer, RefundAnswer::Told(_)), "{answer:?}");
    assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Processing);
    shop.gateway.books().refunds.get_mut("REFUND_1").unwrap().1 = RefundStatus::Succeeded;
    let moved = RefundSettlement::Moved { refund: RefundState::Succeeded, order: TradeState::Refunded };
    for expected in [moved, RefundSettlement::Duplicate] {
        let (status, receipt) = shop.post("refund REFUND_1").await;
        assert_eq!(status, StatusCode::OK);
        let refund_no = RefundNo::parse("REFUND_1").unwrap();
        assert_eq!(receipt.unwrap(), Receipt::Refund { refund_no, settlement: expected });
    }
    // An older message that arrives last contradicts, and is acknowledged, or it would come for days.
    shop.gateway.books().refunds.get_mut("REFUND_1").unwrap().1 = RefundStatus::Processing;
    let (status, receipt) = shop.post("refund REFUND_1").await;
    assert_eq!(status, StatusCode::OK);
    assert!(matches!(receipt.unwrap(), Receipt::Refund { settlement: RefundSettlement::Refused(_), .. }));
}
