//! Bills: the archive and the lines in it, honest, damaged and hostile.
//!
//! The shape of the files (title, period, columns, tabs after numbers, end mark, sums) is that of bills which the
//! public repositories of other projects hold.

use crate::support::yuan;
use payments::alipay::{BILL_FILES_MAX, read_bill};
use payments::{Bill, BillDay, Error, ErrorKind, Movement, UnixMillis};
use proptest::prelude::*;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const COLUMNS: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,\
    对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,\
    券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";

pub(crate) fn day() -> BillDay {
    BillDay::parse("2026-09-22").unwrap()
}

fn row(trade_no: &str, number: &str, kind: &str, amount: &str, refund_no: &str) -> String {
    let fee = "0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00";
    format!(
        "{trade_no}\t,{number}\t,{kind}\t,Rust 入门课,2026-09-22 10:55:16,2026-09-22 10:56:48,\t,\t,\t,\t,*水(602***@qq.com)\t,\
         {amount},{amount},{fee},{refund_no}\t,-0.01,0.00,"
    )
}

fn file(rows: &[String], payments: usize, refunds: usize) -> String {
    let mut lines = vec![
        "#支付宝业务明细查询".to_owned(),
        "#账号：[20887210038991590156]".to_owned(),
        "#起始日期：[2026年09月22日 00:00:00]   终止日期：[2026年09月23日 00:00:00]".to_owned(),
        "#-----------------------------------------业务明细列表----------------------------------------"
            .to_owned(),
        COLUMNS.to_owned(),
    ];
    lines.extend_from_slice(rows);
    lines.extend([
        "#-----------------------------------------业务明细列表结束------------------------------------"
            .to_owned(),
        format!("#交易合计：{payments}笔，商家实收共88.00元，商家优惠共0.00元"),
        format!("#退款合计：{refunds}笔，商家实收退款共-8.00元，商家优惠退款共0.00元"),
        "#导出时间：[2026年09月23日 05:46:49]".to_owned(),
    ]);
    lines.join("\r\n") + "\r\n"
}

fn sums(payments: usize, refunds: usize) -> String {
    format!(
        "#支付宝业务汇总查询\r\n#账号：[20887210038991590156]\r\n门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）\r\n\
         1,店,{payments},{refunds},80.00\r\n合计\t,,{payments},{refunds},80.00\r\n"
    )
}

fn two_rows() -> Vec<String> {
    vec![
        row("2026092222001", "COURSE_0001", "交易", "88.00", ""),
        row("2026092222001", "COURSE_0001", "退款", "-8.00", "REFUND_0001"),
    ]
}

fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, replaced) = encoding_rs::GBK.encode(text);
    assert!(!replaced, "{text}");
    bytes.into_owned()
}

fn packed(files: &[Vec<u8>]) -> Vec<u8> {
    packed_by(CompressionMethod::Stored, files)
}

