//! Alipay: replies, notifies, sync returns and bills. What is signed is signed here, so that inputs get past the
//! signature.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payments::alipay::{Endpoint, Merchant, RawNotify, ServiceMessage, SyncReturn, TradeQuery, read_bill};
use payments::sandbox::generate_key;
use payments::sign::Signer as _;
use payments::{
    AppId, BillDay, Call as _, Error, OutTradeNo, PrivateKey, QueryOutcome, Reply, SellerId, UnixMillis,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::engine::Target;

pub(crate) fn all() -> Vec<Target> {
    vec![reply(), reply_content(), notify(), signed_notify(), sync_return(), bill_archive(), bill_file()]
}

static GATEWAY: LazyLock<PrivateKey> = LazyLock::new(|| generate_key().unwrap());
static MERCHANT: LazyLock<Merchant> = LazyLock::new(|| {
    let (app_id, seller_id) = (AppId::parse("9021").unwrap(), SellerId::parse("2088").unwrap());
    let alipay = GATEWAY.public_key().unwrap();
    Merchant::new(app_id, seller_id, Endpoint::sandbox(), generate_key().unwrap(), alipay)
});

const NUMBER: &str = "COURSE_0001";
const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
const CONTENT: &str = concat!(
    r#"{"code":"10000","msg":"\/","out_trade_no":"COURSE_0001","trade_no":"1","total_amount":"88.00","#,
    r#""trade_status":"TRADE_SUCCESS","send_pay_date":"2026-09-22 00:00:00"}"#
);
const NOTIFY: &str = concat!(
    "app_id=9021&charset=utf-8&notify_id=1&notify_type=trade_status_sync&out_trade_no=COURSE_0001&seller_id=2088",
    "&subject=Rust课&total_amount=88.00&trade_no=1&trade_status=TRADE_SUCCESS"
);
const RETURN: &str = concat!(
    "app_id=9021&method=alipay.trade.page.pay.return&out_trade_no=COURSE_0001&seller_id=2088&total_amount=88.00",
    "&trade_no=1"
);
const JSON_WORDS: &[&str] = &[
    "\"alipay_trade_query_response\":",
    "\"error_response\":",
    "\"sign\":",
    "\"s\\u0069gn\":",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\\/",
    "null",
    "1e9",
    " ",
];
const FORM_WORDS: &[&str] = &[
    "&",
    "=",
    "%26",
    "%3D",
    "+",
    "%",
    "%2B",
    "&sign=",
    "&sign_type=RSA2",
    "&sign_type=RSA",
    "&charset=GBK",
    "total_amount=",
    "&refund_fee=",
    "TRADE_CLOSED",
    "0.01",
    "%E8%AF%BE",
];

fn sign(text: &str) -> String {
    STANDARD.encode(GATEWAY.sign(text.as_bytes()).unwrap())
}

fn body(content: &str) -> String {
    format!("{{\"alipay_trade_query_response\":{content},\"sign\":\"{}\"}}", sign(content))
}

fn read(body: Vec<u8>) -> Result<QueryOutcome, Error> {
    let query = TradeQuery::new(OutTradeNo::parse(NUMBER).unwrap());
    query.read(&MERCHANT, &Reply::new(http::Response::new(body.into()), NOW))
}

fn told(error: &Error) -> String {
    format!("{:?}", error.kind())
}

fn seeds(texts: &[String]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// One content is signed: whatever stands around it, nothing else is read.
fn reply() -> Target {
    let honest = body(CONTENT);
    let forged = honest.replacen("88.00", "0.01", 1);
    let error = r#"{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}"#.to_owned();
    Target {
        name: "alipay_reply",
        seeds: seeds(&[honest.clone(), honest.replacen('{', "{ \"x\" : [1] , ", 1), forged, error]),
        words: JSON_WORDS,
        bytes_max: 2000,
        run: |input| match read(input.to_vec()) {
            Ok(QueryOutcome::Trade(notify)) => {
                assert_eq!((notify.out_trade_no(), notify.amount().minor()), (NUMBER, 8800));
                assert!(String::from_utf8_lossy(input).contains(CONTENT));
                "a trade".into()
            }
            Ok(_) => panic!("nobody signed that"),
            Err(error) => told(&error),
        },
        reaches: &["a trade", "Unverified"],
    }
}

/// Any content, signed.
fn reply_content() -> Target {
    let refused = r#"{"code":"40004","msg":"","sub_code":"ACQ.TRADE_NOT_EXIST","sub_msg":"x"}"#.to_owned();
    let busy = refused.replace("TRADE_NOT_EXIST", "SYSTEM_ERROR");
    Target {
        name: "alipay_reply_content",
        seeds: seeds(&[CONTENT.to_owned(), refused, busy, CONTENT.replace("88.00", "88")]),
        words: &[
            "\"code\":",
            "\"10000\"",
            "\"40004\"",
            "isp.",
            "TRADE_CLOSED",
            "null",
            "{",
            "}",
            ",",
            "\"",
            "0.01",
            "\\u0000",
        ],
        bytes_max: 1000,
        run: |input| {
            let content = String::from_utf8_lossy(input);
            match read(body(&content).into_bytes()) {
                Ok(QueryOutcome::Trade(notify)) => {
                    let told: serde_json::Value = serde_json::from_str(&content).unwrap();
                    assert_eq!((&told["code"], &told["out_trade_no"]), (&"10000".into(), &NUMBER.into()));
                    assert_eq!(told["trade_no"], notify.trade_no().as_str());
                    format!("{:?}", notify.status())
                }
                Ok(_) => "no trade".into(),
                Err(error) => told(&error),
            }
        },
        reaches: &["Paid", "no trade", "Unavailable"],
    }
}

fn encoded(pairs: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A form whose signature fits the rule of payments.
fn signed(canonical: &str) -> String {
    let pairs = canonical.split('&').filter_map(|pair| pair.split_once('='));
    let mut pairs: BTreeMap<_, _> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let kept = pairs
        .iter()
        .filter(|(name, value)| !value.is_empty() && !matches!(name.as_str(), "sign" | "sign_type"));
    let text: Vec<_> = kept.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.insert("sign".to_owned(), sign(&text.join("&")));
    pairs.insert("sign_type".to_owned(), "RSA2".to_owned());
    encoded(&pairs)
}

/// One notify is signed: no other amount, order or state is ever read, and it is no service message.
fn notify() -> Target {
    let honest = signed(NOTIFY);
    Target {
        name: "alipay_notify",
        seeds: seeds(&[
            honest.clone(),
            format!("{honest}&gmt_refund="),
            format!("{honest}&total_amount=0.01"),
            honest.replace("88.00", "0.01"),
        ]),
        words: FORM_WORDS,
        bytes_max: 2000,
        run: |input| {
            assert!(ServiceMessage::verify(input, &MERCHANT, NOW).is_err());
            match RawNotify::parse(input).and_then(|raw| raw.verify(&MERCHANT, NOW)) {
                Ok(notify) => {
                    assert_eq!((notify.out_trade_no(), notify.amount().minor()), (NUMBER, 8800));
                    assert_eq!((notify.notify_id(), notify.field("gmt_refund")), (Some("1"), None));
                    format!("{:?}", notify.status())
                }
                Err(error) => told(&error),
            }
        },
        reaches: &["Paid", "InvalidInput", "Unverified"],
    }
}

/// Any parameters, signed.
fn signed_notify() -> Target {
    Target {
        name: "alipay_signed_notify",
        seeds: seeds(&[
            NOTIFY.to_owned(),
            NOTIFY.replace("TRADE_SUCCESS", "TRADE_CLOSED"),
            NOTIFY.replace("trade_status_sync", "x"),
        ]),
        words: FORM_WORDS,
        bytes_max: 1000,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            match RawNotify::parse(signed(&text).as_bytes()).and_then(|raw| raw.verify(&MERCHANT, NOW)) {
                Ok(notify) => {
                    assert!(
                        text.contains(notify.trade_no().as_str()) && text.contains(notify.out_trade_no())
                    );
                    assert_eq!(notify.field("notify_type"), Some("trade_status_sync"));
                    format!("{:?}", notify.status())
                }
                Err(error) => told(&error),
            }
        },
        reaches: &["Paid", "Closed", "PeerMisbehaved"],
    }
}

fn sync_return() -> Target {
    let honest = signed(RETURN);
    Target {
        name: "alipay_sync_return",
        seeds: seeds(&[
            honest.clone(),
            honest.replace("88.00", "0.01"),
            signed(NOTIFY),
            honest.replace('&', "&&"),
        ]),
        words: FORM_WORDS,
        bytes_max: 2000,
        run: |input| match SyncReturn::verify(&String::from_utf8_lossy(input), &MERCHANT, NOW) {
            Ok(shown) => {
                assert_eq!((shown.out_trade_no.as_str(), shown.amount.minor()), (NUMBER, 8800));
                "shown".into()
            }
            Err(error) => told(&error),
        },
        reaches: &["shown", "Unverified"],
    }
}

const BILL: &str = concat!(
    "#支付宝业务明细查询\r\n#起始日期：[2026年09月22日 00:00:00]\r\n",
    "支付宝交易号,商户订单号,业务类型,完成时间,订单金额（元）,退款批次号/请求号\r\n",
    "1\t,COURSE_0001\t,交易,2026-09-22 10:56:48,88.00,\r\n1\t,COURSE_0001\t,退款,,-8.00,REFUND_0001\r\n",
    "#---业务明细列表结束---\r\n#交易合计：1笔，\r\n#退款合计：1笔，\r\n"
);

fn packed(method: CompressionMethod, file: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", SimpleFileOptions::default().compression_method(method)).unwrap();
    zip.write_all(file).unwrap();
    zip.finish().unwrap().into_inner()
}

fn answer(archive: &[u8]) -> String {
    match read_bill(BillDay::parse("2026-09-22").unwrap(), archive) {
        Ok(bill) => format!("{} lines", bill.lines.len().min(9)),
        Err(error) => told(&error),
    }
}

fn bill_archive() -> Target {
    Target {
        name: "alipay_bill_archive",
        seeds: vec![
            packed(CompressionMethod::Deflated, &encoding_rs::GBK.encode(BILL).0),
            packed(CompressionMethod::Stored, b""),
            b"PK\x05\x06".to_vec(),
        ],
        words: &["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "\0\0\0\0"],
        bytes_max: 4000,
        run: answer,
        reaches: &["2 lines", "PeerMisbehaved"],
    }
}

/// Any text of a bill, packed.
fn bill_file() -> Target {
    Target {
        name: "alipay_bill_file",
        seeds: seeds(&[BILL.to_owned(), BILL.replace("交易,", "\"交易\","), BILL.replace("88.00", "88.001")]),
        words: &[
            "#",
            ",",
            "\"",
            "\"\"",
            "\r\n",
            "\t",
            "交易",
            "退款",
            "-8.00",
            "合计",
            "：",
            "笔",
            "[",
            "]",
            "年",
            "列表结束",
        ],
        bytes_max: 2000,
        run: |input| {
            answer(&packed(
                CompressionMethod::Stored,
                &encoding_rs::GBK.encode(&String::from_utf8_lossy(input)).0,
            ))
        },
        reaches: &["2 lines", "PeerMisbehaved"],
    }
}
