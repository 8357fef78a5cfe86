//! A store that fails at any step: nothing is lost or doubled.

use super::{NOW, checkout, order, part, shop};
use crate::desk::CheckoutOutcome;
use crate::fake::Fault;
use crate::store::OrderStore;
use crate::{RefundState, Scene, Settlement, TradeState};

/// A store call that fails: the how manieth, and whether it had done its part.
fn store_faults() -> impl Iterator<Item = (u32, bool)> {
    (0..6).flat_map(|calls_before| [(calls_before, false), (calls_before, true)])
}

#[tokio::test]
async fn a_store_that_fails_makes_the_gateway_tell_again_and_nothing_is_lost_or_doubled() {
    let mut failed = 0;
    for (calls_before, acted) in store_faults() {
        let shop = shop();
        let _paying = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
        shop.gateway.pay_now(&order());
        shop.store.fail_after(calls_before, acted);
        let (status, receipt) = shop.post("trade COURSE_0001").await;
        assert_eq!(status.is_success(), receipt.is_ok());
        if let Err(error) = receipt {
            failed += 1;
            assert!(error.is_transient());
        }
        shop.store.heal();
        let settled = shop.settled("trade COURSE_0001").await;
        assert!(matches!(settled, Settlement::Paid | Settlement::Duplicate), "{settled:?}");
        assert_eq!(shop.state().await, TradeState::Paid);
        assert_eq!(shop.store.take_work(NOW, 1, 9).await.unwrap().len(), 1, "one delivery");
    }
    assert_eq!(failed, 4, "an order is found and settled, and each of them fails before and after");
}

#[tokio::test]
async fn a_store_that_fails_in_a_checkout_leaves_an_order_that_can_be_paid() {
    for fault in [None, Some(Fault::ReplyLost)] {
        for (calls_before, acted) in store_faults() {
            let shop = shop();
            shop.gateway.books().faults.extend(fault);
            shop.store.fail_after(calls_before, acted);
            let first = shop.desk.checkout(&checkout(Scene::Qr)).await;
            assert!(first.is_ok() || first.unwrap_err().is_transient());
            shop.store.heal();
            shop.gateway.books().faults.clear();
            let again = shop.desk.checkout(&checkout(Scene::Qr)).await.unwrap();
            assert!(matches!(again, CheckoutOutcome::Pay(_)), "{again:?}");
            shop.gateway.pay_now(&order());
            assert_eq!(shop.settled("trade COURSE_0001").await, Settlement::Paid);
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_in_a_refund_moves_money_once_all_the_same() {
    for fault in [None, Some(Fault::ReplyLost), Some(Fault::RequestLost)] {
        for (calls_before, acted) in store_faults() {
            let shop = shop();
            shop.sell().await;
            let refund = part("REFUND_1", "30.00", &shop.gateway);
            shop.gateway.books().faults.extend(fault);
            shop.store.fail_after(calls_before, acted);
            let first = shop.desk.refund(&refund).await;
            assert!(first.is_ok() || first.unwrap_err().is_transient());
            shop.store.heal();
            shop.gateway.books().faults.clear();
            let _over_or_told = shop.desk.refund(&refund).await.unwrap();
            assert_eq!(shop.refund_state("REFUND_1").await, RefundState::Succeeded);
            assert_eq!(shop.gateway.books().refunds.len(), 1);
            assert_eq!(shop.state().await, TradeState::PartiallyRefunded);
        }
    }
}
