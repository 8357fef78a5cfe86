//! UnionPay: replies, notifies, certificates in messages, settlement files. Behind the signature stands a gateway of
//! our own, so that what is signed is fuzzed too.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::process::Command;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use payments::sign::Signer;
use payments::unionpay::{Endpoint, FileDownload, Merchant, Query, RawNotify, SigningKey, Trust};
use payments::{
    BillDay, Call, Certificate, Error, Incoming, OutTradeNo, PrivateKey, QueryOutcome, Reply, SellerId,
    TradeRef, UnixMillis,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::engine::Target;

type Fields = BTreeMap<String, String>;

/// Every target of this module.
pub(crate) fn all() -> Vec<Target> {
    vec![raw_reply(), signed_reply(), raw_notify(), signed_notify(), certificate(), archive(), settlement()]
}

const WORDS: &[&str] = &[
    "respCode=00",
    "respCode=34",
    "origRespCode=00",
    "origRespCode=05",
    "txnType=01",
    "txnType=04",
    "txnType=31",
    "txnAmt=8800",
    "currencyCode=156",
    "queryId=",
    "reqReserved=",
    "signature=",
    "signMethod=01",
    "version=5.1.0",
    "encoding=UTF-8",
    "{a=1&b=2}",
    "[",
    "&",
    "=",
    "%26",
    "+",
];
const PAID: &str = "currencyCode=156&encoding=UTF-8&merId=777290058167151&orderId=COURSE0001\
&queryId=782209081322060674028&respCode=00&respMsg=ok[0000000]&signMethod=01&txnAmt=8800\
&txnTime=20220908132206&txnType=01&version=5.1.0";

/// UnionPay, and the merchant that trusts it.
struct Bank {
    key: PrivateKey,
    pem: String,
    other_pem: String,
    merchant: Merchant,
    now: UnixMillis,
}

static BANK: LazyLock<Bank> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let issue = |name: &str, subject: &str, issuer: Option<&str>| {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-utf8", "-days", "3650"]);
        openssl.args(["-subj", subject, "-keyout", &path(&format!("{name}.key"))]);
        openssl.args(["-out", &path(&format!("{name}.crt"))]);
        if let Some(issuer) = issuer {
            let (certificate, key) = (path(&format!("{issuer}.crt")), path(&format!("{issuer}.key")));
            openssl.args(["-CA", &certificate, "-CAkey", &key]);
        }
        let done =
            openssl.output().expect("openssl does not start; install it with: apt-get install openssl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        std::fs::read_to_string(path(&format!("{name}.crt"))).unwrap()
    };
    let root = Certificate::parse(issue("root", "/CN=Root CA", None)).unwrap();
    let pem = issue("bank", "/CN=041@1@中国银联股份有限公司@00016495", Some("root"));
    let other_pem = issue("other", "/CN=041@1@700000000000001:SIGN@00000003", Some("root"));
    let key = |name: &str| {
        PrivateKey::parse(&std::fs::read_to_string(path(&format!("{name}.key"))).unwrap()).unwrap()
    };
    let own = Certificate::parse(&other_pem).unwrap();
    let signing_key = SigningKey::new(key("other"), &own).unwrap();
    let trust = Trust::production(Vec::new(), vec![root]);
    let mer_id = SellerId::parse("777290058167151").unwrap();
    let merchant = Merchant::new(mer_id, Endpoint::production(), signing_key, trust).unwrap();
    Bank { key: key("bank"), pem, other_pem, merchant, now: own.not_before().plus_secs(3600) }
});

impl Bank {
    /// The message with a certificate and a signature that fit.
    fn signed(&self, mut fields: Fields, certificate: &str) -> Fields {
        fields.remove("signature");
        fields.insert("signPubKeyCert".into(), certificate.to_owned());
        let digest = digest(&SHA256, plain(&fields).as_bytes());
        let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = STANDARD.encode(self.key.sign(hex.as_bytes()).unwrap());
        fields.insert("signature".into(), signature);
        fields
    }
}

