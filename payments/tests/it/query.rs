//! The trade query and its signed reply, honest and tampered with.

use crate::support::{NOW, NUMBER, Shop, number, order, query_of, shop, stamp, text};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use payments::alipay::{QueryOutcome, TradeQuery};
use payments::{Call, ErrorKind, TradeStatus};

fn ask(shop: &Shop, gateway: &Shop) -> Response<Bytes> {
    let request = TradeQuery::new(number(NUMBER)).request(&shop.merchant, stamp()).unwrap();
    let (mut parts, body) = request.into_parts();
    parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
    gateway.gateway.handle(&Request::from_parts(parts, body), NOW, [8; 32]).0
}

#[test]
fn a_query_tells_what_a_lost_notify_would_have_told() {
    let shop = shop();
    let query = TradeQuery::new(number(NUMBER));
    let read = |reply: &Response<Bytes>| query.read(&shop.merchant, reply);
    assert!(matches!(read(&ask(&shop, &shop)).unwrap(), QueryOutcome::NotFound));

    let order = order(NUMBER, "88.00");
    let cashier = shop.gateway.page_pay(&query_of(&shop, order.clone()), NOW, [1; 32]).unwrap();
    let QueryOutcome::Trade(waiting) = read(&ask(&shop, &shop)).unwrap() else { panic!("no trade") };
    assert_eq!(waiting.status(), TradeStatus::Waiting);

    let notify = shop.gateway.pay(cashier.token(), NOW).unwrap().notify.unwrap();
    let QueryOutcome::Trade(paid) = read(&ask(&shop, &shop)).unwrap() else { panic!("no trade") };
    let paid = paid.check(&shop.merchant.expected(&order)).unwrap();
    assert_eq!(paid.trade_no(), shop.checked(notify.body(), &order).trade_no());
    assert_eq!((paid.status(), paid.notify_id()), (TradeStatus::Paid, None));
}

#[test]
fn replies_are_read_only_if_signed() {
    let (shop, stranger) = (shop(), shop());
    shop.pay(&order(NUMBER, "88.00"));
    let query = TradeQuery::new(number(NUMBER));
    let kind = |reply: &Response<Bytes>| query.read(&shop.merchant, reply).unwrap_err().kind();
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
    let error = query.read(&shop.merchant, &refused).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);

    // A reply to the query for another order, signed with the right key.
    let other = TradeQuery::new(number("COURSE_0002"));
    assert_eq!(other.read(&shop.merchant, &reply).unwrap_err().kind(), ErrorKind::PeerMisbehaved);
    let mut down = Response::new(Bytes::new());
    *down.status_mut() = StatusCode::BAD_GATEWAY;
    assert!(query.read(&shop.merchant, &down).unwrap_err().is_transient());
}
