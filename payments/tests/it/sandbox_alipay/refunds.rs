//! Refunds in parts and in full, until a trade is finished, and the bill of the day.

use super::{NUMBER, callback, house, refund, trade};
use crate::support::{NOW, yuan};
use payments::{
    BillDay, CloseOutcome, Gateway as _, Movement, PayWith, QueryOutcome, RefundOutcome, RefundStatus, Scene,
    TradeStatus,
};

#[tokio::test]
async fn refunds_in_parts_and_in_full() {
    let house = house();
    let paid = house.paid().await;
    let first = refund(&paid, "REFUND_1", "30.00");
    assert!(matches!(house.gateway.query_refund(&first).await.unwrap(), RefundOutcome::NotFound));

    for _ in 0..2 {
        let RefundOutcome::Refund(done) = house.refund(&first).await else { panic!("refused") };
        assert_eq!((done.status(), done.amount()), (RefundStatus::Succeeded, yuan("30.00")));
    }
    let told = house.incoming();
    assert_eq!(told.len(), 1, "a repeat moves no money and tells nothing");
    // A trade that is refunded in part stays a success.
    assert_eq!((told[0].status(), told[0].field("refund_fee")), (TradeStatus::Paid, Some("30.00")));
    assert_eq!(house.query().await, Some(TradeStatus::Paid));

    let RefundOutcome::Refused { code, .. } = house.refund(&refund(&paid, "REFUND_2", "58.01")).await else {
        panic!("more went back than came in")
    };
    assert_eq!(code, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL");
    let other = refund(&paid, "REFUND_1", "31.00");
    let error = house.gateway.refund(&other, &callback("/refund")).await.unwrap_err();
    assert_eq!(error.gateway_code(), Some("ACQ.DISCORDANT_REPEAT_REQUEST"));

    let RefundOutcome::Refund(_) = house.refund(&refund(&paid, "REFUND_2", "58.00")).await else {
        panic!("refused")
    };
    let told = house.incoming().remove(0);
    assert_eq!((told.status(), told.field("refund_fee")), (TradeStatus::Closed, Some("88.00")));
    assert_eq!(house.query().await, Some(TradeStatus::Closed));
    assert_eq!(house.close().await, CloseOutcome::AlreadyPaid);
}

#[tokio::test]
async fn a_refund_before_the_payment_is_refused() {
    let house = house();
    let paid = house.paid().await;
    let other = self::house();
    let PayWith::Redirect { url } = other.pay(Scene::Page).await else { panic!("no page") };
    other.loopback.get(&url);
    let RefundOutcome::Refused { code, .. } = other.refund(&refund(&paid, "REFUND_1", "1.00")).await else {
        panic!("money went back that never came")
    };
    assert_eq!(code, "ACQ.TRADE_STATUS_ERROR");
}

#[tokio::test]
async fn after_three_months_a_trade_is_finished() {
    let house = house();
    let paid = house.paid().await;
    house.loopback.advance_millis(90 * 86_400_000);
    let QueryOutcome::Trade(notify) = house.gateway.query(&trade()).await.unwrap() else {
        panic!("no trade")
    };
    assert_eq!(notify.field("trade_status"), Some("TRADE_FINISHED"));
    let RefundOutcome::Refused { code, .. } = house.refund(&refund(&paid, "REFUND_1", "1.00")).await else {
        panic!("too late")
    };
    assert_eq!(code, "ACQ.TRADE_HAS_FINISHED");
}

#[tokio::test]
async fn the_bill_has_the_day() {
    let house = house();
    let day = BillDay::of(NOW);
    assert_eq!(house.gateway.bill(day).await.unwrap(), None);
    let paid = house.paid().await;
    house.loopback.advance_millis(1000);
    house.refund(&refund(&paid, "REFUND_1", "30.00")).await;
    let bill = house.gateway.bill(day).await.unwrap().unwrap();
    let lines: Vec<_> = bill.lines.iter().map(|line| (line.movement.clone(), line.amount, line.at)).collect();
    let refunded = Movement::Refund { refund_no: Some("REFUND_1".to_owned()), succeeded: true };
    assert_eq!(
        lines,
        [(Movement::Payment, yuan("88.00"), Some(NOW)), (refunded, yuan("30.00"), Some(NOW.plus_secs(1))),]
    );
    assert!(bill.lines.iter().all(|line| line.out_trade_no == NUMBER && line.trade_no == *paid.trade_no()));
    assert_eq!(house.gateway.bill(day.previous()).await.unwrap(), None);
}
