//! Questions: about a trade, and for the file of a day; how their replies are read.

use super::assert_sent;
use crate::support::stamp;
use crate::unionpay::bank::{
    Bank, NUMBER, QUERY_ID, order, paid, plain, queried, reply, submitted_at, trade, with, without,
};
use payments::unionpay::{FileDownload, Query};
use payments::{BillDay, Call, Effect, ErrorKind, QueryOutcome, Reply, TradeStatus};

#[test]
fn a_query_tells_what_became_of_a_trade() {
    let bank = Bank::new();
    let call = Query::new(trade());
    assert_eq!(call.effect(), Effect::Reads);
    let request = call.request(&bank.merchant, stamp()).unwrap();
    assert_sent(
        &bank,
        &request,
        "http://127.0.0.1:8070/gateway/api/queryTrans.do",
        &[
            ("bizType", "000000"),
            ("orderId", NUMBER),
            ("txnSubType", "00"),
            ("txnTime", &submitted_at().china_digits()),
            ("txnType", "00"),
        ],
    );
    let read = |fields| call.read(&bank.merchant, &bank.reply(fields));
    for (code, status) in [
        ("00", TradeStatus::Paid),
        ("A6", TradeStatus::Paid),
        ("03", TradeStatus::Waiting),
        ("04", TradeStatus::Waiting),
        ("05", TradeStatus::Waiting),
        ("64", TradeStatus::Failed),
    ] {
        let outcome = read(queried(code)).unwrap();
        let QueryOutcome::Trade(notify) = outcome else { panic!("{outcome:?}") };
        assert_eq!((notify.status(), notify.notify_id()), (status, None));
        assert_eq!(notify.trade_no().as_str(), QUERY_ID);
        assert!(notify.check(&bank.merchant.expected(&order())).is_ok());
    }
    // Before a bank is asked there is no number.
    let early = read(without(queried("05"), &["queryId"])).unwrap();
    let QueryOutcome::Trade(early) = early else { panic!("{early:?}") };
    assert_eq!(early.trade_no().as_str(), NUMBER);

    let unknown = with(without(paid(), &["queryId", "txnAmt", "currencyCode"]), &[("respCode", "34")]);
    assert!(matches!(read(unknown), Ok(QueryOutcome::NotFound)));
    for (fields, kind) in [
        (without(queried("00"), &["origRespCode"]), ErrorKind::PeerMisbehaved),
        (without(queried("00"), &["queryId"]), ErrorKind::PeerMisbehaved),
        (with(queried("00"), &[("queryId", "")]), ErrorKind::PeerMisbehaved),
        (with(queried("00"), &[("txnType", "04")]), ErrorKind::PeerMisbehaved),
        (with(queried("00"), &[("orderId", "COURSE0002")]), ErrorKind::Unverified),
        (with(queried("00"), &[("txnTime", "20220908132207")]), ErrorKind::Unverified),
        (with(queried("00"), &[("respCode", "05")]), ErrorKind::Unavailable),
        (with(queried("00"), &[("respCode", "37")]), ErrorKind::Unavailable),
        (with(queried("00"), &[("respCode", "10")]), ErrorKind::Misuse),
    ] {
        assert_eq!(read(fields).unwrap_err().kind(), kind);
    }
}

#[test]
fn replies_are_read_as_they_are_written() {
    let bank = Bank::new();
    let call = Query::new(trade());
    let read = |reply: &Reply| call.read(&bank.merchant, reply).map_err(|error| error.kind());
    let signed = bank.signed(with(queried("00"), &[("tokenPayData", "{token=1&trId=2}"), ("reserved", "")]));
    assert!(signed["accNo"].contains('+') && signed["accNo"].contains("=="));
    let body = plain(&signed);
    assert!(read(&reply(&body, bank.now())).is_ok());
    // Any order of the parameters.
    let mut turned: Vec<(&String, &String)> = signed.iter().collect();
    turned.reverse();
    let turned: Vec<String> = turned.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(read(&reply(&turned.join("&"), bank.now())).is_ok());

    let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(&signed).finish();
    for (body, kind) in [
        (encoded, ErrorKind::Unverified),
        (format!("{body}&orderId={NUMBER}"), ErrorKind::Unverified),
        (format!("{body}&x={}", "a".repeat(65_536)), ErrorKind::Unverified),
        (format!("{body}&{{=1"), ErrorKind::Unverified),
        (plain(&without(signed.clone(), &["signature"])), ErrorKind::Unverified),
        (plain(&bank.signed_by("customer", queried("00"))), ErrorKind::Unverified),
        ("Invalid request.".to_owned(), ErrorKind::Unverified),
        (String::new(), ErrorKind::Unverified),
    ] {
        assert_eq!(read(&reply(&body, bank.now())).unwrap_err(), kind, "{body}");
    }
    let unsigned = call.read(&bank.merchant, &reply("Invalid request.", bank.now())).unwrap_err();
    assert_eq!(unsigned.gateway_code(), Some("Invalid request."));
    for (status, kind) in [(502, ErrorKind::Unavailable), (302, ErrorKind::PeerMisbehaved)] {
        let mut broken = reply(&body, bank.now());
        *broken.response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        assert_eq!(read(&broken).unwrap_err(), kind);
    }
}

#[test]
fn a_day_is_asked_for_at_the_host_of_files() {
    let bank = Bank::new();
    let call = FileDownload::new(BillDay::parse("2022-09-08").unwrap());
    assert_eq!(call.effect(), Effect::Reads);
    let request = call.request(&bank.merchant, stamp()).unwrap();
    assert_sent(
        &bank,
        &request,
        "http://127.0.0.1:8070/",
        &[
            ("bizType", "000000"),
            ("fileType", "00"),
            ("settleDate", "0908"),
            ("txnSubType", "01"),
            ("txnTime", &stamp().now.china_digits()),
            ("txnType", "76"),
        ],
    );
}
