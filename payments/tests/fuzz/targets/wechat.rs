//! WeChat Pay: notifies, replies, certificates, bills. A message is `Name: value` lines, an empty line, the body.

use crate::engine::Target;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use payments::sandbox::generate_key;
use payments::sign::Signer as _;
use payments::wechat::{
    ApiV3Key, CertSerial, Certificates, Close, Credential, Endpoint, Merchant, RawNotify, TradeBill,
    TradeQuery, WechatKeys, read_fund_flow, read_trade_bill,
};
use payments::{
    AppId, BillDay, Call, Error, Incoming, OutTradeNo, PrivateKey, QueryOutcome, Reply, SellerId, UnixMillis,
};
use std::sync::LazyLock;

const NOW: UnixMillis = UnixMillis::from_millis(1_790_000_000_000);
const SECS: &str = "1790000000";
const KEY_ID: &str = "PUB_KEY_ID_0119000001092024123100";
const API_KEY: &str = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb";
const MCHID: &str = "1900000109";
const WORDS: &[&str] = &[
    "Wechatpay-Timestamp: ",
    "Wechatpay-Nonce: ",
    "Wechatpay-Signature: ",
    "Wechatpay-Serial: ",
    "Wechatpay-Signature-Type: ",
    "WECHATPAY2-SHA256-RSA2048",
    "WECHATPAY/SIGNTEST/",
    KEY_ID,
    "-9223372036854775808",
    SECS,
    "\n\n",
    "\"trade_state\":",
    "\"amount\":{\"total\":",
    "SUCCESS",
    "null",
];

struct World {
    key: PrivateKey,
    merchant: Merchant,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (key, merchant_key) = (generate_key().unwrap(), generate_key().unwrap());
    let merchant = Merchant::new(
        SellerId::parse(MCHID).unwrap(),
        AppId::parse("wx2421b1c4370ec43b").unwrap(),
        Credential::new(CertSerial::parse("0C4AEF").unwrap(), merchant_key),
        ApiV3Key::parse(API_KEY).unwrap(),
        WechatKeys::downloading().with_public_key(KEY_ID, key.public_key().unwrap()).unwrap(),
        Endpoint::production(),
    );
    World { key, merchant }
});

pub(crate) fn all() -> Vec<Target> {
    vec![
        notify(),
        signed_notify(),
        reply(),
        signed_reply(),
        certificates(),
        trade_bill(),
        fund_flow(),
        serial(),
    ]
}

fn signature(body: &[u8]) -> String {
    let text = [SECS.as_bytes(), b"\nnonce\n", body, b"\n"].concat();
    STANDARD.encode(WORLD.key.sign(&text).unwrap())
}

fn message(body: &str) -> Vec<u8> {
    let signature = signature(body.as_bytes());
    format!(
        "Wechatpay-Timestamp: {SECS}\nWechatpay-Nonce: nonce\nWechatpay-Signature: {signature}\nWechatpay-Serial: {KEY_ID}\n\n{body}"
    )
    .into_bytes()
}

/// Headers and body of an input; a header that HTTP itself refuses never gets to us.
fn parts(input: &[u8]) -> (HeaderMap, Bytes) {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((input, &b""[..]), |end| (&input[..end], &input[end + 2..]));
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (headers, Bytes::copy_from_slice(body))
}

fn sealed(kind: &str, plain: &str) -> String {
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, API_KEY.as_bytes()).unwrap());
    let mut text = plain.as_bytes().to_vec();
    let nonce = Nonce::assume_unique_for_key(*b"fdasflkja484");
    cipher.seal_in_place_append_tag(nonce, Aad::from(kind.as_bytes()), &mut text).unwrap();
    let text = STANDARD.encode(text);
    format!(
        r#"{{"original_type":"{kind}","algorithm":"AEAD_AES_256_GCM","ciphertext":"{text}","associated_data":"{kind}","nonce":"fdasflkja484"}}"#
    )
}

