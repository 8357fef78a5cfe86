//! Bills: the signed link, the file that fits its digest, and the table in it.

use super::world::{APP, MCHID, Message, NOW, NUMBER, World, stamp, world};
use flate2::Compression;
use flate2::write::GzEncoder;
use payments::wechat::{BillDownload, BillLink, FundDirection, TradeBill, read_fund_flow, read_trade_bill};
use payments::{BillDay, Call, ErrorKind, Money, Movement, Reply, SellerId};
use proptest::prelude::*;
use serde_json::json;
use sha1::{Digest as _, Sha1};
use std::fmt::Write as _;
use std::io::Write as _;

const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,\
                      应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,\
                      手续费,费率,订单金额,申请退款金额,费率备注";
const SUMS: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const FUND_HEADER: &str = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号";
const FUND_SUMS: &str = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额";

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

fn row(cells: &[&str]) -> String {
    cells.iter().map(|cell| format!("`{cell}")).collect::<Vec<_>>().join(",")
}

/// A payment over `fen`, settled with a coupon.
fn payment(number: &str, fen: i64, name: &str) -> String {
    let (order, settled) = (yuan(fen), yuan(fen));
    row(&[
        "2026-09-22 00:00:00",
        APP,
        MCHID,
        "0",
        "",
        "4200000925202101284997714292",
        number,
        "openid",
        "NATIVE",
        "SUCCESS",
        "OTHERS",
        "CNY",
        &settled,
        "0.00",
        "0",
        "0",
        "0.00",
        "0.00",
        "",
        "",
        name,
        "",
        "0.00000",
        "1.00%",
        &order,
        "0.00",
        "",
    ])
}

/// A refund of which `back` was asked for.
fn refund(number: &str, refund_no: &str, back: i64, state: &str) -> String {
    let back = yuan(back);
    row(&[
        "2026-09-22 10:00:00",
        APP,
        MCHID,
        "0",
        "",
        "4200000925202101284997714292",
        number,
        "openid",
        "NATIVE",
        "REFUND",
        "OTHERS",
        "CNY",
        "0.00",
        "0.00",
        "50000000382019052709732678859",
        refund_no,
        &back,
        "0.00",
        "ORIGINAL",
        state,
        "Rust 入门课",
        "",
        "-0.00440",
        "1.00%",
        "0.00",
        &back,
        "",
    ])
}

fn table(header: &str, rows: &[String], sums: &str, sum_row: &str) -> String {
    let mut file = format!("\u{feff}{header}\r\n");
    for row in rows {
        write!(file, "{row}\r\n").unwrap();
    }
    write!(file, "{sums}\r\n{sum_row}\r\n").unwrap();
    file
}

fn day() -> BillDay {
    BillDay::parse("2026-09-22").unwrap()
}

fn read(file: &str) -> Result<payments::Bill, payments::Error> {
    read_trade_bill(file.as_bytes(), &SellerId::parse(MCHID).unwrap(), day())
}

fn honest() -> String {
    let rows = [
        payment(NUMBER, 8800, "Rust, 入门课"),
        refund(NUMBER, "REFUND_0001", 880, "SUCCESS"),
        refund(NUMBER, "0", 1, "PROCESSING"),
    ];
    table(HEADER, &rows, SUMS, "`3,`88.00,`8.81,`0.00,`0.00000,`88.00,`8.81")
}

#[test]
fn a_trade_bill_is_read() {
    let bill = read(&honest()).unwrap();
    assert_eq!(bill.lines.len(), 3);
    let (paid, back, waiting) = (&bill.lines[0], &bill.lines[1], &bill.lines[2]);
    assert_eq!((&paid.movement, paid.out_trade_no.as_str()), (&Movement::Payment, NUMBER));
    assert_eq!((paid.amount, paid.at.unwrap()), (Money::parse_yuan("88.00").unwrap(), day().begins_at()));
    let refund_no = Some("REFUND_0001".to_owned());
    assert_eq!(back.movement, Movement::Refund { refund_no, succeeded: true });
    assert_eq!(back.amount, Money::parse_yuan("8.80").unwrap());
    assert_eq!(waiting.movement, Movement::Refund { refund_no: None, succeeded: false });

    let empty = table(HEADER, &[], SUMS, "`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00");
    assert_eq!(read(&empty).unwrap().lines, []);
}