fn plain(fields: &Fields) -> String {
    fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn form(fields: &Fields) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Names and values of an input; what has no name is left out.
fn fields(input: &[u8]) -> Fields {
    let text = String::from_utf8_lossy(input);
    let pieces = text.split('&').filter_map(|piece| piece.split_once('='));
    pieces.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn reply(body: impl Into<Bytes>) -> Reply {
    Reply::new(http::Response::new(body.into()), BANK.now)
}

fn refused(error: &Error) -> String {
    format!("{:?}", error.kind())
}

fn query(reply: &Reply) -> Result<QueryOutcome, Error> {
    let out_trade_no = OutTradeNo::parse("COURSE0001").unwrap();
    let submitted_at = UnixMillis::parse_china_digits("20220908132206").unwrap();
    Query::new(TradeRef { out_trade_no, submitted_at }).read(&BANK.merchant, reply)
}

fn queried(reply: &Reply) -> String {
    match query(reply) {
        Ok(QueryOutcome::Trade(notify)) => {
            // Nothing but an answer to this very question is ever read.
            assert_eq!(notify.out_trade_no(), "COURSE0001");
            assert_eq!(notify.field("txnTime"), Some("20220908132206"));
            format!("{:?}", notify.status())
        }
        Ok(_) => "not found".into(),
        Err(error) => refused(&error),
    }
}

fn notified(body: &[u8]) -> String {
    match RawNotify::parse(body).and_then(|raw| raw.verify(&BANK.merchant, BANK.now)) {
        Ok(Incoming::Trade(notify)) => format!("trade {:?}", notify.status()),
        Ok(Incoming::Refund(notify)) => format!("refund {:?}", notify.status()),
        Ok(_) => "other".into(),
        Err(error) => refused(&error),
    }
}

fn paid_query() -> Fields {
    let mut fields = fields(PAID.as_bytes());
    fields.insert("origRespCode".into(), "00".into());
    fields
}

fn raw_reply() -> Target {
    let good = plain(&BANK.signed(paid_query(), &BANK.pem));
    Target {
        name: "unionpay_raw_reply",
        seeds: vec![good.into_bytes(), b"Invalid request.".to_vec(), b"respCode=10&signature=".to_vec()],
        words: WORDS,
        bytes_max: 6000,
        run: |input| queried(&reply(input.to_vec())),
        reaches: &["Paid", "Unverified"],
    }
}

fn signed_reply() -> Target {
    let query = plain(&paid_query());
    Target {
        name: "unionpay_signed_reply",
        seeds: vec![
            query.replace("origRespCode=00", "origRespCode=05").into_bytes(),
            query.replace("respCode=00", "respCode=34").into_bytes(),
            query.replace("txnAmt=8800", "txnAmt=0").into_bytes(),
            query.into_bytes(),
        ],
        words: WORDS,
        bytes_max: 2000,
        run: |input| queried(&reply(plain(&BANK.signed(fields(input), &BANK.pem)))),
        reaches: &["Paid", "Waiting", "not found", "PeerMisbehaved"],
    }
}

fn raw_notify() -> Target {
    let good = form(&BANK.signed(fields(PAID.as_bytes()), &BANK.pem));
    Target {
        name: "unionpay_raw_notify",
        seeds: vec![good.into_bytes(), b"a=%zz".to_vec(), b"a=1&a=1".to_vec(), Vec::new()],
        words: WORDS,
        bytes_max: 6000,
        run: |input| {
            let answer = notified(input);
            // A changed notify is never another genuine one.
            assert!(!answer.starts_with("refund") && !answer.starts_with("trade Waiting"), "{answer}");
            answer
        },
        reaches: &["trade Paid", "InvalidInput", "Unverified"],
    }
}

fn signed_notify() -> Target {
    Target {
        name: "unionpay_signed_notify",
        seeds: vec![
            PAID.into(),
            PAID.replace("txnType=01", "txnType=04").into(),
            PAID.replace("respCode=00", "respCode=05").into(),
            PAID.replace("txnType=01", "txnType=79").into(),
        ],
        words: WORDS,
        bytes_max: 2000,
        run: |input| notified(form(&BANK.signed(fields(input), &BANK.pem)).as_bytes()),
        reaches: &["trade Paid", "refund Succeeded", "trade Waiting", "PeerMisbehaved"],
    }
}

/// The certificate of a message that is otherwise in order.
fn certificate() -> Target {
    Target {
        name: "unionpay_certificate",
        seeds: vec![BANK.pem.clone().into(), BANK.other_pem.clone().into(), Vec::new(), b"0\x82".to_vec()],
        words: &[
            "-----BEGIN CERTIFICATE-----",
            "-----END CERTIFICATE-----",
            "\r\n",
            "MII",
            "=",
            "中国银联股份有限公司",
        ],
        bytes_max: 4000,
        run: |input| {
            let text = String::from_utf8_lossy(input);
            let body = form(&BANK.signed(fields(PAID.as_bytes()), &text));
            let answer = notified(body.as_bytes());
            if answer == "trade Paid" {
                // However it is written, it is that certificate.
                assert_eq!(
                    Certificate::parse(text.as_bytes()).unwrap(),
                    Certificate::parse(&BANK.pem).unwrap()
                );
            }
            answer
        },
        reaches: &["trade Paid", "Unverified"],
    }
}

fn told(archive: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(archive).unwrap();
    let mut told = fields(PAID.as_bytes());
    told.insert("txnType".into(), "76".into());
    told.insert("settleDate".into(), "0908".into());
    told.insert("fileContent".into(), STANDARD.encode(encoder.finish().unwrap()));
    plain(&BANK.signed(told, &BANK.pem))
}

fn zipped(text: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("INN22090888ZM_777290058167151", SimpleFileOptions::default()).unwrap();
    archive.write_all(text).unwrap();
    archive.finish().unwrap().into_inner()
}

fn bill(archive: &[u8]) -> String {
    let call = FileDownload::new(BillDay::parse("2022-09-08").unwrap());
    let file = call.read(&BANK.merchant, &reply(told(archive))).unwrap().unwrap();
    match file.bill() {
        Ok(bill) => format!("{} lines", bill.lines.len().min(2)),
        Err(error) => refused(&error),
    }
}

fn archive() -> Target {
    Target {
        name: "unionpay_archive",
        seeds: vec![zipped(row("01", "").as_bytes()), zipped(b"short"), b"PK".to_vec(), Vec::new()],
        words: &["PK\u{3}\u{4}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "ZM_", "../"],
        bytes_max: 2000,
        run: bill,
        reaches: &["1 lines", "PeerMisbehaved"],
    }
}

fn settlement() -> Target {
    let both = format!("{}\r\n{}\r\n", row("01", ""), row("04", "782209081322060674028"));
    Target {
        name: "unionpay_settlement",
        seeds: vec![both.into(), row("02", "").into(), row("99", "").into(), b"S22 ".to_vec(), Vec::new()],
        words: &["S22", "0908132206", "000000008800", " 01 ", " 04 ", " 31 ", "\r\n", "中"],
        bytes_max: 2000,
        run: |input| bill(&zipped(input)),
        reaches: &["2 lines", "0 lines", "PeerMisbehaved"],
    }
}

/// One row of a trade file.
fn row(txn_type: &str, paid: &str) -> String {
    let widths =
        [3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15];
    let values = BTreeMap::from([
        (0, "S22"),
        (4, "0908132206"),
        (6, "000000008800"),
        (9, "782209081322060674028"),
        (11, "COURSE0001"),
        (19, txn_type),
        (26, paid),
        (27, "777290058167151"),
    ]);
    let cells = widths.iter().enumerate().map(|(index, width)| {
        let value = values.get(&index).copied().unwrap_or_default();
        format!("{value:<width$}")
    });
    cells.collect::<Vec<_>>().join(" ")
}