fn envelope(event: &str, kind: &str, plain: &str) -> String {
    let resource = sealed(kind, plain);
    format!(r#"{{"id":"1","resource_type":"encrypt-resource","event_type":"{event}","resource":{resource}}}"#)
}

const TRANSACTION: &str = r#"{"appid":"wx2421b1c4370ec43b","mchid":"1900000109","out_trade_no":"COURSE_0001","transaction_id":"4200000925","trade_state":"SUCCESS","success_time":"2026-09-22T00:00:00+08:00","payer":{"openid":"o"},"amount":{"total":8800,"payer_total":8000,"currency":"CNY"}}"#;
const REFUND: &str = r#"{"mchid":"1900000109","out_trade_no":"COURSE_0001","out_refund_no":"REFUND_0001","refund_id":"5","refund_status":"SUCCESS","success_time":"2026-09-22T00:00:00+08:00","amount":{"total":8800,"refund":880}}"#;

fn honest_bodies() -> [String; 2] {
    [
        envelope("TRANSACTION.SUCCESS", "transaction", TRANSACTION),
        envelope("REFUND.SUCCESS", "refund", REFUND),
    ]
}

fn read_notify(headers: HeaderMap, body: Bytes) -> Result<Incoming, Error> {
    let mut request = Request::post("/").body(body).unwrap();
    *request.headers_mut() = headers;
    RawNotify::parse(&request)?.verify(&WORLD.merchant, NOW)
}

fn named(incoming: &Result<Incoming, Error>) -> String {
    match incoming {
        Ok(Incoming::Trade(notify)) => {
            // A notify knows its number and its price.
            assert!(!notify.out_trade_no().is_empty() && notify.amount().minor() > 0);
            format!("trade {:?}", notify.status())
        }
        Ok(Incoming::Refund(notify)) => format!("refund {:?}", notify.status()),
        Ok(_) => "other".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// Headers and body as they come: only what was signed gets through.
fn notify() -> Target {
    Target {
        name: "wechat_notify",
        seeds: honest_bodies().iter().map(|body| message(body)).chain([b"\n\n".to_vec()]).collect(),
        words: WORDS,
        bytes_max: 4096,
        run: |input| {
            let (headers, body) = parts(input);
            let answer = read_notify(headers, body.clone());
            if answer.is_ok() {
                assert!(
                    honest_bodies().iter().any(|honest| honest.as_bytes() == body),
                    "a forgery came through"
                );
            }
            named(&answer)
        },
        reaches: &["trade Paid", "refund Succeeded", "Unverified"],
    }
}

/// The input is what the gateway signs: the readers behind the signature.
fn signed_notify() -> Target {
    let mut seeds: Vec<Vec<u8>> = honest_bodies().into_iter().map(String::into_bytes).collect();
    seeds.extend([b"{}".to_vec(), envelope("TRANSACTION.SUCCESS", "refund", REFUND).into_bytes()]);
    Target {
        name: "wechat_signed_notify",
        seeds,
        words: WORDS,
        bytes_max: 4096,
        run: |input| {
            let mut outer = HeaderMap::new();
            for (name, value) in [
                ("wechatpay-timestamp", SECS.to_owned()),
                ("wechatpay-nonce", "nonce".to_owned()),
                ("wechatpay-serial", KEY_ID.to_owned()),
                ("wechatpay-signature", signature(input)),
            ] {
                outer.insert(name, value.parse().unwrap());
            }
            named(&read_notify(outer, Bytes::copy_from_slice(input)))
        },
        reaches: &["trade Paid", "refund Succeeded", "PeerMisbehaved"],
    }
}

fn reply_of(status: u16, headers: HeaderMap, body: Bytes) -> Reply {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    *response.headers_mut() = headers;
    Reply::new(response, NOW)
}

/// The number of the query, with every status, over one input.
fn answers(headers: &HeaderMap, body: &Bytes) -> String {
    let number = OutTradeNo::parse("COURSE_0001").unwrap();
    let (query, close) = (TradeQuery::new(number.clone()), Close::new(number));
    let mut words = String::new();
    for status in [200, 204, 404, 500] {
        let reply = reply_of(status, headers.clone(), body.clone());
        let told = query.read(&WORLD.merchant, &reply);
        words.push_str(&match told {
            Ok(QueryOutcome::Trade(trade)) => {
                assert_eq!(trade.out_trade_no(), "COURSE_0001");
                assert!(status == 200 || status == 204);
                format!("{:?} ", trade.status())
            }
            Ok(_) => {
                assert!(status == 404 || status == 500);
                "not found ".to_owned()
            }
            Err(error) => format!("{:?} ", error.kind()),
        });
        if close.read(&WORLD.merchant, &reply).is_ok_and(|_| status == 200) {
            panic!("a reply with status 200 closed a trade");
        }
    }
    words
}

fn reply() -> Target {
    Target {
        name: "wechat_reply",
        seeds: vec![
            message(TRANSACTION),
            message(r#"{"code":"ORDER_NOT_EXIST","message":"x"}"#),
            message(""),
            br#"

{"code":"ORDER_NOT_EXIST"}"#
                .to_vec(),
        ],
        words: WORDS,
        bytes_max: 4096,
        run: |input| {
            let (headers, body) = parts(input);
            answers(&headers, &body)
        },
        reaches: &[
            "Paid Paid PeerMisbehaved PeerMisbehaved ",
            "PeerMisbehaved PeerMisbehaved not found not found ",
            "Unverified Unverified Unverified Unavailable ",
        ],
    }
}

fn signed_reply() -> Target {
    Target {
        name: "wechat_signed_reply",
        seeds: vec![
            TRANSACTION.as_bytes().to_vec(),
            br#"{"code":"ORDER_NOT_EXIST","message":"x"}"#.to_vec(),
            br#"{"hash_type":"SHA1","hash_value":"da39a3ee5e6b4b0d3255bfef95601890afd80709","download_url":"https://api.mch.weixin.qq.com/v3/a?token=b"}"#
                .to_vec(),
        ],
        words: WORDS,
        bytes_max: 2048,
        run: |input| {
            let (headers, body) = parts(&message(&String::from_utf8_lossy(input)));
            let link = TradeBill::new(BillDay::of(NOW)).read(&WORLD.merchant, &reply_of(200, headers.clone(), body.clone()));
            if let Ok(Some(link)) = link {
                let stamp = payments::Stamp { now: NOW, nonce: payments::Nonce::from_bytes([1; 16]) };
                // Wherever the link leads, a signed request goes to the gateway.
                if let Ok(request) = link.download().request(&WORLD.merchant, stamp) {
                    assert_eq!(request.uri().host(), Some("api.mch.weixin.qq.com"));
                    assert_eq!(request.uri().scheme_str(), Some("https"));
                }
                return "a link".into();
            }
            answers(&headers, &body)
        },
        reaches: &["Paid Paid PeerMisbehaved PeerMisbehaved ", "a link"],
    }
}

fn certificates() -> Target {
    let entry = format!(r#"{{"serial_no":"7D","encrypt_certificate":{}}}"#, sealed("certificate", "x"));
    Target {
        name: "wechat_certificates",
        seeds: vec![
            message(&format!(r#"{{"data":[{entry}]}}"#)),
            message(&format!(r#"{{"data":[{entry},{entry}]}}"#)),
            String::from_utf8(message(&format!(r#"{{"data":[{entry}]}}"#)))
                .unwrap()
                .replace(KEY_ID, "7D")
                .into_bytes(),
            message(r#"{"data":[]}"#),
        ],
        words: &[
            "\"serial_no\":",
            "\"data\":[",
            "AEAD_AES_256_GCM",
            "7D",
            "07d",
            KEY_ID,
            "\"nonce\":\"",
            "\n\n",
        ],
        bytes_max: 4096,
        run: |input| {
            let (headers, body) = parts(input);
            match Certificates.read(&WORLD.merchant, &reply_of(200, headers, body)) {
                // There is no certificate in any seed.
                Ok(_) => panic!("a certificate out of nothing"),
                Err(error) => format!("{:?}", error.kind()),
            }
        },
        reaches: &["PeerMisbehaved"],
    }
}

const BILL: &str = "\u{feff}交易时间,商户号,微信订单号,商户订单号,交易状态,货币种类,商户退款单号,退款金额,退款状态,订单金额,申请退款金额\r\n`2026-09-22 00:00:00,`1900000109,`4200000925,`COURSE_0001,`SUCCESS,`CNY,`0,`0.00,`,`88.00,`0.00\r\n`2026-09-22 00:00:01,`1900000109,`4200000925,`COURSE_0001,`REFUND,`CNY,`REFUND_0001,`8.80,`SUCCESS,`0.00,`8.80\r\n总交易单数,退款总金额,订单总金额,申请退款总金额\r\n`2,`8.80,`88.00,`8.80\r\n";
const FLOW: &str = "\u{feff}记账时间,微信支付业务单号,资金流水单号,业务类型,收支类型,收支金额(元),账户结余(元),业务凭证号\r\n`2026-09-22 00:00:00,`42,`12,`交易,`收入,`88.00,`88.00,`COURSE_0001\r\n资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`1,`1,`88.00,`0,`0.00\r\n";

fn trade_bill() -> Target {
    Target {
        name: "wechat_trade_bill",
        seeds: vec![BILL.as_bytes().to_vec(), FLOW.as_bytes().to_vec(), Vec::new()],
        words: &["`", ",`", "\r\n", "\n", "订单金额", "SUCCESS", "REFUND", "0.01", "-", "\u{feff}"],
        bytes_max: 4096,
        run: |input| match read_trade_bill(input, &SellerId::parse(MCHID).unwrap(), BillDay::of(NOW)) {
            Ok(bill) => {
                // A line stands for a row: there are never more lines than backquotes at line starts.
                assert!(bill.lines.len() < input.split(|byte| *byte == b'\n').count());
                format!("{} lines", bill.lines.len())
            }
            Err(error) => format!("{:?}", error.kind()),
        },
        reaches: &["2 lines", "PeerMisbehaved"],
    }
}

fn fund_flow() -> Target {
    Target {
        name: "wechat_fund_flow",
        seeds: vec![FLOW.as_bytes().to_vec(), BILL.as_bytes().to_vec(), Vec::new()],
        words: &["`", ",`", "\r\n", "\n", "收入", "支出", "收支金额", "0.01", "-", "\u{feff}"],
        bytes_max: 4096,
        run: |input| match read_fund_flow(input, BillDay::of(NOW)) {
            Ok(flow) => format!("{} lines", flow.lines.len()),
            Err(error) => format!("{:?}", error.kind()),
        },
        reaches: &["1 lines", "PeerMisbehaved"],
    }
}

fn serial() -> Target {
    Target {
        name: "wechat_serial",
        seeds: vec![b"0C4AEF34B89340881BB2B25226393DC2E47F094B".to_vec(), b"c4aef".to_vec(), b"0".to_vec()],
        words: &["0", "00", "F", "x"],
        bytes_max: 80,
        run: |input| match CertSerial::parse(&String::from_utf8_lossy(input)) {
            Ok(serial) => {
                assert_eq!(CertSerial::parse(serial.as_str()).unwrap(), serial);
                assert_eq!(serial.as_str().len() % 2, 0);
                "a serial".into()
            }
            Err(_) => "none".into(),
        },
        reaches: &["a serial", "none"],
    }
}