#[test]
fn a_bill_that_does_not_add_up_is_refused() {
    let file = honest();
    for (from, to) in [
        ("`3,`88.00", "`2,`88.00"),
        (",`88.00,`8.81\r\n", ",`88.01,`8.81\r\n"),
        (",`88.00,`8.81\r\n", ",`88.00,`8.80\r\n"),
        ("`88.00,`8.81,`0.00", "`88.00,`8.80,`0.00"),
        (MCHID, "1900000110"),
        ("CNY", "USD"),
        ("SUCCESS", "DREAMT"),
        ("PROCESSING", "DREAMT"),
        ("Rust, 入门课", "Rust,`入门课"),
        ("`4200000925202101284997714292", "`"),
        ("2026-09-22 00:00:00", "22.09.2026"),
        ("`88.00,`0.00,`\r\n", "`88.005,`0.00,`\r\n"),
        ("订单金额,申请退款金额", "订单总额,申请退款金额"),
        ("总交易单数", "单数"),
        ("`NATIVE", "NATIVE"),
        ("交易时间,", "`交易时间,"),
    ] {
        assert!(file.contains(from), "{from}");
        let broken = file.replacen(from, to, 1);
        assert_eq!(read(&broken).unwrap_err().kind(), ErrorKind::PeerMisbehaved, "{from} -> {to}");
    }
    // A cut file has no sums.
    for cut in [file.len() / 2, file.rfind("总交易").unwrap(), file.len() - 12] {
        let cut = (cut..).find(|cut| file.is_char_boundary(*cut)).unwrap();
        assert!(read(file.get(..cut).unwrap()).is_err(), "{cut}");
    }
    let error = read(&file.replacen("PROCESSING", "DREAMT", 1)).unwrap_err();
    assert!(error.to_string().contains("line 4"), "{error}");
}

#[test]
fn a_fund_flow_is_read() {
    let line = |direction: &str, fen: i64, balance: &str| {
        let amount = yuan(fen);
        row(&[
            "2026-09-22 00:00:00",
            "42000009",
            "120010",
            "交易",
            "交易",
            direction,
            &amount,
            balance,
            "system",
            "",
            NUMBER,
        ])
    };
    let rows = [line("收入", 8800, "88.00"), line("支出", 880, "79.20"), line("支出", 7920, "0.00")];
    let file = table(FUND_HEADER, &rows, FUND_SUMS, "`3,`1,`88.00,`2,`88.00");
    let flow = read_fund_flow(file.as_bytes(), day()).unwrap();
    assert_eq!(flow.lines.len(), 3);
    assert_eq!((flow.lines[0].direction, flow.lines[2].balance_minor), (FundDirection::In, 0));
    assert_eq!((flow.lines[1].amount.minor(), flow.lines[1].voucher_no.as_str()), (880, NUMBER));
    for (from, to) in [
        ("`3,`1", "`4,`1"),
        ("`1,`88.00", "`1,`88.01"),
        ("`2,`88.00", "`1,`88.00"),
        ("支出,`8.80", "支出,`8.81"),
        ("收入,`88", "转出,`88"),
    ] {
        let broken = file.replacen(from, to, 1);
        assert_ne!(broken, file);
        assert_eq!(
            read_fund_flow(broken.as_bytes(), day()).unwrap_err().kind(),
            ErrorKind::PeerMisbehaved,
            "{from}"
        );
    }
}