fn packed_by(method: CompressionMethod, files: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (index, file) in files.iter().enumerate() {
        zip.start_file(format!("2088_20260922_{index}.csv"), options).unwrap();
        zip.write_all(file).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The bill of the day with one payment and one refund, as it is downloaded.
pub(crate) fn archive() -> Vec<u8> {
    packed_by(CompressionMethod::Deflated, &[gbk(&sums(1, 1)), gbk(&file(&two_rows(), 1, 1))])
}

fn read(text: &str) -> Result<Bill, Error> {
    read_bill(day(), &packed(&[gbk(text)]))
}

fn refused(text: &str) -> String {
    let error = read(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PeerMisbehaved, "{error}");
    error.to_string()
}

#[test]
fn a_bill_becomes_lines() {
    let bill = read_bill(day(), &archive()).unwrap();
    let [payment, refund] = &bill.lines[..] else { panic!("{bill:?}") };
    assert_eq!((bill.day, payment.movement.clone()), (day(), Movement::Payment));
    assert_eq!((payment.out_trade_no.as_str(), payment.trade_no.as_str()), ("COURSE_0001", "2026092222001"));
    assert_eq!((payment.amount, refund.amount), (yuan("88.00"), yuan("8.00")));
    let at = UnixMillis::parse_china_text("2026-09-22 10:56:48").unwrap();
    assert_eq!(payment.at, Some(at));
    let refund_no = Some("REFUND_0001".to_owned());
    assert_eq!(refund.movement, Movement::Refund { refund_no, succeeded: true });
}

#[test]
fn an_empty_day_and_quoted_cells() {
    assert_eq!(read(&file(&[], 0, 0)).unwrap().lines.len(), 0);
    let quoted = two_rows()[0].replace("Rust 入门课", "\"Rust, \"\"入门\"\"\" ");
    assert_eq!(read(&file(&[quoted], 1, 0)).unwrap().lines.len(), 1);
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let good = &two_rows()[0];
    for (bad, why) in [
        (good.replace("88.00", "88.005"), "amount"),
        (good.replace("88.00", "-88.00"), "amount"),
        (good.replace("交易\t", "转账\t"), "type"),
        (good.replace("2026092222001", "2026 0922"), "trade number"),
        (good.replace("10:56:48", "10:56"), "time"),
        (good.replace("Rust 入门课", "Rust, 入门课"), "cells"),
        (good.replace("Rust 入门课", "\"Rust"), "quoted"),
        (good.replace("Rust 入门课", "\"Rust\" 2"), "quoted"),
    ] {
        let words = refused(&file(&[good.clone(), bad], 2, 0));
        assert!(words.contains("at line 7") && words.contains(why), "{words}");
    }
    let mut bytes = gbk(&file(&two_rows(), 1, 1));
    let place = bytes.windows(4).position(|four| four == b"Rust").unwrap();
    bytes[place + 3] = 0xff;
    let words = read_bill(day(), &packed(&[bytes])).unwrap_err().to_string();
    assert!(words.contains("at line 6") && words.contains("GBK"), "{words}");
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    let whole = file(&two_rows(), 1, 1);
    let (start, _) = whole.split_once("#-----------------------------------------业务明细列表结束").unwrap();
    assert!(refused(start).contains("end"));
    let (ended, _) = whole.split_once("#交易合计").unwrap();
    let after = format!("{ended}{}\r\n", two_rows()[0]);
    assert!(refused(&after).contains("after the end"));
    for (payments, refunds) in [(2, 1), (1, 0), (0, 1)] {
        assert!(refused(&file(&two_rows(), payments, refunds)).contains("counts"));
    }
    assert!(refused(&whole.replace("：1笔", "：一笔")).contains("number"));
    assert!(refused(&whole.replace("09月22日 00", "09月21日 00")).contains("another day"));
    assert!(refused(&whole.replace("#起始日期", "#日期")).contains("day"));
    assert!(refused(&whole.replace("订单金额", "金额")).contains("column"));
    assert!(refused(&sums(1, 1)).contains("no file"));

    let bytes = gbk(&whole);
    let twice = read_bill(day(), &packed(&[bytes.clone(), bytes.clone()])).unwrap_err();
    assert!(twice.to_string().contains("two files"), "{twice}");
    let other = read_bill(day(), &packed(&[bytes.clone(), gbk(&sums(2, 1))])).unwrap_err();
    assert!(other.to_string().contains("summary"), "{other}");
    let broken = read_bill(day(), &packed(&[bytes.clone(), gbk(&sums(1, 1).replace(",1,1,80", ",1,x,80"))]));
    assert!(broken.unwrap_err().to_string().contains("line 5"));
    // A file of another kind, and a summary without a row of sums, say nothing.
    let rest = [bytes, gbk("#账务汇总"), gbk(&sums(9, 9).replace("合计", "总"))];
    assert_eq!(read_bill(day(), &packed(&rest)).unwrap().lines.len(), 2);
}

#[test]
fn hostile_archives() {
    let kind = |archive: &[u8]| read_bill(day(), archive).unwrap_err().kind();
    for archive in [&b""[..], b"PK", b"<html>expired</html>"] {
        assert_eq!(kind(archive), ErrorKind::PeerMisbehaved);
    }
    let whole = archive();
    for cut in [whole.len() / 3, whole.len() - 1] {
        assert_eq!(kind(&whole[..cut]), ErrorKind::PeerMisbehaved);
    }
    let mut flipped = whole;
    flipped[60] ^= 0xff;
    assert_eq!(kind(&flipped), ErrorKind::PeerMisbehaved);

    let many = vec![Vec::new(); BILL_FILES_MAX + 1];
    assert!(read_bill(day(), &packed(&many)).unwrap_err().to_string().contains("16 files"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_written_is_read(
        rows in proptest::collection::vec(("[0-9]{1,28}", "[A-Za-z0-9_]{6,20}", any::<bool>(), 1..=9_999_999_u32), 0..8)
    ) {
        let text = |fen: u32| format!("{}.{:02}", fen / 100, fen % 100);
        let written: Vec<_> = rows.iter().map(|(trade_no, number, pays, fen)| {
            if *pays {
                row(trade_no, number, "交易", &text(*fen), "")
            } else {
                row(trade_no, number, "退款", &format!("-{}", text(*fen)), number)
            }
        }).collect();
        let payments = rows.iter().filter(|(_, _, pays, _)| *pays).count();
        let files = [gbk(&file(&written, payments, rows.len() - payments)), gbk(&sums(payments, rows.len() - payments))];
        let bill = read_bill(day(), &packed(&files)).unwrap();
        prop_assert_eq!(bill.lines.len(), rows.len());
        for (line, (trade_no, number, pays, fen)) in bill.lines.iter().zip(&rows) {
            prop_assert_eq!(line.trade_no.as_str(), trade_no);
            prop_assert_eq!(&line.out_trade_no, number);
            prop_assert_eq!(line.amount.minor(), i64::from(*fen));
            prop_assert_eq!(line.movement == Movement::Payment, *pays);
        }
    }

    #[test]
    fn any_archive_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read_bill(day(), &bytes).is_err());
    }

    #[test]
    fn any_file_is_answered(tail in "[#,\"\t\r\n0-9.交易退款合计：笔\\[\\]年月日 -]{0,60}") {
        for title in ["#支付宝业务明细查询\r\n", "#支付宝业务汇总查询\r\n"] {
            let _answered = read(&format!("{title}{tail}"));
            let start = file(&two_rows(), 1, 1).replace("\r\n#---", &format!("\r\n{tail}\r\n#---"));
            let _answered = read(&start);
        }
    }

    #[test]
    fn a_damaged_archive_is_answered(place in 0..1000_usize, byte: u8) {
        let mut archive = archive();
        let place = place % archive.len();
        archive[place] = byte;
        if let Ok(bill) = read_bill(day(), &archive) {
            prop_assert_eq!(bill.lines.len(), 2);
        }
    }
}
