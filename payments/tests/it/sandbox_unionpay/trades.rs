//! Payments, refunds and undos in the gateway's codes.

use super::{APP, BACK, FRONT, NUMBER, Shop, shop, token};
use http::StatusCode;

fn code(shop: &Shop, kind: &str, number: &str, fen: &str, query_id: &str) -> String {
    shop.call(BACK, &shop.back(kind, number, fen, query_id))["respCode"].clone()
}

#[test]
fn a_browser_pays() {
    let shop = shop();
    let at = shop.now();
    assert_eq!(shop.query(NUMBER, &at)["respCode"], "34");
    let page = shop.post(FRONT, &shop.payment(&[]));
    let waiting = shop.query(NUMBER, &at);
    assert_eq!((waiting["respCode"].as_str(), waiting["origRespCode"].as_str()), ("00", "05"));
    assert!(!waiting.contains_key("settleAmt"));
    let again = shop.post(FRONT, &shop.payment(&[]));
    assert_ne!(token(&again), token(&page), "a browser that comes back gets a page of its own");
    assert_eq!(shop.post(FRONT, &shop.payment(&[("txnAmt", "1")])).status(), StatusCode::BAD_REQUEST);
    let back = shop.pay();
    assert_eq!(back.status(), StatusCode::OK);
    let html = std::str::from_utf8(back.body()).unwrap();
    assert!(
        html.contains("action=\"https://shop.example/unionpay/return\"")
            && html.contains("name=\"signPubKeyCert\"")
    );
    let paid = shop.query(NUMBER, &at);
    assert_eq!((paid["respCode"].as_str(), paid["origRespCode"].as_str()), ("00", "00"));
    assert_eq!((paid["txnAmt"].as_str(), paid["settleAmt"].as_str()), ("8800", "8800"));
    assert_eq!((paid["queryId"].len(), paid["traceTime"].as_str()), (21, "0921221320"));
    assert_eq!(shop.post(FRONT, &shop.payment(&[])).status(), StatusCode::BAD_REQUEST, "paid once");
    assert_eq!(shop.query(NUMBER, "20260921221321")["respCode"], "34", "another time is another trade");
}

#[test]
fn an_application_pays_by_its_tn() {
    let shop = shop();
    let reply = shop.call(APP, &shop.payment(&[("frontUrl", ""), ("channelType", "08")]));
    let tn = &reply["tn"];
    assert!(tn.len() <= 64 && tn.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(shop.query(NUMBER, &shop.now())["respCode"], "34", "nobody opened it");
    let page = shop.loopback.get(&format!("/unionpay/pay/{tn}"));
    assert_eq!(shop.query(NUMBER, &shop.now())["origRespCode"], "05");
    assert_eq!(shop.loopback.post("/cashier/pay", &format!("token={}", token(&page))).status(), 200);
    assert_eq!(shop.query(NUMBER, &shop.now())["origRespCode"], "00");
    let again = shop.call(APP, &shop.payment(&[("frontUrl", ""), ("channelType", "08")]));
    assert_eq!(again["respCode"], "12");
    assert_eq!(shop.loopback.get("/unionpay/pay/00").status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_payment_fails_by_its_number_and_times_out() {
    let shop = shop();
    let failing = shop.payment(&[("orderId", "COURSE1FAILED")]);
    assert_eq!(shop.post(FRONT, &failing).status(), StatusCode::BAD_REQUEST);
    assert_eq!(shop.query("COURSE1FAILED", &shop.now())["origRespCode"], "01");
    let at = shop.now();
    shop.post(FRONT, &shop.payment(&[("payTimeout", "20260921222320")]));
    shop.loopback.advance_millis(600_000 - 1);
    assert_eq!(shop.query(NUMBER, &at)["origRespCode"], "05");
    shop.loopback.advance_millis(1);
    assert_eq!(shop.query(NUMBER, &at)["origRespCode"], "01");
    assert!(shop.notifies().is_empty());
}

#[test]
fn refunds_never_exceed_what_came_in() {
    let shop = shop();
    shop.post(FRONT, &shop.payment(&[]));
    let unpaid = shop.query_id();
    assert_eq!(code(&shop, "04", "REFUND0001", "1", &unpaid), "35");
    shop.pay();
    let paid = shop.query_id();
    assert_eq!(code(&shop, "04", "REFUND0001", "1", "000000000000000000000"), "35");
    assert_eq!(code(&shop, "04", "REFUND0001", "8801", &paid), "33");
    assert_eq!(code(&shop, "04", NUMBER, "1", &paid), "12", "the number of the payment");
    assert_eq!(code(&shop, "04", "REFUND0001", "8000", &paid), "00");
    assert_eq!(code(&shop, "04", "REFUND0001", "8000", &paid), "12");
    assert_eq!(code(&shop, "04", "REFUND0002", "801", &paid), "33");
    assert_eq!(code(&shop, "31", "UNDO000001", "8800", &paid), "35", "something went back already");
    let refund = shop.query("REFUND0001", &shop.now());
    assert_eq!((refund["origRespCode"].as_str(), refund["txnType"].as_str()), ("00", "04"));
    assert_eq!((refund["origQryId"].as_str(), refund["txnAmt"].as_str()), (paid.as_str(), "8000"));
    assert_eq!(refund["reqReserved"], NUMBER);
}

#[test]
fn an_undo_takes_the_whole_on_its_clearing_day() {
    let [early, late] = [shop(), shop()];
    for shop in [&early, &late] {
        shop.pay();
    }
    let paid = early.query_id();
    assert_eq!(code(&early, "31", "UNDO000001", "8799", &paid), "36");
    // The clearing day ends at 23:00; the payment came at 22:13:20.
    early.loopback.advance_millis(2_799_000);
    assert_eq!(code(&early, "31", "UNDO000001", "8800", &paid), "00");
    assert_eq!(early.query("UNDO000001", &early.now())["txnType"], "31");
    let paid = late.query_id();
    late.loopback.advance_millis(2_800_000);
    assert_eq!(late.now(), "20260921230000");
    assert_eq!(code(&late, "31", "UNDO000001", "8800", &paid), "35");
    assert_eq!(code(&late, "04", "REFUND0001", "8800", &paid), "00");
}

#[test]
fn refunds_end_as_their_numbers_say() {
    let shop = shop();
    shop.pay();
    let paid = shop.query_id();
    assert_eq!(shop.notifies().len(), 1);
    assert_eq!(code(&shop, "04", "REFUND1CLOSED", "100", &paid), "00");
    assert_eq!(shop.query("REFUND1CLOSED", &shop.now())["origRespCode"], "01");
    assert!(shop.notifies().is_empty(), "only good ends are told");
    assert_eq!(code(&shop, "04", "REFUND1UNCLEAR", "100", &paid), "03");
    assert_eq!(shop.query("REFUND1UNCLEAR", &shop.now())["origRespCode"], "00");
    assert_eq!(shop.notifies().len(), 1);
}