fn digest(file: &[u8]) -> String {
    Sha1::digest(file).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn link_to(world: &World, url: &str, hash_type: &str, hash: &str) -> Result<Option<BillLink>, ErrorKind> {
    let body = json!({"hash_type": hash_type, "hash_value": hash, "download_url": url});
    TradeBill::new(day()).read(&world.merchant, &world.reply(200, &body)).map_err(|error| error.kind())
}

const FILE_URL: &str = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=g44b_UH-1";

fn download_of(world: &World, file: &[u8]) -> BillDownload {
    link_to(world, FILE_URL, "SHA1", &digest(file)).unwrap().unwrap().download()
}

fn gzip(file: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(file).unwrap();
    packed.finish().unwrap()
}

fn reply(status: u16, body: Vec<u8>) -> Reply {
    let status = http::StatusCode::from_u16(status).unwrap();
    Message { status, body, headers: Vec::new() }.reply(NOW)
}

#[test]
fn the_file_fits_the_signed_digest() {
    let world = world();
    let file = honest().into_bytes();
    let download = download_of(&world, &file);
    let request = download.request(&world.merchant, stamp(NOW)).unwrap();
    assert_eq!(request.uri().to_string(), FILE_URL);
    assert!(request.headers().contains_key("authorization"));
    let kind =
        |body: Vec<u8>| download.read(&world.merchant, &reply(200, body)).map_err(|error| error.kind());
    // The digest is that of the file, packed or not.
    assert_eq!(kind(gzip(&file)).unwrap(), file);
    assert_eq!(kind(file.clone()).unwrap(), file);
    let mut changed = file.clone();
    changed.push(b'\n');
    let packed = gzip(&file);
    for body in [changed.clone(), gzip(&changed), packed[..packed.len() / 2].to_vec(), Vec::new(), gzip(b"")]
    {
        assert_eq!(kind(body).unwrap_err(), ErrorKind::Unverified);
    }
    let expired = download.read(&world.merchant, &reply(404, Vec::new())).unwrap_err();
    assert_eq!(expired.kind(), ErrorKind::PeerMisbehaved);
    assert!(download.read(&world.merchant, &reply(502, Vec::new())).unwrap_err().is_transient());
}

#[test]
fn a_bomb_is_not_unpacked() {
    let world = world();
    let file = vec![b' '; 1_000_000];
    let download = download_of(&world, &file);
    let packed = reply(200, gzip(&file));
    assert!(packed.response.body().len() < 10_000);
    assert!(download.clone().with_bytes_max(1_000_000).read(&world.merchant, &packed).is_ok());
    let error = download.with_bytes_max(999_999).read(&world.merchant, &packed).unwrap_err();
    assert!(error.to_string().contains("longer than the limit"), "{error}");
}

#[test]
fn links_lead_to_the_gateway() {
    let world = world();
    let hash = digest(b"");
    assert!(link_to(&world, FILE_URL, "SHA1", &hash).unwrap().is_some());
    assert!(link_to(&world, FILE_URL, "SHA1", &hash.to_uppercase()).unwrap().is_some());
    assert!(link_to(&world, &FILE_URL.replace("api.", "api2."), "SHA1", &hash).unwrap().is_some());
    for (url, hash_type, hash) in [
        ("https://evil.example/v3/billdownload/file?token=a", "SHA1", hash.as_str()),
        ("https://api.mch.weixin.qq.com.evil.example/a", "SHA1", &hash),
        ("http://api.mch.weixin.qq.com/a", "SHA1", &hash),
        (FILE_URL, "MD5", &hash),
        (FILE_URL, "SHA1", ""),
        (FILE_URL, "SHA1", "zz39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (FILE_URL, "SHA1", "+a39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ] {
        assert_eq!(link_to(&world, url, hash_type, hash).unwrap_err(), ErrorKind::PeerMisbehaved, "{url}");
    }
    let refused = |code: &str| {
        let reply = world.reply(400, &json!({"code": code, "message": "x"}));
        TradeBill::new(day()).read(&world.merchant, &reply).map_err(|error| error.kind())
    };
    assert_eq!(refused("NO_STATEMENT_EXIST"), Ok(None));
    assert_eq!(refused("STATEMENT_CREATING"), Err(ErrorKind::Unavailable));
    assert_eq!(refused("PARAM_ERROR"), Err(ErrorKind::InvalidInput));
    let unsigned = world.signed(400, r#"{"code":"NO_STATEMENT_EXIST"}"#).unsigned().reply(NOW);
    let error = TradeBill::new(day()).read(&world.merchant, &unsigned).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unverified);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is written is read, to the fen.
    #[test]
    fn bills_come_through(lines in proptest::collection::vec((any::<bool>(), 1..=100_000_000_i64, "[a-z课,\"]{0,6}"), 0..12)) {
        let rows: Vec<String> = lines.iter().map(|(paid, fen, name)| {
            if *paid { payment(NUMBER, *fen, name) } else { refund(NUMBER, "REFUND_0001", *fen, "SUCCESS") }
        }).collect();
        let sum = |wanted: bool| lines.iter().filter(|(paid, ..)| *paid == wanted).map(|(_, fen, _)| fen).sum::<i64>();
        let (paid, back) = (yuan(sum(true)), yuan(sum(false)));
        let sums = format!("`{},`{paid},`{back},`0.00,`0.00000,`{paid},`{back}", lines.len());
        let bill = read(&table(HEADER, &rows, SUMS, &sums)).unwrap();
        let read: Vec<(bool, i64)> =
            bill.lines.iter().map(|line| (line.movement == Movement::Payment, line.amount.minor())).collect();
        let written: Vec<(bool, i64)> = lines.iter().map(|(paid, fen, _)| (*paid, *fen)).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn any_file_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "[`,\r\n0-9.课金额-]{0,120}") {
        for file in [bytes, text.into_bytes()] {
            prop_assert!(read_fund_flow(&file, day()).is_err());
            prop_assert!(read_trade_bill(&file, &SellerId::parse(MCHID).unwrap(), day()).is_err());
        }
    }
}
