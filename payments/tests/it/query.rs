//! The trade query and its signed reply, honest and tampered with.

use crate::support::{NOW, NUMBER, Shop, number, order, query_of, shop, shop_with, stamp, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use payments::alipay::TradeQuery;
use payments::sandbox::{SandboxKeys, generate_key};
use payments::sign::Signer as _;
use payments::store::{MemoryStore, OrderStore as _};
use payments::{Call, ErrorKind, QueryOutcome, Reply, Settlement, TradeStatus};

fn ask(shop: &Shop, gateway: &Shop) -> Response<Bytes> {
    let request = TradeQuery::new(number(NUMBER)).request(&shop.merchant, stamp()).unwrap();
    let (mut parts, body) = request.into_parts();
    parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
    gateway.gateway.handle(&Request::from_parts(parts, body), NOW, [8; 32])
}

#[test]
fn a_query_tells_what_a_lost_notify_would_have_told() {
    let shop = shop();
    let query = TradeQuery::new(number(NUMBER));
    let read = |reply: &Response<Bytes>| query.read(&shop.merchant, &Reply::new(reply.clone(), NOW));
    assert!(matches!(read(&ask(&shop, &shop)).unwrap(), QueryOutcome::NotFound));

    let order = order(NUMBER, "88.00");
    let cashier = shop.gateway.page_pay(&query_of(&shop, order.clone()), NOW, [1; 32]).unwrap();
    let QueryOutcome::Trade(waiting) = read(&ask(&shop, &shop)).unwrap() else { panic!("no trade") };
    assert_eq!(waiting.status(), TradeStatus::Waiting);

    shop.gateway.pay(cashier.token(), NOW).unwrap();
    let notify = shop.notifies().remove(0);
    let QueryOutcome::Trade(paid) = read(&ask(&shop, &shop)).unwrap() else { panic!("no trade") };
    let paid = paid.check(&shop.merchant.expected(&order)).unwrap();
    assert_eq!(paid.trade_no(), shop.checked(notify.body(), &order).trade_no());
    assert_eq!((paid.status(), paid.notify_id()), (TradeStatus::Paid, None));
    assert_eq!(paid.field("send_pay_date"), Some(NOW.china_text().as_str()));
}

/// The query is asked only after the refund: what it says about the payment has to keep the late notify out.
#[tokio::test]
async fn a_query_tells_a_refunded_trade_from_an_unpaid_one() {
    let key = generate_key().unwrap();
    let shop = shop_with(SandboxKeys::from_key(key.clone()));
    let sold = order(NUMBER, "88.00");
    let notify = shop.checked(&shop.pay(&sold), &sold);
    let closed = |more: &str| {
        let (number, trade) = (NUMBER, notify.trade_no());
        let content = format!(
            "{{\"code\":\"10000\",\"out_trade_no\":\"{number}\",\"trade_no\":\"{trade}\",\
             \"total_amount\":\"88.00\",\"trade_status\":\"TRADE_CLOSED\"{more}}}"
        );
        let sign = STANDARD.encode(key.sign(content.as_bytes()).unwrap());
        let body = format!("{{\"alipay_trade_query_response\":{content},\"sign\":\"{sign}\"}}");
        let reply = TradeQuery::new(number.parse().unwrap())
            .read(&shop.merchant, &Reply::new(Response::new(body.into()), NOW));
        let QueryOutcome::Trade(closed) = reply.unwrap() else { panic!("no trade") };
        closed.check(&shop.merchant.expected(&sold)).unwrap()
    };
    for (more, refunded) in [
        ("", false),
        (",\"send_pay_date\":\"\"", false),
        (",\"send_pay_date\":\"2026-09-22 00:00:00\"", true),
    ] {
        let store = MemoryStore::new();
        store.create(&sold, NOW).await.unwrap();
        let answer = store.settle(&closed(more), NOW).await.unwrap();
        assert_eq!(answer == Settlement::Refunded, refunded, "{more}: {answer:?}");
        let late = store.settle(&notify, NOW).await.unwrap();
        assert_eq!(late, if refunded { Settlement::Duplicate } else { Settlement::Paid }, "{more}");
    }
}

#[test]
fn replies_are_read_only_if_signed() {
    let (shop, stranger) = (shop(), shop());
    shop.pay(&order(NUMBER, "88.00"));
    let query = TradeQuery::new(number(NUMBER));
    let kind = |reply: &Response<Bytes>| {
        query.read(&shop.merchant, &Reply::new(reply.clone(), NOW)).unwrap_err().kind()
    };
    let reply = ask(&shop, &shop);
    let changed =
        |before: &str, after: &str| Response::new(Bytes::from(text(&reply).replacen(before, after, 1)));
    assert_eq!(kind(&changed("88.00", "0.01")), ErrorKind::Unverified);
    assert_eq!(kind(&changed("TRADE_SUCCESS", "TRADE_CLOSED")), ErrorKind::Unverified);
    assert_eq!(kind(&changed("\"sign\":\"", "\"sign\":\"AAAA")), ErrorKind::Unverified);
    assert_eq!(kind(&changed("\"sign\"", "\"sing\"")), ErrorKind::Unverified);
    assert_eq!(kind(&changed("{\"alipay", "{\"sign\":\"x\",\"alipay")), ErrorKind::Unverified);

    // A stranger's key: the gateway cannot know who asks, so its refusal is unsigned.
    let refused = ask(&stranger, &shop);
    let error = query.read(&shop.merchant, &Reply::new(refused, NOW)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);

    // A reply to the query for another order, signed with the right key.
    let other = TradeQuery::new(number("COURSE_0002"));
    assert_eq!(
        other.read(&shop.merchant, &Reply::new(reply.clone(), NOW)).unwrap_err().kind(),
        ErrorKind::PeerMisbehaved
    );
    let mut down = Response::new(Bytes::new());
    *down.status_mut() = StatusCode::BAD_GATEWAY;
    assert!(query.read(&shop.merchant, &Reply::new(down.clone(), NOW)).unwrap_err().is_transient());
}
